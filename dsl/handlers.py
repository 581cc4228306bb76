"""Types handlers: what a state answers to, updates and targets as written in, the transitions of the model out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import rules_of_meaning as rules
from . import syntax
from .activities import BUILT_IN_OUTCOMES, Signature
from .diagnostics import Label
from .expressions import Typing
from .findings import did_you_mean
from .messages import Flows, Messages
from .model import (
    After,
    Assign,
    At,
    DurationType,
    Goto,
    InstantType,
    OnDone,
    OnEvent,
    OnFailure,
    OnTask,
    Parameter,
    RefKind,
    Stay,
    Target,
    Transition,
    Trigger,
    Type,
    Undo,
    Update,
)
from .resolve import BROKEN, Kind, Names, a, refuse_own_meaning
from .scope import Scope

NODES = (Kind.STATE, Kind.CHOICE, Kind.FINAL)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the behaviour of one flow speaks of, typed."""

    variables: Mapping[str, tuple[RefKind, Type]]
    events: Mapping[str, tuple[Parameter, ...]]
    tasks: Mapping[str, tuple[Parameter, ...]]
    owners: Mapping[str, str]
    """The state of each task."""
    activities: Mapping[str, Signature]
    messages: Mapping[str, tuple[Parameter, ...]]
    flows: Flows


