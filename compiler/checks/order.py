"""A run in; its steps in the order that goes least from one region to another, then from one sender to another, out.

Regions run side by side, so a run that the search found may go to and fro between them where nothing asks for it. All
orders of its steps that the interpreter takes are looked through, the first and the last step staying where they are,
those that have already gone to and fro as often as the best one left aside (branch and bound, Land and Doig 1960).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from ...dsl.values import replace
from ..instance import Taken
from ..kernel import Kernel, ScopeKind
from .attempt import Attempts
from .graph import Arrival
from .moves import Move, MoveKind, alike

MOST_STEPS = 3000  # steps of the interpreter for one run

Turns = tuple[int, int]
"""How often a run goes from one region to another, and from one sender to another."""


def region(kernel: Kernel, taken: Sequence[Taken]) -> str:
    """The innermost region that a step is about; none: the flow itself."""
    command = next((each.command for each in taken if each.command is not None), None)
    around = () if command is None else kernel.above(kernel.commands[command].scope)
    return next((name for name in around if name in kernel.scope and kernel.scope[name].kind is ScopeKind.REGION), "")


def sender(kernel: Kernel, step: Arrival) -> str:
    """Whose step it is, as far as turns are counted."""
    move = step.move
    if move is None:
        return "start"
    match move.kind:
        case MoveKind.EVENT:
            return f"event by {' '.join(kernel.event[move.name].roles)}"
        case MoveKind.TASK:
            return f"task for {kernel.task[move.name].name}"
        case MoveKind.TIMER:
            return "clock"
        case _:
            return "services"


def turns(kernel: Kernel, run: Sequence[Arrival]) -> Turns:
    places = [(region(kernel, step.taken), sender(kernel, step)) for step in run]
    pairs = list(pairwise(places))
    return sum(a[0] != b[0] for a, b in pairs), sum(a[1] != b[1] for a, b in pairs)


def calmest(attempts: Attempts, arrival: Arrival, plays: Callable[[Arrival], bool]) -> Arrival:
    """The run to an arrival in the order with the fewest turns of those that play; itself, if it is that one."""
    run = arrival.run()
    if len({region(attempts.kernel, step.taken) for step in run} - {""}) < 2:
        return arrival
    return _Orders(attempts, run, plays).best


class _Orders:
    """The orders of the steps of one run."""

    def __init__(self, attempts: Attempts, run: Sequence[Arrival], plays: Callable[[Arrival], bool]) -> None:
        self.attempts = attempts
        self.kernel = attempts.kernel
        self.run = run
        self.plays = plays
        self.best = run[-1]
        self.fewest = turns(self.kernel, run)
        self.left = MOST_STEPS
        self.regions = [region(self.kernel, step.taken) for step in run]
        self.senders = [sender(self.kernel, step) for step in run]
        self.made = [self._calls(step) for step in run]
        self.commands = Counter(each for step in run for each in step.taken)
        self._extend(run[0], (0,), {}, (0, 0))

    def _calls(self, step: Arrival) -> list[str]:
        """The keys of the calls that a step made."""
        before = () if step.before is None else {call.key for call in step.before.instance.calls}
        return [call.key for call in step.instance.calls if call.key not in before]

    def _extend(self, at: Arrival, used: tuple[int, ...], keys: Mapping[str, str], now: Turns) -> None:
        rest = [index for index in range(1, len(self.run)) if index not in used]
        if not rest:
            self._done(at, now)
            return
        last = used[-1]
        wishes = rest[:-1] or rest  # the last step comes last
        for index in sorted(wishes, key=lambda i: (*self._turn(last, i), i)):
            step, back = self._turn(last, index)
            turned = now[0] + step, now[1] + back
            ahead = len({self.regions[i] for i in rest} - {self.regions[index]})
            if (turned[0] + ahead, turned[1]) >= self.fewest or self.left <= 0:
                continue
            after = self._step(at, index, keys)
            if after is not None:
                self._extend(after, (*used, index), {**keys, **dict(self._renamed(after, index))}, turned)

    def _turn(self, last: int, index: int) -> Turns:
        return int(self.regions[last] != self.regions[index]), int(self.senders[last] != self.senders[index])

    def _renamed(self, after: Arrival, index: int) -> Iterator[tuple[str, str]]:
        """The keys of the calls that a step made in the run, each with that of the same call now."""
        yield from zip(self.made[index], self._calls(after), strict=False)

    def _step(self, at: Arrival, index: int, keys: Mapping[str, str]) -> Arrival | None:
        old = self.run[index]
        assert old.move is not None, "only the start has no move"
        move = self._move(old.move, at, keys)
        if move is None:
            return None
        self.left -= 1
        step = self.attempts.step(at, move, old.payload, at.now)
        if step is None or not step.real or step.taken[:1] != old.taken[:1]:
            return None
        return step.along(old.fan, old.passage)

    def _move(self, move: Move, at: Arrival, keys: Mapping[str, str]) -> Move | None:
        """The move as it is called in this order; None: it cannot come now."""
        instance = at.instance
        match move.kind:
            case MoveKind.EVENT:
                return move if self.kernel.written(instance.configuration, move.on) else None
            case MoveKind.TASK:
                return move if any(task.task == move.name for task in instance.tasks) else None
            case MoveKind.TIMER:
                return move if any(armed.timer == move.name for armed in instance.timers) else None
            case MoveKind.ANSWER | MoveKind.SETTLE:
                key = keys.get(move.name, move.name)
                known = (call.key for call in instance.calls if not call.answer)
                flying = (entry.key for entry in instance.log.in_flight)
                return replace(move, name=key) if key in known or key in flying else None
            case _:
                return alike(move, instance)

    def _done(self, at: Arrival, now: Turns) -> None:
        last = self.run[-1]
        alike = at.taken == last.taken and at.instance.configuration == last.instance.configuration
        same = alike and Counter(each for step in at.run() for each in step.taken) == self.commands
        if same and now < self.fewest and self.plays(at):
            self.best, self.fewest = at, now
