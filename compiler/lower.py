"""Lowering: a Flow in, its Kernel out: states as scopes and leaves, transitions as commands, timers by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypedDict

from ..dsl import model
from ..dsl.model import (
    After,
    At,
    Compensation,
    Flow,
    ListType,
    NoneType,
    OnDone,
    OnEvent,
    OnFailure,
    OnJoin,
    OnTask,
    OptionalType,
    Parameter,
    RecordType,
    StateKind,
    Transition,
)
from ..dsl.source import Span
from ..dsl.values import replace
from .kernel import (
    DONE,
    FAILED,
    Branch,
    Choice,
    Command,
    Goto,
    Kernel,
    Leaf,
    LeafKind,
    On,
    Scope,
    ScopeKind,
    Stay,
    Target,
    Timer,
    TriggerKind,
    Undo,
)

DEADLINE = "deadline"
UNUSED = "_"


def lower(flow: Flow) -> Kernel:
    """The kernel of a typed flow, in whose transitions every activity, event and task name is right; in time linear in
    its length, but for states in states."""
    around = _around(flow)
    return Kernel(
        name=flow.name,
        version=flow.version,
        doc=flow.doc,
        enums=flow.enums,
        inputs=flow.inputs,
        data=flow.data,
        roles=flow.roles,
        events=flow.events,
        activities=flow.activities,
        compensations=_compensations(flow),
        scopes=(_flow(flow), *(_scope(around, state) for state in flow.states if _has_states(state))),
        leaves=(
            *(_leaf(around, state) for state in flow.states if not _has_states(state)),
            *(_final(around, final) for final in flow.finals),
        ),
        choices=tuple(map(_choice, flow.choices)),
        commands=tuple(replace(command, id=index) for index, command in enumerate(_commands(flow))),
        properties=flow.properties,
        scenarios=flow.scenarios,
        accepts=flow.accepts,
        source=flow.source,
        span=flow.span,
        records=flow.records,
        messages=flow.messages,
        outputs=flow.outputs,
        schedules=flow.schedules,
    )


def _compensations(flow: Flow) -> tuple[Compensation, ...]:
    found: dict[str, Compensation] = {}
    for activity in flow.activities:
        if isinstance(activity.effect, Compensation):
            found.setdefault(activity.effect.name, activity.effect)
    return tuple(found.values())


# ---------------------------------------------------------------- places and choices


def _flow(flow: Flow) -> Scope:
    """The outermost scope."""
    return Scope(
        name="",
        path=(),
        tasks=(),
        timers=() if flow.deadline is None else (_timer(DEADLINE, flow.deadline.transition),),
        ignores=frozenset(),
        defers=frozenset(),
        waits=None,
        accepts=flow.accepts,
        doc=flow.doc,
        span=flow.span,
        kind=ScopeKind.FLOW,
        start=None,
    )


def _has_states(state: model.State) -> bool:
    return state.kind is not StateKind.PLAIN or state.start is not None


Around = Mapping[str | None, tuple[str, ...]]
"""By the name of a state, itself and the states around it, the outermost first; by None, which is the flow, nothing."""


def _around(flow: Flow) -> Around:
    found: dict[str | None, tuple[str, ...]] = {None: ()}
    for state in flow.states:  # outer ones come before inner ones
        found[state.name] = (*found[state.parent], state.name)
    return found


class _Common(TypedDict):
    """What a state gives a place, whether states are in it or not."""

    name: str
    path: tuple[str, ...]
    tasks: tuple[model.Task, ...]
    timers: tuple[Timer, ...]
    ignores: frozenset[str]
    defers: frozenset[str]
    waits: str | None
    accepts: tuple[model.Accept, ...]
    doc: str
    span: Span


def _common(around: Around, state: model.State) -> _Common:
    return {
        "name": state.name,
        "path": around[state.parent],
        "tasks": state.tasks,
        "timers": tuple(sorted(_timers(state), key=lambda timer: timer.span.start)),
        "ignores": frozenset(state.ignores),
        "defers": frozenset(state.defers),
        "waits": state.waits,
        "accepts": state.accepts,
        "doc": state.doc,
        "span": state.span,
    }


def _scope(around: Around, state: model.State) -> Scope:
    start = state.start
    return Scope(
        **_common(around, state),
        kind=SCOPES[state.kind],
        start=None if start is None else Branch(None, start.updates, _jump(start.target), start.span),
    )


SCOPES = {
    StateKind.PLAIN: ScopeKind.STATE,
    StateKind.PARALLEL: ScopeKind.PARALLEL,
    StateKind.REGION: ScopeKind.REGION,
}


def _leaf(around: Around, state: model.State) -> Leaf:
    return Leaf(**_common(around, state), kind=LeafKind.STATE, call=state.call)


def _final(around: Around, final: model.Final) -> Leaf:
    if final.parent is None:
        kind = LeafKind.FAILURE if final.failure else LeafKind.FINAL
    else:
        kind = LeafKind.REGION_FAILED if final.failure else LeafKind.REGION_DONE
    return Leaf(
        name=final.name,
        kind=kind,
        path=around[final.parent],
        call=None,
        tasks=(),
        timers=(),
        ignores=frozenset(),
        defers=frozenset(),
        waits=None,
        accepts=(),
        doc=final.doc,
        span=final.span,
    )


def _timers(state: model.State) -> Iterator[Timer]:
    for task in state.tasks:
        for number, escalation in enumerate(task.escalations, 1):
            after = model.Literal(escalation.after, model.DurationType(), escalation.span)
            id = f"{state.name}.{task.name}.escalate{number}"
            yield Timer(id, after, None, escalation.span, (task.name, escalation))
        if task.remind is not None:
            every = model.Literal(task.remind, model.DurationType(), task.span)
            yield Timer(f"{state.name}.{task.name}.remind", every, None, task.span, reminds=task.name)
    for index, id in _timed(state).items():
        yield _timer(id, state.transitions[index])


def _timed(state: model.State) -> Mapping[int, str]:
    """Which transitions of a state have a timer, and its id: `S.after1`, `S.after2`, `S.at1`, with the whole name."""
    ids: dict[int, str] = {}
    numbers: Counter[str] = Counter()
    for index, transition in enumerate(state.transitions):
        if isinstance(transition.trigger, (After, At)):
            word = "after" if isinstance(transition.trigger, After) else "at"
            numbers[word] += 1
            ids[index] = f"{state.name}.{word}{numbers[word]}"
    return ids


def _timer(id: str, transition: Transition) -> Timer:
    match transition.trigger:
        case After(duration, since):
            return Timer(id, duration, None, transition.span, since=since)
        case At(moment):
            return Timer(id, None, moment, transition.span)
        case _:
            raise AssertionError("only `after` and `at` have timers")


def _choice(choice: model.Choice) -> Choice:
    branches = tuple(Branch(b.guard, b.updates, _jump(b.target), b.span) for b in choice.branches)
    return Choice(choice.name, branches, choice.doc, choice.span)


def _target(target: model.Target) -> Target:
    return Stay() if isinstance(target, model.Stay) else _jump(target)


def _jump(target: model.Goto | model.Undo) -> Goto | Undo:
    match target:
        case model.Goto(node, resume):
            return Goto(node, resume)
        case model.Undo(since, node):
            return Undo(since, node)


# ---------------------------------------------------------------- commands

Answer = tuple[str, On, tuple[Parameter, ...]]
"""The place a command counts for, what it answers to, and the fields of its payload."""


def _commands(flow: Flow) -> Iterator[Command]:
    """Every command in the order of the text, the deadline's last; `lower` numbers them."""
    start = flow.start
    yield Command(0, "", None, (), None, False, start.updates, _jump(start.target), "", start.span)
    known = _Known(flow)
    written = [
        (transition, answer)
        for state in flow.states
        for index, transition in enumerate(state.transitions)
        for answer in known.answered(state, transition, _timed(state).get(index, ""))
    ]
    for transition, (place, on, fields) in sorted(written, key=lambda each: each[0].span.start):
        yield _command(place, on, fields, transition)
    if flow.deadline is not None:
        yield _command("", On(TriggerKind.TIMER, DEADLINE), (), flow.deadline.transition)


