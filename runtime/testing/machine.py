"""Random runs of a generated flow: its class and its properties in; a Hypothesis state machine, and a run of it, out.

There is a rule for every event, task, outcome and timer, named as the flow names it, and one for time that passes. The
clock is a host's: no rule passes over a timer that is due. After every step the laws of all flows are held (`laws`,
`desk`), and the properties of this one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ..core import NOBODY, Actor, Delegation, Fired, Outcome, Rejected
from ..flow import Flow
from ..spec import ActivitySpec, EventSpec
from .desk import Desk
from .laws import AnyFlow, handed, keeps_its_snapshot, rests_when_finished, sent
from .payloads import Values, fitting

F = TypeVar("F", bound=Flow[Any, Any, Any, Any])
Property = Callable[[F, datetime], bool]
"""Whether a property holds of a record at a moment."""

Draw = Callable[["st.SearchStrategy[Any]"], Any]

DEEP = 9
USUAL = 100  # examples, where no profile says otherwise
EXAMPLES, STEPS = 40, 25
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
INTERRUPTED = "interrupted"
PEOPLE = ("ann", "bob", "eve")
PAUSE = st.timedeltas(timedelta(0), timedelta(days=9))

_Rule = Callable[..., Any]


class Run(RuleBasedStateMachine, Generic[F]):
    """One instance, driven from outside. The rules are `of`'s."""

    flow: ClassVar[type[AnyFlow]]
    properties: ClassVar[Sequence[Property[Any]]]
    total: ClassVar[bool]

    def __init__(self) -> None:
        super().__init__()
        self.record: Any = None
        self.now = BEGIN
        self.desk = Desk()

    @property
    def at(self) -> AnyFlow:
        """The instance; asked for when there is one."""
        record: AnyFlow = self.record
        return record

    def begin(self, inputs: object, by: Actor) -> None:
        self.desk = Desk()
        self.record, effects = self.flow.begin(inputs, by=by, now=self.now)
        self.desk.take(effects)

    def hand(self, trigger: object, by: Actor = NOBODY) -> None:
        """A trigger that is nobody's to refuse but for what it brings, which must then change nothing."""
        before = self.at
        try:
            self.record, effects = handed(before, trigger, by, now=self.now)
        except Rejected as rejected:
            if rejected.reason != "payload":
                raise
            return
        self.desk.before(before, trigger, self.now)
        self.desk.take(effects)

    def hold(self) -> None:
        """Raises AssertionError where a law or a property is broken."""
        if self.record is not None:
            rests_when_finished(self.record)
            self.desk.agrees(self.record)
            for holds in self.properties:
                assert holds(self.record, self.now), f"{holds.__doc__} is broken: {self.record!r}"

    def teardown(self) -> None:
        if self.record is not None:
            keeps_its_snapshot(self.record)

    def send(self, event: object, by: Actor) -> None:
        self.record, effects, _ = sent(self.at, event, by, now=self.now, total=self.total)
        self.desk.take(effects)

    def pass_time(self, pause: timedelta) -> None:
        """Time passes, but no timer is passed over."""
        due = min((timer.due for timer in self.at.ledger.timers), default=None)
        later = self.now + pause
        waits = due is None or self.at.compensating
        self.now = later if waits or due is None else max(self.now, min(later, due))

    def fire(self, timer: str) -> None:
        self.now = max(self.now, self.desk.timers[timer])
        self.hand(Fired(timer))

    # ------------------------------------------------------------ what may be done

    def keys(self, activity: str) -> list[str]:
        """The calls of an activity that have not answered, interrupted ones too."""
        ledger = self.at.ledger
        running = [call.key for call in ledger.calls if call.activity == activity and not call.answer]
        flying = [entry.key for entry in ledger.log if entry.activity == activity and entry.in_flight]
        return list(dict.fromkeys((*running, *flying)))

    def runs(self, key: str) -> bool:
        return any(call.key == key and not call.answer for call in self.at.ledger.calls)

    def next_timer(self, timer: str) -> bool:
        """Whether no other timer falls due before it."""
        dues = self.desk.timers
        return not self.at.compensating and timer in dues and dues[timer] == min(dues.values())


def of(
    flow: type[F],
    *,
    properties: Sequence[Property[F]],
    timers: Sequence[str],
    constants: Sequence[object] = (),
    total: bool = True,
) -> type[Run[F]]:
    """The state machine of a flow. properties: their docstrings are what is reported; timers: the ids of all.
    constants: see `payloads.fitting`; total: see `laws.sent`."""
    body: dict[str, object] = {"flow": flow, "properties": tuple(properties), "total": total}
    for name, each in _rules(flow, timers, constants):
        body[_free(name, body)] = each
    return type(f"{flow.__name__}Run", (Run,), body)


