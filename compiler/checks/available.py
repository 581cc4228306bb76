"""A closed graph in, for each node the written facts that hold in it whichever way a run came there, out.

Available expressions, a forward analysis to the greatest fixpoint (Kildall, 1973): a guard that was asked, or an
assignment that was made, on every way to a node, and nothing it is about has been assigned since. Used to explain, in
the words of the text, what the checks have found out otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...dsl.model import (
    Assign,
    Convert,
    Expr,
    IsNone,
    ListType,
    Literal,
    OptionalType,
    RecordType,
    Ref,
    RefKind,
    Update,
)
from ...dsl.source import NOWHERE
from ...dsl.values import replace
from ..instance import Taken
from ..kernel import Command, Kernel, Stay
from ..trace import source
from .facts import Fact, Origin, branched, called, changing, guarded, of_type, promised, reference, refs
from .graph import Edge, Graph
from .prose import said
from .rewrite import bare, closed, equals, unwrapped


class Available:
    """`at` a node: the facts, in the order in which the text makes them."""

    def __init__(self, kernel: Kernel, graph: Graph) -> None:
        self.kernel = kernel
        self.graph = graph
        self._numbers: dict[Fact, int] = {}
        self._about: dict[str, int] = {}
        self._changing = changing(kernel)
        started = (scope.start.updates for scope in kernel.scopes if scope.start is not None)
        self._restarted = frozenset(u.name for updates in started for u in updates if isinstance(u, Assign))
        self._steps: dict[tuple[bool, tuple[Taken, ...]], list[Fact | str]] = {}
        edges = list(graph.edges())
        for edge in edges:  # first every fact there is, then what each edge makes of a set of them
            self._step(edge)
        self._changes = {id(edge): self._change(edge) for edge in edges}
        self._found = self._solved(edges)

    def at(self, node: int) -> tuple[Fact, ...]:
        return tuple(fact for fact, number in self._numbers.items() if self._found[node] >> number & 1)

    # ------------------------------------------------------------ the fixpoint

    def _solved(self, edges: Sequence[Edge]) -> list[int]:
        everything = (1 << len(self._numbers)) - 1
        found = [everything] * len(self.graph.nodes)
        todo = list(reversed(edges))
        while todo:
            edge = todo.pop()
            keep, make = self._changes[id(edge)]
            before = found[edge.source] if edge.source >= 0 else 0
            after = found[edge.target] & ((before & keep) | make)
            if after != found[edge.target]:
                found[edge.target] = after
                todo.extend(self.graph.out[edge.target])
        return found

    def _change(self, edge: Edge) -> tuple[int, int]:
        """What an edge keeps of the facts before it, and what it makes."""
        keep, make = (1 << len(self._numbers)) - 1, 0
        for each in self._step(edge):
            if isinstance(each, str):
                keep, make = keep & ~self._about.get(each, 0), make & ~self._about.get(each, 0)
            else:
                make |= 1 << self._numbers[each]
        return keep, make

    # ------------------------------------------------------------ one step

    def _step(self, edge: Edge) -> list[Fact | str]:
        """In order, the facts that an edge makes, and the names of the variables it assigns."""
        key = edge.source < 0, edge.taken
        if key not in self._steps:
            made = [*self._first()] if edge.source < 0 else []
            for taken in edge.taken:
                made += self._taken(taken)
            for each in made:
                if isinstance(each, Fact) and each not in self._numbers:
                    self._numbers[each] = len(self._numbers)
                    for name in {ref.name for ref in refs(each.expr)}:
                        self._about[name] = self._about.get(name, 0) | 1 << self._numbers[each]
            self._steps[key] = made
        return self._steps[key]

    def _first(self) -> Iterator[Fact | str]:
        for variable in self.kernel.data:
            if variable.initial is not None:
                yield from self._assigned(Assign(variable.name, variable.initial, variable.span), Origin.FIRST)

    def _taken(self, taken: Taken) -> Iterator[Fact | str]:
        if taken.command is not None:
            yield from self._command(self.kernel.commands[taken.command])
            if not isinstance(self.kernel.commands[taken.command].target, Stay):
                yield from sorted(self._restarted)
        for name, index in taken.branches:
            choice = self.kernel.choice[name]
            yield from filter(_lasting, branched(self.kernel, choice, index, Origin.WAY))
            yield from self._updates(choice.branches[index].updates)
            yield from sorted(self._restarted)

    def _command(self, command: Command) -> Iterator[Fact | str]:
        """Its guard; its updates; and what is known of a payload, where it was kept in a variable."""
        if command.on is None:
            yield from self._updates(command.updates)
            return
        params, name = called(self.kernel.answering[command.scope, command.on])
        asked = list(guarded(self.kernel, command, Origin.WAY, name))
        yield from filter(_lasting, asked)
        payload = [fact for param in params for fact in of_type(reference(param), param.type, param.span)]
        payload += promised(self.kernel, command, params, self._changing)
        yield from self._updates(command.updates)
        own = name[command.id]
        copies = [(ref.name, kept) for copied, kept in self._copies(command) for ref in refs(own[True, copied])]
        into = {(True, name): kept for name, kept in copies}
        written = {name: f"{said(kept)} = {name}" for name, kept in copies}
        changed = {update.name for update in command.updates if isinstance(update, Assign)}
        for fact in (*asked, *payload):
            about = set(refs(fact.expr))
            given = {ref.name for ref in about if ref.kind is RefKind.PARAM}
            kept_still = not changed & {ref.name for ref in about if ref.kind is not RefKind.PARAM}
            if given and all((True, each) in into for each in given) and kept_still:
                how = dict.fromkeys(text for each, text in written.items() if each in given)
                yield from filter(_lasting, [replace(fact.put(into), since=tuple(how))])

    def _copies(self, command: Command) -> Iterator[tuple[str, Expr]]:
        """The parameters that its updates keep as they come, by their own names, and where."""
        last = {update.name: update for update in command.updates if isinstance(update, Assign)}
        for update in last.values():
            value = update.value
            if isinstance(value, Convert) and isinstance(value.type, OptionalType):
                value = value.operand
            if isinstance(value, Ref) and value.kind is RefKind.PARAM:
                variable = self._variable(update.name)
                yield value.name, variable if value.type == variable.type else unwrapped(variable)

    def _variable(self, name: str) -> Ref:
        return Ref(RefKind.DATA, name, self.kernel.variable[name].type, NOWHERE)

    def _updates(self, updates: Sequence[Update]) -> Iterator[Fact | str]:
        for update in updates:
            if isinstance(update, Assign):
                yield from self._assigned(update, Origin.SET)

    def _assigned(self, update: Assign, origin: Origin) -> Iterator[Fact | str]:
        yield update.name
        variable, value = self._variable(update.name), bare(update.value)
        if isinstance(variable.type, ListType | RecordType) or not closed(value):
            return
        if any(ref.name == update.name for ref in refs(value)):
            return
        none = isinstance(value, Literal) and value.value is None
        expr: Expr = IsNone(variable, False, NOWHERE) if none else equals(variable, value)
        implied = update.value.span == self.kernel.variable[update.name].span
        written = said(value) if implied else source(self.kernel, update.value)
        yield Fact(origin, expr, True, update.span, f"{update.name} = {written}")


def _lasting(fact: Fact | str) -> bool:
    """Whether a fact is about data alone."""
    return isinstance(fact, Fact) and closed(fact.expr)
