"""What the checks answer about calls for each item: how many there are, what they are given, what comes of them."""

from __future__ import annotations

from kernels import flow
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Answer, Verdict

PACK = """
  record Item {{ sku: text, count: int 0..9 }}
  input {{ items: list<Item> at most 4 }}
  data {{ boxes: list<text> at most 3 = [], left: int 0..3 = 0 }}
  event cancel
  activity pack(item: Item, number: int 1..9) -> text {{
    retry 2 backoff 1s..2s
    fails broken
    {effect}
  }}
  start -> Pick
  choice Pick {{ when len(items) > 3 -> Refused  else -> Packing }}
  state Packing {{
    do for item in items {most} {until}: pack(item, {number})
    {handlers}
  }}
  final Packed
  final Refused
  final failure Failed
  {claims}
"""

ALL = """
    on done(results) { boxes = results } -> Packed
    on broken -> compensate -> Failed
    on failed -> compensate -> Failed
    on cancel -> compensate -> Failed
"""


def answers(handlers: str = ALL, claims: str = "", **said: str) -> list[Answer]:
    parts = {"effect": "compensate unpack(result, item.sku)", "most": "at most 3", "until": "", "number": "1"} | said
    body = PACK.format(handlers=handlers, claims=claims, **parts)
    answers = [answer for answer in check(flow(body)).answers if answer.rule.code < "F7"]
    assert all(answer.verdict is not Verdict.UNKNOWN for answer in answers), answers
    return answers


def refuted(handlers: str = ALL, claims: str = "", **said: str) -> set[str]:
    return {answer.rule.code for answer in answers(handlers, claims, **said) if answer.verdict is Verdict.REFUTED}


def shown(code: str, handlers: str = ALL, claims: str = "", **said: str) -> list[str]:
    """The shortest run that shows a finding."""
    found = [each for each in answers(handlers, claims, **said) if each.rule.code == code and each.diagnostic]
    (diagnostic,) = (each.diagnostic for each in found if each.verdict is Verdict.REFUTED)
    assert diagnostic is not None
    return [step.trigger for step in diagnostic.trace]


def test_all_of_at_most_three_are_packed_or_undone() -> None:
    assert refuted() == set()
    assert refuted(claims="always in Packed implies len(boxes) == len(items)") == set()
    assert refuted(claims="always in Packed implies len(boxes) > 0") == {"F301"}


def test_more_items_than_may_be_are_found() -> None:
    assert refuted(most="at most 2") == {"F401"}
    (run,) = shown("F401", most="at most 2")
    assert run.startswith("start(items: [Item(") and run.count("Item(") == 3


def test_every_argument_is_made_from_its_item() -> None:
    assert refuted(number="item.count") == {"F401"}
    assert refuted(number="max(item.count, 1)") == set()
    assert refuted(number="9 / (item.count - 3) + 5") == {"F401", "F403"}


def test_one_declared_error_is_enough_where_all_are_needed() -> None:
    assert "F008" in refuted(
        handlers=ALL.replace("on broken -> compensate -> Failed", "").replace("on failed", "on timeout")
    )


def test_what_is_done_stands_when_another_fails() -> None:
    forgotten = ALL.replace("on broken -> compensate -> Failed", "on broken -> Failed")
    assert refuted(handlers=forgotten) == {"F009", "F101"}
    assert shown("F101", handlers=forgotten)[1:] == ["pack broken"]  # the other may be done, and is interrupted


def test_with_a_quota_there_may_be_fewer_results_than_it_says() -> None:
    said = {"until": "until 2 done", "effect": "readonly"}
    assert refuted(claims="always len(boxes) <= 2", **said) == set()
    assert refuted(claims="always in Packed implies len(boxes) == 2", **said) == {"F301"}
    assert shown("F301", claims="always in Packed implies len(boxes) == 2", **said)[0] == "start(items: [])"


def test_a_quota_lets_some_fail() -> None:
    said = {"until": "until 1 done", "effect": "readonly", "claims": "always in Failed implies len(items) > 1"}
    run = shown("F301", **said)
    assert [step.partition("(")[0] for step in run] == ["start", "pack timeout"] or run[1].startswith("pack")
    strict = {**said, "claims": "reach Failed when len(items) == 3"}
    assert refuted(**strict) == set()


def test_a_call_that_a_quota_interrupts_is_in_flight() -> None:
    assert refuted(until="until 1 done") == {"F009", "F103"}  # if it is settled by then, nobody knows what it did


def test_nothing_to_call_for_is_done_at_once() -> None:
    guarded = ALL.replace("on done(results)", "on done(results) when len(results) > 0")
    (run,) = shown("F007", handlers=guarded)
    assert run == "start(items: [])"
    both = ALL.replace("on done(results)", "on done(results) when len(results) < 1 -> Refused\n    on done(results)")
    assert [*refuted(handlers=both)] == ["F006"]
    assert shown("F006", handlers=both) == ["start(items: [])"]