def _rules(flow: type[AnyFlow], timers: Sequence[str], constants: Sequence[object]) -> Iterator[tuple[str, object]]:
    spec, actors = flow.spec, _actors(flow)
    inputs, some, begin = fitting(spec.inputs, constants), st.integers(0, DEEP), _begin(constants)
    yield "start", initialize(inputs=inputs, by=actors, steps=some, data=st.data())(begin)
    another = rule(inputs=inputs, by=actors, steps=some, data=st.data())(begin)
    yield "start_another", precondition(lambda self: self.at.finished)(another)
    yield "things_go_well", rule(steps=st.integers(1, DEEP), data=st.data())(_well(constants))
    for event in spec.events.values():
        yield _name(event.name), _event(event, fitting(event.record, constants), actors)
    for activity in spec.activities.values():
        for kind in dict.fromkeys((*activity.outcomes, *activity.errors, *(() if activity.flow else (INTERRUPTED,)))):
            yield _name(activity.name, kind), _outcome(activity, kind, constants)
        if activity.compensation is not None:
            yield _name(activity.name, "is_undone"), _undone(activity.name)
    for timer in timers:
        yield _name(timer), _timer(timer)
    tasks = [event.name for event in spec.events.values() if event.task]
    if tasks:
        yield "delegate", _delegation(tasks, actors)
    yield "time_passes", precondition(lambda self: not self.at.finished)(rule(pause=PAUSE)(_pass_time))
    yield "anything_stale", rule(key=st.sampled_from(("", "x#1", "task#1")))(_stale)
    yield "the_laws_hold", invariant()(_laws)


def run(machine: type[Run[F]], limits: settings | None = None) -> None:
    """Many random runs: as many as `limits` say, or a profile that was loaded, else 40 of 25 rules.

    Raises what Hypothesis makes of the first law or property that is broken: the shortest run that breaks it."""
    chosen = limits or settings()
    if limits is None and chosen.max_examples == USUAL:
        chosen = settings(chosen, max_examples=EXAMPLES, stateful_step_count=STEPS)
    calm = (*chosen.suppress_health_check, HealthCheck.too_slow, HealthCheck.filter_too_much)
    run_state_machine_as_test(machine, settings=settings(chosen, deadline=None, suppress_health_check=calm))


# ---------------------------------------------------------------- rules


def _begin(constants: Sequence[object]) -> _Rule:
    def start(self: Any, inputs: object, by: Actor, steps: int, data: st.DataObject) -> None:
        """A new instance, and so many steps in which all goes well."""
        self.begin(inputs, by)
        _go_on(self, data.draw, steps, constants)

    return start


def _well(constants: Sequence[object]) -> _Rule:
    def things_go_well(self: Any, steps: int, data: st.DataObject) -> None:
        _go_on(self, data.draw, steps, constants)

    return things_go_well


def _pass_time(self: Any, pause: timedelta) -> None:
    self.pass_time(pause)


def _stale(self: Any, key: str) -> None:
    before = self.at
    for trigger in (Outcome(key, "failed"), Fired(key)):
        assert handed(before, trigger, now=self.now) == (before, ()), f"{trigger!r} is stale and does something"


def _laws(self: Any) -> None:
    self.hold()


def _go_on(self: Any, draw: Draw, steps: int, constants: Sequence[object]) -> None:
    """So many steps of a run in which calls succeed, people do their work, and somebody sends what is waited for."""
    for _ in range(steps):
        ways = [*_ways(self, draw, constants)]
        if not ways:
            return
        ways[draw(st.integers(0, len(ways) - 1))]()
        self.hold()


def _ways(self: Any, draw: Draw, constants: Sequence[object]) -> Iterator[Callable[[], None]]:
    at: AnyFlow = self.at
    undoing = at.ledger.undoing
    if undoing is not None:
        key = at.ledger.log[-1].key if undoing.running is None else undoing.running
        failed = at.spec.activities[key.partition("#")[0]].flow and undoing.running is None
        kind = "failed" if failed else INTERRUPTED if undoing.running is None else "done"
        yield lambda: self.hand(Outcome(key, kind))
        return
    for call in (call for call in at.ledger.calls if not call.answer):
        values = fitting(at.spec.activities[call.activity].result, constants)
        yield partial(_answer, self, draw, call.key, values)
    sent = [event for kind, event in at.spec.kinds.items() if kind in at.accepted()]
    for event in sent:
        yield partial(_do, self, draw, event, fitting(event.record, constants))
    waits = [timer for timer in self.desk.timers if self.next_timer(timer)]
    yield from (partial(self.fire, timer) for timer in waits if not at.ledger.calls and not sent)


