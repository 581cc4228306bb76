"""What the checks answer where it is not obvious: payloads, relations, time, logs that grow, the limits of knowing."""

from __future__ import annotations

import pytest

from kernels import ORDER, flow, kernel
from penstock.compiler.checks.suite import Limits, check
from penstock.compiler.checks.verdict import Answer, Report, Verdict

CALL = "activity work() -> int 0..9 { retry 2 backoff 1s..2s  compensate unwork(result) }\n"
READ = "activity look() -> int 0..9 { retry 2 backoff 1s..2s  readonly }\n"


def of(report: Report, code: str) -> list[Answer]:
    return [answer for answer in report.answers if answer.rule.code == code]


def verdicts(body: str, code: str) -> set[Verdict]:
    return {answer.verdict for answer in of(check(flow(body)), code)}


def open_ends(body: str) -> list[tuple[str, str, Verdict]]:
    found = check(flow(body)).answers
    return [(a.rule.code, a.subject, a.verdict) for a in found if a.verdict is not Verdict.PROVED]


def trace(answer: Answer) -> list[tuple[str, str, str]]:
    assert answer.diagnostic is not None
    return [(step.at, step.trigger, step.place) for step in answer.diagnostic.trace]


def refuted(body: str, code: str) -> Answer:
    return next(answer for answer in of(check(flow(body)), code) if answer.verdict is Verdict.REFUTED)


def test_the_order_is_proved_in_every_check_and_nothing_is_unknown() -> None:
    report = check(kernel(ORDER.read_text(encoding="utf-8")))
    assert {answer.verdict for answer in report.answers} == {Verdict.PROVED}
    assert {answer.rule.code for answer in report.answers} >= {"F001", "F004", "F101", "F102", "F301"}


def test_answers_are_the_same_in_every_run() -> None:
    subject = kernel(ORDER.read_text(encoding="utf-8").replace("-> compensate -> Expired", "-> Expired"))
    assert check(subject).answers == check(subject).answers


# ---------------------------------------------------------------- data


def test_a_guard_that_relates_a_payload_to_an_input_is_reached_with_fitting_values() -> None:
    body = """
      input { limit: decimal(2) }
      event pay(amount: decimal(2))
      start -> Open
      state Open {
        on pay(amount) when amount > limit + 100.00 -> Rich
        on pay(_) else -> Poor
        after 1d -> Poor
      }
      final Rich
      final Poor
    """
    assert open_ends(body) == []


def test_what_is_asked_of_an_input_later_on_changes_the_inputs_of_the_run() -> None:
    body = f"""
      input {{ target: int 0..9 }}
      {READ}
      start -> First
      state First {{ do look()  on done(_) -> Second  on failed -> Low }}
      state Second {{
        do look()
        on done(found) when found >= target -> High
        on done(_) else -> Low
        on failed -> Low
      }}
      final High
      final Low
    """
    assert open_ends(body) == []


def test_a_relation_between_variables_is_kept_over_steps_without_end() -> None:
    body = """
      input { limit: int }
      data { best: int? }
      event bid(amount: int)
      start -> Open
      state Open {
        on bid(amount) when amount <= limit { best = amount } -> Open
        on bid(_) else -> Open
        after 1d -> Closed
      }
      final Closed
      always best is some implies best <= limit
    """
    assert open_ends(body) == []


def test_a_counter_without_a_range_is_followed_as_far_as_it_matters() -> None:
    body = """
      data { tries: int = 0 }
      event again
      start -> Open
      state Open {
        on again { tries = tries + 1 } -> Next
        after 1d -> Closed
      }
      choice Next { when tries >= 3 -> Full  else -> Open }
      final Closed
      final Full
      always in Full implies tries == 3
      never tries > 3
    """
    assert open_ends(body) == []


def test_a_text_is_compared_with_what_is_written_and_with_anything_else() -> None:
    body = """
      event say(word: text)
      start -> Open
      state Open {
        on say(word) when word == "stop" -> Stopped
        on say(word) when word != "stop" and len(word) > 3 -> Long
        on say(_) else -> Short
        after 1d -> Short
      }
      final Stopped
      final Long
      final Short
    """
    assert open_ends(body) == []


def test_an_ensures_is_assumed_of_results() -> None:
    body = """
      data { price: int = 1  share: int = 0 }
      activity ask() -> int { retry 2 backoff 1s..2s  ensures result > 0  readonly }
      start -> Asking
      state Asking {
        do ask()
        on done(found) { price = found, share = 100 / found } -> Known
        on failed -> Known
      }
      final Known
      always price > 0
    """.replace("1  share", "1, share")
    assert open_ends(body) == []