class Handlers:
    """Types the handlers of one flow."""

    def __init__(self, names: Names, typing: Typing, known: Vocabulary) -> None:
        self.names = names
        self.findings = names.findings
        self.typing = typing
        self.known = known
        self.scope = Scope(known.variables, now=True)
        self.messages = Messages(names, typing, known.messages, known.flows)

    def updates(self, trees: Iterable[syntax.Update], scope: Scope) -> tuple[Update, ...]:
        found: list[Update] = []
        for each in trees:
            if isinstance(each, syntax.Emit):
                found.append(self.messages.emit(each, scope))
                continue
            if isinstance(each, syntax.Send):
                found.append(self.messages.send(each, scope))
                continue
            name = each.name
            kind, type_ = scope.variables.get(name.text, (None, BROKEN))
            if kind in (RefKind.INPUT, RefKind.PARAM):
                what = "an input, which stays as it was given" if kind is RefKind.INPUT else "a value that came along"
                message = f"`{name.text}` is {what}, so it cannot be changed."
                self.findings.error(rules.MISPLACED_NAME, name.span, message, "cannot be changed")
                type_ = BROKEN
            elif kind is None:
                self.names.find(name, Kind.DATA)
            found.append(Assign(name.text, self.typing.value(each.value, type_, scope), each.span))
        return tuple(found)

    def transitions(self, state: syntax.State, call: syntax.Do | None) -> tuple[Transition, ...]:
        """The transitions of a state whose activity is started by `call`."""
        handlers = [each for each in state.members if isinstance(each, syntax.Handler)]
        found = tuple(self._transition(each, state, call) for each in handlers)
        for tree in handlers:
            alike = [each for each in handlers if _same_trigger(each, tree)]
            if not tree.otherwise:
                continue
            if not any(each.guard for each in alike):
                message = "`else` takes what no `when` before it took, but this trigger has no `when` here."
                self.findings.error(rules.CONTRADICTION, tree.span, message, "else of what?")
            rest = [each for each in alike if each.otherwise]
            if rest[0] is not tree:
                message = "This trigger has more than one `else` here."
                label = Label(rest[0].span, "already has an else")
                self.findings.error(rules.CONTRADICTION, tree.span, message, "another else", others=(label,))
        return found

    def _transition(self, tree: syntax.Handler, state: syntax.State, call: syntax.Do | None) -> Transition:
        binds: tuple[str | None, ...] = ()
        scope = self.scope
        trigger: Trigger
        match tree.trigger:
            case syntax.After(duration):
                trigger = After(self.typing.value(duration, DurationType(), self.scope))
            case syntax.At(moment):
                trigger = At(self.typing.value(moment, InstantType(), self.scope))
            case syntax.On() as on:
                trigger, payload = self._trigger(on, state, call)
                binds, scope = self._binds(on, payload)
        guard = self.typing.condition(tree.guard, scope) if tree.guard else None
        updates = self.updates(tree.updates, scope)
        return Transition(trigger, binds, guard, tree.otherwise, updates, self.target(tree.target), tree.doc, tree.span)

    def _trigger(
        self, on: syntax.On, state: syntax.State, call: syntax.Do | None
    ) -> tuple[Trigger, tuple[Type, ...] | None]:
        """What the handler answers to, and the types that come along; None where they are unknown."""
        name, span = on.name.text, on.name.span
        activity = self.known.activities.get(call.activity.text) if call else None
        if call and activity and (name in BUILT_IN_OUTCOMES or name in activity.fails):
            return self._outcome(on, call.activity.text, activity)
        if call and activity is None and name in BUILT_IN_OUTCOMES:  # the call was already reported
            return OnFailure(name), None
        if name in self.known.tasks:
            if self.known.owners[name] != state.name.text:
                message = (
                    f"`{name}` is a task of `{self.known.owners[name]}`, so `{state.name.text}` cannot see it done."
                )
                label = Label(self.names.place(Kind.TASK, name), "the task is open here")
                self.findings.error(rules.NO_SUCH_TRIGGER, span, message, "not open here", others=(label,))
            return OnTask(name), tuple(each.type for each in self.known.tasks[name])
        if name in self.known.events:
            return OnEvent(name), tuple(each.type for each in self.known.events[name])
        failing = [each for each, known in self.known.activities.items() if name in known.fails]
        if (name in BUILT_IN_OUTCOMES or failing) and not call:
            message = f"`{state.name.text}` does nothing that could answer `{name}`."
            note = "Outcomes are handled in the state whose `do` starts the activity."
            self.findings.error(rules.NO_SUCH_TRIGGER, span, message, "no `do` in this state", note=note)
        elif call and activity and failing:
            message = f"`{call.activity.text}` does not declare the error `{name}`."
            label = Label(self.names.place(Kind.ACTIVITY, failing[0]), f"`{failing[0]}` does")
            fix = did_you_mean(name, span, activity.fails)
            self.findings.error(rules.NO_SUCH_TRIGGER, span, message, "never answered", others=(label,), fix=fix)
        elif not (call and activity is None):
            outcomes = dict.fromkeys((*BUILT_IN_OUTCOMES, *activity.fails)) if activity else {}
            if activity and activity.flow:
                del outcomes["timeout"]
            here = [task for task, owner in self.known.owners.items() if owner == state.name.text]
            self.names.unknown(on.name, "an event, task or outcome", [*outcomes, *here, *self.known.events])
        return OnEvent(name), None

    def _outcome(self, on: syntax.On, called: str, activity: Signature) -> tuple[Trigger, tuple[Type, ...] | None]:
        name, span = on.name.text, on.name.span
        if name in self.known.events or name in self.known.tasks:
            kind = Kind.EVENT if name in self.known.events else Kind.TASK
            message = f"`{name}` can be an outcome of `{called}` or the {kind}."
            label = Label(self.names.place(kind, name), f"the {kind}")
            self.findings.error(rules.AMBIGUOUS_NAME, span, message, "which of the two?", others=(label,))
        if activity.parks and (name == "timeout" or (name == "failed" and not activity.fails)):
            message = f"`{called}` never answers `{name}`, for {activity.never}."
            label = Label(
                self.names.place(Kind.ACTIVITY, called), "declared here" if activity.flow else "parks instead"
            )
            self.findings.error(rules.NO_SUCH_TRIGGER, span, message, "never answered", others=(label,))
        if name != "done":
            return OnFailure(name), ()
        return OnDone(), activity.answer

    def _binds(self, on: syntax.On, payload: tuple[Type, ...] | None) -> tuple[tuple[str | None, ...], Scope]:
        """The names for what comes along, one a value, and what the handler sees with them."""
        if on.params is None:
            return (None,) * len(payload or ()), self.scope
        if payload is None:
            payload = (BROKEN,) * len(on.params)
        elif len(payload) != len(on.params):
            message = f"`{on.name.text}` brings {values_of(len(payload))}, and here {_names(len(on.params))}."
            note = "Write `_` for a value that is not needed, or no parentheses at all."
            self.findings.error(rules.WRONG_COUNT, on.span, message, _names(len(on.params)), note=note)
            payload = (BROKEN,) * len(on.params)
        bound: dict[str, tuple[RefKind, Type]] = {}
        for name, type_ in zip(on.params, payload, strict=True):
            if name.text == "_":
                continue
            refuse_own_meaning(name, self.findings)
            if name.text in self.known.variables:
                kind = Kind.INPUT if self.names.has(Kind.INPUT, name.text) else Kind.DATA
                self.names.already(name, f"is already the name of {a(kind)}", self.names.place(kind, name.text))
                bound[name.text] = RefKind.DATA, BROKEN
                continue
            if name.text in bound:
                first = next(each.span for each in on.params if each.text == name.text)
                self.names.already(name, "names two values at once", first)
            bound[name.text] = RefKind.PARAM, type_
        return tuple(None if name.text == "_" else name.text for name in on.params), self.scope.adding(bound)

    def target(self, tree: syntax.Target) -> Target:
        match tree:
            case syntax.Goto(node):
                self.names.find(node, *NODES)
                return Goto(node.text)
            case syntax.Undo(since, node):
                if since is not None:
                    self.names.find(since, Kind.STATE)
                self.names.find(node, *NODES)
                return Undo(since.text if since else None, node.text)
            case syntax.Stay():
                return Stay()


def _same_trigger(one: syntax.Handler, other: syntax.Handler) -> bool:
    if isinstance(one.trigger, syntax.On) and isinstance(other.trigger, syntax.On):
        return one.trigger.name.text == other.trigger.name.text
    return one is other


def values_of(count: int) -> str:
    """`no value`, `one value`, `3 values`."""
    return {0: "no value", 1: "one value"}.get(count, f"{count} values")


def _names(count: int) -> str:
    return "one is named" if count == 1 else f"{count or 'none'} are named"
