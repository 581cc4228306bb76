"""What the functions of a generated module do: the leaves and choices of a Kernel in, their cases and moves out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...dsl.model import (
    Assign,
    Binary,
    DurationType,
    Emit,
    EnumType,
    Expr,
    InstantType,
    InState,
    IntType,
    Parameter,
    Ref,
    RefKind,
    Send,
    Task,
    TextType,
    Update,
)
from ...dsl.source import Span
from ...dsl.walk import nodes
from ..kernel import (
    Branch,
    Choice,
    Command,
    Goto,
    Kernel,
    Leaf,
    LeafKind,
    On,
    Place,
    Stay,
    Target,
    Timer,
    TriggerKind,
)
from .expressions import Printer, contraries
from .literals import PRODUCT, Code, duration, inside, quoted, type_name
from .names import Names, Scope, plain, upper

MOST_INLINED = 8
"""Data of more fields are changed by name."""


@dataclass(frozen=True, slots=True)
class Move:
    """The data and the way afterwards, a constant of the module: a move, or `rules.IGNORE` or `rules.DEFER`.

    before: assignments of locals, `data` among them, that come first, each (name, value). data: its value in the end.
    messages: what goes out, in order; each is code."""

    way: str
    place: str = ""
    before: tuple[tuple[str, str], ...] = ()
    data: str = "data"
    messages: tuple[str, ...] = ()

    @property
    def constant(self) -> bool:
        """Whether the way is all there is to it."""
        return not self.before and not self.messages and self.data == "data"

    @property
    def moves(self) -> bool:
        return self.way not in (IGNORE, DEFER)


TIMES = (DurationType, InstantType)
ASKED = (TriggerKind.EVENT, TriggerKind.TASK)

IGNORE, DEFER = "rules.IGNORE", "rules.DEFER"


@dataclass(frozen=True, slots=True)
class Alternative:
    """guard: "" for always."""

    guard: str
    move: Move


@dataclass(frozen=True, slots=True)
class Answer:
    """What a place says to triggers that it answers alike: the first alternative that holds. `keys` are theirs in the
    table of this `kind`; `fields` what they bring, each (name, annotation).

    tests: guards that must all be evaluated before one is taken, because one of them may be a Fault; by local name."""

    kind: TriggerKind
    keys: tuple[str, ...]
    function: str  # its name; "" where the answer is a constant
    about: str  # in words
    alternatives: tuple[Alternative, ...]
    fields: tuple[tuple[str, str], ...] = ()
    tests: tuple[tuple[str, str], ...] = ()
    timed: bool = False  # whether it computes times, which may come to be too large

    @property
    def complete(self) -> bool:
        """Whether there is a move in any case."""
        return not self.alternatives[-1].guard and self.alternatives[-1].move.moves

    @property
    def prompt(self) -> bool:
        """Whether there is a move in any case, and no time to compute that may be too large to represent."""
        return self.complete and not self.timed

    @property
    def told(self) -> str:
        """What stands in the table."""
        return self.function or self.alternatives[0].move.way

    @property
    def place(self) -> str:
        """Where a constant answer is written."""
        return "" if self.function else self.alternatives[0].move.place


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
        self.moves: dict[str, str] = {}  # the constants of the module, by what they are
        self.inlined = False  # whether anything has been
        self.located = any(isinstance(node, InState) for node in nodes(tuple(guards)))

    def place(self, span: Span) -> str:
        return self.source.place(span)

    # ------------------------------------------------------------ triggers

    def answers(self, place: Place) -> tuple[Answer, ...]:
        """How a place answers, in the order of the text; then the events it ignores or defers."""
        written: dict[On, list[Command]] = {}
        for command in self.kernel.scoped.get(place.name, ()):
            if command.on is not None and command.on.kind is not TriggerKind.JOIN:
                written.setdefault(command.on, []).append(command)
        answers: list[Answer] = []
        for on, commands in written.items():
            answer = self._answer(place, on, commands)
            if answers and self._alike(answers[-1], answer):
                answers[-1] = replace(answer, keys=answers[-1].keys + answer.keys)
            else:
                answers.append(answer)
        for events, way in ((place.ignores, IGNORE), (place.defers - place.ignores, DEFER)):
            for name in self.kernel.event:
                if name in events and On(TriggerKind.EVENT, name) not in written:
                    key = self.names.event[name]
                    answers.append(Answer(TriggerKind.EVENT, (key,), "", "", (Alternative("", Move(way)),)))
        return tuple(answers)

    def _alike(self, one: Answer, other: Answer) -> bool:
        """Two outcomes of one written transition (`on failed`), which share a function."""
        like = replace(one, keys=other.keys, function=other.function, about=other.about)
        return one.kind is TriggerKind.OUTCOME and like == other and bool(one.function) is bool(other.function)

    def _answer(self, place: Place, on: On, commands: Sequence[Command]) -> Answer:
        scope = self.names.locals()
        fields = self._fields(on, commands, scope)
        printers = [replace(self.printer, params=self._params(command, fields)) for command in commands]
        ordered = sorted(zip(commands, printers, strict=True), key=lambda pair: pair[0].otherwise)
        guards = [None if c.guard is None else p.code(c.guard) for c, p in ordered]
        tests: list[tuple[str, str]] = []
        if any(guard is not None and guard.partial for guard in guards[1:]):
            for index, guard in enumerate(guards):
                if guard is not None:
                    tests.append((scope.name(f"test{index + 1}"), guard.text))
                    guards[index] = Code(tests[-1][0])
        if len(ordered) == 2 and not tests and self._contrary(*ordered):
            guards[1] = None
        inlined = on.kind is TriggerKind.EVENT and self.calm(place.name)
        alternatives: list[Alternative] = []
        for (command, printer), guard in zip(ordered, guards, strict=True):
            if command.guard is not None and not tests:
                printer = printer.assuming(command.guard)
            move = self._move(command.updates, command.target, command.span, printer, inlined)
            alternatives.append(Alternative("" if guard is None else guard.text, move))
            if guard is None:
                break
        if alternatives[-1].guard and on.kind is TriggerKind.EVENT:
            way = IGNORE if on.name in place.ignores else DEFER if on.name in place.defers else ""
            alternatives += [Alternative("", Move(way))] if way else []
        done = tuple((command.guard, command.updates) for command in commands)
        constant = not alternatives[0].guard and alternatives[0].move.constant
        return Answer(
            kind=on.kind,
            keys=(
                quoted(on.name) if on.kind in (TriggerKind.OUTCOME, TriggerKind.TIMER) else self.names.event[on.name],
            ),
            function="" if constant else self.names.answer[place.name, on],
            about=f"`{on.name}` in {place.name}",
            alternatives=tuple(alternatives),
            fields=() if constant else fields,
            tests=tuple(tests),
            timed=any(isinstance(node, Binary) and isinstance(node.type, TIMES) for node in nodes(done)),
        )

    def _contrary(self, one: tuple[Command, Printer], other: tuple[Command, Printer]) -> bool:
        """Whether the second guard says by its text that the first one does not hold."""
        first, second = one[0].guard, other[0].guard
        if first is None or second is None:
            return False
        return other[1].code(second).text in {one[1].code(not_first).text for not_first in contraries(first)}

    def _fields(self, on: On, commands: Sequence[Command], scope: Scope) -> tuple[tuple[str, str], ...]:
        """What a trigger brings: names as the transitions bind them, and types."""
        fields: list[tuple[str, str]] = []
        for index, params in enumerate(zip(*(command.params for command in commands), strict=True)):
            used = [p.name for c, p in zip(commands, params, strict=True) if p.name in parameters(c)]
            declared = "result" if on.kind is TriggerKind.OUTCOME else list(self.names.field[on.name].values())[index]
            name = plain(used[0]) if used else declared
            fields.append((scope.name(name), type_name(params[0].type, self.names)))
        return tuple(fields)

    def _params(self, command: Command, fields: tuple[tuple[str, str], ...]) -> dict[str, str]:
        return {param.name: name for param, (name, _) in zip(command.params, fields, strict=True)}

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

    def _move(
        self, updates: Iterable[Update], target: Target, span: Span, printer: Printer, inlined: bool = False
    ) -> Move:
        return replace(self._updated(updates, printer, inlined), way=self._way(target), place=self.place(span))

    def _way(self, target: Target) -> str:
        """The name of a move, which is a constant of the module."""
        if isinstance(target, Stay):
            return self._constant("_STAY", "rules.Stay()")
        node, about = self.node(target.node), upper(target.node)
        of = f"[{self.names.states}]" if target.node in self.kernel.choice else ""  # which the choice does not tell
        if isinstance(target, Goto):
            more = ", resume=True" if target.resume else f", at={node}.alone" if self.calm(target.node) else ""
            return self._constant(f"_{'RESUME' if target.resume else 'TO'}_{about}", f"rules.Goto{of}({node}{more})")
        if target.since is None:
            return self._constant(f"_UNDO_TO_{about}", f"rules.Undo{of}({node})")
        wish = f"_UNDO_SINCE_{upper(target.since)}_TO_{about}"
        return self._constant(wish, f"rules.Undo{of}({node}, since={self.node(target.since)})")

    def _constant(self, wish: str, code: str) -> str:
        if code not in self.moves:
            self.moves[code] = self.names.functions.name(wish)
        return self.moves[code]

    def calm(self, name: str) -> bool:
        """Whether nothing at all begins with entering a state, nor ends with leaving it, of a flow without states in
        states."""
        leaf = self.kernel.leaf.get(name)
        if leaf is None or leaf.kind is not LeafKind.STATE or len(self.kernel.scopes) > 1:
            return False
        marked = self.kernel.savepoints | self.kernel.resumed | self.kernel.counted
        return not (leaf.call or leaf.tasks or leaf.timers or name in marked)

    def quick(self, event: str) -> bool:
        """Whether the event always leads on from some state, and at once to another, and no guard asks `in S`."""
        if self.located:  # the answers take one argument more
            return False
        on = On(TriggerKind.EVENT, event)
        for place in self.kernel.leaves:
            commands = self.kernel.answering.get((place.name, on), ()) if self.calm(place.name) else ()
            goals = (c.target.node for c in commands if isinstance(c.target, Goto) and not c.target.resume)
            if any(map(self.calm, goals)) and self._answer(place, on, commands).prompt:
                return True
        return False

    def _updated(self, updates: Iterable[Update], printer: Printer, inlined: bool) -> Move:
        """What is done on the way, each before what comes after it changes the data or may be a Fault."""
        before: list[tuple[str, str]] = []
        changes: dict[str, str] = {}
        messages: list[str] = []
        for update in updates:
            read = {ref.name for ref in references(update) if ref.kind is RefKind.DATA}
            first = changes and (not isinstance(update, Assign) or bool(changes.keys() & {update.name, *read}))
            if first:
                before.append(("data", self._changed(changes, inlined)))
                changes, printer = {}, printer.after_update()
            if isinstance(update, Assign):
                type = self.kernel.variable[update.name].type
                changes[update.name] = printer.stored(update.value, type, update.span).text
            else:
                messages.append(f"_sent{len(messages) + 1}")
                before.append((messages[-1], self._message(update, printer)))
        if not changes and len(messages) == 1 and before[-1][0] == messages[0]:
            messages = [before.pop()[1]]
        return Move("", before=tuple(before), data=self._changed(changes, inlined), messages=tuple(messages))

    def _changed(self, changes: Mapping[str, str], inlined: bool) -> str:
        """The data with these new values. Inlined: as fast as can be, where there are few."""
        if not changes:
            return "data"
        attributes = {v.name: self.names.variable[v.name] for v in self.kernel.data}
        if not inlined or len(attributes) > MOST_INLINED:
            return f"data._replace({', '.join(f'{attributes[name]}={value}' for name, value in changes.items())})"
        self.inlined = True
        values = [changes.get(name, f"data.{attribute}") for name, attribute in attributes.items()]
        return f"_new({self.names.data}, {_tuple(values)})"

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


def references(root: object) -> list[Ref]:
    """Every reference in an expression, or in a tuple of updates."""
    return [node for node in nodes(root) if isinstance(node, Ref)]


def parameters(command: Command) -> set[str]:
    """The payload names that a command uses."""
    return {ref.name for ref in references((command.guard, command.updates)) if ref.kind is RefKind.PARAM}