class _Known:
    """What is looked up of a flow for each of its transitions."""

    def __init__(self, flow: Flow) -> None:
        self.states = {state.name: state for state in flow.states}
        self.events = {event.name: event.params for event in flow.events}
        self.activities = {activity.name: activity for activity in flow.activities}
        self.inside: dict[str, list[model.State]] = {state.name: [] for state in flow.states}
        """A state and those in it that do something or have tasks, in the order of the text."""
        self.named = {state.name: _named(state) for state in flow.states}
        for state in flow.states:
            if state.call is not None or state.tasks:
                for outer in self.outward(state):
                    self.inside[outer.name].append(state)

    def outward(self, state: model.State) -> Iterator[model.State]:
        """A state and those around it, the innermost first."""
        inner: model.State | None = state
        while inner is not None:
            yield inner
            inner = None if inner.parent is None else self.states[inner.parent]

    def answered(self, state: model.State, transition: Transition, timer: str) -> Iterator[Answer]:
        """What a transition answers to."""
        match transition.trigger:
            case OnDone():
                yield from self._expanded(state, DONE)
            case OnFailure(name):
                yield from self._expanded(state, name)
            case OnTask(name):
                yield from self._tasks(state, name)
            case OnEvent(name):
                yield state.name, On(TriggerKind.EVENT, name), self.events[name]
            case OnJoin(name):
                yield state.name, On(TriggerKind.JOIN, name), ()
            case After() | At():
                yield state.name, On(TriggerKind.TIMER, timer), ()

    def _expanded(self, state: model.State, name: str) -> Iterator[Answer]:
        """The outcomes `on NAME` answers, of every call in the state.

        Where there are none, the one it names, at the state itself, so that the transition is there to be found dead.
        """
        none = True
        for leaf in self.inside[state.name]:
            if leaf.call is None:
                continue
            activity = self.activities[leaf.call.activity]
            for outcome in Kernel.outcomes(activity):
                if self._answering(leaf, outcome) == (state.name, name):
                    none = False
                    yield leaf.name, On(TriggerKind.OUTCOME, outcome), _brought(activity, leaf.call, outcome)
        if none:
            yield state.name, On(TriggerKind.OUTCOME, name), ()

    def _answering(self, leaf: model.State, outcome: str) -> tuple[str, str] | None:
        """Where an outcome of a leaf's call is answered, and by which name: by the innermost state that names it; of
        one state by its own name before `failed`."""
        for state in self.outward(leaf):
            names = self.named[state.name]
            if outcome in names:
                return state.name, outcome
            if FAILED in names and outcome != DONE:
                return state.name, FAILED
        return None

    def _tasks(self, state: model.State, name: str) -> Iterator[Answer]:
        """`on NAME` for each task of that name in the state whose completion is answered nowhere further in."""
        on = On(TriggerKind.TASK, name)
        none = True
        for holder in self.inside[state.name]:
            for task in (each for each in holder.tasks if each.name == name):
                answering = (s for s in self.outward(holder) if any(t.trigger == OnTask(name) for t in s.transitions))
                if next(answering, None) is state:
                    none = False
                    yield holder.name, on, task.form
        if none:
            yield state.name, on, ()


