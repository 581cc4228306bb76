"""A command (or what is entered without one) in, every way through its guards, choices and starts as terms out.

A way goes on as the interpreter does, point by point: every guard of a trigger is evaluated, of several that hold the
first is taken, an `else` if none does; branches of a choice are tried in order; what is entered goes on to its leaves
by the starts written in it, region by region; and nothing on the way faults. What must hold lest it fault are
**duties** (F401 to F403); where a command or a branch is picked are **forks** (F006, F007). Each comes under the
premise that the run gets there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from ...dsl.model import Assign, Type, Update
from ...dsl.source import Span
from ...dsl.values import dataclass, replace
from ..instance import Taken
from ..kernel import Command, Configuration, Goto, Kernel, Place, ScopeKind, Stay, Target, Undo
from .encode import Encoder, Env, Need
from .solver import Term
from .symbols import Symbol

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
    `covered`: what is left is ignored or deferred. `at_once`: it is the `done` of a group that has no items."""

    span: Span  # of the choice, or of the first command
    choice: str | None
    premise: Term
    guards: tuple[tuple[Span, Term], ...]
    stuck: Term
    others: int
    covered: bool = False
    at_once: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Again:
    """A leaf that does the flow itself is entered, under `premise`, with the data of `env` and so many calls."""

    leaf: str
    premise: Term
    env: Env
    size: int


@dataclass(frozen=True, slots=True)
class Way:
    """How far one way has come: what was taken, that it comes so far, the data there, and the places to be entered."""

    trail: tuple[Taken, ...]
    premise: Term
    env: Env
    entered: tuple[str, ...] = ()
    sizes: tuple[tuple[str, int], ...] = ()  # of leaves that are entered and call for each item: how many there are


