"""Lowering: a Flow in, its Kernel out: states and finals as leaves, transitions as commands, timers by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..dsl import model
from ..dsl.model import After, At, Compensation, Flow, OnDone, OnEvent, OnFailure, OnTask, Parameter, Transition
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
    """The kernel of a typed flow, in whose transitions every activity, event and task name is right."""
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
        scopes=(_flow(flow),),
        leaves=(*map(_leaf, flow.states), *map(_final, flow.finals)),
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


# ---------------------------------------------------------------- leaves and choices


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


def _leaf(state: model.State) -> Leaf:
    return Leaf(
        name=state.name,
        kind=LeafKind.STATE,
        path=(),
        call=state.call,
        tasks=state.tasks,
        timers=tuple(sorted(_timers(state), key=lambda timer: timer.span.start)),
        ignores=frozenset(state.ignores),
        defers=frozenset(state.defers),
        waits=state.waits,
        accepts=state.accepts,
        doc=state.doc,
        span=state.span,
    )


def _final(final: model.Final) -> Leaf:
    return Leaf(
        name=final.name,
        kind=LeafKind.FAILURE if final.failure else LeafKind.FINAL,
        path=(),
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
    for index, id in _timed(state).items():
        yield _timer(id, state.transitions[index])


def _timed(state: model.State) -> Mapping[int, str]:
    """Which transitions of a state have a timer, and its id: `S.after1`, `S.after2`, `S.at1`."""
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
        case After(duration):
            return Timer(id, duration, None, transition.span)
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


def _commands(flow: Flow) -> Iterator[Command]:
    """Every command in the order of the text, the deadline's last; `lower` numbers them."""
    start = flow.start
    yield Command(0, "", None, (), None, False, start.updates, _jump(start.target), "", start.span)
    for state in flow.states:
        timed = _timed(state)
        for index, transition in enumerate(state.transitions):
            for on, fields in _answered(flow, state, transition, timed.get(index, "")):
                yield _command(state.name, on, fields, transition)
    if flow.deadline is not None:
        yield _command("", On(TriggerKind.TIMER, DEADLINE), (), flow.deadline.transition)


def _answered(
    flow: Flow, state: model.State, transition: Transition, timer: str
) -> Iterator[tuple[On, tuple[Parameter, ...]]]:
    """What a transition answers to, each with the fields of its payload."""
    match transition.trigger:
        case OnDone():
            result = _called(flow, state).result
            yield On(TriggerKind.OUTCOME, DONE), () if result is None else (Parameter(DONE, result, transition.span),)
        case OnFailure(name):
            for outcome in _failures(flow, state, name):
                yield On(TriggerKind.OUTCOME, outcome), ()
        case OnEvent(name):
            yield On(TriggerKind.EVENT, name), next(event.params for event in flow.events if event.name == name)
        case OnTask(name):
            yield On(TriggerKind.TASK, name), next(task.form for task in state.tasks if task.name == name)
        case After() | At():
            yield On(TriggerKind.TIMER, timer), ()


def _called(flow: Flow, state: model.State) -> model.Activity:
    assert state.call is not None, "typecheck refuses outcomes without a call"
    name = state.call.activity
    return next(activity for activity in flow.activities if activity.name == name)


def _failures(flow: Flow, state: model.State, name: str) -> tuple[str, ...]:
    """The outcomes `on NAME` answers: itself, but of `failed` every one that the state does not name more closely.

    Where that leaves none (a parked activity), `failed` itself, so that the transition is there to be found dead."""
    if name != FAILED:
        return (name,)
    named = {t.trigger.name for t in state.transitions if isinstance(t.trigger, OnFailure)} - {FAILED}
    left = tuple(outcome for outcome in Kernel.outcomes(_called(flow, state)) if outcome not in {DONE, *named})
    return left or (FAILED,)


def _command(scope: str, on: On, fields: tuple[Parameter, ...], transition: Transition) -> Command:
    binds = transition.binds or (None,) * len(fields)
    return Command(
        id=0,
        scope=scope,
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
