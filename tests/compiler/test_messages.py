"""Messages of the reference interpreter: what goes out, when, with which values; and how many events wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kernels import flow, kernel
from penstock.compiler.effects import CancelTimer, DropEvent, EmitEvent, Finish, InterruptActivity, SendEvent
from penstock.compiler.evaluate import Fault
from penstock.compiler.instance import NOBODY, Event, Outcome, Rejected
from penstock.compiler.kernel import Kernel
from penstock.compiler.scenario import rehearse
from penstock.compiler.simulate import start, step

NOW = datetime(2026, 1, 1, tzinfo=UTC)

TALK = """
  data { count: int = 0 }
  emits told(count: int 0..2)
  event hear(n: int)
  activity look() { readonly }
  start { emit told(count), count = 1, emit told(count), send Test.hear(count) to "x" } -> Pick
  choice Pick { else { count = 2, emit told(count) } -> Looking }
  state Looking {
    do look()
    on done -> Done
    on failed -> Done
    on hear(n) { emit told(n) } -> Done
    after 1h -> Done
  }
  final Done
"""


def test_messages_see_the_values_of_their_moment_and_go_out_before_anything_is_left() -> None:
    talk = flow(TALK)
    first = start(talk, (), NOBODY, NOW)
    told = [each for each in first.effects if isinstance(each, EmitEvent | SendEvent)]
    sent = SendEvent("Test", "hear", (1,), "x")
    assert told == [EmitEvent("told", (0,)), EmitEvent("told", (1,)), sent, EmitEvent("told", (2,))]
    after = step(talk, first.after, Event("hear", (2,)), NOBODY, NOW)
    kinds = [type(effect) for effect in after.effects]
    assert kinds == [EmitEvent, InterruptActivity, CancelTimer, Finish]


def test_a_value_out_of_its_range_is_a_fault_and_nothing_goes_out() -> None:
    talk = flow(TALK)
    at = start(talk, (), NOBODY, NOW).after
    with pytest.raises(Fault) as fault:
        step(talk, at, Event("hear", (3,)), NOBODY, NOW)
    assert fault.value.code == "F401"


WAITING = """
  event a
  event b
  event open
  activity hold() { compensate release() }
  start -> Holding
  state Holding { do hold()  on done -> Shut  on failed -> compensate -> Shut }
  state Shut { defer a at most 2
    defer b
    on open -> compensate -> Open }
  state Open { on b -> Done  wait forever "it is shut" }
  final Done
"""


def handed(made: Kernel, *names: str) -> tuple[list[str], object]:
    """Why these events are rejected, in order, once `Shut` is entered; and the effects of the last that was not."""
    at = step(made, start(made, (), NOBODY, NOW).after, Outcome("hold#1", "done"), NOBODY, NOW).after
    reasons: list[str] = []
    effects: object = ()
    for name in names:
        trigger = Outcome("hold#1/undo", "done") if name == "released" else Event(name)
        try:
            made_step = step(made, at, trigger, NOBODY, NOW)
        except Rejected as rejected:
            reasons.append(rejected.reason)
        else:
            at, effects = made_step.after, made_step.effects
    return reasons, effects


def test_so_many_of_an_event_wait_in_a_state_and_while_it_compensates() -> None:
    made = flow(WAITING)
    assert handed(made, "a", "a", "b", "a")[0] == ["full"]
    assert handed(made, "a", "open", "a", "a", "b")[0] == ["full"]
    reasons, effects = handed(made, "a", "open", "a", "b", "released")
    assert reasons == []
    assert effects == (DropEvent("a"), DropEvent("a"), Finish("Done", False))


def test_where_nothing_is_said_a_hundred_wait() -> None:
    assert handed(flow(WAITING), *["b"] * 101)[0] == ["full"]


SCENARIOS = """
flow Test version 1 {
  emits told(n: int, word: text)
  event go(n: int)
  start -> A
  state A { on go(n) { emit told(n, "x"), send Test.go(n) to "t-2" } stay  wait forever "it talks" }
  scenario "as it is" {
    start
    go(n: 1)
    go(n: 2)
    expect emitted told
    expect emitted told(n: 1)
    expect emitted told(word: "x", n: 2)
    expect sent Test.go(n: 2) to "t-2"
    expect sent Test.go
  }
  scenario "another value" { start  go(n: 1)
    expect emitted told(n: 2) }
  scenario "another key" { start  go(n: 1)
    expect sent Test.go to "t-1" }
  scenario "nothing yet" { start
    expect sent Test.go }
  final Done
}
"""


def test_scenarios_look_for_what_went_out() -> None:
    text = SCENARIOS.replace("{ start  go", "{ start\n go")
    answers = {answer.subject: answer.diagnostic for answer in rehearse(kernel(text)).answers}
    assert answers.pop("as it is") is None
    said = [diagnostic.why[-1] for diagnostic in answers.values() if diagnostic is not None]
    out = 'there: emit told(n: 1, word: "x"); send Test.go(n: 1) to "t-2"'
    assert said == [out, out, "there: nothing"]
