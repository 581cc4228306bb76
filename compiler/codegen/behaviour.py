"""What the functions of a generated module do: the leaves and choices of a Kernel in, their cases and moves out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ...dsl.model import (
    Assign,
    Emit,
    EnumType,
    Expr,
    InState,
    IntType,
    ListType,
    OptionalType,
    Parameter,
    Ref,
    RefKind,
    Send,
    Task,
    TextType,
    Type,
    Update,
)
from ...dsl.source import Span
from ...dsl.walk import nodes
from ..kernel import Branch, Choice, Command, Goto, Kernel, Leaf, On, Place, Stay, Target, Timer, TriggerKind, Undo
from .expressions import Printer
from .literals import PRODUCT, Code, duration, inside, quoted, type_name
from .names import Names, Scope, plain


@dataclass(frozen=True, slots=True)
class Move:
    """Where to go: `goto`, `undo`, `stay`, `ignore` or `defer`.

    before: assignments of locals, `data` among them, that come first, each (name, value). changes: the new values of
    fields that come last. messages: what goes out, in order; each is code."""

    kind: str
    place: str = ""
    node: str = ""
    since: str = ""
    resume: bool = False
    before: tuple[tuple[str, str], ...] = ()
    changes: tuple[tuple[str, str], ...] = ()
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """guard: "" for always."""

    guard: str
    move: Move


@dataclass(frozen=True, slots=True)
class Case:
    """Triggers that are answered alike: any of the outcomes (quoted) or patterns; the first alternative that holds.

    tests: guards that must all be evaluated before one is taken, because one of them may be a Fault; by local name."""

    alternatives: tuple[Alternative, ...]
    tests: tuple[tuple[str, str], ...] = ()
    outcomes: tuple[str, ...] = ()
    value: str = ""  # the pattern of the outcome's value
    patterns: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        if not self.outcomes:
            return " | ".join(self.patterns)
        value = f", value={self.value}" if self.value else ""
        return f"core.Outcome(kind={' | '.join(self.outcomes)}{value})"

    @property
    def complete(self) -> bool:
        return not self.alternatives[-1].guard


@dataclass(frozen=True, slots=True)
class NewTask:
    task: str
    roles: tuple[str, ...]
    title: str
    due: str
    excluded: tuple[str, ...]
    person: str
    doer: str
    place: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What entering a place begins. Everything is code."""

    timers: tuple[tuple[str, str], ...] = ()  # what arms it, place
    tasks: tuple[NewTask, ...] = ()
    call: str = ""
    args: tuple[str, ...] = ()
    place: str = ""
    each: str = ""  # of a call for each item: `item in items`

    @property
    def empty(self) -> bool:
        return not (self.timers or self.tasks or self.call)