def test_a_contract_is_about_the_arguments_of_the_call_not_about_what_they_would_be_when_it_answers() -> None:
    body = """
      data { late: bool = false }
      activity stamp(at: instant) -> instant { ensures result == at  readonly }
      start -> Stamping
      state Stamping {
        do stamp(now)
        on done(at) when at < now { late = true } -> Late
        on done(at) else -> Early
        on failed -> Early
      }
      final Late
      final Early
      always not late
    """
    assert trace(refuted(body, "F301"))[-1][1].startswith("stamp done")
    assert verdicts(body, "F001") == {Verdict.PROVED}
    assert verdicts(body, "F002") == {Verdict.PROVED}


def test_a_call_whose_arguments_changed_since_answers_by_its_contract() -> None:
    body = """
      data { left: int 0..9 = 5, got: int = 0 }
      activity count(n: int) -> int { ensures result == n  readonly }
      event more
      start -> Counting
      state Counting {
        do count(left)
        on done(n) { got = n } -> Counted
        on failed -> Counted
        on more when left < 9 { left = left + 1 } stay
        on more else stay
      }
      final Counted
      always in Counted implies got <= left
      always in Counted implies got == 0 or got == left
    """
    found = open_ends(body)
    assert {subject for _, subject, _ in found} == {
        "`always in Counted implies got <= left`",
        "`always in Counted implies got == 0 or got == left`",
    }
    assert trace(refuted(body, "F301"))[-1][1] == "count done(5)"


def test_a_range_of_enormous_size_is_a_range_like_others() -> None:
    body = f"""
      data {{ big: int 0..{10**29} = 0, small: int 0..3 = 0 }}
      event go(n: int 0..{10**29})
      start -> Open
      state Open {{
        on go(n) when n > {10**28} {{ big = n }} -> Done
        on go(_) else -> Done
        after 1d -> Done
      }}
      final Done
      always big * small >= 0
    """
    assert open_ends(body) == []


def test_a_division_of_two_unbounded_numbers_is_never_called_proved() -> None:
    body = """
      input { a: int, b: int }
      data { c: int = 0 }
      event go
      start -> Open
      state Open {
        on go when b * b * b == a * a * a + 7 { c = 1 } -> Done
        on go else -> Done
        after 1d -> Done
      }
      final Done
      never c == 1
    """
    assert Verdict.PROVED not in verdicts(body, "F301")


# ---------------------------------------------------------------- time


def test_the_deadline_comes_before_a_timer_only_where_time_has_passed() -> None:
    body = """
      start -> First
      state First { after 2h -> Second }
      state Second { after 2h -> Third }
      state Third { after 2h -> Done }
      final Done
      final Late
      deadline 5h -> Late
    """
    dead = {answer.verdict for answer in of(check(flow(body)), "F001") if answer.subject == "`Done`"}
    assert dead == {Verdict.REFUTED}
    longer = body.replace("5h", "6h")
    both = {answer.subject: answer.verdict for answer in of(check(flow(longer)), "F001")}
    assert both["`Done`"] is both["`Late`"] is Verdict.PROVED


def test_a_wait_before_makes_the_deadline_come_in_a_place_it_could_not_reach_alone() -> None:
    body = f"""
      {CALL}
      start -> Free
      state Free {{ do look()  on done(_) -> Bound  on failed -> Done }}
      {READ}
      state Bound {{ do work()  on done(_) -> Done  on failed -> Done  after 1h -> Done }}
      final Done
      final failure Late
      deadline 2h -> Late
    """
    steps = trace(refuted(body, "F101"))
    assert steps[-1][1:] == ("deadline 2h", "Late")
    assert [at for at, _, _ in steps] == ["", "+1h", "+1h"]  # `Bound` is left after an hour


def test_timers_of_one_state_fire_in_the_order_they_fall_due() -> None:
    body = """
      start -> Open
      state Open { after 1h stay  after 3h -> Done  after 2h -> Early }
      final Done
      final Early
    """
    assert ("F001", "`Done`", Verdict.REFUTED) in open_ends(body)


def test_timers_that_depend_on_data_come_in_either_order() -> None:
    body = """
      input { closing: instant }
      start -> Open
      state Open { after 3h -> Done  at closing -> Early }
      final Done
      final Early
    """
    assert open_ends(body) == []


def test_a_compensation_may_overrun_the_deadline_which_then_comes_first() -> None:
    body = f"""
      {CALL}
      start -> Working
      state Working {{ do work()  on done(_) -> compensate -> After  on failed -> compensate -> After }}
      state After {{ after 1h -> Done }}
      final Done
      final Late
      deadline 2h -> compensate -> Late
    """
    assert open_ends(body) == []


