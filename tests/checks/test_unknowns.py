"""What is unknown says which question is open, why, how far the search came, and what would help."""

from __future__ import annotations

from itertools import chain, count, repeat

import pytest

from kernels import flow
from penstock.compiler.checks import budget
from penstock.compiler.checks.suite import Limits, check
from penstock.compiler.checks.verdict import Answer, Verdict
from penstock.dsl.diagnostics import Diagnostic


def unknown(body: str, limits: Limits | None = None) -> list[Answer]:
    return [answer for answer in check(flow(body), limits).answers if answer.verdict is Verdict.UNKNOWN]


def first(body: str, code: str, limits: Limits | None = None) -> Diagnostic:
    found = next(answer.diagnostic for answer in unknown(body, limits) if answer.rule.code == code)
    assert found is not None
    return found


def helps(said: Diagnostic) -> list[str]:
    return [fix.text for fix in said.fixes]


LARGE = """
  data { total: int = 0, mode: int 0..40 = 0 }
  event add(n: int 0..9)
  event turn
  event push
  start -> Both
  parallel Both {
    region Money {
      start -> A1
      state A1 { on add(n) { total = total + n } -> A2  after 1h -> Da }
      state A2 { on turn when mode < 40 { mode = mode + 1 } -> A1  on turn else -> Da  after 2h -> Da }
      final Da
    }
    region Goods {
      start -> B1
      state B1 { on push when mode > 20 -> B2  on push else stay  after 3h -> Db }
      state B2 { on push -> B1  after 3h -> Db }
      final Db
    }
    on all done -> Done
  }
  final Done
"""


def test_too_many_configurations_name_what_multiplies_them() -> None:
    said = first(LARGE, "F001", Limits(nodes=60))
    assert said.message == (
        "it is not known whether any run enters `Both.Goods.B2`: there are more than 60 configurations"
    )
    assert said.why[0].startswith("no run that was looked at shows it, up to ")
    assert said.why[1].startswith("`mode` multiplies them by ")
    assert helps(said)[0] == "compare `mode` with fewer values, or give it a smaller range or an `enum`"
    assert said.others[0].text == "would help here"


def test_regions_that_multiply_are_named_too() -> None:
    regions = "\n".join(
        f"region R{n} {{ start -> A{n}  state A{n} {{ on e{n} -> B{n}  after 1h -> D{n} }}"
        f" state B{n} {{ on e{n} -> A{n}  after 1h -> D{n} }}  final D{n} }}"
        for n in range(4)
    )
    events = "\n".join(f"event e{n}" for n in range(4))
    body = f"{events}\nstart -> All\nparallel All {{\n{regions}\non all done -> Done\n}}\nfinal Done\n"
    said = first(body, "F004", Limits(nodes=70))
    assert said.why[1].startswith("region `All.R") and "multiplies them by" in said.why[1]
    assert "with `do flow`" in helps(said)[0]


def test_time_that_ran_out_offers_more_of_it() -> None:
    said = first(LARGE, "F004", Limits(seconds=0.0))
    assert (
        said.message == "it is not known whether the flow `Test` can always still finish: it took more than 0 seconds "
        "of processor time"
    )
    assert "allow more time: `--timeout`" in helps(said)


def test_a_search_that_ran_out_names_what_multiplies_and_counts_what_it_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    spent = chain(count(0.0, 0.002), repeat(0.8))
    monkeypatch.setattr(budget, "process_time", lambda: min(next(spent), 0.8))
    said = first(LARGE, "F001", Limits(seconds=1.0))
    assert said.message.endswith(
        ": the search took more than 0.75 of the 1 seconds of processor time that a flow may take"
    )
    assert "multiplies them by" in said.why[1]
    assert "allow more time: `--timeout`" in helps(said)


def test_what_is_refuted_in_a_search_that_was_cut_claims_not_to_have_seen_all() -> None:
    overlapping = LARGE.replace("on add(n) {", "on add(n) when n > 3 -> Da  on add(n) when n < 5 {")
    for limits, told in ((Limits(nodes=60), ""), (Limits(), "all ")):
        report = check(flow(overlapping), limits)
        (found,) = (answer for answer in report.answers if answer.rule.code == "F006" and answer.diagnostic)
        assert found.verdict is Verdict.REFUTED and found.diagnostic is not None
        assert found.scope == f"{told}{report.configurations} configurations"
        assert found.diagnostic.note.startswith(f"{found.scope} examined")


def test_questions_that_ran_out_say_so() -> None:
    said = first(LARGE, "F003", Limits(questions=20))
    assert said.message.endswith("the budget of questions is used up")
    assert helps(said) == ["split the flow: a part of it as a flow of its own, done with `do flow`"]


