"""A command (or what is entered without one) in, every way through its guards, choices and starts as terms out.

A way goes on as the interpreter does, point by point: every guard of a trigger is evaluated, of several that hold the
first is taken, an `else` if none does; branches of a choice are tried in order; what is entered goes on to its leaves
by the starts written in it, region by region; and nothing on the way faults. What must hold lest it fault are
**duties** (F401 to F403); where a command or a branch is picked are **forks** (F006, F007). Each comes under the
premise that the run gets there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ...dsl.model import Assign, IntType, OptionalType, Type, Update
from ...dsl.source import Span
from ..instance import Taken
from ..kernel import Command, Configuration, Goto, Kernel, Place, ScopeKind, Stay, Target
from .encode import Encoder, Env, Need, Symbol
from .solver import Term

MOST = 2000  # ways of one fan

History = tuple[tuple[str, Configuration], ...]
"""Where scopes that some `resume` names were last left, by name."""


@dataclass(frozen=True, slots=True)
class Duty:
    """`need` must hold wherever the trigger gets to it, that is, under `premise`."""

    code: str
    span: Span
    premise: Term
    need: Term


@dataclass(frozen=True, slots=True)
class Fork:
    """Where one of several is picked: (span, that its guard is defined and true) of each that is not an `else`.

    `stuck`: no guard is true, and none was undefined on the way to that answer; `others`: how many `else` there are.
    `covered`: what is left is ignored or deferred."""

    span: Span  # of the choice, or of the first command
    choice: str | None
    premise: Term
    guards: tuple[tuple[Span, Term], ...]
    stuck: Term
    others: int
    covered: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """How far one way has come: what was taken, that it comes so far, the data there, and the places to be entered."""

    trail: tuple[Taken, ...]
    premise: Term
    env: Env
    entered: tuple[str, ...] = ()


class Walk:
    """One fan under way. `history`: where scopes were left before it; `entering`: what entering a place needs."""

    def __init__(
        self, kernel: Kernel, encoder: Encoder, history: History, entering: Callable[[Place, Env], tuple[Need, ...]]
    ) -> None:
        self.kernel = kernel
        self.encoder = encoder
        self.history = dict(history)
        self.entering = entering
        self.duties: list[Duty] = []
        self.forks: list[Fork] = []
        self.ways = 0
        self.complete = True

    # ------------------------------------------------------------ guards and updates

    def commands(
        self, commands: Sequence[Command], premise: Term, env: Env, payload: Sequence[Symbol], covered: bool
    ) -> Iterator[tuple[Command, Target, Way]]:
        """Every guard is evaluated, then the first that holds wins, else the first `else`."""
        guarded = [command for command in commands if not command.otherwise]
        guards: list[Term] = []
        for command in guarded:
            if command.guard is None:
                guards.append(True)
                continue
            symbol, needs = self.encoder.expression(command.guard, _bind(env, command, payload))
            premise = self.owe(premise, needs)
            guards.append(symbol.term)
        others = [command for command in commands if command.otherwise]
        places = tuple((command.span, guard) for command, guard in zip(guarded, guards, strict=True))
        stuck = self.encoder.all(premise, *(self.encoder.no(guard) for guard in guards))
        self.forks.append(Fork(commands[0].span, None, premise, places, stuck, len(others), covered))
        none: Term = True
        for command, guard in zip(guarded, guards, strict=True):
            yield from self.command(command, self.encoder.all(premise, none, guard), _bind(env, command, payload))
            none = self.encoder.all(none, self.encoder.no(guard))
        for command in others[:1]:
            yield from self.command(command, self.encoder.all(premise, none), _bind(env, command, payload))

    def command(
        self, command: Command, premise: Term, env: Env, before: tuple[Taken, ...] = ()
    ) -> Iterator[tuple[Command, Target, Way]]:
        if premise is not False:
            premise, env = self.updates(command.updates, premise, env)
            way = Way((*before, Taken(command.id)), premise, replace(env, params={}))
            yield from ((command, target, end) for target, end in self.follow(command.scope, command.target, way))

    def updates(self, updates: Sequence[Update], premise: Term, env: Env) -> tuple[Term, Env]:
        for update in updates:
            if isinstance(update, Assign):
                premise, env = self.assign(update, premise, env)
            else:
                for arg, type in self.kernel.carried(update):
                    symbol, needs = self.encoder.expression(arg, env)
                    premise = self.owe(premise, (*needs, *in_range(self.encoder, symbol, type, arg.span)))
        return premise, env

    def assign(self, assign: Assign, premise: Term, env: Env) -> tuple[Term, Env]:
        type = self.kernel.variable[assign.name].type
        symbol, needs = self.encoder.expression(assign.value, env)
        premise = self.owe(premise, (*needs, *in_range(self.encoder, symbol, type, assign.span)))
        return premise, replace(env, variables={**env.variables, assign.name: symbol})

    def owe(self, premise: Term, needs: Sequence[Need]) -> Term:
        """Note the needs as duties; the premise with them fulfilled."""
        for need in needs:
            if need.term is not True:
                self.duties.append(Duty(need.code, need.span, premise, need.term))
            premise = self.encoder.all(premise, need.term)
        return premise

    # ------------------------------------------------------------ to a target, and into it

    def follow(self, scope: str, target: Target, way: Way) -> Iterator[tuple[Target, Way]]:
        """Through choices to what a way ends in, and, of a Goto, on to the leaves that are entered."""
        for end, passed in self._chosen(target, way):
            if not isinstance(end, Goto):
                yield end, passed
                continue
            domain = self.kernel.domain(scope, end.node)
            for inner in self._toward(domain, end, passed):
                premise = inner.premise
                for name in inner.entered:
                    premise = self.owe(premise, self.entering(self.kernel.place[name], inner.env))
                if premise is not False:
                    yield end, replace(inner, premise=premise)

    def _chosen(self, target: Target, way: Way) -> Iterator[tuple[Target, Way]]:
        if way.premise is False:
            return
        if not isinstance(target, Goto) or target.node not in self.kernel.choice:
            yield target, way
            return
        choice = self.kernel.choice[target.node]
        self.ways += 1
        if self.ways > MOST or any(name == choice.name for name, _ in way.trail[-1].branches):
            self.complete = False
            return
        guards: list[tuple[Span, Term]] = []
        none, env = way.premise, way.env
        for index, branch in enumerate(choice.branches):
            if branch.guard is None:
                continue
            symbol, needs = self.encoder.expression(branch.guard, env)
            none = self.owe(none, needs)
            guards.append((branch.span, self.encoder.all(*(need.term for need in needs), symbol.term)))
            premise, passed = self.updates(branch.updates, self.encoder.all(none, symbol.term), env)
            trail = _past(way.trail, choice.name, index)
            yield from self._chosen(branch.target, replace(way, trail=trail, premise=premise, env=passed))
            none = self.encoder.all(none, self.encoder.no(symbol.term))
        rest = [index for index, branch in enumerate(choice.branches) if branch.guard is None]
        self.forks.append(Fork(choice.span, choice.name, way.premise, tuple(guards), none, len(rest)))
        for index in rest[:1]:
            premise, passed = self.updates(choice.branches[index].updates, none, env)
            trail = _past(way.trail, choice.name, index)
            yield from self._chosen(
                choice.branches[index].target, replace(way, trail=trail, premise=premise, env=passed)
            )

    def _toward(self, domain: str, goal: Goto, way: Way) -> Iterator[Way]:
        """From inside a domain to a goal, and to the leaves in it: where it was last left, or by its starts."""
        above = self.kernel.above(goal.node)
        if domain not in above[1:]:  # a start that leads out of its scope
            self.complete = False
            return
        outer = above[1 : above.index(domain)]
        way = replace(way, entered=(*way.entered, *reversed(outer)))
        if goal.resume and goal.node in self.history:
            yield replace(way, entered=(*way.entered, *self._back_to(goal.node)))
        else:
            yield from self._into(goal.node, way)

    def _back_to(self, scope: str) -> list[str]:
        """The places that lead from a scope, itself included, to the leaves it was last left at."""
        leaves = self.history[scope]
        found = {name for leaf in leaves for name in self.kernel.above(leaf) if scope in self.kernel.above(name)}
        return sorted(found, key=lambda name: (self.kernel.place[name].span.start, len(self.kernel.place[name].path)))

    def _into(self, name: str, way: Way) -> Iterator[Way]:
        way = replace(way, entered=(*way.entered, name))
        scope = self.kernel.scope.get(name)
        if scope is None:
            yield way
        elif scope.kind is ScopeKind.PARALLEL:
            ways = [way]
            for region in self.kernel.inside[name]:
                ways = [on for before in ways for on in self._into(region, before)]
            yield from ways
        elif scope.start is not None:
            premise, env = self.updates(scope.start.updates, way.premise, way.env)
            for end, passed in self._chosen(scope.start.target, replace(way, premise=premise, env=env)):
                if isinstance(end, Goto):
                    yield from self._toward(name, end, passed)
                else:
                    self.complete = False  # a start that compensates
        else:
            raise AssertionError("an inner scope has a start")


def left(kernel: Kernel, configuration: Configuration, scope: str, target: Target) -> frozenset[str]:
    """The places that a command leaves: those strictly inside its domain, all of them for a compensation."""
    if isinstance(target, Stay):
        return frozenset()
    domain = kernel.domain(scope, target.node) if isinstance(target, Goto) else ""
    inside = (above[: above.index(domain)] for above in map(kernel.above, configuration) if domain in above[1:])
    return frozenset(name for names in inside for name in names)


def _past(trail: tuple[Taken, ...], choice: str, index: int) -> tuple[Taken, ...]:
    last = trail[-1]
    return (*trail[:-1], Taken(last.command, (*last.branches, (choice, index))))


def _bind(env: Env, command: Command, payload: Sequence[Symbol]) -> Env:
    named = zip(command.params, payload, strict=True)
    return replace(env, params={param.name: symbol for param, symbol in named})


def in_range(encoder: Encoder, symbol: Symbol, type: Type, span: Span) -> tuple[Need, ...]:
    """That a value is within the bounds of its type, where it has bounds."""
    item = type.item if isinstance(type, OptionalType) else type
    if not isinstance(item, IntType) or (item.low is None and item.high is None):
        return ()
    return (Need("F401", span, encoder.domain(symbol, type)),)