class Behaviour:
    """The decisions about one kernel's functions. `path` is how the module calls its spec."""

    def __init__(self, kernel: Kernel, names: Names, path: str) -> None:
        self.kernel = kernel
        self.names = names
        self.source = kernel.source.called(path)
        self.printer = Printer(names, self.place)
        guards = [c.guard for c in kernel.commands] + [b.guard for c in kernel.choices for b in c.branches]
        self.located = any(isinstance(node, InState) for node in nodes(tuple(guards)))

    def place(self, span: Span) -> str:
        return self.source.place(span)

    # ------------------------------------------------------------ triggers

    def cases(self, place: Place) -> tuple[Case, ...]:
        """How a place answers, in the order of the text; then the events it ignores or defers."""
        written: dict[On, list[Command]] = {}
        for command in self.kernel.scoped.get(place.name, ()):
            if command.on is not None and command.on.kind is not TriggerKind.JOIN:
                written.setdefault(command.on, []).append(command)
        cases: list[Case] = []
        for on, commands in written.items():
            case = self._case(place, on, commands)
            if cases and self._alike(cases[-1], case):
                cases[-1] = replace(case, outcomes=cases[-1].outcomes + case.outcomes)
            else:
                cases.append(case)
        for events, kind in ((place.ignores, "ignore"), (place.defers - place.ignores, "defer")):
            left = [name for name in self.kernel.event if name in events and On(TriggerKind.EVENT, name) not in written]
            if left:
                patterns = tuple(f"{self.names.event[name]}()" for name in left)
                cases.append(Case((Alternative("", Move(kind)),), patterns=patterns))
        return tuple(cases)

    def _alike(self, one: Case, other: Case) -> bool:
        """Two outcomes of one written transition (`on failed`)."""
        return bool(one.outcomes) and replace(one, outcomes=other.outcomes) == other

    def _case(self, place: Place, on: On, commands: Sequence[Command]) -> Case:
        scope = self.names.locals()
        bound = self._bound(commands, scope)
        printers = [replace(self.printer, params=self._params(command, bound)) for command in commands]
        ordered = sorted(zip(commands, printers, strict=True), key=lambda pair: pair[0].otherwise)
        guards = [None if c.guard is None else p.code(c.guard) for c, p in ordered]
        tests: list[tuple[str, str]] = []
        if any(guard is not None and guard.partial for guard in guards[1:]):
            for index, guard in enumerate(guards):
                if guard is not None:
                    tests.append((scope.name(f"test{index + 1}"), guard.text))
                    guards[index] = Code(tests[-1][0])
        alternatives: list[Alternative] = []
        for (command, printer), guard in zip(ordered, guards, strict=True):
            if command.guard is not None and not tests:
                printer = printer.assuming(command.guard)
            move = self._move(command.updates, command.target, command.span, printer)
            alternatives.append(Alternative("" if guard is None else guard.text, move))
            if guard is None:
                break
        if alternatives[-1].guard and on.kind is TriggerKind.EVENT:
            kind = "ignore" if on.name in place.ignores else "defer" if on.name in place.defers else ""
            alternatives += [Alternative("", Move(kind))] if kind else []
        case = Case(tuple(alternatives), tuple(tests))
        if on.kind is TriggerKind.OUTCOME:
            result = next((param.type for param in commands[0].params), None)
            if any(bound) and result is not None and _is_list(result):  # no pattern tells of what it is
                answer = scope.name("answer")
                typed = (bound[0] or "", f'cast("{type_name(result, self.names)}", {answer})')
                return replace(case, outcomes=(quoted(on.name),), value=answer, tests=(typed, *tests))
            return replace(case, outcomes=(quoted(on.name),), value=self._result_pattern(commands[0], bound))
        return replace(case, patterns=(self._pattern(on, bound),))

    def _bound(self, commands: Sequence[Command], scope: Scope) -> tuple[str | None, ...]:
        """The local name of each payload field, None where no command uses it."""
        bound: list[str | None] = []
        for fields in zip(*(command.params for command in commands), strict=True):
            used = [p.name for c, p in zip(commands, fields, strict=True) if p.name in parameters(c)]
            bound.append(scope.name(plain(used[0])) if used else None)
        return tuple(bound)

    def _params(self, command: Command, bound: tuple[str | None, ...]) -> dict[str, str]:
        return {p.name: name for p, name in zip(command.params, bound, strict=True) if name is not None}

    def _pattern(self, on: On, bound: tuple[str | None, ...]) -> str:
        if on.kind is TriggerKind.TIMER:
            return f"core.Fired({quoted(on.name)})"
        fields = self.names.field[on.name].values()
        items = [f"{field}={name}" for field, name in zip(fields, bound, strict=True) if name is not None]
        return f"{self.names.event[on.name]}({', '.join(items)})"

    def _result_pattern(self, command: Command, bound: tuple[str | None, ...]) -> str:
        """What gives the result its name and, for type checkers, its type."""
        if not any(bound):
            return ""
        called = self.kernel.leaf[command.scope].call
        assert called is not None, "only calls have outcomes"
        if called.each is None and self.kernel.activity[called.activity].flow:
            parts = [self._part(param.type, name) for param, name in zip(command.params, bound, strict=True)]
            return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
        return self._part(command.params[0].type, bound[0])

    def _part(self, result: Type, name: str | None) -> str:
        """The pattern of one value."""
        if name is None:
            return "_"
        item = type_name(result.item if isinstance(result, OptionalType) else result, self.names)
        return f"({item}() | None) as {name}" if isinstance(result, OptionalType) else f"{item}() as {name}"

    # ------------------------------------------------------------ moves

    def start(self) -> Move:
        return self.taken(self.kernel.commands[0])

    def taken(self, command: Command | Branch) -> Move:
        """Of a command or a start that has neither payload nor guard."""
        return self._move(command.updates, command.target, command.span, self.printer)

    def branches(self, choice: Choice) -> tuple[Alternative, ...]:
        """The branches in the order they are tried, the `else` last."""
        branches = sorted(choice.branches, key=lambda branch: branch.guard is None)
        alternatives: list[Alternative] = []
        for branch in branches:
            printer = self.printer if branch.guard is None else self.printer.assuming(branch.guard)
            guard = "" if branch.guard is None else self.printer.code(branch.guard).text
            alternatives.append(Alternative(guard, self._move(branch.updates, branch.target, branch.span, printer)))
            if not guard:
                break
        return tuple(alternatives)

    def _move(self, updates: Iterable[Update], target: Target, span: Span, printer: Printer) -> Move:
        moved = self._updated(updates, printer)
        place = self.place(span)
        match target:
            case Stay():
                return replace(moved, kind="stay", place=place)
            case Goto(node, resume):
                return replace(moved, kind="goto", place=place, node=self.node(node), resume=resume)
            case Undo(since, node):
                mark = "" if since is None else self.node(since)
                return replace(moved, kind="undo", place=place, node=self.node(node), since=mark)

    def _updated(self, updates: Iterable[Update], printer: Printer) -> Move:
        """What is done on the way, each before what comes after it changes the data or may be a Fault."""
        before: list[tuple[str, str]] = []
        changes: dict[str, str] = {}
        messages: list[str] = []
        for update in updates:
            read = {ref.name for ref in references(update) if ref.kind is RefKind.DATA}
            first = changes and (not isinstance(update, Assign) or bool(changes.keys() & {update.name, *read}))
            if first:
                values = ", ".join(f"{self.names.variable[name]}={value}" for name, value in changes.items())
                before.append(("data", f"data._replace({values})"))
                changes, printer = {}, printer.after_update()
            if isinstance(update, Assign):
                type = self.kernel.variable[update.name].type
                changes[update.name] = printer.stored(update.value, type, update.span).text
            else:
                messages.append(f"_sent{len(messages) + 1}")
                before.append((messages[-1], self._message(update, printer)))
        if not changes and len(messages) == 1 and before[-1][0] == messages[0]:
            messages = [before.pop()[1]]
        last = tuple((self.names.variable[name], value) for name, value in changes.items())
        return Move("", before=tuple(before), changes=last, messages=tuple(messages))

    def _message(self, message: Emit | Send, printer: Printer) -> str:
        codes = [printer.stored(arg, type, arg.span).text for arg, type in self.kernel.carried(message)]
        if isinstance(message, Emit):
            return f"core.EmitEvent({quoted(message.message)}, {_tuple(codes)})"
        *args, key = codes
        return f"core.SendEvent({quoted(message.flow)}, {quoted(message.event)}, {_tuple(args)}, {key})"

    def node(self, name: str) -> str:
        if name in self.kernel.choice:
            return f"_Choice.{self.names.choice[name]}"
        return f"{self.names.states}.{self.names.state[name]}"

    # ------------------------------------------------------------ entering

    def entry(self, place: Place) -> Entry:
        """What entering a place begins."""
        timers = tuple((self._armed(timer), self.place(timer.span)) for timer in place.timers)
        tasks = tuple(map(self._task, place.tasks))
        call = place.call if isinstance(place, Leaf) else None
        if call is None:
            return Entry(timers, tasks)
        params = self.kernel.activity[call.activity].params
        if call.each is None:
            args = self.arguments(self.printer, call.args, params)
            return Entry(timers, tasks, quoted(call.activity), args, self.place(call.span))
        items = self.printer.code(call.each.items)
        item = self.names.locals().name(plain(call.each.param.name))
        args = self.arguments(replace(self.printer, params={call.each.param.name: item}), call.args, params)
        most = f"values.at_most({items.text}, {call.each.most}, {quoted(self.place(call.each.items.span))})"
        return Entry(timers, tasks, quoted(call.activity), args, self.place(call.span), f"{item} in {most}")

    def _armed(self, timer: Timer) -> str:
        if timer.since is None:
            return f"core.ArmTimer({quoted(timer.id)}, {self.due(timer)})"
        assert timer.after is not None, "only durations are counted since"
        return f"rules.Since({quoted(timer.id)}, {self.printer.code(timer.after).text}, {self.node(timer.since)})"

    def arguments(self, printer: Printer, args: Sequence[Expr], params: Sequence[Parameter]) -> tuple[str, ...]:
        """The values of a call's parameters."""
        pairs = zip(args, params, strict=True)
        return tuple(printer.stored(arg, param.type, arg.span).text for arg, param in pairs)

    def due(self, timer: Timer) -> str:
        """The moment a timer fires that is armed now."""
        if timer.at is not None:
            return self.printer.code(timer.at).text
        assert timer.after is not None, "a timer has an `after` or an `at`"
        return f"now + {self.printer.code(timer.after).at(PRODUCT)}"

    def _task(self, task: Task) -> NewTask:
        return NewTask(
            task=quoted(task.name),
            roles=tuple(map(quoted, task.roles)),
            title=self._title(task.title),
            due="" if task.due is None else f"now + {duration(task.due)}",
            excluded=tuple(map(quoted, task.excluded)),
            person="" if task.person is None else self._person(task.person),
            doer="" if task.doer is None else quoted(task.doer),
            place=self.place(task.span),
        )

    def _person(self, person: Expr) -> str:
        code, place = self.printer.code(person), quoted(self.place(person.span))
        return f"values.somebody({code.text}, {place})"

    def _title(self, parts: Sequence[str | Expr]) -> str:
        """A string, an f-string where there is something to fill in."""
        if all(isinstance(part, str) for part in parts):
            return quoted("".join(part for part in parts if isinstance(part, str)))
        filled = [self._shown(part) for part in parts if not isinstance(part, str)]
        braced = [part.replace("{", "{{").replace("}", "}}") if isinstance(part, str) else None for part in parts]
        if any(char in text for text in filled for char in "\"'\\{}"):
            template = quoted("".join("{}" if part is None else part for part in braced))
            return f"{template}.format({', '.join(filled)})"
        values = iter(filled)
        body = "".join(f"{{{next(values)}}}" if part is None else inside(part) for part in braced)
        return f'f"{body}"'

    def _shown(self, expr: Expr) -> str:
        text = self.printer.code(expr).text
        return text if isinstance(expr.type, (TextType, EnumType, IntType)) else f"values.shown({text})"


def _tuple(items: Sequence[str]) -> str:
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def _is_list(type: Type) -> bool:
    return isinstance(type.item if isinstance(type, OptionalType) else type, ListType)


def references(root: object) -> list[Ref]:
    """Every reference in an expression, or in a tuple of updates."""
    return [node for node in nodes(root) if isinstance(node, Ref)]


def parameters(command: Command) -> set[str]:
    """The payload names that a command uses."""
    return {ref.name for ref in references((command.guard, command.updates)) if ref.kind is RefKind.PARAM}
