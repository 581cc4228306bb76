"""A run and a wish about the data it ends in; the same run with other inputs and payloads, so that the wish holds, out.

The conditions of all its steps are put into one formula, each step over the data of the one before; where moments
decide, and those of the run do not do, with a moment for each step, and what timers allow between them. What Z3 answers
is run again from the start, so the arrival that comes out is as real as the first one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product

from ...dsl.model import InstantType, Value
from ...dsl.values import dataclass
from ..instance import NOBODY, Armed
from ..kernel import Timer
from .attempt import Attempts
from .encode import Env, scaled
from .graph import Arrival
from .moves import BEGIN, Move, MoveKind
from .passages import Fan
from .schedule import Bound, Limit
from .solver import Reply, Term
from .states import States
from .symbols import Symbol

LONGEST_RUN = 80  # steps
REMEMBERED = 5000  # steps of which what they come to is kept


@dataclass(frozen=True, eq=False, slots=True)
class _Path:
    """What a run comes to with a step, whatever it brings: that it takes this way, and the data there. `arrival`: the
    step, kept so that its id stays its own; `brought`: what it brings."""

    arrival: Arrival
    brought: tuple[Symbol, ...]
    condition: Term
    current: Mapping[str, Symbol]


class Realise:
    def __init__(self, states: States, attempts: Attempts) -> None:
        self.states = states
        self.encoder = states.encoder
        self.attempts = attempts
        self._known: dict[int, _Path] = {}
        self._moved: dict[int, tuple[_Path, Symbol]] = {}

    def __call__(
        self, arrival: Arrival, wanted: Term, fan: Fan, move: Move | None = None
    ) -> tuple[Arrival, tuple[Value, ...], datetime] | None:
        """wanted: over the data after the run, and the payload and the moment of `fan`, which is what should come next.
        move: it comes in its turn; None: nothing has to come.

        The arrival that fulfils it, that payload and that moment; None if there is none along this run, its steps at
        the moments they came at or at others, where these decide, or Z3 cannot say."""
        run = arrival.run()
        if len(run) > LONGEST_RUN:
            return None
        ordered = wanted if move is None else self.encoder.all(wanted, self.in_order(arrival, move))
        found = self._along(run, ordered, fan)
        return self._retimed(run, wanted, fan, move) if found is None and self._moves else found

    @property
    def _moves(self) -> bool:
        """Whether when a step comes may decide something, or data when it may."""
        return self.states.passages.timed or not self.attempts.clock.exact

    def otherwise(self, arrival: Arrival) -> Arrival | None:
        """A run that cannot be as it is, since a timer would come before, with other payloads, at other moments."""
        return self.lasting(arrival.run(), 0, 0, ()) if arrival.real and self._moves else None

    def _along(
        self, run: Sequence[Arrival], wanted: Term, fan: Fan
    ) -> tuple[Arrival, tuple[Value, ...], datetime] | None:
        """With other payloads, at the moments the steps came at."""
        paths = self._paths(run)
        last = self._fresh(fan)
        conditions = [path.condition for path in paths]
        reply = self.states.ask(*conditions, self._put(wanted, self._pairs(paths[-1].current, fan, last)))
        if reply.model is None:
            return None
        again = self.replay(run, self._payloads(reply, run, paths))
        if again is None:
            return None
        now = self.read_now(reply) if self.states.passages.timed else again.now
        return None if now < again.now else (again, self._read(reply, fan, last), now)

    def _retimed(
        self, run: Sequence[Arrival], wanted: Term, fan: Fan, move: Move | None
    ) -> tuple[Arrival, tuple[Value, ...], datetime] | None:
        """With other payloads, and at other moments."""
        at = run[-1]
        trigger = move.trigger(()) if move is not None and move.kind is MoveKind.TIMER else None
        tried = Arrival(at.instance, at.now, at.real, (), (), at, move, trigger, NOBODY)
        paths, moments = self._moving(run)
        last, now = self._fresh(fan), self.encoder.variable("moment", InstantType())
        pairs = [*self._pairs(paths[-1].current, fan, last), (self.states.passages.now, now.term)]
        conditions = [*(path.condition for path in paths), self._put(wanted, pairs)]
        for order in self._orders([*run, tried], paths, [*moments, now]):
            reply = self.states.ask(*conditions, *order)
            if reply.model is not None:
                *times, then = self._times(reply, [*moments, now])
                again = self.replay(run, self._payloads(reply, run, paths), times)
                return None if again is None else (again, self._read(reply, fan, last), then)
        return None

    def lasting(self, run: Sequence[Arrival], since: int, least: int, answered: Sequence[Bound]) -> Arrival | None:
        """A run with other payloads, and at other moments, with which it takes at least so many microseconds from one
        of its steps on.

        answered: what bounds a step beside timers. None: there is none, or Z3 cannot say."""
        if len(run) > LONGEST_RUN:
            return None
        paths, moments = self._moving(run)
        slow = moments[-1].term - moments[since].term >= least
        conditions = [*(path.condition for path in paths), slow, *_limits(moments, answered)]
        as_it_was = moments[0].term == self._moment(run[0].now)
        for order, start in product(self._orders(run, paths, moments), (as_it_was, True)):
            reply = self.states.ask(*conditions, *order, start)
            if reply.model is not None:
                return self.replay(run, self._payloads(reply, run, paths), self._times(reply, moments))
        return None

    def _moving(self, run: Sequence[Arrival]) -> tuple[list[_Path], list[Symbol]]:
        """Of every step of a run what it comes to, and when, at any moment; what was made before is not made again."""
        if len(self._moved) > REMEMBERED:
            self._moved.clear()
        found: list[tuple[_Path, Symbol]] = []
        current: Mapping[str, Symbol] = {}
        for step in run:
            if id(step) not in self._moved:
                moment = self.encoder.variable("moment", InstantType())
                self._moved[id(step)] = self._path(current, step, moment.term), moment
            found.append(self._moved[id(step)])
            current = found[-1][0].current
        return [path for path, _ in found], [moment for _, moment in found]

    def _orders(
        self, run: Sequence[Arrival], paths: Sequence[_Path], moments: Sequence[Symbol]
    ) -> Iterator[list[Term]]:
        """What moments obey, by the cases there are: timers fall due as data say when they are armed."""
        inside = [self.encoder.domain(each, InstantType()) for each in moments]

        def due(timer: Armed, arming: int) -> tuple[int, Term]:
            if not self.attempts.clock.unknown(timer.timer):
                return self.attempts.schedule.due(run, timer, arming)
            written = self.attempts.kernel.timer[timer.timer]
            moment = written.at or written.after
            assert moment is not None, "a timer has an `after` or an `at`"
            length = self.encoder.expression(moment, Env(paths[arming].current, moments[arming].term))[0].term
            since = self.attempts.schedule.since(run, timer, arming)
            if written.at is not None:
                since, length = arming, length - moments[arming].term
            return since, self.encoder.pick(length < 0, 0, length)

        for bounds in self.attempts.schedule.cases(run, due):
            yield [*inside, *_limits(moments, bounds)]

    def _times(self, reply: Reply, moments: Sequence[Symbol]) -> list[datetime]:
        times = (self.encoder.read(reply.model, each, InstantType()) for each in moments)
        return [time for time in times if isinstance(time, datetime)]

    def _payloads(self, reply: Reply, run: Sequence[Arrival], paths: Sequence[_Path]) -> list[tuple[Value, ...]]:
        """What the steps of a run bring in a model."""
        return [
            step.payload if step.fan is None or not step.fan.params else self._read(reply, step.fan, path.brought)
            for step, path in zip(run, paths, strict=True)
        ]

    def _read(self, reply: Reply, fan: Fan, symbols: tuple[Symbol, ...]) -> tuple[Value, ...]:
        typed = zip(symbols, fan.params, strict=True)
        return tuple(self.encoder.read(reply.model, symbol, param.type) for symbol, param in typed)

    def _paths(self, run: Sequence[Arrival]) -> list[_Path]:
        """Of every step of a run; what was made of a step before is not made again."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
        found: list[_Path] = []
        current: Mapping[str, Symbol] = {}
        for step in run:
            path = self._known.get(id(step))
            if path is None:
                path = self._known[id(step)] = self._path(current, step)
            current = path.current
            found.append(path)
        return found

    def _path(self, current: Mapping[str, Symbol], step: Arrival, moment: Term | None = None) -> _Path:
        """moment: when it comes; None: when it came."""
        fresh = () if step.fan is None else self._fresh(step.fan)
        if step.fan is None or step.passage is None:
            return _Path(step, fresh, True, current)
        change = self._change(current, step.fan, fresh, self._moment(step.now) if moment is None else moment)
        condition = change(step.passage.condition)
        after = {name: self.encoder.put(symbol, change) for name, symbol in step.passage.after.variables.items()}
        return _Path(step, fresh, condition, after)

    def replay(
        self, run: Sequence[Arrival], payloads: Sequence[tuple[Value, ...]], times: Sequence[datetime] | None = None
    ) -> Arrival | None:
        """The run with other payloads, at other moments (None: at those it came at); None if it takes another way."""
        at: Arrival | None = None
        for old, payload, now in zip(run, payloads, times or [step.now for step in run], strict=True):
            at = self.attempts.again(at, old, payload, now)
            if at is None or not at.real:
                return None
        return at

    def given(self, term: Term, fan: Fan, payload: Sequence[Value]) -> Term:
        """A term over what a fan's move brings, for one payload."""
        if len(payload) != len(fan.params):
            return term  # a settled call's result: nothing depends on it
        known = tuple(self.encoder.value(value, p.type) for value, p in zip(payload, fan.params, strict=True))
        return self._put(term, self._pairs({}, fan, known))

    def brings(self, fan: Fan, payload: Sequence[Value]) -> Iterator[tuple[Term, Term]]:
        """What a fan's move brings, each unknown that was made so far with its value in a payload."""
        if len(payload) == len(fan.params):
            known = tuple(self.encoder.value(value, p.type) for value, p in zip(payload, fan.params, strict=True))
            yield from self._pairs({}, fan, known)

    def _fresh(self, fan: Fan) -> tuple[Symbol, ...]:
        return tuple(self.encoder.variable(param.name, param.type) for param in fan.params)

    def _change(
        self, current: Mapping[str, Symbol], fan: Fan, fresh: Sequence[Symbol], now: Term
    ) -> Callable[[Term], Term]:
        """What puts the data before a step, its payload and its moment in their places; the slots of a list among them
        are made when they are looked at, so they are gathered again when there are more."""
        moment = self.states.passages.now, now
        substitution = self.encoder.z3.substitution([])
        known = -1

        def change(term: Term) -> Term:
            nonlocal substitution, known
            if isinstance(term, (bool, int)):
                return term
            if known != self.encoder.made:
                substitution = self.encoder.z3.substitution([*self._pairs(current, fan, fresh), moment])
                known = self.encoder.made
            return substitution(term)

        return change

    def _pairs(self, current: Mapping[str, Symbol], fan: Fan, fresh: Sequence[Symbol]) -> list[tuple[Term, Term]]:
        before = self.states.passages.variables
        old = [*(before[name] for name in current), *fan.payload]
        new = [*current.values(), *fresh]
        return [pair for was, now in zip(old, new, strict=True) for pair in self.encoder.pairs(was, now)]

    def _put(self, term: Term, pairs: list[tuple[Term, Term]]) -> Term:
        return term if isinstance(term, (bool, int)) else self.encoder.z3.substitution(pairs)(term)

    def moments(self, arrival: Arrival | None, move: Move) -> tuple[Term, ...]:
        """When a step may be tried: at once or as soon as it may be, else later."""
        if not self.states.passages.timed:
            return (True,)
        earliest = BEGIN if arrival is None else arrival.now
        if arrival is not None and move.kind is MoveKind.TIMER:
            earliest = max(earliest, *(a.due for a in arrival.instance.timers if a.timer == move.name))
        now = self.states.passages.now
        earlier = (True,) if arrival is None else ()  # it may start at any time
        return (now == self._moment(earliest), now >= self._moment(earliest), *earlier)

    def moment(self, now: datetime) -> Term:
        """That the step comes at a moment, where moments decide."""
        return self.states.passages.now == self._moment(now) if self.states.passages.timed else True

    def read_now(self, reply: Reply) -> datetime:
        """The moment of the step in a model."""
        now = self.encoder.read(reply.model, Symbol(self.states.passages.now), InstantType())
        assert isinstance(now, datetime)
        return now

    def _moment(self, now: datetime) -> Term:
        return self.encoder.term(self.encoder.value(now, InstantType()).term)

    def in_order(self, arrival: Arrival, move: Move) -> Term:
        """That the move does not come before the arrival, nor a timer before it is due, and that no other timer armed
        since then falls due before this one, as far as it depends on data."""
        now = self.states.passages.now
        later = now >= self._moment(arrival.now) if self.states.passages.timed else True
        if move.kind is not MoveKind.TIMER:
            return later
        kernel, clock = self.attempts.kernel, self.attempts.clock
        armed = {a.timer: a.due for a in arrival.instance.timers if a.timer in clock.ticking}
        if move.name not in armed or not (self.states.passages.timed or any(map(clock.unknown, armed))):
            return later
        place = clock.place[move.name]
        beside = [name for name in armed if clock.place[name] == place]
        lengths = {name: clock.length(name) for name in beside}
        entries = (armed[name] - timedelta(microseconds=n) for name, n in lengths.items() if n is not None)
        entered = next(entries, arrival.now)
        own = self._due(kernel.timer[move.name], arrival, entered)
        if self.states.passages.timed:
            later = self.encoder.all(later, now >= own)
        return self.encoder.all(later, *(own <= self._due(kernel.timer[name], arrival, entered) for name in beside))

    def _due(self, timer: Timer, arrival: Arrival, entered: datetime) -> Term:
        """When a timer of the place falls due, in the data before the step."""
        length = self.attempts.clock.length(timer.id)
        if length is not None:
            return int(scaled(entered, InstantType())) + length
        moment = timer.at if timer.after is None else timer.after
        assert moment is not None, "a timer has an `after` or an `at`"
        symbol, _ = self.encoder.expression(moment, Env(self.states.passages.variables, self.states.passages.now))
        since = arrival.instance.started if timer.id == self.attempts.clock.deadline else entered
        return symbol.term if timer.after is None else symbol.term + int(scaled(since, InstantType()))


def _limits(moments: Sequence[Symbol], bounds: Sequence[Limit]) -> Iterator[Term]:
    """Some bounds, as terms, but those from the start of all time."""
    for i, j, most in bounds:
        if i >= 0 and j >= 0:
            yield moments[i].term - moments[j].term <= most