def test_what_is_wrong_with_an_empty_group_behind_an_event_is_shown() -> None:
    body = """
      input { items: list<text> at most 2 }
      event go
      activity pack(item: text) { retry 2 backoff 1s..2s readonly }
      start -> Open
      state Open { on go -> Packing  after 1h -> Over }
      state Packing {
        do for item in items: pack(item)
        on done when len(items) > 0 -> Over
        on failed -> Over
      }
      final Over
    """
    found = [each for each in check(flow(body)).answers if each.rule.code == "F007" and each.diagnostic]
    assert [each.verdict for each in found] == [Verdict.REFUTED]
    assert found[0].diagnostic is not None
    assert [step.trigger for step in found[0].diagnostic.trace] == ["start(items: [])", "go"]


def test_a_timer_that_leads_to_nothing_to_call_for_leaves_its_state_though_what_follows_stays() -> None:
    """The step goes on from the group that is done at once, and ends with a `stay`: not of the state that was left."""
    text = flow("""
  input { items: list<int 0..1> at most 2 }
  roles clerk
  activity act() { readonly }
  start -> Asked
  state Asked {
    task look for clerk
    on look stay
    after 1s -> Acting
  }
  state Acting {
    do for item in items until 1 done: act()
    on done stay
    on failed stay
    on timeout stay
  }
""")
    verdicts = {a.subject: a.verdict for a in check(text).answers if a.rule.code == "F201"}
    assert verdicts == {"`Asked`": Verdict.PROVED, "`Acting`": Verdict.PROVED}


def test_the_results_of_a_group_keep_what_each_call_ensures() -> None:
    body = """
      input { items: list<int> at most 2 }
      data { found: list<int 0..9> at most 2 = [], most: int = 0 }
      activity weigh(item: int) -> int { retry 2 backoff 1s..2s ensures result >= 0 and result < 10  readonly }
      start -> Weighing
      state Weighing {
        do for item in items: weigh(item)
        on done(weights) { found = weights } -> Over
        on failed -> Over
      }
      final Over
      never -1 in found
    """
    assert {each.verdict for each in check(flow(body)).answers if each.rule.code < "F7"} == {Verdict.PROVED}
    wider = body.replace("result < 10", "result < 11")
    assert {e.rule.code for e in check(flow(wider)).answers if e.verdict is Verdict.REFUTED} == {"F401"}


def test_calls_of_one_node_may_have_other_keys_after_groups_of_other_sizes() -> None:
    """`ping` is `ping#2` after one call and `ping#3` after two, with the same control: stale keys change nothing."""
    body = """
      input { xs: list<int 0..9> at most 2 }
      activity pack(x: int 0..9) { fails torn compensate unpack(x) }
      activity ping() { readonly }
      start -> Packing
      state Packing {
        do for x in xs: pack(x)
        on done -> compensate -> Again
        on torn -> Pinging
        on failed -> compensate -> Bad
      }
      state Pinging { do ping() on done -> Again on failed -> compensate -> Bad }
      state Again {
        do for x in xs: pack(x)
        on done -> compensate -> Good
        on torn -> compensate -> Bad
        on failed -> compensate -> Bad
      }
      final Good
      final failure Bad
      always in Bad implies count(pack) == 0
    """
    answered = check(flow(body)).answers
    assert [answer for answer in answered if answer.verdict is Verdict.UNKNOWN] == []
    assert {answer.verdict for answer in answered if answer.rule.code in {"F003", "F301"}} == {Verdict.PROVED}


def test_compensations_of_one_node_may_have_other_keys_too() -> None:
    """What is left to undo is `pack#1` or, where that one was torn, `pack#2`."""
    body = """
      input { xs: list<int 0..9> at most 2 }
      activity pack(x: int 0..9) { fails torn compensate unpack(x) }
      start -> Packing
      state Packing {
        do for x in xs: pack(x)
        on done -> compensate -> Good
        on torn -> compensate -> Again
        on failed -> compensate -> Again
      }
      state Again {
        do for x in xs: pack(x)
        on done -> compensate -> Good
        on torn -> compensate -> Bad
        on failed -> compensate -> Bad
      }
      final Good
      final failure Bad
    """
    assert [answer for answer in check(flow(body)).answers if answer.verdict is Verdict.UNKNOWN] == []


def test_what_a_call_has_answered_before_the_last_one_is_part_of_a_run() -> None:
    found = check(
        flow("""
          input { shops: list<int 0..1> at most 2 }
          data { offers: list<int 0..2> at most 3 = [] }
          activity ask(shop: int 0..1) -> int 0..2 { retry 1 backoff 1s..1s then park readonly }
          start -> Asking
          state Asking {
            do for shop in shops: ask(shop)
            on done(prices) when 1 in prices and 2 in prices { offers = offers + prices } -> Mixed
            on done(prices) when 0 in prices and prices != [0, 0] -> Cheap
            on done(_) else -> Dear
          }
          final Mixed
          final Cheap
          final Dear
        """)
    ).answers
    assert {answer.subject: answer.verdict for answer in found if answer.verdict is not Verdict.PROVED} == {}