class Walk:
    """One fan under way. `history`: where scopes were left before it; `entering`: what entering a place needs."""

    def __init__(
        self,
        kernel: Kernel,
        encoder: Encoder,
        history: History,
        entering: Callable[[Place, Env, int], tuple[Need, ...]],
    ) -> None:
        self.kernel = kernel
        self.encoder = encoder
        self.history = dict(history)
        self.entering = entering
        self.duties: list[Duty] = []
        self.forks: list[Fork] = []
        self.again: list[Again] = []
        self.ways = 0
        self.complete = True

    # ------------------------------------------------------------ guards and updates

    def commands(
        self,
        commands: Sequence[Command],
        premise: Term,
        env: Env,
        payload: Sequence[Symbol],
        covered: bool = False,
        before: tuple[Taken, ...] = (),
    ) -> Iterator[tuple[Command, Target, Way]]:
        """Every guard is evaluated; an `else` is enabled if no guard beside it holds; of several the first wins."""
        guards: dict[int, Term] = {}
        for command in commands:
            if command.guard is not None:
                symbol, needs = self.encoder.expression(command.guard, _bind(env, command, payload))
                premise = self.owe(premise, needs)
                guards[command.id] = symbol.term
            elif not command.otherwise:
                guards[command.id] = True
        several = len({command.scope for command in commands}) > 1
        ways = sorted(commands, key=lambda command: (command.otherwise and not several, command.id))
        enabled = [(command, self._enabled(command, commands, guards)) for command in ways]
        told = tuple((command.span, term) for command, term in enabled if several or not command.otherwise)
        others = 0 if several else sum(command.otherwise for command in commands)
        stuck = self.encoder.all(premise, *(self.encoder.no(term) for _, term in told))
        self.forks.append(Fork(commands[0].span, None, premise, told, stuck, others, covered, bool(before)))
        none = premise
        for command, term in enabled:
            yield from self.command(command, self.encoder.all(none, term), _bind(env, command, payload), before)
            none = self.encoder.all(none, self.encoder.no(term))

    def _enabled(self, command: Command, commands: Sequence[Command], guards: Mapping[int, Term]) -> Term:
        if not command.otherwise:
            return guards[command.id]
        beside = (guards[other.id] for other in commands if other.scope == command.scope and not other.otherwise)
        return self.encoder.all(*(self.encoder.no(guard) for guard in beside))

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
        """Through choices and starts to what a way ends in, with the places that are entered on it."""
        for end, passed in self._chosen(target, way):
            if not isinstance(end, Goto):
                yield end, passed
                continue
            for out, leaves, inner in self._leaves(end, passed):
                if out is None:
                    domain = self.kernel.domain(scope, end.node)
                    yield from ((end, on) for on in self._arrived(domain, leaves, inner))
                else:
                    yield from self.follow(scope, out, inner)

    def _arrived(self, domain: str, leaves: Configuration, way: Way) -> Iterator[Way]:
        """The places inside the domain are entered, outer before inner: each must be possible."""
        above = (self.kernel.above(leaf) for leaf in leaves)
        entered = tuple(dict.fromkeys(name for names in above for name in reversed(names[: names.index(domain)])))
        for sized in self._sized(leaves, way):
            premise, sizes = sized.premise, dict(sized.sizes)
            for name in entered:
                premise = self.owe(premise, self.entering(self.kernel.place[name], way.env, sizes.get(name, 0)))
            if premise is not False:
                for leaf in self.kernel.recursive & set(leaves):
                    self.again.append(Again(leaf, premise, way.env, sizes.get(leaf, 1)))
                yield replace(sized, premise=premise, entered=entered)

    def _sized(self, leaves: Sequence[str], way: Way) -> Iterator[Way]:
        """A way for each number of items there may be to call for."""
        calls = ((leaf, self.kernel.leaf[leaf].call) for leaf in leaves)
        found = next(((leaf, call.each) for leaf, call in calls if call is not None and call.each is not None), None)
        if found is None:
            yield way
            return
        leaf, each = found
        items, needs = self.encoder.expression(each.items, way.env)
        fits = Need("F401", each.items.span, self.encoder.all(items.term <= each.most))
        premise = self.owe(way.premise, (*needs, fits))
        for size in range(each.most + 1):
            number = self.encoder.all(premise, items.term == size)
            if number is not False:
                on = replace(way, premise=number, sizes=(*way.sizes, (leaf, size)))
                yield from self._sized(leaves[leaves.index(leaf) + 1 :], on)

    def _chosen(self, target: Target, way: Way) -> Iterator[tuple[Target, Way]]:
        if way.premise is False:
            return
        if not isinstance(target, Goto) or target.node not in self.kernel.choice:
            yield target, way
            return
        choice = self.kernel.choice[target.node]
        self.ways += 1
        if self.ways > MOST or choice.name in _passed(way.trail):
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

    def _leaves(self, goto: Goto, way: Way) -> Iterator[tuple[Goto | Undo | None, Configuration, Way]]:
        """The leaves at which a place is entered; or, if its start leads out of it, where that leads."""
        place = goto.node
        if place in self.kernel.leaf:
            yield None, (place,), way
        elif goto.resume and place in self.history:
            yield None, self.history[place], way
        elif self.kernel.scope[place].kind is ScopeKind.PARALLEL:
            yield from self._regions(self.kernel.inside[place], (), way)
        else:
            start = self.kernel.scope[place].start
            assert start is not None, "only a parallel state has no start"
            premise, env = self.updates(start.updates, way.premise, way.env)
            for end, passed in self._chosen(start.target, replace(way, premise=premise, env=env)):
                yield from self._within(place, end, passed)

    def _regions(
        self, regions: Sequence[str], found: Configuration, way: Way
    ) -> Iterator[tuple[Goto | Undo | None, Configuration, Way]]:
        if not regions:
            yield None, found, way
            return
        for out, leaves, passed in self._leaves(Goto(regions[0]), way):
            if out is None:
                yield from self._regions(regions[1:], (*found, *leaves), passed)
            else:
                yield out, (), passed

    def _within(self, place: str, end: Target, way: Way) -> Iterator[tuple[Goto | Undo | None, Configuration, Way]]:
        """From the start of a place to its leaves; what leads out of it is left to who asked."""
        assert not isinstance(end, Stay), "no start stays"
        if isinstance(end, Undo) or place not in self.kernel.above(end.node)[1:]:
            yield end, (), way
            return
        for out, leaves, passed in self._leaves(end, way):
            if out is None:
                yield None, leaves, passed
            else:
                for further, on in self._chosen(out, passed):
                    yield from self._within(place, further, on)


def left(kernel: Kernel, configuration: Configuration, scope: str, target: Target) -> frozenset[str]:
    """The places that a command leaves: those strictly inside its domain, all of them for a compensation."""
    if isinstance(target, Stay):
        return frozenset()
    domain = kernel.domain(scope, target.node) if isinstance(target, Goto) else ""
    return kernel.leaving(configuration, domain)


def _passed(trail: tuple[Taken, ...]) -> set[str]:
    """The choices passed since the last command."""
    found: set[str] = set()
    for taken in reversed(trail):
        found.update(name for name, _ in taken.branches)
        if taken.command is not None:
            break
    return found


def _past(trail: tuple[Taken, ...], choice: str, index: int) -> tuple[Taken, ...]:
    last = trail[-1]
    return (*trail[:-1], Taken(last.command, (*last.branches, (choice, index))))


def _bind(env: Env, command: Command, payload: Sequence[Symbol]) -> Env:
    named = zip(command.params, payload, strict=True)
    return replace(env, params={param.name: symbol for param, symbol in named})


def in_range(encoder: Encoder, symbol: Symbol, type: Type, span: Span) -> tuple[Need, ...]:
    """That a value is within the bounds of its type, where it has bounds."""
    return encoder.in_range(symbol, type, span)
