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
from .handlers import NODES, Handlers, Vocabulary, values_of
from .model import (
    ActivityCall,
    After,
    Branch,
    Choice,
    Deadline,
    DurationType,
    Escalation,
    Expr,
    Goto,
    Parameter,
    Start,
    State,
    Stay,
    Task,
    TextType,
    Transition,
)
from .resolve import BROKEN, Kind, Names
from .scope import Scope
from .structures import single


class Behaviour:
    """Types the nodes of one flow."""

    def __init__(self, names: Names, typing: Typing, vocabulary: Vocabulary) -> None:
        self.names = names
        self.findings = names.findings
        self.typing = typing
        self.known = vocabulary
        self.scope = Scope(vocabulary.variables, now=True)
        self.handlers = Handlers(names, typing, vocabulary)

    def state(self, tree: syntax.State) -> State:
        name = tree.name.text
        calls = [each for each in tree.members if isinstance(each, syntax.Do)]
        call = self.findings.only(calls, f"`{name}` does one thing, but `do` is said")
        waits = [each for each in tree.members if isinstance(each, syntax.WaitForever)]
        wait = self.findings.only(waits, f"That `{name}` waits for ever is said")
        return State(
            name=name,
            parent=None,
            call=self._call(call) if call else None,
            tasks=tuple(self._task(each) for each in tree.members if isinstance(each, syntax.Task)),
            transitions=self.handlers.transitions(tree, call),
            ignores=self._events(tree, syntax.Ignore),
            defers=self._events(tree, syntax.Defer),
            waits=wait.reason if wait else None,
            accepts=accepts(tree.members, self.findings),
            doc=tree.doc,
            span=tree.name.span,
        )

    def choice(self, tree: syntax.Choice) -> Choice:
        rest = [each for each in tree.branches if each.guard is None]
        self.findings.only(rest, f"`{tree.name.text}` has one way for what is left, but `else` is said")
        branches: list[Branch] = []
        for each in tree.branches:
            guard = self.typing.condition(each.guard, self.scope) if each.guard else None
            updates, target = self.handlers.updates(each.updates, self.scope), self.handlers.target(each.target)
            if not isinstance(target, Stay):
                branches.append(Branch(guard, updates, target, each.span))
        return Choice(tree.name.text, tuple(branches), tree.doc, tree.name.span)

    def start(self, tree: syntax.Start) -> Start:
        self.names.find(tree.target.node, *NODES)
        return Start(self.handlers.updates(tree.updates, self.scope), Goto(tree.target.node.text), tree.span)

    def deadline(self, tree: syntax.Deadline, inputs: Scope) -> Deadline:
        """It counts from the start, when only the inputs are known."""
        duration = self.typing.value(tree.duration, DurationType(), inputs)
        updates, target = self.handlers.updates(tree.updates, self.scope), self.handlers.target(tree.target)
        way = Transition(After(duration), (), None, False, updates, target, tree.doc, tree.span)
        return Deadline(way, tree.span)

    # ------------------------------------------------------------ calls and tasks

    def _call(self, tree: syntax.Do) -> ActivityCall:
        name = tree.activity
        known = self.known.activities.get(name.text)
        if tree.named is not None and not (known and known.flow):  # which has been reported
            return ActivityCall(name.text, (), tree.span)
        kind = self.names.find(name, Kind.ACTIVITY)
        params = known.params if known and kind else ()
        if known and known.flow:
            return self._flow(tree, params)
        if kind and len(params) != len(tree.args):
            message = f"`{name.text}` takes {values_of(len(params))}, and here it is given {values_of(len(tree.args))}."
            label = Label(self.names.place(Kind.ACTIVITY, name.text), f"takes {values_of(len(params))}")
            self.findings.error(rules.WRONG_COUNT, tree.span, message, values_of(len(tree.args)), others=(label,))
        types = [each.type for each in params] + [BROKEN] * (len(tree.args) - len(params))
        args = tuple(self.typing.value(each, type_, self.scope) for each, type_ in zip(tree.args, types, strict=False))
        return ActivityCall(name.text, args, tree.span)

    def _flow(self, tree: syntax.Do, params: tuple[Parameter, ...]) -> ActivityCall:
        name = tree.activity
        if tree.named is None:
            message = f"`{name.text}` is a flow, which is done as `do flow {name.text}(..)`."
            label = Label(self.names.place(Kind.FLOW, name.text), "the flow")
            self.findings.error(rules.MISPLACED_NAME, name.span, message, "a flow", others=(label,))
            return ActivityCall(name.text, (), tree.span)
        types = {each.name: each.type for each in params}
        given = in_order(tree.named, types, name.text, tree.span, self.names)
        return ActivityCall(
            name.text, tuple(self.typing.value(each, type_, self.scope) for each, type_ in given), tree.span
        )

    def _task(self, tree: syntax.Task) -> Task:
        name, clauses = tree.name.text, tree.clauses
        titles = [each for each in clauses if isinstance(each, syntax.Title)]
        title = self.findings.only(titles, f"The title of `{name}` is said")
        dues = [each for each in clauses if isinstance(each, syntax.Due)]
        due = self.findings.only(dues, f"When `{name}` is due is said")
        self.findings.only([each for each in clauses if isinstance(each, syntax.Form)], f"The form of `{name}` is said")
        reminds = [each for each in clauses if isinstance(each, syntax.Remind)]
        remind = self.findings.only(reminds, f"When to remind of `{name}` is said")
        roles = tuple(dict.fromkeys(role.text for role in tree.whom)) if isinstance(tree.whom, tuple) else ()
        for role in tree.whom if isinstance(tree.whom, tuple) else ():
            self.names.find(role, Kind.ROLE)
        doer = tree.whom.moment if isinstance(tree.whom, syntax.Doer) else None
        excluded: dict[str, None] = {}
        for each in clauses:
            if isinstance(each, syntax.Except) and self._acted(each.moment):
                excluded[each.moment.text] = None
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
