"""Acts played on the reference interpreter: a kernel and acts in; every step they make, the timers between too, out.

The clock is the host's: before an act every timer fires that fell due before its moment, the earliest first; one that
is due at that very moment may still come later, and while a compensation runs none fires. A task is escalated before
somebody does it at the same moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ...dsl.values import dataclass
from ..evaluate import Fault
from ..instance import NOBODY, Actor, Fired, Instance, Rejected, Step, Trigger
from ..kernel import Kernel
from ..simulate import start, step
from .acts import Act, Inapplicable, Kind, trigger, types

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MOST_TIMERS = 200
"""Timers that may fire before one act; a task may remind for ever."""


@dataclass(frozen=True, slots=True)
class Played:
    """One act, or (`act` None) a timer that fired before one. `trigger` None: the start, or an act that cannot be done.

    step: what it made; None where it was refused: `refused` says by what, or `missing` why it cannot be done at all."""

    act: Act | None
    trigger: Trigger | None
    actor: Actor
    now: datetime
    before: Instance | None
    step: Step | None
    refused: Rejected | Fault | None = None
    missing: str = ""

    @property
    def after(self) -> Instance | None:
        """The instance then, also where nothing was done."""
        return self.before if self.step is None else self.step.after

    @property
    def took(self) -> bool:
        """Whether it did something: a transition that stays as it is counts, what is stale or ignored does not."""
        made = self.step
        return made is not None and (bool(made.taken) or made.after != self.before or bool(made.effects))


def play(kernel: Kernel, acts: Sequence[Act], begin: datetime = BEGIN) -> tuple[Played, ...]:
    """Every act that can be done is done; nothing follows a start that is refused."""
    return tuple(_Stage(kernel, begin).steps(acts))


class _Stage:
    def __init__(self, kernel: Kernel, begin: datetime) -> None:
        self.kernel = kernel
        self.begin = begin
        self.now = begin
        self.at: Instance | None = None

    def steps(self, acts: Sequence[Act]) -> Iterator[Played]:
        for act in acts:
            if self.at is None:
                yield (begun := self._start(act))
                if begun.step is None:
                    return
            else:
                yield from self._timers(self.at, act)
                yield self._act(self.at, act)

    def _start(self, act: Act) -> Played:
        begun = Played(act, None, act.actor, self.now, None, None)
        try:
            made = start(self.kernel, act.values, act.actor, self.now)
        except (Rejected, Fault) as refused:
            return replace(begun, refused=refused)
        self.at = made.after
        return replace(begun, step=made)

    def _timers(self, at: Instance, act: Act) -> Iterator[Played]:
        """Those that fire before an act; the clock is then at its moment."""
        moment = max(self.now, self.begin + act.at)
        own = next((a.due for a in at.timers if act.kind is Kind.TIMER and a.timer == act.name), None)
        moment = moment if own is None else max(self.now, own)
        for _ in range(MOST_TIMERS):
            current = self.at
            if current is None or current.compensating or current.finished:
                break
            due = next((a for a in current.due() if self._first(act, a.timer, a.due, moment)), None)
            if due is None:
                break
            self.now = max(self.now, due.due)
            fired = self._tried(current, None, Fired(due.timer), NOBODY)
            yield fired
            if not fired.took:
                break
        self.now = max(self.now, moment)

    def _first(self, act: Act, timer: str, due: datetime, moment: datetime) -> bool:
        if act.kind is Kind.TIMER and timer == act.name:
            return False
        escalates = act.kind is Kind.TASK and self.kernel.timer[timer].escalates is not None
        return due < moment or (escalates and due == moment)

    def _act(self, at: Instance, act: Act) -> Played:
        try:
            brings = list(types(self.kernel, act))
            if len(brings) != len(act.values):
                raise Inapplicable(f"`{act.name}` brings something else")
            triggered = trigger(at, act)
        except Inapplicable as why:
            return Played(act, None, act.actor, self.now, at, None, missing=str(why))
        return self._tried(at, act, triggered, act.actor)

    def _tried(self, at: Instance, act: Act | None, triggered: Trigger, actor: Actor) -> Played:
        try:
            made = step(self.kernel, at, triggered, actor, self.now)
        except (Rejected, Fault) as refused:
            return Played(act, triggered, actor, self.now, at, None, refused)
        self.at = made.after
        return Played(act, triggered, actor, self.now, at, made)
