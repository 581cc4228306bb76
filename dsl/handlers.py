"""Types handlers: what a state answers to, updates and targets as written in, the transitions of the model out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from . import rules_of_meaning as rules
from . import syntax
from .activities import BUILT_IN_OUTCOMES, Signature
from .diagnostics import Label
from .expressions import Typing
from .findings import Findings, did_you_mean, listed
from .messages import Flows, Messages
from .model import (
    ActivityCall,
    After,
    Assign,
    At,
    DurationType,
    Expr,
    InstantType,
    Literal,
    OnDone,
    OnEvent,
    OnFailure,
    OnJoin,
    OnTask,
    Parameter,
    RefKind,
    StateKind,
    Transition,
    Trigger,
    Type,
    Update,
)
from .nodes import Block, Nodes, inside, place
from .outcomes import answer_of, left_to, names_it
from .resolve import BROKEN, Kind, Names, a, refuse_own_meaning
from .scope import Scope
from .source import Span
from .values import dataclass, replace
from .ways import Ways


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the behaviour of one flow speaks of, typed."""

    variables: Mapping[str, tuple[RefKind, Type]]
    events: Mapping[str, tuple[Parameter, ...]]
    tasks: Mapping[str, tuple[Parameter, ...]]
    owners: Mapping[str, str]
    """The state of each task, by its path."""
    activities: Mapping[str, Signature]
    messages: Mapping[str, tuple[Parameter, ...]]
    flows: Flows


