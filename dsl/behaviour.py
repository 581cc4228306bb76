"""Types what a flow does: states, tasks, choices, start and deadline as written in, those of the model out."""

from __future__ import annotations

from datetime import timedelta

from . import rules_of_meaning as rules
from . import syntax
from .acceptance import accepts
from .activities import positive
from .arguments import in_order
from .diagnostics import Label
from .expressions import Typing
from .handlers import Handlers, Vocabulary, forward, values_of
from .model import (
    ActivityCall,
    After,
    Branch,
    Choice,
    Deadline,
    DurationType,
    Each,
    Escalation,
    Expr,
    Final,
    ListType,
    OptionalType,
    Parameter,
    RefKind,
    Start,
    State,
    StateKind,
    Stay,
    Task,
    TextType,
    Transition,
    Type,
)
from .nodes import Block, Nodes, path_of
from .resolve import BROKEN, MOST_ITEMS, Kind, Names, a, refuse_own_meaning
from .scope import Scope
from .structures import single
from .values import replace


class Behaviour:
    """Types the nodes of one flow."""

    def __init__(self, names: Names, typing: Typing, vocabulary: Vocabulary, nodes: Nodes) -> None:
        self.names = names
        self.findings = names.findings
        self.typing = typing
        self.known = vocabulary
        self.scope = Scope(vocabulary.variables, now=True)
        self.calls = {each.path: call for each in nodes.blocks if (call := self._done_in(each)) is not None}
        self.handlers = Handlers(names, typing, vocabulary, nodes, self.calls)
        self.ways = self.handlers.ways

    def state(self, block: Block) -> State:
        tree, name = block.tree, block.tree.name.text
        waits = [each for each in tree.members if isinstance(each, syntax.WaitForever)]
        wait = self.findings.only(waits, f"That `{name}` waits for ever is said")
        return State(
            name=block.path,
            parent=block.around.path if block.around else None,
            call=self.calls.get(block.path),
            tasks=tuple(self._task(each) for each in tree.members if isinstance(each, syntax.Task)),
            transitions=self.handlers.transitions(block),
            ignores=self._events(tree, syntax.Ignore),
            defers=self._events(tree, syntax.Defer),
            waits=wait.reason if wait else None,
            accepts=accepts(tree.members, self.findings),
            doc=tree.doc,
            span=tree.name.span,
            kind=block.kind,
            start=self._entry(block),
        )

    def _entry(self, block: Block) -> Start | None:
        """Where a state with states in it is entered; what it lacks for that is reported."""
        tree, name = block.tree, block.tree.name
        starts = [each for each in tree.members if isinstance(each, syntax.Start)]
        start = self.findings.only(starts, f"`{name.text}` starts in one place, but `start` is said")
        if block.kind is StateKind.PARALLEL and block.regions < 2:
            message = f"`{name.text}` has {'one region' if block.regions else 'no region'}, and needs two or more."
            self._missing(name, message, "parallel to what?", "Without regions, a `state` does.")
        elif block.kind is not StateKind.PARALLEL and block.outer and start is None:
            message = f"`{name.text}` has states in it and does not say in which of them it starts."
            self._missing(name, message, "no `start`", "Write `start -> S`, with S its first state.")
        return self.start(start, block.path) if start else None

    def _missing(self, name: syntax.Name, message: str, label: str, note: str) -> None:
        if self.names.complete:
            self.findings.error(rules.MISSING_PART, name.span, message, label, note=note)

    def final(self, tree: syntax.Final, around: Block | None) -> Final:
        if around and around.kind is not StateKind.REGION:
            message = f"`{tree.name.text}` ends nothing here: finals belong to the flow, or to a region."
            note = f"Go to a final of the flow, or to a state outside `{around.path}`."
            self.findings.error(rules.MISPLACED_PART, tree.name.span, message, "inside a state", note=note)
        name = path_of(around, tree.name.text)
        return Final(name, tree.failure, tree.doc, tree.name.span, around.path if around else None)

    def choice(self, tree: syntax.Choice, around: Block | None) -> Choice:
        here = around.path if around else ""
        rest = [each for each in tree.branches if each.guard is None]
        self.findings.only(rest, f"`{tree.name.text}` has one way for what is left, but `else` is said")
        branches: list[Branch] = []
        for each in tree.branches:
            guard = self.typing.condition(each.guard, replace(self.scope, here=here)) if each.guard else None
            updates, target = self.handlers.updates(each.updates, self.scope), self.ways.target(each.target, here)
            if not isinstance(target, Stay):
                branches.append(Branch(guard, updates, target, each.span))
        return Choice(path_of(around, tree.name.text), tuple(branches), tree.doc, tree.name.span)

    def start(self, tree: syntax.Start, here: str) -> Start:
        target = self.ways.goto(tree.target.node, here)
        return Start(self.handlers.updates(tree.updates, self.scope), target, tree.span)

    def deadline(self, tree: syntax.Deadline, inputs: Scope) -> Deadline:
        """It counts from the start, when only the inputs are known."""
        duration = forward(self.typing.value(tree.duration, DurationType(), inputs), "A deadline", self.findings)
        updates, target = self.handlers.updates(tree.updates, self.scope), self.ways.target(tree.target, "")
        way = Transition(After(duration), (), None, False, updates, target, tree.doc, tree.span)
        return Deadline(way, tree.span)

    # ------------------------------------------------------------ calls and tasks

    def _done_in(self, block: Block) -> ActivityCall | None:
        """What a state does; only those without states in them may."""
        name = block.tree.name.text
        calls = [each for each in block.tree.members if isinstance(each, syntax.Do)]
        call = self.findings.only(calls, f"`{name}` does one thing, but `do` is said")
        if call and block.outer:
            message = f"`{name}` has states in it, and what is done is done in one of them."
            self.findings.error(rules.MISPLACED_PART, call.span, message, "in an outer state")
            return None
        return self._call(call) if call else None

    def _call(self, tree: syntax.Do) -> ActivityCall:
        name = tree.activity
        each, scope = (None, self.scope) if tree.each is None else self._each(tree.each)
        known = self.known.activities.get(name.text)
        if tree.named is not None and not (known and known.flow):  # which has been reported
            return ActivityCall(name.text, (), tree.span)
        kind = self.names.find(name, Kind.ACTIVITY)
        params = known.params if known and kind else ()
        if known and known.flow:
            return self._flow(tree, params, each, scope)
        if kind and len(params) != len(tree.args):
            message = f"`{name.text}` takes {values_of(len(params))}, and here it is given {values_of(len(tree.args))}."
            label = Label(self.names.place(Kind.ACTIVITY, name.text), f"takes {values_of(len(params))}")
            self.findings.error(rules.WRONG_COUNT, tree.span, message, values_of(len(tree.args)), others=(label,))
        types = [each.type for each in params] + [BROKEN] * (len(tree.args) - len(params))
        args = tuple(self.typing.value(arg, type_, scope) for arg, type_ in zip(tree.args, types, strict=False))
        result = self.known.activities[name.text].result if kind else None
        if each and isinstance(result, ListType | OptionalType):
            message = f"`{name.text}` brings `{result}`, and a list of such results there cannot be."
            self.findings.error(rules.WRONG_TYPE, name.span, message, "brings what no list holds")
        return ActivityCall(name.text, args, tree.span, each)

    def _each(self, tree: syntax.Each) -> tuple[Each, Scope]:
        """The items an activity is done for, and what its arguments see."""
        items, name = self.typing.conversions.read(self.typing.infer(tree.items, self.scope)), tree.name
        item: Type = BROKEN
        if isinstance(items.type, ListType):
            item = items.type.item
        elif items.type != BROKEN:
            message = f"`do for` goes through a list, and this is `{items.type}`."
            self.findings.error(rules.WRONG_TYPE, items.span, message, "no list")
        most = tree.most if tree.most is not None else items.type.most if isinstance(items.type, ListType) else 1
        if not 1 <= most <= MOST_ITEMS:
            message = f"A list has at most 1 to {MOST_ITEMS} items."
            self.findings.error(rules.OUT_OF_RANGE, tree.span, message, "how many items?")
        elif tree.quota is not None and not 1 <= tree.quota <= most and item != BROKEN:
            message = f"Of at most {most} items, {tree.quota} can never be done."
            self.findings.error(rules.OUT_OF_RANGE, tree.span, message, "never that many")
        refuse_own_meaning(name, self.findings)
        if name.text in self.known.variables:
            kind = Kind.INPUT if self.names.has(Kind.INPUT, name.text) else Kind.DATA
            self.names.already(name, f"is already the name of {a(kind)}", self.names.place(kind, name.text))
        each = Each(Parameter(name.text, item, name.span), items, most, tree.quota, tree.span)
        return each, self.scope.adding({name.text: (RefKind.PARAM, item)})

    def _flow(self, tree: syntax.Do, params: tuple[Parameter, ...], each: Each | None, scope: Scope) -> ActivityCall:
        name = tree.activity
        if tree.named is None:
            message = f"`{name.text}` is a flow, which is done as `do flow {name.text}(..)`."
            label = Label(self.names.place(Kind.FLOW, name.text), "the flow")
            self.findings.error(rules.MISPLACED_NAME, name.span, message, "a flow", others=(label,))
            return ActivityCall(name.text, (), tree.span)
        types = {each.name: each.type for each in params}
        given = in_order(tree.named, types, name.text, tree.span, self.names)
        args = tuple(self.typing.value(value, type_, scope) for value, type_ in given)
        return ActivityCall(name.text, args, tree.span, each)

    def _task(self, tree: syntax.Task) -> Task:
        name, clauses = tree.name.text, tree.clauses
        titles = [each for each in clauses if isinstance(each, syntax.Title)]
        title = self.findings.only(titles, f"The title of `{name}` is said")
        dues = [each for each in clauses if isinstance(each, syntax.Due)]
        due = self.findings.only(dues, f"When `{name}` is due is said")
        self.findings.only([each for each in clauses if isinstance(each, syntax.Form)], f"The form of `{name}` is said")
        reminds = [each for each in clauses if isinstance(each, syntax.Remind)]
        remind = self.findings.only(reminds, f"When to remind of `{name}` is said")
        whom = tree.whom if isinstance(tree.whom, tuple) else ()
        roles = tuple(dict.fromkeys(role.text for role in whom))
        for role in whom:
            self.names.find(role, Kind.ROLE)
        self.findings.once(whom, f"among those whom `{name}` is for")
        excepts = [each.moment for each in clauses if isinstance(each, syntax.Except)]
        self.findings.once(excepts, f"among those who may not do `{name}`")
        doer = tree.whom.moment if isinstance(tree.whom, syntax.Doer) else None
        excluded = dict.fromkeys(moment.text for moment in excepts if self._acted(moment))
        return Task(
            name=name,
            roles=roles,
            title=self._title(title) if title else (),
            form=self.known.tasks.get(name, ()),
            due=positive(due.duration, "The time until a task is due", self.findings) if due else None,
            escalations=self._escalations(tree, roles),
            excluded=tuple(excluded),
            doc=tree.doc,
            span=tree.name.span,
            person=self._person(tree.whom) if isinstance(tree.whom, syntax.Person) else None,
            doer=doer.text if doer is not None and self._acted(doer) else None,
            remind=positive(remind.every, "The time between reminders", self.findings) if remind else None,
            most_reminders=self._most(remind.most) if remind and remind.most else None,
        )

    def _title(self, tree: syntax.Title) -> tuple[str | Expr, ...]:
        return tuple(each if isinstance(each, str) else self._part(each) for each in tree.parts)

    def _part(self, tree: syntax.Expr) -> Expr:
        part = self.typing.conversions.read(self.typing.infer(tree, self.scope))
        if not single(part.type):
            message = f"A title shows single values, and this is `{part.type}`."
            self.findings.error(rules.WRONG_TYPE, part.span, message, "has parts", note="Show a field of it, or `len`.")
        return part

    def _person(self, tree: syntax.Person) -> Expr:
        return self.typing.value(tree.id, TextType(), self.scope)

    def _most(self, tree: syntax.Literal) -> int:
        assert isinstance(tree.value, int)
        if tree.value < 1:
            message = "The number of reminders must be greater than zero."
            self.findings.error(rules.OUT_OF_RANGE, tree.span, message, "must be greater than zero")
        return tree.value

    def _escalations(self, tree: syntax.Task, roles: tuple[str, ...]) -> tuple[Escalation, ...]:
        """The chain, in the order of the text: each later than the one before, each to somebody new."""
        found: list[Escalation] = []
        for each in (clause for clause in tree.clauses if isinstance(clause, syntax.Escalate)):
            self.names.find(each.role, Kind.ROLE)
            after = positive(each.after, "The time until an escalation", self.findings)
            if each.role.text in (*roles, *(earlier.role for earlier in found)):
                message = f"`{tree.name.text}` is already for `{each.role.text}` when it is escalated to it."
                self.findings.error(rules.CONTRADICTION, each.role.span, message, "adds nobody")
            elif found and timedelta(0) < after <= found[-1].after:
                message = f"`{tree.name.text}` is escalated one after the other, each time later than before."
                label = Label(found[-1].span, "this comes first")
                self.findings.error(rules.CONTRADICTION, each.after.span, message, "not later", others=(label,))
            found.append(Escalation(each.role.text, after, each.span))
        return tuple(found)

    def _acted(self, moment: syntax.Name) -> bool:
        """Whether somebody acts there: `start`, or a task."""
        if moment.text == "start" or self.names.has(Kind.TASK, moment.text):
            return True
        self.names.unknown(moment, "a task", ["start", *self.names.all(Kind.TASK)])
        return False

    def _events(self, state: syntax.State, clause: type[syntax.Ignore] | type[syntax.Defer]) -> tuple[str, ...]:
        """The events a state ignores or defers, each once and with only one of the two."""
        found: dict[str, None] = {}
        for name in (name for each in state.members if isinstance(each, clause) for name in each.names):
            ignored = [
                earlier
                for each in state.members
                if isinstance(each, syntax.Ignore | syntax.Defer)
                for earlier in each.names
                if earlier.text == name.text and earlier.span.start < name.span.start
            ]
            if self.names.find(name, Kind.EVENT) is None:
                continue
            handlers = (each for each in state.members if isinstance(each, syntax.Handler))
            handled = [each for each in handlers if _handles_all(each, name.text)]
            if ignored or handled:
                span = ignored[0].span if ignored else handled[0].span
                message = f"`{state.name.text}` says more than once what becomes of `{name.text}`."
                self.findings.error(
                    rules.CONTRADICTION, name.span, message, "said again", others=(Label(span, "first said here"),)
                )
            found[name.text] = None
        return tuple(found)


def _handles_all(handler: syntax.Handler, event: str) -> bool:
    named = isinstance(handler.trigger, syntax.On) and handler.trigger.name.text == event
    return named and (handler.guard is None or handler.otherwise)
