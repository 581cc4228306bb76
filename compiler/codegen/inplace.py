"""The plan of a mutable class: a Kernel in, what an instance that changes in place does by itself out.

That is what always leads on from a state with which nothing ends to one with which nothing begins, and reads no clock
and cannot be a Fault. Everything else is the record's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ...dsl.model import Assign, Expr, InState, Now
from ...dsl.walk import nodes
from ..kernel import Command, Goto, Kernel, Leaf, On, Stay, TriggerKind
from .behaviour import Behaviour
from .expressions import Printer, contraries
from .names import Names, Scope, plain, snake, upper

RESERVED = ("self", "clock", "inputs", "ledger", "put", "record", "state", "step", "take")
"""What every such class has."""

MOST_BRANCHES = 8
"""In more states than these, a table is faster than to ask for one after the other."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is done if the guard holds (""; in any case): assignments in order, each (attribute, value), and the state
    then."""

    guard: str
    changes: tuple[tuple[str, str], ...]
    state: str  # the constant, "" where it stays
    place: str


@dataclass(frozen=True, slots=True)
class Handling:
    """Of an event in a state: the constant of the state, the function where there are many, and its turns, the last of
    which needs no guard."""

    state: str
    function: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """An event that it handles in place. table: its name, "" where there are few states."""

    type: str
    method: str
    handlings: tuple[Handling, ...]
    table: str


@dataclass(frozen=True, slots=True)
class Mutable:
    """deferring: whether events may be waiting. states: the constants that its code uses, and the members they are."""

    name: str
    data: tuple[str, ...]  # its attributes, in the order of the data
    events: tuple[Event, ...]
    methods: dict[str, str]  # by the class of an event or task
    deferring: bool
    states: tuple[tuple[str, str], ...]


class Maker:
    """Makes the plan of a mutable class. `quick` are the events, by their class, that a record answers at once."""

    def __init__(self, kernel: Kernel, names: Names, behaviour: Behaviour, quick: frozenset[str]) -> None:
        self.kernel = kernel
        self.names = names
        self.behaviour = behaviour
        self.quick = quick
        scope = Scope(names.known, RESERVED)
        self.method = scope.table((name, plain(name)) for name in names.method)
        self.attribute = scope.table((v.name, plain(v.name)) for v in kernel.data)
        self.constants: dict[str, str] = {}

    def mutable(self) -> Mutable | None:
        """None where there is nothing that it would do by itself."""
        events = tuple(self.events())
        if not events:
            return None
        return Mutable(
            name=self.names.mutable,
            data=tuple(self.attribute[variable.name] for variable in self.kernel.data),
            events=events,
            methods={self.names.event[name]: method for name, method in self.method.items()},
            deferring=self.kernel.waiting,
            states=tuple(
                (self.constants[leaf.name], self.behaviour.node(leaf.name))
                for leaf in self.kernel.leaves
                if leaf.name in self.constants
            ),
        )

    def events(self) -> Iterator[Event]:
        for event in self.kernel.events:
            kind = self.names.event[event.name]
            if kind not in self.quick:
                continue
            on = On(TriggerKind.EVENT, event.name)
            found = {leaf: turns for leaf in self.kernel.leaves if (turns := self.turns(leaf, on))}
            many = len(found) > MOST_BRANCHES
            functions = self.names.functions
            handlings = tuple(
                Handling(
                    self.constant(leaf.name),
                    functions.name(f"_{snake(leaf.name)}_{snake(event.name)}_in_place") if many else "",
                    turns,
                )
                for leaf, turns in found.items()
            )
            table = functions.name(f"_{upper(event.name)}_IN_PLACE") if many else ""
            if handlings:
                yield Event(kind, self.method[event.name], handlings, table)

    def constant(self, state: str) -> str:
        if state not in self.constants:
            self.constants[state] = self.names.functions.name(f"_{upper(state)}")
        return self.constants[state]

    def turns(self, leaf: Leaf, on: On) -> tuple[Turn, ...]:
        """What is done in place; nothing where some case is not for that."""
        commands = sorted(self.kernel.answering.get((leaf.name, on), ()), key=lambda command: command.otherwise)
        if not commands or not self.behaviour.calm(leaf.name) or not all(map(self.plain, commands)):
            return ()
        found: list[Turn] = []
        for command, guard in zip(commands, self.guards(on, commands), strict=True):
            turn = self.turn(command, self.printer(on, command), guard)
            if turn is None:
                return ()
            found.append(turn)
            if not guard:
                return tuple(found)
        return ()

    def plain(self, command: Command) -> bool:
        """Whether it goes to a state with which nothing begins, or stays, and reads only inputs, data and payload."""
        target = command.target
        to = isinstance(target, Stay) or (
            isinstance(target, Goto) and not target.resume and self.behaviour.calm(target.node)
        )
        read = [node for node in nodes((command.guard, command.updates)) if isinstance(node, Now | InState)]
        return to and not read and all(isinstance(update, Assign) for update in command.updates)

    def printer(self, on: On, command: Command) -> Printer:
        fields = self.names.field[on.name].values()
        params = {param.name: field for param, field in zip(command.params, fields, strict=True)}
        return replace(self.behaviour.printer, params=params, owner="self", attributes=self.attribute)

    def guards(self, on: On, commands: Sequence[Command]) -> list[str | None]:
        """The guards as text; None for one that may be a Fault."""
        found = [self._guard(command.guard, self.printer(on, command)) for command in commands]
        if len(commands) == 2 and commands[0].guard is not None:
            printer = self.printer(on, commands[0])
            if found[1] in [self._guard(other, printer) for other in contraries(commands[0].guard)]:
                found[1] = ""
        return found

    def _guard(self, guard: Expr | None, printer: Printer) -> str | None:
        if guard is None:
            return ""
        code = printer.code(guard)
        return None if code.partial else code.text

    def turn(self, command: Command, printer: Printer, guard: str | None) -> Turn | None:
        """None where something may be a Fault."""
        if guard is None:
            return None
        if command.guard is not None:
            printer = printer.assuming(command.guard)
        changes: list[tuple[str, str]] = []
        for update in command.updates:
            assert isinstance(update, Assign), "a plain one only assigns"
            value = printer.stored(update.value, self.kernel.variable[update.name].type, update.span)
            if value.partial:
                return None
            changes.append((self.attribute[update.name], value.text))
            printer = printer.after_update()
        state = "" if isinstance(command.target, Stay) else self.constant(self._goal(command))
        return Turn(guard, tuple(changes), state, self.behaviour.place(command.span))

    def _goal(self, command: Command) -> str:
        assert isinstance(command.target, Goto), "a plain one goes or stays"
        return command.target.node