HARD = """
  input { a: int, b: int }
  data { c: int = 0 }
  event go
  start -> Open
  state Open {
    on go when b * b * b == a * a * a * a + 77 { c = 1 } -> Done
    on go else -> Done
    after 1d -> Done
  }
  final Done
  never c == 1
"""


def test_what_z3_does_not_decide_is_named() -> None:
    said = first(HARD, "F301", Limits(rlimit=2000))
    assert said.message.endswith("Z3 could not decide a step: what it may spend on one question was used up")
    assert said.why[1] == "`b * b * b` (line 8) is a product of two variables, which Z3 does not decide in general."
    assert "give the factors small ranges, or compare a sum" in helps(said)


SUM = """
  input { budget: int 0..1000 }
  data { total: int = 0, price: int = 0 }
  activity quote() -> int { retry 2 backoff 1s..2s  readonly }
  event more
  start -> Asking
  state Asking {
    do quote()
    on done(found) { price = found } -> Adding
    on failed -> Done
  }
  state Adding {
    on more when total + price + price <= budget { total = total + price + price } -> Asking
    on more else -> Done
    after 1d -> Done
  }
  final Done
  never total == 3
"""


def test_data_that_were_not_ruled_out_are_shown_with_what_would_bound_them() -> None:
    said = first(SUM, "F301")
    assert any(line.startswith("not ruled out: `") and "`total` = 3" in line for line in said.why), said
    assert any("bound `total` where it grows, on line" in text for text in helps(said)), said


LOOSE = """
  data { ends: instant = @2026-01-01T00:00:00Z }
  event go
  start { ends = now + 3h } -> Open
  state Open {
    on go { ends = now + 2h } -> Open
    after 1h -> Done
    after (ends - now) -> Late
  }
  final Done
  final failure Late
"""


def test_a_timer_that_depends_on_data_is_named_where_it_may_never_come_in_time() -> None:
    said = first(LOOSE, "F202")
    assert said.message == (
        "it is not known whether the timer on line 9 ever fires: no moment was found at which the timer on line 9 "
        "fires: `after ends - now` depends on data"
    )
    assert helps(said) == ["write how long it takes, in a state for each case"]


def test_a_task_that_perhaps_nobody_can_do_is_named() -> None:
    body = """
      roles clerk
      start -> First
      state First { task first for actor of start { title "1" } on first -> Second after 1d -> Lost }
      state Second {
        task second for actor of first { title "2" except actor of start }
        on second -> Done
        after 1d -> Lost
      }
      final Done
      final failure Lost
    """
    said = first(body, "F002")
    assert said.message.endswith(
        "no run was found on which there is somebody who can do `second`, which is for whoever did `first`"
    )
    assert helps(said) == ["have somebody left for `second`, of which F501 speaks: `escalate to` a role, say"]


def test_what_holds_others_up_is_the_help_of_what_is_held_up() -> None:
    body = """
      data { n: int 0..3 = 3 }
      event bump
      start -> First
      state First { defer bump  after 1h -> Second }
      state Second { on bump { n = n + 1 } -> Done  after 1h -> Done }
      final Done
    """
    said = first(body, "F004")
    assert helps(said) == ["mend first how `Second` handles `bump`, of which F005, F007 or F401 to F403 speak"]


def test_a_text_is_never_shorter_than_nothing_on_a_run_that_is_changed_either() -> None:
    body = """
      input { who: text, nick: text }
      event set(x: text)
      start -> Asking
      state Asking {
        task answer for person who { title "Answer" }
        on answer -> Open
      }
      state Open {
        on set(x) when x == nick stay
        on set(x) when len(x) > 0 and x != nick stay
        on set(_) else stay
      }
    """
    assert {answer.rule.code for answer in unknown(body)} == set()


NIGHTS = """
  data { stay: duration = 1d }
  event longer
  start -> Asked
  state Asked {
    on longer { stay = stay + 1d } stay
    after 1d -> Staying
  }
  state Staying {
    after stay -> Left
  }
  final Left
  start leads to Left within 20d
"""


def test_a_promise_over_a_timer_that_data_measure_is_kept_beside_one_that_is_written() -> None:
    (beside,) = helps(first(NIGHTS, "F204"))
    assert "written out" in beside
    bounded = NIGHTS.replace("  }\n  final", "    after 14d -> Left\n  }\n  final")
    assert "F204" not in {answer.rule.code for answer in unknown(bounded)}


def test_a_promise_is_not_refuted_by_somebody_who_does_what_nobody_can() -> None:
    (said,) = [
        answer
        for answer in check(
            flow("""
              roles clerk
              start -> Asked
              state Asked {
                task ask for actor of start { title "Ask"  except actor of start }
                on ask -> Waiting
                after 1s -> Done
              }
              state Waiting { after 9s -> Done }
              final Done
              start leads to Done within 5s
            """)
        ).answers
        if answer.rule.code == "F204"
    ]
    assert said.verdict is Verdict.UNKNOWN
