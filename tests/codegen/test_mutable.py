"""A mutable instance is its record, changed in place: after every trigger the same instance, effects and refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import flow, kernel, kernels
from odd_flows import QUICK, TYPES
from penstock.compiler import cli
from penstock.compiler.codegen import names, render
from penstock.compiler.instance import Actor, Trigger
from penstock.compiler.kernel import Kernel
from penstock.runtime import core
from twins import PATH, Twins, drive, module

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PURCHASE = Path(__file__).parents[2] / "specs" / "shop.flow"
RUN = st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from((0, 0, 1, 2, 3, 3600, 86400))), min_size=2, max_size=40)

PLAIN = """
enum Color { red, green }

flow Plain version 1 {
  input { limit: int 0..9 }
  data {
    seen: int 0..9 = 0
    clock: int 0..9 = 0
    word: text?
    color: Color = red
    open: bool = true
  }
  roles clerk
  event go(amount: int 0..9)
  event say(word: text?, color: Color)
  event flip by clerk
  event record(state: bool)
  event wait(length: duration)
  event other
  emits note(seen: int)

  start { word = "w" } -> A

  state A {
    on go(amount) when amount > seen { seen = amount, clock = seen } -> B
    on go(amount) when amount <= seen -> C
    on say(said, c) when said is some and said == "a" { word = said, color = c } stay
    on say(said, c) else { word = said, color = if c == red then green else c } -> B
    on flip { open = not open } stay
    on record(x) when x and open -> A
    on record(x) when not (x and open) { open = x } -> C
    on wait(length) when length > 1s -> C
    on wait(_) else -> B
    on other -> Busy
  }

  state B {
    on go(amount) when seen + amount > limit { seen = seen + amount } -> A
    on go(_) else -> Busy
    on flip -> C
    on record(x) when x { emit note(seen) } -> A
    on record(_) else stay
    on other stay
    defer say
  }

  state C {
    on go(amount) when amount == 3 -> Done
    on go(amount) when amount != 3 { clock = amount } -> B
    on say(_, c) when c == color -> A
    ignore say
    on flip { open = true } -> A
    on other -> Busy
    defer record
  }

  state Busy {
    on go(_) -> A
    on other -> C
    after 1s -> B
    defer say
  }

  final Done
  final failure Late
  deadline 9d -> Late
}
"""


def ring(size: int) -> str:
    """So many states that look-ups are by table."""
    states = "\n".join(
        f"""
        state S{number} {{
          on go(amount) when amount > most {{ most = amount }} -> S{(number + 1) % size}
          on go(amount) when amount <= most -> S{(number + 2) % size}
          on turn(back) when back -> S{(number - 1) % size}
          on turn(_) else stay
          on stop -> Done
        }}"""
        for number in range(size)
    )
    data = "data { most: int 0..9 = 0 }\nevent go(amount: int 0..9)\nevent turn(back: bool)\nevent stop by boss\n"
    return f"flow Ring version 1 {{\nroles boss\n{data}start -> S0\n{states}\nfinal Done\n}}"


FLOWS = {"plain": PLAIN, "quick": QUICK, "ring": ring(12), "purchase": PURCHASE.read_text(encoding="utf-8")}


@cache
def built(name: str) -> tuple[Kernel, ModuleType]:
    made = kernels(FLOWS[name])[name.capitalize()]
    return made, module(render.module(made, "0" * 64, PATH, mutable=True))


@dataclass
class Driven(Twins):
    """A mutable instance goes along, and hears of every event by its method or by `step`."""

    module: ModuleType | None = None
    mutable: Any = None

    def step(self, trigger: Trigger, actor: Actor) -> bool:
        before, given, by = self.record, self.translated(trigger), core.Actor(actor.id, actor.roles)
        assert before is not None
        if self.mutable is None:
            self.mutable = getattr(self.module, names.Names(self.kernel).mutable)(before, lambda: self.now)
        expected = said(lambda: before.step(given, by=by, now=self.now))
        ours = said(lambda: (self.mutable, self.mutable.step(given, by)))
        if isinstance(expected, core.Rejected | core.Fault):
            assert str(ours) == str(expected)
            assert self.mutable.record == before
        else:
            assert (self.mutable.record, ours[1]) == expected
        return super().step(trigger, actor)


def said(act: Any) -> Any:
    try:
        return act()
    except (core.Rejected, core.Fault) as refused:
        return refused


@pytest.mark.parametrize("name", FLOWS)
@settings(max_examples=250)
@given(run=RUN)
def test_a_mutable_instance_is_its_record_after_every_trigger(name: str, run: list[tuple[int, int]]) -> None:
    made, text = built(name)
    drive(Driven(made, getattr(text, made.name), module=text), run)


def started(name: str, **inputs: object) -> Any:
    made, text = built(name)
    record = getattr(text, made.name).start(**inputs, now=NOW)[0]
    return getattr(text, f"Mutable{made.name}")(record, unasked)


def unasked() -> datetime:
    raise AssertionError("a record was asked, and so the clock")


def test_what_only_leads_from_state_to_state_asks_neither_record_nor_clock() -> None:
    ring = started("ring")
    for amount, place in ((3, "S1"), (2, "S3"), (9, "S4")):
        assert ring.go(amount) == ()
        assert (ring.state, ring.most) == (place, max(ring.most, amount))
    assert ring.turn(True) == ring.turn(False) == ()
    assert (ring.state, ring.record.state, ring.record.data.most) == ("S3", "S3", 9)
    with pytest.raises(AssertionError, match="a record was asked"):
        ring.stop(core.Actor("b", frozenset({"boss"})))


def test_updates_are_made_in_their_order_and_where_names_clash_they_get_an_underscore() -> None:
    plain = started("plain", limit=9)
    clerk = core.Actor("c", frozenset({"clerk"}))
    assert plain.record_(False) == ()
    assert (plain.state, plain.open) == ("C", False)
    assert plain.flip(clerk) == plain.go(4) == ()
    assert (plain.state, plain.seen, plain.clock_) == ("B", 4, 4)
    assert plain.flip(clerk) == plain.flip(clerk) == ()
    assert plain.say("b", plain.record.data.color) == ()
    assert (plain.state, plain.word) == ("B", "b")
    assert plain.record.data.clock == 4


def test_what_may_go_wrong_or_take_time_is_left_to_the_record() -> None:
    plain = started("plain", limit=9)
    wrong: list[tuple[Callable[..., object], tuple[object, ...]]] = [
        (plain.go, (10,)),
        (plain.go, ("3",)),
        (plain.flip, ()),
        (plain.say, ("ä", "red")),
        (plain.other, ()),
        (plain.wait, (timedelta(hours=1),)),
    ]
    for event, payload in wrong:
        with pytest.raises(AssertionError, match="a record was asked"):
            event(*payload)
    plain.go(9)
    with pytest.raises(AssertionError, match="a record was asked"):
        plain.go(1)  # the sum may be too large for its variable


def test_a_flow_without_such_events_has_no_mutable_class_and_without_the_option_none_has() -> None:
    assert "Mutable" not in render.module(kernel(TYPES), "0" * 64, PATH, mutable=True)
    assert "Mutable" not in render.module(kernel(PLAIN), "0" * 64, PATH)


GO = """
    def go(self, amount: int, by: core.Actor = core.NOBODY) -> tuple[core.Effect, ...]:
        \"\"\"Send event `go` (specs/twin.flow:4). Raises core.Rejected.\"\"\"
        if not (type(amount) is int and 0 <= amount <= 9):
            return self.take(Go(amount), by)
        _state = self.state
        if _state is _A:
            if amount > self.most:
                self.most = amount  # specs/twin.flow:6
                self.state = _B  # specs/twin.flow:6
                return ()
            return ()  # specs/twin.flow:6
        if _state is _B:
            self.state = _A  # specs/twin.flow:7
            return ()
        return self.take(Go(amount), by)
"""


def test_a_mutable_class_reads_well_and_names_its_lines() -> None:
    body = """
      data { most: int 0..9 = 0 }
      event go(amount: int 0..9)
      start -> A
      state A { on go(amount) when amount > most { most = amount } -> B  on go(_) else stay  wait forever "it may" }
      state B { on go(_) -> A  wait forever "it may" }
    """
    text = render.module(flow(body), "0" * 64, PATH, mutable=True)
    assert GO in text


def test_build_writes_one_on_request_and_check_wants_to_know_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ring.flow").write_text(ring(3))
    command = ["build", "--no-verify", "ring.flow"]
    assert cli.main([*command, "--mutable"]) == 0
    assert "class MutableRing(inplace.Mutable[Ring]):" in Path("generated", "ring_flow.py").read_text()
    assert cli.main([*command, "--mutable", "--check"]) == 0
    assert cli.main([*command, "--check"]) == 1


def test_a_module_with_one_is_not_taken_for_a_proved_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ring.flow").write_text(ring(3))
    for option, code in ((), 0), (("--mutable",), 1):
        assert cli.main(["build", "--no-verify", "ring.flow", *option]) == 0
        assert cli.main(["verify", "generated/ring_flow.py"]) == code
