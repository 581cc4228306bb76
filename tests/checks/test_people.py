"""F501 against plain enumeration of who might do what, and what it says of small flows and staffs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from kernels import flow, kernel
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Answer, Verdict
from penstock.compiler.instance import NOBODY, Actor, Armed, Completion, Fired, Instance, Rejected
from penstock.compiler.kernel import Kernel
from penstock.compiler.simulate import start, step
from penstock.compiler.staff import Staff, StaffError, parse, read

SPECS = Path(__file__).parents[2] / "specs"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def of(kernel: Kernel, staff: Staff | None) -> dict[str, Answer]:
    return {a.subject: a for a in check(kernel, staff=staff).answers if a.rule.code == "F501"}


def said(answer: Answer) -> str:
    assert answer.diagnostic is not None
    return answer.diagnostic.message


def staff(**people: str) -> Staff:
    return Staff({name: frozenset(roles.split()) for name, roles in people.items()})


# ---------------------------------------------------------------- against enumeration

FLOWS = {
    "a chain": """
      roles a, b
      start -> One
      state One { task one for a { title "1" except actor of start } on one -> Two after 9d -> End }
      state Two { task two for b { title "2" except actor of one, start } on two -> Three after 9d -> End }
      state Three { task three for a, b { title "3" except actor of two } on three -> End after 9d -> End }
      final End
    """,
    "kept together": """
      roles a, b
      start -> One
      state One { task one for a, b { title "1" } on one -> Two after 9d -> End }
      state Two { task two for b { title "2" except actor of one } on two -> Three after 9d -> Three }
      state Three { task three for actor of two { title "3" except actor of one } on three -> End after 9d -> End }
      final End
    """,
    "escalated": """
      roles a, b
      start -> One
      state One { task one for a { title "1" escalate to b after 1d } on one -> Two after 9d -> End }
      state Two {
        task two for a { title "2" except actor of one escalate to b after 2d }
        on two -> One
        after 9d -> End
      }
      final End
    """,
    "escalated after a timer of an outer state": """
      roles a, b
      event go
      start -> Outer
      state Outer {
        start -> Early
        after 1d -> Outer.Late
        state Early { on go -> End }
        state Late { task one for a { title "1" escalate to b after 2d } on one -> Two after 9d -> End }
      }
      state Two { task two for b { title "2" except actor of one } on two -> End after 9d -> End }
      final End
    """,
    "both open": """
      roles a, b
      start -> Both
      state Both {
        task one for a { title "1" }
        task two for b { title "2" except actor of start }
        on one stay
        on two -> Three
        after 9d -> End
      }
      state Three { task three for b { title "3" except actor of one, two } on three -> Both after 9d -> End }
      final End
    """,
}


def helpless(kernel: Kernel, people: Mapping[str, frozenset[str]]) -> set[str]:
    """The tasks that nobody can do somewhere: every choice of people is tried on the interpreter."""
    found: set[str] = set()
    seen: set[object] = set()
    everybody = [Actor(name, roles) for name, roles in people.items()]
    todo = [start(kernel, (), who, NOW).after for who in (*everybody, Actor("somebody else"), NOBODY)]
    while todo:
        at = todo.pop()
        key = at.configuration, at.actors, tuple((i.task, i.excluded, i.persons) for i in at.tasks)
        if key in seen or at.finished:
            continue
        seen.add(key)
        for item in at.tasks:
            after = list(outcomes(kernel, at, item.task, everybody))
            if not after:
                found.add(item.task)
            todo += after
        todo += [step(kernel, at, Fired(armed.timer), NOBODY, armed.due).after for armed in leaving(kernel, at)]
    return found


def outcomes(kernel: Kernel, at: Instance, task: str, everybody: list[Actor]) -> Iterator[Instance]:
    """What becomes of the instance when somebody completes a task, escalated as far as it will be."""
    for armed in at.due():
        if kernel.timer[armed.timer].task == task:
            at = step(kernel, at, Fired(armed.timer), NOBODY, armed.due).after
    for who in everybody:
        try:
            yield step(kernel, at, Completion(task), who, at.started).after
        except Rejected:
            continue


def leaving(kernel: Kernel, at: Instance) -> list[Armed]:
    return [armed for armed in at.due() if kernel.timer[armed.timer].task is None]


@pytest.mark.parametrize("name", FLOWS)
def test_whether_there_is_somebody_is_what_enumeration_says(name: str) -> None:
    subject = flow(FLOWS[name])
    for roles in product(("a", "b", "a b", ""), repeat=3):
        people = {person: frozenset(has.split()) for person, has in zip(("ann", "bob", "eve"), roles, strict=True)}
        truth = helpless(subject, people)
        answers = {s.removeprefix("the task ").strip("`"): a.verdict for s, a in of(subject, Staff(people)).items()}
        assert {task for task in subject.task if answers.get(task) is Verdict.REFUTED} == truth, people
        assert Verdict.UNKNOWN not in answers.values()


# ---------------------------------------------------------------- what it says

EXPENSE = kernel((SPECS / "expense.flow").read_text(encoding="utf-8"))
ENOUGH = read(SPECS / "staff.toml")


def test_the_staff_beside_the_expense_flow_suffices() -> None:
    assert {answer.verdict for answer in of(EXPENSE, ENOUGH).values()} == {Verdict.PROVED}


def test_one_director_less_and_a_run_shows_who_did_what() -> None:
    fewer = Staff({name: roles for name, roles in ENOUGH.people.items() if name != "eva"}, ENOUGH.outside)
    answer = of(EXPENSE, fewer)["the task `second_approval`"]
    assert said(answer) == "nobody is left who may do `second_approval`, after what was done by whom"
    assert answer.diagnostic is not None
    assert answer.diagnostic.why[:2] == (
        "`dora` may not: did `first_approval`.",
        "`dan` may not: did `start`.",
    )
    assert [step.trigger.split("(")[0] for step in answer.diagnostic.trace] == [
        'start by "dan"',
        "check_policy done",
        "reserve_budget done",
        'first_approval by manager "dora"',
    ]


def test_what_nobody_can_avoid_is_told_from_an_unlucky_choice() -> None:
    chain = flow("""
      roles a
      start -> One
      state One { task one for a { title "1" } on one -> Two after 9d -> End }
      state Two { task two for a { title "2" except actor of one } on two -> End after 9d -> End }
      final End
    """)
    alone, pair = of(chain, staff(ann="a")), of(chain, staff(ann="a", bob="a"))
    assert said(alone["the task `two`"]) == "nobody can do `two` here, whoever did what before"
    assert pair["the task `two`"].verdict is Verdict.PROVED


def test_what_nobody_can_avoid_is_shown_by_a_way_on_which_nobody_can() -> None:
    kernel = flow("""
      roles clerk, chief
      event hurry
      start -> One
      state One { task one for clerk { title "1" } on one -> Both on hurry -> Both after 9d -> Left }
      parallel Both {
        region Checking {
          start -> Two
          state Two { task two for chief { title "2" except actor of one } on two -> Checked after 1d -> Missed }
          final Checked
          final failure Missed
        }
        region Paying {
          start -> Three
          state Three { task three for clerk { title "3" except actor of one } on three -> Four after 2d -> Paid }
          state Four { task four for chief { title "4" except actor of three } on four -> Paid after 1d -> Paid }
          final Paid
        }
        on all done    -> Left
        on any failure -> Left
      }
      final Left
    """)
    answer = of(kernel, staff(ann="clerk chief", bob="clerk"))["the task `four`"]
    assert said(answer) == "nobody can do `four` here, whoever did what before"
    assert answer.diagnostic is not None
    shown = [step.trigger for step in answer.diagnostic.trace]
    assert shown[1:3] == ['one by clerk "bob"', 'two by chief "ann"'], (
        "and not after `hurry`, where bob might do `three`"
    )
    assert "no shorter run" not in answer.diagnostic.note


def test_a_role_that_nobody_has_may_be_that_of_people_outside() -> None:
    nobody = of(EXPENSE, Staff({"mia": frozenset({"manager"}), "dan": frozenset({"director"})}))
    assert of(EXPENSE, ENOUGH)["the event `attach`"].verdict is Verdict.PROVED
    assert said(nobody["the event `attach`"]) == "there is nobody who may send `attach`, which is for `employee`"
    assert said(nobody["the task `clarify`"]) == "there is nobody who can do `clarify`, which is for `employee`"


@pytest.mark.parametrize(
    ("after", "verdict"), [("1d", Verdict.REFUTED), ("2d", Verdict.REFUTED), ("3d", Verdict.PROVED)]
)
def test_whoever_it_is_escalated_to_may_do_it_before_a_timer_of_that_moment(after: str, verdict: Verdict) -> None:
    subject = flow(f"""
      roles clerk, lead
      start -> One
      state One {{ task one for clerk {{ title "1" escalate to lead after {after} }} on one -> Two after 2d -> End }}
      state Two {{ task two for lead {{ title "2" except actor of one }} on two -> End after 9d -> End }}
      final End
    """)
    assert of(subject, staff(ann="clerk", dora="lead"))["the task `two`"].verdict is verdict


def test_without_a_staff_a_person_whom_a_task_names_may_have_done_another() -> None:
    subject = flow("""
      roles clerk
      start -> One
      state One { task one for clerk { title "1" } on one -> Two after 2d -> End }
      state Two { task two for person "ann" { title "2" except actor of one } on two -> End after 9d -> End }
      final End
    """)
    assert of(subject, None)["the task `two`"].verdict is Verdict.REFUTED
    assert of(subject, staff(ann="", bob="clerk"))["the task `two`"].verdict is Verdict.PROVED


def test_a_person_called_as_a_role_is_not_one_of_those_with_the_role() -> None:
    subject = flow("""
      roles clerk
      start -> One
      state One { task one for clerk { title "1" } on one -> Between after 2d -> End }
      state Between { after 1d -> Two }
      state Two { task two for person "clerk" { title "2" except actor of one } on two -> End after 9d -> End }
      final End
    """)
    assert of(subject, staff(bob="clerk", clerk="clerk"))["the task `two`"].verdict is Verdict.REFUTED


def test_people_outside_are_not_taken_for_somebody_of_the_staff() -> None:
    chain = flow("""
      roles clerk, chief
      start -> One
      state One { task one for clerk { title "1" } on one -> Two after 2d -> End }
      state Two { task two for chief { title "2" except actor of one } on two -> End after 9d -> End }
      final End
    """)
    found = of(chain, Staff({"clerk 1": frozenset({"clerk", "chief"})}, frozenset({"clerk"})))
    assert said(found["the task `two`"]) == "nobody is left who may do `two`, after what was done by whom"


def test_a_timer_that_leads_elsewhere_in_the_state_of_a_task_leaves_it_open() -> None:
    """So it is escalated after that. The shortest way to it is not in time, so another one is shown."""
    subject = flow("""
      roles clerk, lead
      start -> One
      state One {
        task one for clerk { title "1" escalate to lead after 2d }
        start -> One.First
        on one -> Two
        after 1d -> One.Second
        after 9d -> End
        state First {}
        state Second {}
      }
      state Two { task two for lead { title "2" except actor of one } on two -> End after 9d -> End }
      final End
    """)
    found = of(subject, staff(ann="clerk", dora="lead"))
    assert found["the task `two`"].verdict is Verdict.REFUTED
    assert "no shorter run" not in (found["the task `two`"].diagnostic or pytest.fail("it is refuted")).note
    assert of(subject, staff(dora="lead"))["the task `one`"].verdict is Verdict.PROVED


INNER = """
  roles a, b
  event go
  start -> Outer
  state Outer {
    task one for a { title "1" escalate to b after 5s }
    start -> Outer.Short
    on one -> Two
    state Short { on go -> Outer.Long  after 2s -> End }
    state Long { after 9s -> End }
  }
  state Two { task two for b { title "2" except actor of one } on two -> End after 9s -> End }
  final End