class Handlers:
    """Types the handlers of one flow, in which each state has its call."""

    def __init__(
        self, names: Names, typing: Typing, known: Vocabulary, nodes: Nodes, calls: Mapping[str, ActivityCall]
    ) -> None:
        self.names = names
        self.findings = names.findings
        self.typing = typing
        self.known = known
        self.nodes = nodes
        self.calls = calls
        self.scope = Scope(known.variables, now=True)
        self.messages = Messages(names, typing, known.messages, known.flows)
        self.ways = Ways(names, nodes)

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

    def transitions(self, block: Block) -> tuple[Transition, ...]:
        """The transitions of a state."""
        handlers = [each for each in block.tree.members if isinstance(each, syntax.Handler)]
        found = tuple(self._transition(each, block) for each in handlers)
        self._check_joins(block, handlers)
        for tree in handlers:
            if not tree.otherwise:
                continue
            alike = [each for each in handlers if _same_trigger(each, tree)]
            if not any(each.guard for each in alike):
                message = "`else` takes what no `when` before it took, but this trigger has no `when` here."
                if isinstance(tree.trigger, syntax.After | syntax.At):
                    message = "Each `after` or `at` is a timer of its own, so it has no `else`: lead it to a choice."
                self.findings.error(rules.CONTRADICTION, tree.span, message, "else of what?")
            rest = [each for each in alike if each.otherwise]
            if rest[0] is not tree:
                message = "This trigger has more than one `else` here."
                label = Label(rest[0].span, "already has an else")
                self.findings.error(rules.CONTRADICTION, tree.span, message, "another else", others=(label,))
        return found

    def _transition(self, tree: syntax.Handler, block: Block) -> Transition:
        binds: tuple[str | None, ...] = ()
        scope = self.scope
        trigger: Trigger
        match tree.trigger:
            case syntax.After(duration, since):
                mark = place(self.names, since, block.path, Kind.STATE, Kind.REGION) if since else None
                length = self.typing.value(duration, DurationType(), self.scope)
                trigger = After(forward(length, "`after`", self.findings), mark)
            case syntax.At(moment):
                trigger = At(self.typing.value(moment, InstantType(), self.scope))
            case syntax.Join(name):
                trigger = OnJoin(name)
            case syntax.On() as on:
                trigger, payload = self._trigger(on, block)
                binds, scope = self._binds(on, payload)
        guard = self.typing.condition(tree.guard, replace(scope, here=block.path)) if tree.guard else None
        if tree.guard and isinstance(trigger, After | At):
            message = "Each `after` or `at` is a timer of its own and comes once, so it has no condition."
            note = "Lead to a choice where it depends."
            self.findings.error(rules.MISPLACED_PART, tree.span, message, "not for a timer", note=note)
        updates, target = self.updates(tree.updates, scope), self.ways.target(tree.target, block.path)
        return Transition(trigger, binds, guard, tree.otherwise, updates, target, tree.doc, tree.span)

    def _check_joins(self, block: Block, handlers: Iterable[syntax.Handler]) -> None:
        """Reports joins that wait for what the block does not have, or that are not taken in any case, once."""
        joins = [(each, each.trigger) for each in handlers if isinstance(each.trigger, syntax.Join)]
        first: dict[str, Span] = {}
        for tree, join in joins:
            if block.kind is not StateKind.PARALLEL:
                message = f"`{block.tree.name.text}` has no regions that `on {join.name}` could wait for."
                self.findings.error(rules.MISPLACED_PART, join.span, message, "no parallel state")
                continue
            if join.count is not None and not 1 <= join.count <= block.regions:
                message = f"`{block.tree.name.text}` has {block.regions} regions, so `{join.name}` can never be."
                self.findings.error(rules.OUT_OF_RANGE, join.span, message, f"of {block.regions} regions")
            if tree.guard or tree.otherwise or isinstance(tree.target, syntax.Stay):
                message = f"`on {join.name}` is taken in any case and leads on, so it has no condition and no `stay`."
                note = "Lead to a choice where it depends."
                self.findings.error(rules.MISPLACED_PART, tree.span, message, "not for a join", note=note)
            same = {1: "any done", block.regions: "all done"}.get(join.count or 0, join.name)
            if same in first:
                message = f"`{block.tree.name.text}` says more than once where `{join.name}` leads."
                others = (Label(first[same], "first said here"),)
                self.findings.error(rules.CONTRADICTION, join.span, message, "said again", others=others)
            first.setdefault(same, join.span)

    def _trigger(self, on: syntax.On, block: Block) -> tuple[Trigger, tuple[Type, ...] | None]:
        """What the handler answers to, and the types that come along; None where they are unknown."""
        name, span = on.name.text, on.name.span
        calls = [self.calls[each.path] for each in self.nodes.inside(block) if each.path in self.calls]
        activities = [self.known.activities.get(each.activity) for each in calls]
        known = [each for each in activities if each]
        if name in BUILT_IN_OUTCOMES and len(known) < len(calls):  # a call was already reported
            return OnFailure(name), None
        if known and (name in BUILT_IN_OUTCOMES or any(name in each.fails for each in known)):
            return self._outcome(on, block, calls)
        if name in self.known.tasks:
            self._check_task(on.name, block)
            return OnTask(name), tuple(each.type for each in self.known.tasks[name])
        if name in self.known.events:
            return OnEvent(name), tuple(each.type for each in self.known.events[name])
        failing = [each for each, known in self.known.activities.items() if name in known.fails]
        fails = [error for each in known for error in each.fails]
        if (name in BUILT_IN_OUTCOMES or failing) and not calls:
            message = f"`{block.tree.name.text}` does nothing that could answer `{name}`."
            note = "Outcomes are handled in the state whose `do` starts the activity, or in one around it."
            self.findings.error(rules.NO_SUCH_TRIGGER, span, message, "no `do` in this state", note=note)
        elif known and failing:
            does = listed(dict.fromkeys(each.activity for each in calls), "or")
            message = f"The error `{name}` is not declared by {does}."
            label = Label(self.names.place(Kind.ACTIVITY, failing[0]), f"`{failing[0]}` does")
            fix = did_you_mean(name, span, fails)
            self.findings.error(rules.NO_SUCH_TRIGGER, span, message, "never answered", others=(label,), fix=fix)
        elif len(known) == len(calls):
            outcomes = dict.fromkeys((*BUILT_IN_OUTCOMES, *fails)) if calls else {}
            if known and all(each.flow for each in known):
                del outcomes["timeout"]
            here = [task for task, owner in self.known.owners.items() if inside(owner, block.path)]
            self.names.unknown(on.name, "an event, task or outcome", [*outcomes, *here, *self.known.events])
        return OnEvent(name), None

    def _check_task(self, name: syntax.Name, block: Block) -> None:
        """Reports a handler of a task that is open elsewhere, or that is handled further in."""
        owner = self.nodes.block[self.known.owners[name.text]]
        label = Label(self.names.place(Kind.TASK, name.text), "the task is open here")
        if not owner.within(block):
            here, there = block.tree.name.text, owner.path
            message = f"`{name.text}` is a task of `{there}`, so `{here}` cannot see it done."
            if block.within(owner):
                message = (
                    f"`{name.text}` is a task of `{there}`, so it is handled there or further out, not in `{here}`."
                )
            self.findings.error(rules.NO_SUCH_TRIGGER, name.span, message, "not open here", others=(label,))
        elif (nearest := next((b for b in owner.outwards() if names_it(b, name.text)), block)) != block:
            message = f"That `{name.text}` is done is already handled in `{nearest.path}`, so never here."
            self.findings.error(rules.NO_SUCH_TRIGGER, name.span, message, "handled further in", others=(label,))

    def _outcome(
        self, on: syntax.On, block: Block, calls: Sequence[ActivityCall]
    ) -> tuple[Trigger, tuple[Type, ...] | None]:
        """An outcome of the calls in a block; what further in is handled is not the block's."""
        name, span = on.name.text, on.name.span
        meant = calls if not block.outer else left_to(block, name, self.nodes, self.calls, self.known.activities)
        called = (meant or calls)[0].activity
        activity = self.known.activities[called]
        if name in self.known.events or name in self.known.tasks:
            kind = Kind.EVENT if name in self.known.events else Kind.TASK
            message = f"`{name}` can be an outcome of `{called}` or the {kind}."
            label = Label(self.names.place(kind, name), f"the {kind}")
            self.findings.error(rules.AMBIGUOUS_NAME, span, message, "which of the two?", others=(label,))
        if not meant:
            message = f"No activity in `{block.tree.name.text}` leaves `{name}` to be handled here."
            note = "An outcome is answered by the innermost state that names it, by itself or as `failed`."
            self.findings.error(rules.NO_SUCH_TRIGGER, span, message, "never answered", note=note)
            return OnFailure(name), None
        if not block.outer and activity.parks and (name == "timeout" or (name == "failed" and not activity.fails)):
            message = f"`{called}` never answers `{name}`, for {activity.never}."
            label = Label(
                self.names.place(Kind.ACTIVITY, called), "declared here" if activity.flow else "parks instead"
            )
            self.findings.error(rules.NO_SUCH_TRIGGER, span, message, "never answered", others=(label,))
        if name != "done":
            return OnFailure(name), ()
        answers = {answer_of(each, self.known.activities[each.activity]) for each in meant}
        if len(answers) > 1 and on.params:
            message = f"The activities in `{block.tree.name.text}` do not all bring the same, so it has no name here."
            self.findings.error(rules.WRONG_TYPE, on.span, message, "different results")
            return OnDone(), None
        return OnDone(), answers.pop() if len(answers) == 1 else ()

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


def _same_trigger(one: syntax.Handler, other: syntax.Handler) -> bool:
    if isinstance(one.trigger, syntax.On) and isinstance(other.trigger, syntax.On):
        return one.trigger.name.text == other.trigger.name.text
    return one is other


def forward(length: Expr, what: str, findings: Findings) -> Expr:
    """The time of a timer; one that is written, and shorter than nothing, is reported."""
    if isinstance(length, Literal) and isinstance(length.value, timedelta) and length.value < timedelta(0):
        message = f"{what} counts forward, so it is never shorter than nothing."
        findings.error(rules.OUT_OF_RANGE, length.span, message, "before it began")
    return length


def values_of(count: int) -> str:
    """`no value`, `one value`, `3 values`."""
    return {0: "no value", 1: "one value"}.get(count, f"{count} values")


def _names(count: int) -> str:
    return "one is named" if count == 1 else f"{count or 'none'} are named"
