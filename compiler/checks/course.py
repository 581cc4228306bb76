"""What was taken of a step so far in; the facts it has asked for, and what the variables are made of by then, out."""

from __future__ import annotations

from collections.abc import Sequence

from ...dsl.model import Assign, Expr, InState, Parameter, Update
from ...dsl.values import replace
from ..instance import Taken
from ..kernel import Command, Kernel
from ..trace import source
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
)
from .rewrite import bare, inside


class Course:
    """A step as far as it has come: the facts it has asked for, and what the variables are made of by then."""

    def __init__(self, kernel: Kernel, way: tuple[Taken, ...]) -> None:
        self.kernel = kernel
        self.change: dict[tuple[bool, str], Expr] = {}
        self.facts: list[Fact] = []
        self.params: tuple[Parameter, ...] = ()
        self._since: dict[str, tuple[str, ...]] = {}
        for number, taken in enumerate(way):
            if taken.command is not None:
                command = self.kernel.commands[taken.command]
                self._command(command, number == 0)
            for name, index in taken.branches:
                choice = self.kernel.choice[name]
                passed = [self.put(fact) for fact in branched(self.kernel, choice, index, Origin.STEP)]
                self.facts += [fact for fact in passed if number == 0 or not placed(fact)]
                self._update(choice.branches[index].updates, {})

    def _command(self, command: Command, first: bool) -> None:
        if command.on is None:
            for variable in self.kernel.data:
                if variable.initial is not None:
                    self._update([Assign(variable.name, variable.initial, variable.span)], {})
            self._update(command.updates, {})
            return
        params, name = called(self.kernel.answering[command.scope, command.on])
        if first:
            self.params = params
            for param in params:
                self.facts += of_type(reference(param), param.type, param.span)
            self.facts += promised(self.kernel, command, params, changing(self.kernel))
        self.facts += [self.put(fact) for fact in guarded(self.kernel, command, Origin.STEP, name)]
        self._update(command.updates, name[command.id])

    def put(self, fact: Fact) -> Fact:
        """A fact about the data by now, in terms of those before the step."""
        since = [
            text for name in dict.fromkeys(ref.name for ref in refs(fact.expr)) for text in self._since.get(name, ())
        ]
        return replace(fact.put(self.change), since=tuple(dict.fromkeys(since)))

    def _update(self, updates: Sequence[Update], given: Put) -> None:
        for update in updates:
            if isinstance(update, Assign):
                value = Fact(Origin.SET, bare(update.value), True, update.span, "").put({**self.change, **given})
                self.facts += fitting(value.expr, self.kernel.variable[update.name].type, update.span)
                self.change[False, update.name] = value.expr
                text = f"{update.name} = {source(self.kernel, update.value)}"
                if update.span != self.kernel.variable[update.name].span:
                    self._since[update.name] = (*self._since.get(update.name, ()), text)


def placed(fact: Fact) -> bool:
    """Whether it asks where the instance rests."""
    return any(isinstance(part, InState) for part in inside(fact.expr))