"""


def test_a_timer_of_a_state_further_in_is_over_when_that_is_left_and_a_task_is_escalated_all_the_same() -> None:
    both = of(flow(INNER), staff(ann="a", bob="b"))
    refused = both["the task `two`"]
    assert refused.verdict is Verdict.REFUTED, "bob does the first one, once it is escalated to him"
    assert refused.diagnostic is not None
    assert [step.trigger for step in refused.diagnostic.trace] == [
        "start",
        "go",
        "one escalates to b after 5s",
        'one by b "bob"',
    ]
    assert of(flow(INNER), staff(ann="a", bob="b", eve="b"))["the task `two`"].verdict is Verdict.PROVED


def test_an_except_that_never_matters_is_refuted_without_a_staff() -> None:
    late = flow("""
      roles a
      start -> One
      state One { task one for a { title "1" except actor of two } on one -> Two after 9d -> End }
      state Two { task two for a { title "2" } on two -> End after 9d -> End }
      final End
    """)
    assert said(of(late, None)["`one` apart from `two`"]).startswith("`except actor of two` shuts nobody out")


def test_an_except_of_a_task_that_perhaps_nobody_ever_opens_is_not_refuted() -> None:
    """The timer that comes first faults, whatever `v` is."""
    faulty = flow("""
      data { v: int 0..1 = 0 }
      roles a
      start -> One
      state One { after (if v >= 1 then 1s else 2s) -> Two after 1s { v = v - 1 } stay }
      state Two { task two for a { title "2" except actor of two } on two -> End }
      final End
    """)
    answer = of(faulty, None)["`two` apart from `two`"]
    assert answer.verdict is Verdict.PROVED and answer.vacuous


def test_an_except_that_matters_on_no_run_is_not_proved() -> None:
    """`One` is never entered again, where the other timer comes first: its length is data (seed 20340294)."""
    body = """
      data { slow: bool = SLOW }
      roles a
      start -> One
      state One { task one for a { title "1" except actor of one } on one -> Two }
      state Two { after (if slow then 2s else 1s) -> One after 1s -> End }
      final End
    """
    for slow, verdict in (("true", Verdict.REFUTED), ("false", Verdict.PROVED)):
        assert of(flow(body.replace("SLOW", slow)), None)["`one` apart from `one`"].verdict is verdict


def test_a_task_for_an_actor_who_may_never_have_acted_is_refuted_without_a_staff() -> None:
    skipped = flow("""
      roles a
      event skip
      start -> One
      state One { task one for a { title "1" } on one -> Two on skip -> Two after 9d -> End }
      state Two { task two for actor of one { title "2" } on two -> End after 9d -> End }
      final End
    """)
    answer = of(skipped, None)["the task `two`"]
    assert said(answer) == "there is nobody who can do `two`, which is for whoever did `one`"
    assert answer.diagnostic is not None and [s.trigger for s in answer.diagnostic.trace] == ["start", "skip"]


def test_a_task_that_only_an_escalation_gives_to_somebody_is_done_on_a_run() -> None:
    """Two tasks of an outer state, one for whoever did the other: at first nobody, later the boss."""
    subject = flow("""
      roles clerk, boss
      start -> Outer
      state Outer {
        start -> Inner
        task one for clerk { title "1" remind every 1h }
        task two for actor of one { title "2" escalate to boss after 2h }
        state Inner {}
        on one -> Outer
        on two -> End
        after 9d -> End
      }
      final End
    """)
    assert {answer.verdict for answer in check(subject).answers} == {Verdict.PROVED}


# ---------------------------------------------------------------- the file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("people = 3", "s.toml names nobody"),
        ("[people", "s.toml is not TOML"),
        ("[people]\nann = 'boss'", "s.toml: the roles of `ann` are a list of different names"),
        ("[people]\nann = ['boss', 'boss']", "s.toml: the roles of `ann` are a list of different names"),
        ("outsid = []\n[people]\nann = []", "s.toml speaks of `outsid`"),
        ("outside = 'x'\n[people]\nann = []", "s.toml: `outside` are a list of different names"),
    ],
)
def test_a_file_that_does_not_say_who_there_is_is_refused(text: str, message: str) -> None:
    with pytest.raises(StaffError, match=message.replace("[", r"\[").replace("(", r"\(")):
        parse(text, "s.toml")


def test_a_staff_of_thousands_is_answered_as_one_of_those_that_make_a_difference() -> None:
    body = """
      roles clerk, lead
      start -> Drawn
      state Drawn { task draw for clerk on draw -> Checked after 1d -> Checked }
      state Checked { task look for clerk { except actor of draw } on look -> Signed after 1d -> Done }
      state Signed { task sign for lead { except actor of draw, look } on sign -> Done after 1d -> Done }
      final Done
    """
    subject = flow(body)
    clerks = {f"clerk {n}": frozenset({"clerk"}) for n in range(5000)}
    leads = {f"lead {n}": frozenset({"clerk", "lead"}) for n in range(3)}

    def verdicts(people: Mapping[str, frozenset[str]]) -> dict[str, Verdict]:
        return {name: answer.verdict for name, answer in of(subject, Staff(people)).items()}

    few = dict([*clerks.items()][:9])
    assert verdicts(clerks) == verdicts(few)
    assert verdicts(clerks)["the task `sign`"] is Verdict.REFUTED
    assert verdicts(clerks | leads) == verdicts(few | leads)
    assert verdicts(clerks | leads)["the task `sign`"] is Verdict.PROVED


def test_a_file_that_nests_too_deeply_is_refused() -> None:
    with pytest.raises(StaffError, match="nests too deeply"):
        parse("outside = " + "[" * 50_000 + "]" * 50_000, "staff.toml")


def test_a_role_that_is_nearly_one_of_a_flow_is_a_slip() -> None:
    assert staff(ann="manger").misspelt(frozenset({"manager"})) == (
        "no flow has the role `manger`; did you mean `manager`?"
    )
    assert staff(ann="cook").misspelt(frozenset({"manager"})) is None