def _named(state: model.State) -> frozenset[str]:
    """The outcomes that a state has handlers for."""
    triggers = [transition.trigger for transition in state.transitions]
    return frozenset(DONE if isinstance(t, OnDone) else t.name for t in triggers if isinstance(t, (OnDone, OnFailure)))


def _brought(activity: model.Activity, call: model.ActivityCall, outcome: str) -> tuple[Parameter, ...]:
    """The payload of an outcome: a result, the outputs of a sub-flow; or for a group of calls the list of results."""
    result = activity.result
    if outcome != DONE or result is None:
        return ()
    if activity.flow and call.each is None and isinstance(result, RecordType):
        return result.fields
    if call.each is not None:
        assert not isinstance(result, (ListType, OptionalType, NoneType)), "typecheck refuses a list of these"
        result = ListType(result, call.each.most)
    return (Parameter(DONE, result, call.span),)


def _command(place: str, on: On, fields: tuple[Parameter, ...], transition: Transition) -> Command:
    binds = transition.binds[: len(fields)] or (None,) * len(fields)
    return Command(
        id=0,
        scope=place,
        on=on,
        params=tuple(
            Parameter(bind or UNUSED, field.type, field.span) for bind, field in zip(binds, fields, strict=True)
        ),
        guard=transition.guard,
        otherwise=transition.otherwise,
        updates=transition.updates,
        target=_target(transition.target),
        doc=transition.doc,
        span=transition.span,
    )
