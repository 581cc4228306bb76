"""A test of the tests: what the interpreter may get wrong about log, timers and tasks is noticed by the twins.

Each slip is patched into `Draft`, of which the interpreter is made. The generated code, which shares nothing with it,
is driven beside it through the same runs; without a slip these runs are the same to the last effect.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from kernels import kernel, kernels
from penstock.compiler import scenario
from penstock.compiler.checks.verdict import Verdict
from penstock.compiler.draft import Draft, Payload
from penstock.compiler.effects import InterruptActivity
from penstock.compiler.instance import Call, Entry, Log, WorkItem
from penstock.compiler.kernel import Kernel
from penstock.dsl.model import Update, Value
from twins import AnyFlow, Twins, drive, generated

SPECS = Path(__file__).parents[2] / "specs"
RUNS = 40  # of each flow
STEPS = 30
Slip = Callable[[pytest.MonkeyPatch], None]


MARKS = """
flow Marks version 1 {
  data { goes: int = 0, seen: int = 0 }
  event go
  event back
  activity one() -> text { fails lost  compensate undo_one(result) }
  activity two() -> text { compensate undo_two(result) }
  start -> First
  state First {
    do one()
    on done(_) -> Second
    on failed -> compensate -> Left
    on go { goes = 1, seen = goes } -> Second
  }
  state Second { do two()  on done(_) -> Open  on failed -> compensate -> Left }
  state Open { on back -> compensate since Second -> Left  after 1d -> Left }
  final Left
}
"""


@cache
def flows() -> dict[str, tuple[Kernel, type[AnyFlow]]]:
    found = {"Marks": (kernel(MARKS), generated(kernel(MARKS)))}
    for name in ("order", "training", "support"):
        for flow, made in kernels((SPECS / f"{name}.flow").read_text(encoding="utf-8")).items():
            found[flow] = made, generated(made)
    return found


def first_difference() -> str | None:
    """The first flow of which some run differs, if there is one."""
    for flow, (made, module) in flows().items():
        for seed in range(RUNS):
            dice = random.Random(seed)
            choices = [(dice.randrange(10**6), dice.choice((0, 1, 3, 3600, 86400))) for _ in range(STEPS)]
            try:
                drive(Twins(made, module), choices)
            except (AssertionError, IndexError, KeyError, ValueError):
                return flow
    return None


def oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest entry at the bottom of the log, so that it is undone last."""
    begin = Draft.begin

    def wrong(self: Draft, call: Call) -> None:
        before = len(self.log)
        begin(self, call)
        if len(self.log) > before:
            self.log = Log.of((self.log.top, *self.log.below))

    monkeypatch.setattr(Draft, "begin", wrong)


def two_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two newest entries the other way round."""
    begin = Draft.begin

    def wrong(self: Draft, call: Call) -> None:
        before = len(self.log)
        begin(self, call)
        if len(self.log) > before >= 1:
            self.log = self.log.first(before - 1).extended(reversed(self.log[-2:]))

    monkeypatch.setattr(Draft, "begin", wrong)


def not_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that has an effect is not written down before it starts."""
    begin = Draft.begin

    def wrong(self: Draft, call: Call) -> None:
        before = self.log
        begin(self, call)
        self.log = before

    monkeypatch.setattr(Draft, "begin", wrong)


def error_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A declared error leaves its entry on the log."""

    def wrong(self: Draft, entry: Entry, kind: str, payload: Payload) -> None:
        settled = replace(entry, in_flight=False)
        if kind == "done":
            settled = replace(settled, status="done", result=payload[0] if payload else None)
        self.log = self.log.changed(self.log.place(entry), settled)

    monkeypatch.setattr(Draft, "settle", wrong)


def timeout_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that may have had its effect is taken off the log."""
    settle = Draft.settle

    def wrong(self: Draft, entry: Entry, kind: str, payload: Payload) -> None:
        if kind in {"timeout", "failed"}:
            self.remove(self.log.place(entry))
        else:
            settle(self, entry, kind, payload)

    monkeypatch.setattr(Draft, "settle", wrong)


def result_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compensation does not get the result of what it undoes."""
    settle = Draft.settle

    def wrong(self: Draft, entry: Entry, kind: str, payload: Payload) -> None:
        settle(self, entry, kind, ())

    monkeypatch.setattr(Draft, "settle", wrong)


def marks_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The marks above an entry do not come down with it."""

    def wrong(self: Draft, index: int) -> None:
        self.log = self.log.changed(index)

    monkeypatch.setattr(Draft, "remove", wrong)


def not_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call whose state is left goes on."""
    drop = Draft.drop

    def wrong(self: Draft, call: Call) -> None:
        drop(self, call)
        self.effects[:] = [each for each in self.effects if not isinstance(each, InterruptActivity)]

    monkeypatch.setattr(Draft, "drop", wrong)


def timers_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timers of a state that is left are not cancelled."""
    close_all = Draft.close_all

    def wrong(self: Draft, places: Collection[str]) -> None:
        timers = list(self.timers)
        close_all(self, places)
        self.timers[:] = timers

    monkeypatch.setattr(Draft, "close_all", wrong)


def escalated_when_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that is closed goes on to be escalated."""

    def wrong(self: Draft, item: WorkItem) -> None:
        self.tasks.remove(item)

    monkeypatch.setattr(Draft, "close", wrong)


def anybody_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who did a task is not remembered."""

    def wrong(self: Draft, item: WorkItem, actor: str) -> None:
        self.close(item)

    monkeypatch.setattr(Draft, "complete", wrong)


def updates_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Updates run in the wrong order."""
    update = Draft.update

    def wrong(self: Draft, updates: Sequence[Update], params: dict[str, Value] | None = None) -> None:
        update(self, tuple(reversed(updates)), params)

    monkeypatch.setattr(Draft, "update", wrong)


SLIPS = (
    oldest_first,
    two_exchanged,
    not_logged,
    error_kept,
    timeout_forgotten,
    result_forgotten,
    marks_stay,
    not_interrupted,
    timers_go_on,
    escalated_when_done,
    anybody_again,
    updates_backwards,
)


def test_without_a_slip_no_run_differs() -> None:
    assert first_difference() is None


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.__name__)
def test_a_slip_of_the_interpreter_is_noticed_by_the_twins(slip: Slip, monkeypatch: pytest.MonkeyPatch) -> None:
    flows()
    slip(monkeypatch)
    assert first_difference() is not None


UNDONE = """
flow Two version 1 {
  event cancel
  activity one() -> text { compensate undo_one(result) }
  activity two() -> text { compensate undo_two(result) }
  start -> First
  state First { do one()  on done(_) -> Second  on failed -> compensate -> Lost }
  state Second { do two()  on done(_) -> Open  on failed -> compensate -> Lost }
  state Open { on cancel -> compensate -> Lost  after 1d -> Kept }
  final Kept
  final failure Lost
  scenario "the newest is undone first" {
    start()
    one done("1")
    two done("2")
    cancel
    expect compensated undo_two, undo_one
  }
}
"""


@pytest.mark.parametrize("slip", [oldest_first, two_exchanged], ids=lambda slip: slip.__name__)
def test_entries_in_another_order_are_noticed_by_a_scenario(slip: Slip, monkeypatch: pytest.MonkeyPatch) -> None:
    made = kernel(UNDONE)
    assert [answer.verdict for answer in scenario.rehearse(made).answers] == [Verdict.PROVED]
    slip(monkeypatch)
    assert [answer.verdict for answer in scenario.rehearse(made).answers] == [Verdict.REFUTED]