# ---------------------------------------------------------------- logs


def test_a_log_that_grows_without_end_is_still_decided() -> None:
    body = f"""
      {CALL}
      event again
      start -> Working
      state Working {{ do work()  on done(_) -> Idle  on failed -> Idle }}
      state Idle {{
        on again -> Working
        after 1h -> compensate -> Bad
        after 2h -> Good
      }}
      final Good
      final failure Bad
      never in Bad and done(work)
    """
    assert {code for code, _, _ in open_ends(body)} == {"F001", "F202"}  # `after 2h` never fires


def test_compensating_since_a_savepoint_leaves_what_came_before() -> None:
    body = f"""
      {CALL}
      start -> Working
      state Working {{ do work()  on done(_) -> Mark  on failed -> compensate -> Bad }}
      state Mark {{ after 1h -> compensate since Mark -> Bad }}
      final failure Bad
    """
    assert refuted(body, "F101").subject == "`Bad`"
    assert ("F101", "`Bad`", Verdict.REFUTED) not in open_ends(body.replace("since Mark", ""))


def test_a_deferred_event_is_handled_later() -> None:
    body = f"""
      {READ}
      event stop
      start -> Looking
      state Looking {{ do look()  on done(_) -> Idle  on failed -> Idle  defer stop }}
      state Idle {{ on stop -> Stopped  after 1h -> Done }}
      final Stopped
      final Done
    """
    assert open_ends(body) == []


# ---------------------------------------------------------------- leads to


LEADS = """
  {read}
  event go
  start -> First
  state First {{ do look()  on done(_) -> Second  on failed -> Second }}
  state Second {{ {second} }}
  final Done
  final Other
  {claim}
"""


def leads(second: str, claim: str) -> Answer:
    """What is said of the time, if any is given and it is come to at all; else whether it is come to."""
    report = check(flow(LEADS.format(read=READ, second=second, claim=claim)))
    return (*of(report, "F301"), *of(report, "F204"))[-1]


def test_leads_to_adds_up_the_budgets_of_calls_and_the_timers() -> None:
    # look: 2 attempts of 30s and 1s between them
    second = "on go -> Other  after 1h -> Done"
    assert leads(second, "start leads to in Done or in Other within 1h1m1s").verdict is Verdict.PROVED
    late = leads(second, "start leads to in Done or in Other within 1h1m")
    assert late.verdict is Verdict.REFUTED
    assert [step[0] for step in trace(late)] == ["", "+1m1s", "+1h"]


def test_leads_to_is_refuted_by_a_run_that_ends_elsewhere() -> None:
    found = leads("on go -> Other  after 1h -> Done", "start leads to in Done")
    assert found.verdict is Verdict.REFUTED
    assert trace(found)[-1][2] == "Other"


def test_leads_to_is_refuted_by_a_wait_without_end() -> None:
    found = leads('on go -> Done  wait forever "why not"', "start leads to in Done within 9d")
    assert found.verdict is Verdict.REFUTED
    assert trace(found)[-1][2] == "Second"


def test_leads_to_is_refuted_by_a_run_that_goes_round() -> None:
    found = leads("on go -> First  after 1h -> Done", "start leads to in Done within 9d")
    assert found.verdict is Verdict.REFUTED


def test_leads_to_counts_from_wherever_its_condition_holds() -> None:
    second = "on go -> Other  after 1h -> Done"
    assert leads(second, "in Second leads to in Done or in Other within 1h").verdict is Verdict.PROVED
    assert leads(second, "in Second leads to in Done or in Other within 59m").verdict is Verdict.REFUTED


def test_leads_to_is_not_refuted_by_a_run_that_never_comes_to_its_condition() -> None:
    body = """
      event go
      event skip
      start -> First
      state First { on go -> Second  on skip -> Other  after 1h -> Other }
      state Second { after 1h -> Third }
      state Third { after 1h -> Other }
      final Other
      in Second leads to in Third
    """
    assert verdicts(body, "F301") == {Verdict.PROVED}
    late = refuted(body.replace("after 1h -> Third", "after 1h -> Other"), "F301")
    assert [place for _, _, place in trace(late)] == ["First", "Second", "Other"]


def test_leads_to_is_not_confused_by_compensations_of_a_log_without_end() -> None:
    body = f"""
      {CALL}
      event again
      start -> Working
      state Working {{ do work()  on done(_) -> Idle  on failed -> Idle }}
      state Idle {{ on again -> Working  after 1h -> compensate -> Bad }}
      final failure Bad
      in Idle leads to in Bad or in Working
      in Idle leads to in Bad or in Working within 2h
    """
    assert verdicts(body, "F301") == {Verdict.PROVED}
    assert verdicts(body, "F204") == {Verdict.UNKNOWN}


