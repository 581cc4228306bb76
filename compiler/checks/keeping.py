"""A fact about the data that always holds in; the guards that keep it so, wherever something is assigned, out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ...dsl.model import Assign, Expr, Parameter, Unwrap, Update
from ...dsl.source import Span
from ...dsl.values import replace
from ..kernel import Branch, Command
from .blocked import Blocked, Scene
from .conflict import conflict
from .facts import (
    Fact,
    Origin,
    Put,
    branched,
    called,
    changing,
    fitting,
    guarded,
    of_type,
    promised,
    reference,
    refs,
    substituted,
)
from .rewrite import bare, closed, inside


class Keeping:
    """Asks, of every update apart, whether a fact that held before it holds behind it: then it always does."""

    def __init__(self, blocked: Blocked) -> None:
        self.blocked = blocked
        self.kernel = blocked.kernel
        self._found: dict[Fact, tuple[Fact, ...] | None] = {}

    def of(self, fact: Fact) -> tuple[Fact, ...] | None:
        """The guards that are needed; none: there are none to need. None: it is not so by these alone."""
        if fact not in self._found:
            self._found[fact] = self._kept(replace(fact, origin=Origin.WAY))
        return self._found[fact]

    def setting(self, fact: Fact) -> tuple[Span, ...]:
        """Where what a fact is about gets its values, each line once."""
        names = {ref.name for ref in refs(fact.expr)}
        spans = [variable.span for variable in self.kernel.variable.values() if variable.name in names]
        updates = (update for update in self.kernel.updates() if isinstance(update, Assign) and update.name in names)
        found = {self.kernel.source.line(span): span for span in reversed([*spans, *(each.span for each in updates)])}
        return tuple(found[line] for line in sorted(found))

    def _kept(self, fact: Fact) -> tuple[Fact, ...] | None:
        names = {ref.name for ref in refs(fact.expr)}
        if not closed(fact.expr) or any(isinstance(part, Unwrap) for part in inside(fact.expr)):
            return None
        needed: dict[Fact, None] = {}
        for scene in self._scenes(fact, names):
            found = conflict(scene.facts, partial(self.blocked.clash, scene))
            if found is None:
                return None
            needed.update(dict.fromkeys(each for each in found if each.origin is Origin.STEP))
        return tuple(needed)

    def _scenes(self, fact: Fact, names: set[str]) -> Iterator[Scene]:
        """For the first values, and for every place that assigns one of the names: that it held, and does no more."""
        first = [Assign(v.name, v.initial, v.span) for v in self.kernel.data if v.initial is not None]
        yield self._scene(fact, (), (), first, begins=True)
        for command in self.kernel.commands:
            if _assigns(command.updates, names):
                yield self._of_command(fact, command)
        for choice in self.kernel.choices:
            for index, branch in enumerate(choice.branches):
                if _assigns(branch.updates, names):
                    yield self._scene(fact, (), [*branched(self.kernel, choice, index, Origin.STEP)], branch.updates)
        starts = (scope.start for scope in self.kernel.scopes)
        for start in (start for start in starts if isinstance(start, Branch) and _assigns(start.updates, names)):
            yield self._scene(fact, (), (), start.updates)

    def _of_command(self, fact: Fact, command: Command) -> Scene:
        if command.on is None:
            return self._scene(fact, (), (), command.updates)
        params, name = called(self.kernel.answering[command.scope, command.on])
        facts = [*guarded(self.kernel, command, Origin.STEP, name)]
        for param in params:
            facts += of_type(reference(param), param.type, param.span)
        facts += promised(self.kernel, command, params, changing(self.kernel))
        return self._scene(fact, params, facts, command.updates, name[command.id])

    def _scene(
        self,
        fact: Fact,
        params: tuple[Parameter, ...],
        facts: Sequence[Fact],
        updates: Sequence[Update],
        given: Put | None = None,
        begins: bool = False,
    ) -> Scene:
        """The facts before the updates, and that the fact is broken behind them."""
        change: dict[tuple[bool, str], Expr] = {}
        told = [*facts, *self.blocked.types()]
        for update in updates:
            if isinstance(update, Assign):
                value = substituted(bare(update.value), {**change, **(given or {})})
                told += fitting(value, self.kernel.variable[update.name].type, update.span)
                change[False, update.name] = value
        broken = replace(fact, truth=not fact.truth, origin=Origin.ASKED)
        return Scene(None, (), params, (broken.put(change), *told, *(() if begins else (fact,))))


def _assigns(updates: Sequence[Update], names: set[str]) -> bool:
    return any(isinstance(update, Assign) and update.name in names for update in updates)