def _answer(self: Any, draw: Draw, key: str, values: Values) -> None:
    self.hand(Outcome(key, "done", draw(values)))


def _do(self: Any, draw: Draw, event: EventSpec, payloads: Values) -> None:
    self.send(draw(payloads), _entitled(self.at, event, Actor("zoe")))


def _event(event: EventSpec, payloads: Values, actors: st.SearchStrategy[Actor]) -> _Rule:
    def send(self: Any, given: object, by: Actor, able: bool) -> None:
        self.send(given, _entitled(self.at, event, by) if able else by)

    def possible(self: Any) -> bool:
        return not event.task or any(work.task == event.name for work in self.at.ledger.tasks)

    ruled = rule(given=payloads, by=actors, able=st.sampled_from((True, True, True, False)))(send)
    return precondition(possible)(ruled) if event.task else ruled


def _entitled(record: AnyFlow, event: EventSpec, by: Actor) -> Actor:
    """The actor with a role that may do it, or the person whose work it is."""
    works = [work for work in record.ledger.tasks if work.task == event.name]
    roles = works[0].roles if works else event.roles
    persons = works[0].persons if works else ()
    id = persons[0] if persons and not roles else by.id
    return Actor(id, by.roles | frozenset(roles))


def _outcome(activity: ActivitySpec, kind: str, constants: Sequence[object]) -> _Rule:
    values = fitting(activity.result, constants) if kind == "done" else st.none()

    def possible(self: Any) -> bool:
        return any(_awaited(self, activity, key, kind) for key in self.keys(activity.name))

    def answer(self: Any, which: int, result: object) -> None:
        keys = [key for key in self.keys(activity.name) if _awaited(self, activity, key, kind)]
        self.hand(Outcome(keys[which % len(keys)], kind, result))

    return precondition(possible)(rule(which=st.integers(0, 3), result=values)(answer))


def _awaited(self: Any, activity: ActivitySpec, key: str, kind: str) -> bool:
    """Whether a call may come to this end: one that was interrupted is cancelled, done, or refused."""
    if self.runs(key):
        return kind in activity.outcomes
    return kind not in {"timeout", "failed"} or kind in activity.errors


def _undone(activity: str) -> _Rule:
    def awaited(self: Any) -> str:
        undoing = self.at.ledger.undoing
        key = "" if undoing is None or undoing.running is None else undoing.running
        return key if key.partition("#")[0] == activity else ""

    def undo(self: Any) -> None:
        self.hand(Outcome(awaited(self), "done"))

    return precondition(lambda self: bool(awaited(self)))(rule()(undo))


def _timer(timer: str) -> _Rule:
    def fire(self: Any) -> None:
        self.fire(timer)

    return precondition(lambda self: self.next_timer(timer))(rule()(fire))


def _delegation(tasks: Sequence[str], actors: st.SearchStrategy[Actor]) -> _Rule:
    def delegate(self: Any, task: str, by: Actor, to: str) -> None:
        try:
            self.record, effects = handed(self.at, Delegation(task, to), by, now=self.now)
        except Rejected:
            return
        self.desk.take(effects)

    possible = precondition(lambda self: bool(self.at.ledger.tasks))
    return possible(rule(task=st.sampled_from(list(tasks)), by=actors, to=st.sampled_from(PEOPLE))(delegate))


def _actors(flow: type[AnyFlow]) -> st.SearchStrategy[Actor]:
    roles = sorted({role for event in flow.spec.events.values() for role in event.roles})
    held = st.frozensets(st.sampled_from(roles)) if roles else st.just(frozenset[str]())
    return st.builds(Actor, st.sampled_from(("", *PEOPLE)), held)


def _name(*words: str) -> str:
    """A name as Python has them."""
    return re.sub(r"\W+", "_", "_".join(words)).strip("_").lower()


def _free(name: str, taken: Mapping[str, object]) -> str:
    """The name, or another one like it that neither the machine nor another rule has."""
    while not name.isidentifier() or name in taken or hasattr(Run, name):
        name = f"{name}_" if name[:1].isalpha() else f"rule_{name}"
    return name