# ---------------------------------------------------------------- limits, acceptance


def test_a_search_that_is_cut_short_proves_nothing_about_all_runs() -> None:
    subject = kernel(ORDER.read_text(encoding="utf-8"))
    report = check(subject, Limits(nodes=3))
    assert report.verdict is Verdict.UNKNOWN
    universal = [answer for answer in report.answers if answer.rule.code in {"F003", "F004", "F101", "F301"}]
    assert universal
    assert all(answer.verdict is Verdict.UNKNOWN for answer in universal)
    assert all(answer.diagnostic is not None for answer in universal)


def test_an_accepted_finding_does_not_count() -> None:
    body = """
      event go
      start -> Open
      state Open { on go -> Done  accept F201 "somebody always goes" }
      final Done
    """
    report = check(flow(body))
    (answer,) = [a for a in report.answers if a.verdict is Verdict.REFUTED]
    assert (answer.rule.code, answer.accepted) == ("F201", "somebody always goes")
    assert report.verdict is Verdict.PROVED


@pytest.mark.parametrize("claim", ["always elapsed < 2h", "never in Done and elapsed > 1h"])
def test_elapsed_is_never_called_proved_where_a_run_may_take_longer(claim: str) -> None:
    body = f"""
      event go
      start -> Open
      state Open {{ on go -> Done  after 3h -> Done }}
      final Done
      {claim}
    """
    assert verdicts(body, "F301") == {Verdict.REFUTED}


def test_only_a_run_that_ends_with_the_fault_is_said_to_be_the_shortest() -> None:
    """Of a run that goes round, one step longer than is needed here, for it begins after the start."""
    body = READ + (
        "start -> A\n"
        "state A { do look() on done(_) -> A on failed -> A after 1s stay }\n"
        "deadline 1s -> A\n"
        "start leads to in B\n"
        'state B { wait forever "on purpose" }\n'
    )
    for code in ("F005", "F301"):
        diagnostic = refuted(body, code).diagnostic
        assert diagnostic is not None and diagnostic.trace
        assert "no shorter run" not in diagnostic.note, code
    diagnostic = refuted('start -> A state A { wait forever "so" } never in A', "F301").diagnostic
    assert diagnostic is not None and "no shorter run" in diagnostic.note


def test_a_deadline_that_a_compensation_puts_off_still_ends_a_round_that_takes_time() -> None:
    body = (
        CALL + "start -> A\nstate A { do work() on failed stay on done(_) stay after 1s -> compensate -> A }\n"
        "final Good\ndeadline 5s -> Good\nstart leads to in Good\n"
    )
    assert verdicts(body, "F301") == {Verdict.UNKNOWN}, "it holds, which nobody proves here"
    at_once = body.replace("on done(_) stay", "on done(_) -> compensate -> A")
    assert verdicts(at_once, "F301") == {Verdict.REFUTED}, "an answer may come before a deadline that is overdue"


def test_a_place_that_a_deferred_event_leaves_at_once_is_not_come_to() -> None:
    """`leads to` is about where runs rest, though other runs do rest there."""
    body = """
      event go
      start -> First
      state First { defer go at most 1  after 1s -> Second }
      state Second { on go -> Good  after 1d -> Good }
      final Good
      start leads to in Second
    """
    assert verdicts(body, "F301") == {Verdict.REFUTED}
    assert verdicts(body.replace("defer go at most 1", "ignore go"), "F301") == {Verdict.PROVED}


def test_what_came_while_a_compensation_was_under_way_may_lead_on_from_where_it_led() -> None:
    body = """
      event go
      activity act() -> text { compensate undo(result) }
      start -> Acting
      state Acting { do act() on done(_) -> Second on failed -> compensate -> Second }
      state Second { on go -> Good  after 1d -> Good }
      final Good
      start leads to in Second
    """
    assert verdicts(body, "F301") != {Verdict.PROVED}
    quiet = body.replace("on go -> Good", "on go stay")
    assert verdicts(quiet, "F301") == {Verdict.PROVED}


CHOSEN = """
  input { most: int 0..9 }
  event tell(n: int 0..1)
  start -> Open
  state Open {
    on tell(n) when most == n -> Bad
    on tell else              -> Good
    wait forever "for somebody"
  }
  final Good
  final failure Bad
"""


def test_what_a_guard_says_of_data_is_asked_for_each_payload_where_there_are_few() -> None:
    """None of the events leads the same way for all data; told apart by `most`, one does."""
    found = {answer.rule.code: answer.verdict for answer in check(flow(CHOSEN)).answers}
    assert found["F004"] is Verdict.PROVED
