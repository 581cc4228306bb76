"""What the checks answer about flows that do themselves: whether there is a last instance."""

from __future__ import annotations

import pytest

from kernels import kernels
from penstock.compiler.checks import suite
from penstock.compiler.checks.verdict import Answer, Verdict


def answer(members: str, input: str = "n: int 0..10, m: int 0..3") -> Answer:
    """What F206 says of a flow with these inputs."""
    text = f"""flow Again version 1 {{
      input {{ {input} }}
      event go
      event way
      activity look() -> int 0..5 {{ readonly }}
      activity pay() {{ compensate refund() }}
      {members}
      final Good
      final failure Bad
    }}"""
    (found,) = [each for each in suite.check(kernels(text)["Again"]).answers if each.rule.code == "F206"]
    return found


def doing(call: str, name: str = "Inner") -> str:
    return f"state {name} {{ do {call}  on done -> Good  on failed -> Bad }}\n"


GUARDED = "start -> More  choice More { when n > 0 and m > 0 -> Inner  else -> Good }\n"


def test_an_input_that_counts_down_is_proof() -> None:
    found = answer(GUARDED + doing("flow Again(m: 3, n: n - 1)"))
    assert found.verdict is Verdict.PROVED and found.witness == "`n` is smaller each time"
    assert answer(GUARDED + doing("flow Again(m: m - 1, n: 10)")).verdict is Verdict.PROVED
    assert answer(GUARDED + doing("flow Again(m: m, n: n - m)")).verdict is Verdict.PROVED


def test_the_guard_counts() -> None:
    """`n - m` is smaller only where `m` is not 0."""
    found = answer(
        "start -> More  choice More { when n > 3 -> Inner else -> Good }" + doing("flow Again(m: m, n: n - m)")
    )
    assert found.verdict is Verdict.REFUTED


@pytest.mark.parametrize("call", ["flow Again(n: n, m: m)", "flow Again(n: 10, m: m)", "flow Again(n: 10 - n, m: m)"])
def test_a_call_with_nothing_smaller_is_shown_by_a_run(call: str) -> None:
    found = answer(GUARDED + doing(call))
    assert found.verdict is Verdict.REFUTED and found.diagnostic is not None
    assert "tried: `n`, `m`" in found.diagnostic.why[0] and found.diagnostic.trace


def test_inputs_without_a_lower_bound_are_no_measure() -> None:
    start = "start -> Inner\n"
    found = answer(start + doing("flow Again(n: n - 1, t: t)"), "n: int, t: text")
    assert found.verdict is Verdict.REFUTED and found.diagnostic is not None
    assert "no input is an `int` with a lower bound" in found.diagnostic.why[0]


def test_one_input_must_be_smaller_everywhere() -> None:
    """Here one goes down where the other goes up, so the two calls may take turns for ever."""
    waiting = "start -> Wait  state Wait { on go -> One  on way -> Two  after 1d -> Good }\n"
    guards = "choice One { when n > 0 -> Inner  else -> Good }  choice Two { when m > 0 -> Other  else -> Good }\n"
    calls = doing("flow Again(n: n - 1, m: 3)"), doing("flow Again(n: 10, m: m - 1)", "Other")
    found = answer(waiting + guards + "".join(calls))
    assert found.verdict is Verdict.UNKNOWN and found.diagnostic is not None
    assert "`n`, `m` are not proved to be smaller wherever it does itself" in found.diagnostic.message


def test_every_way_in_counts_also_by_a_compensation_and_a_join() -> None:
    down = "choice More { when n > 0 -> Inner  else -> Good }\n" + doing("flow Again(n: n - 1, m: m)")
    undone = "start -> Paying  state Paying { do pay()  on done -> Wait  on failed -> compensate -> Again2 }\n"
    undone += "state Wait { on go -> More  after 1d -> compensate -> Again2 }\n"
    assert answer(undone + down + doing("flow Again(n: n, m: m)", "Again2")).verdict is Verdict.REFUTED
    joined = """start -> P  parallel P {
      region A { start -> W  state W { on go -> D  after 1d -> D } final D }
      region B { start -> W  state W { on way -> D  after 1d -> D } final D }
      on all done -> Again2
    }\n"""
    assert answer(joined + doing("flow Again(n: n, m: m)", "Again2")).verdict is Verdict.REFUTED


def test_what_data_hold_is_not_made_up() -> None:
    """What an activity answered is kept in data, of which nothing is known when the flow does itself."""
    text = "data { k: int 0..10 = 0 }  start -> Looking\n"
    text += "state Looking { do look()  on done(i) when i < n { k = i } -> Inner  on done(_) else -> Good\n"
    text += "on failed -> Bad }\n"
    assert answer(text + doing("flow Again(n: k, m: m)")).verdict is Verdict.PROVED
    text = text.replace("-> Inner", "-> Wait") + "state Wait { on go -> Inner  after 1d -> Good }\n"
    assert answer(text + doing("flow Again(n: k, m: m)")).verdict is not Verdict.REFUTED
    assert answer(text.replace("i < n", "i <= n") + doing("flow Again(n: k, m: m)")).verdict is Verdict.REFUTED


def test_every_item_of_a_group_counts() -> None:
    each = "state Inner { do for i in ns: flow Again(n: i, ns: ns)  on done -> Good  on failed -> Bad }\n"
    found = answer("start -> Inner\n" + each, "n: int 0..10, ns: list<int 0..10> at most 2")
    assert found.verdict is Verdict.REFUTED
    each = each.replace("in ns:", "in [n - 1, n - 2]:").replace("n: i", "n: i")
    start = "start -> More  choice More { when n > 1 -> Inner  else -> Good }\n"
    assert answer(start + each, "n: int 0..10, ns: list<int 0..10> at most 2").verdict is Verdict.PROVED


def test_a_flow_that_something_else_ends_may_say_so() -> None:
    text = """flow Again version 1 {
      event go
      start -> Wait
      state Wait { on go -> Inner  after 1d -> Good }
      state Inner { do flow Again()  on done -> Good  on failed -> Good  accept F206 "nobody says go for ever" }
      final Good
    }"""
    report = suite.check(kernels(text)["Again"])
    (found,) = [each for each in report.answers if each.rule.code == "F206"]
    assert found.verdict is Verdict.REFUTED and found.accepted == "nobody says go for ever"
    assert report.verdict is Verdict.PROVED


def test_of_flows_that_do_others_nothing_is_asked() -> None:
    text = """flow Child { start -> Done  final Done }
    flow Parent { start -> A  state A { do flow Child()  on done -> Done  on failed -> Done }  final Done }"""
    assert not [each for each in suite.check(kernels(text)["Parent"]).answers if each.rule.code == "F206"]
