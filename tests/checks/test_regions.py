"""What the checks answer where states have states in them: regions, joins, resume, groups of calls, timers around."""

from __future__ import annotations

from kernels import flow
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Answer, Report, Verdict

SHOP = """
  data { ok: bool = false }
  event cancel
  event nudge
  activity pay() -> text { retry 2 backoff 1s..2s compensate refund(result) }
  activity pack() -> text { retry 2 backoff 1s..2s compensate unpack(result) }
  start -> Both
  parallel Both {
    region Money {
      start -> Paying
      state Paying { do pay()  on done(_) { ok = true } -> Paid  on failed -> Broke }
      final Paid
      final failure Broke
    }
    region Goods {
      start -> Packing
      state Packing { do pack()  on done(_) -> Waiting  on failed -> Torn }
      state Waiting {
        on nudge when in Money.Paid -> Packed
        on nudge else stay
        after 2h -> Packed
      }
      final Packed
      final failure Torn
    }
    on all done    -> Done
    on any failure -> compensate -> Failed
    on cancel      -> compensate -> Failed
    after 5h       -> compensate -> Failed
  }
  final Done
  final failure Failed
  always in Done implies ok
  start leads to in Done or compensating within 3h
"""


def report(body: str) -> Report:
    return check(flow(body))


def left_open(body: str) -> list[tuple[str, str]]:
    return [(a.rule.code, a.subject) for a in report(body).answers if a.verdict is not Verdict.PROVED]


def refuted(body: str, code: str) -> Answer:
    answers = [a for a in report(body).answers if a.rule.code == code and a.verdict is not Verdict.PROVED]
    assert [answer.verdict for answer in answers] == [Verdict.REFUTED]
    return answers[0]


def places(answer: Answer) -> list[str]:
    assert answer.diagnostic is not None
    return [step.place for step in answer.diagnostic.trace]


def changed(old: str, new: str) -> str:
    assert old in SHOP
    return SHOP.replace(old, new)


def test_regions_that_run_side_by_side_are_proved_sound() -> None:
    assert left_open(SHOP) == []


def test_the_longest_run_counts_what_runs_side_by_side_once() -> None:
    body = SHOP.replace("compensate refund(result)", "readonly").replace("compensate unpack(result)", "readonly")
    longest = {horizon.state: str(horizon.longest) for horizon in report(body).horizons}
    assert longest[""] == "2:01:01"  # each call takes 1m1s, and packing goes on with two hours
    assert longest["Both.Goods.Waiting"] == "2:00:00"


def test_a_join_that_can_never_come_is_a_deadlock() -> None:
    body = changed("on any failure -> compensate -> Failed", "").replace("after 5h       -> compensate -> Failed", "")
    body = body.replace("on cancel      -> compensate -> Failed", "")
    found = refuted(body, "F003")
    assert found.subject == "`Both`"
    assert places(found)[-1] in {"Money.Paid + Goods.Torn", "Money.Broke + Goods.Packed"}


def test_two_regions_that_answer_one_event_overlap() -> None:
    found = refuted(changed("on failed -> Broke }", "on failed -> Broke  on nudge stay }"), "F006")
    assert len(places(found)) == 3


def test_an_outer_timer_that_inner_ones_always_beat_never_fires() -> None:
    body = """
      event go
      start -> Outer
      state Outer {
        start -> First
        state First { on go -> Second  after 1h -> Second }
        state Second { on go -> Done  after 1h -> Done }
        after 3h -> Late
      }
      final Done
      final Late
    """
    assert left_open(body) == [("F001", "`Late`"), ("F202", "the timer on line 9")]
    assert left_open(body.replace("after 3h", "after 2h")) == []
    assert left_open(body.replace("on go -> Second  after 1h -> Second", "on go -> First  after 1h -> Second")) == []


def test_a_handler_that_inner_states_always_answer_before_is_dead() -> None:
    body = """
      event go
      start -> Outer
      state Outer {
        start -> Inner
        state Inner { on go -> Done  after 1h -> Done }
        on go -> Other
      }
      final Done
      final Other
    """
    assert {code for code, _ in left_open(body)} == {"F001", "F002"}


def test_a_join_that_brings_itself_about_is_a_livelock() -> None:
    body = """
      event go
      start -> Idle
      state Idle { on go -> Both  after 1h -> Done }
      parallel Both {
        region A { start -> Over  final Over }
        region B { start -> Over  final Over }
        on all done -> Both
      }
      final Done
    """
    assert "F005" in {code for code, _ in left_open(body)}
    assert places(refuted(body, "F005"))[0] == "Idle"


def test_a_sibling_that_a_join_interrupts_is_still_in_flight_at_the_final() -> None:
    body = changed("on all done    -> Done", "on any done -> Done").replace("always in Done implies ok", "")
    found = refuted(body, "F009")
    assert found.subject == "`Done`"


def test_resume_leads_back_to_where_a_state_was_left() -> None:
    body = """
      event go
      event pause
      start -> Work
      state Work {
        start -> First
        state First { on go -> Second }
        state Second { on go -> Done }
        on pause -> Held
        after 9h -> Done
      }
      state Held { on go -> resume Work  after 1h -> Done }
      final Done
      never in Held and in Work
      reach Work.Second
    """
    assert left_open(body) == []


def test_a_group_of_calls_is_done_when_as_many_are_as_are_needed() -> None:
    body = """
      input { names: list<text> at most 3 }
      data { kept: int 0..2 = 0 }
      activity pack(name: text) -> text { retry 2 backoff 1s..2s compensate unpack(result) }
      start -> Packing
      state Packing {
        do for name in names at most 3 until 2 done: pack(name)
        on done(found) { kept = len(found) } -> Settling
        on failed                            -> compensate -> Failed
      }
      state Settling { after 1h -> compensate -> Failed }
      final failure Failed
      always in Settling implies kept <= 2
    """
    assert left_open(body) == []
    assert {code for code, _ in left_open(body.replace("until 2 done", ""))} == {"F401"}
