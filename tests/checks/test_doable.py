"""What somebody can do on some run: states and transitions behind tasks that perhaps nobody can do (F001, F002)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kernels import flow
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Answer, Verdict
from penstock.compiler.instance import Actor, Completion, Delegation
from penstock.compiler.kernel import Kernel
from penstock.compiler.simulate import start, step

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def of(kernel: Kernel, code: str) -> dict[str, Answer]:
    return {a.subject: a for a in check(kernel).answers if a.rule.code == code}


def why(answer: Answer) -> tuple[str, ...]:
    assert answer.diagnostic is not None
    return answer.diagnostic.why


def test_what_lies_behind_a_task_that_is_for_nobody_is_never_entered() -> None:
    subject = flow("""
      roles a
      start -> Early
      state Early { task one for a { title "1" } on one -> Lost after 1s -> Late }
      state Late { task two for actor of one { title "2" } on two -> Never after 9s -> Lost }
      state Never { after 9s -> Done }
      final Done
      final Lost
    """)
    entered = of(subject, "F001")
    assert {name for name, a in entered.items() if a.verdict is Verdict.REFUTED} == {"`Never`", "`Done`"}
    nobody = ("never, because there is nobody who can do `two`, which is for whoever did `one`.",)
    assert why(entered["`Never`"]) == nobody
    taken = [answer for answer in check(subject).answers if answer.rule.code == "F002"]
    dead = [subject.source.slice(answer.span) for answer in taken if answer.verdict is Verdict.REFUTED]
    assert dead == ["on two -> Never"], "what stands in a state that nothing enters is not asked about"
    assert Verdict.UNKNOWN not in {answer.verdict for answer in (*entered.values(), *taken)}


def test_what_a_task_that_is_for_nobody_leads_to_leaves_nothing_open() -> None:
    subject = flow("""
      roles a
      activity act() { compensate undo() }
      start -> Early
      state Early { task one for a { title "1" } on one -> Lost after 1s -> Late }
      state Late {
        do act()
        on done   -> Lost
        on failed -> compensate -> Bad
        task two for actor of one { title "2" }
        on two -> Lost
        task three for actor of one { title "3" }
        on three -> Again
      }
      state Again { do act() on done -> Lost on failed -> Lost }
      final Lost
      final failure Bad
    """)
    for code in ("F009", "F103"):
        assert {answer.verdict for answer in of(subject, code).values()} == {Verdict.PROVED}, code


def test_what_is_done_on_some_ways_only_is_shown_by_a_run_on_which_somebody_does_it() -> None:
    subject = flow("""
      roles a
      event go
      start -> Early
      state Early { on go -> Late task one for a { title "1" } on one -> Late after 1s -> Lost }
      state Late { task two for actor of one { title "2" } on two -> Then after 9s -> Lost }
      state Then { after 9s -> Done }
      final Done
      final Lost
    """)
    entered, taken = of(subject, "F001"), of(subject, "F002")
    assert {answer.verdict for answer in (*entered.values(), *taken.values())} == {Verdict.PROVED}


def test_whom_a_task_names_may_not_do_it_once_they_are_shut_out() -> None:
    subject = flow("""
      roles a
      start -> One
      state One { task one for person "ann" { title "1" } on one -> Two after 1s -> Lost }
      state Two {
        task two for person "ann" { title "2" except actor of one }
        on two -> Done
        after 9s -> Lost
      }
      final Done
      final Lost
    """)
    assert of(subject, "F001")["`Done`"].verdict is Verdict.UNKNOWN  # ann may delegate the first one


def test_nobody_is_delegated_what_nobody_may_do() -> None:
    subject = flow("""
      roles a
      start -> Two
      state Two {
        task two for actor of start { title "2" except actor of start }
        on two -> Done
        after 9s -> Lost
      }
      final Done
      final Lost
    """)
    never = of(subject, "F001")["`Done`"]
    assert never.verdict is Verdict.REFUTED
    assert why(never) == ("never, because there is nobody who can do `two`, which shuts out whomever it is for.",)


DELEGATED = """
  roles a
  start -> One
  state One { task one for actor of start { title "1" } on one -> Two after 9s -> Lost }
  state Two { task two for actor of one { title "2" except actor of start } on two -> Done after 9s -> Lost }
  final Done
  final Lost
"""


def test_what_can_be_done_once_another_task_was_delegated_is_not_held_for_impossible() -> None:
    subject, ann, bob = flow(DELEGATED), Actor("ann"), Actor("bob")
    at = start(subject, (), ann, NOW).after
    for trigger, who in ((Delegation("one", "bob"), ann), (Completion("one"), bob), (Completion("two"), bob)):
        at = step(subject, at, trigger, who, NOW + timedelta(seconds=1)).after
    assert at.configuration == ("Done",)
    assert of(subject, "F001")["`Done`"].verdict is Verdict.UNKNOWN


def test_what_can_be_done_since_somebody_without_a_name_came_before_is_not_held_for_impossible() -> None:
    """Whoever has no name is not shut out, nor is anybody else for what they did."""
    subject = flow("""
      roles a
      start -> One
      state One {
        task one for person "bob" { title "1" escalate to a after 1s }
        on one -> Two
        after 9s -> Lost
      }
      state Two { task two for person "bob" { title "2" except actor of one } on two -> Done after 9s -> Lost }
      final Done
      final Lost
    """)
    assert of(subject, "F001")["`Done`"].verdict is not Verdict.REFUTED
