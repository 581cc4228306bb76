"""A configuration and a trigger in, every **passage** out: one straight way to the end of a step, as terms.

A passage says what was taken, what must be true of data and payload for it, the data after it, and the configuration it
comes to. A step may go on from there: a compensation with nothing to undo ends at once, and a join follows as soon as
it can. What it goes on with is another fan, `after` it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...dsl.model import (
    Activity,
    ActivityCall,
    Assign,
    DurationType,
    Expr,
    InstantType,
    InState,
    Now,
    OptionalType,
    Parameter,
    Ref,
    Type,
)
from ...dsl.values import dataclass, replace
from ...dsl.walk import nodes
from ..instance import Taken
from ..kernel import (
    DONE,
    Command,
    Configuration,
    Goto,
    Kernel,
    Leaf,
    On,
    Place,
    ScopeKind,
    Stay,
    Target,
    TriggerKind,
    Undo,
)
from .encode import Encoder, Env, Facts, Need
from .rewrite import somebody
from .solver import Term
from .symbols import Symbol
from .ways import Again, Duty, Fork, History, Walk, Way, in_range, left


@dataclass(frozen=True, slots=True)
class Rest:
    """Where an instance rests, as far as it decides what a trigger does."""

    configuration: Configuration  # empty while it compensates
    history: History = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """`trail` is what the interpreter reports as taken, all of the step until here. `target` is no choice.

    `entered`: every place that was entered, outer before inner; `rest`: where it comes to, if it does not go on."""

    id: int
    command: Command | None
    trail: tuple[Taken, ...]
    target: Target
    condition: Term
    after: Env
    rest: Rest
    entered: tuple[str, ...]
    left: frozenset[str]
    sizes: tuple[tuple[str, int], ...] = ()  # of groups of calls begun on the way, as far as they still run
    vacant: tuple[str, ...] = ()  # leaves that call for each item, and there is none


@dataclass(frozen=True, eq=False, slots=True)
class Fan:
    """Everything a trigger can do at one rest: `payload` are the symbols of what it brings, in order; `given` those
    of the arguments of the call that answers, if its contract is about them."""

    id: int
    params: tuple[Parameter, ...]
    payload: tuple[Symbol, ...]
    now: Term
    passages: tuple[Passage, ...]
    duties: tuple[Duty, ...]
    forks: tuple[Fork, ...]
    complete: bool  # False: choices that lead back to themselves, or too many passages
    given: tuple[Symbol, ...] = ()
    again: tuple[Again, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class _Ways:
    """Everything a trigger can do at every rest where the same commands count for it: where it leads to is the rest's
    to say."""

    walk: Walk
    env: Env
    found: tuple[tuple[Command | None, Target, Way], ...]
    params: tuple[Parameter, ...]
    payload: tuple[Symbol, ...]
    given: tuple[Symbol, ...]


def is_time(type: Type) -> bool:
    return isinstance(type.item if isinstance(type, OptionalType) else type, DurationType | InstantType)


def _where(parts: Iterable[object]) -> int:
    """How often it is asked which states are active."""
    return sum(isinstance(part, InState) for part in parts)


class Passages:
    """The fans of a kernel, each made once. `variables` are the symbols of inputs and data before a step."""

    def __init__(self, kernel: Kernel, encoder: Encoder) -> None:
        self.kernel = kernel
        self.encoder = encoder
        self.variables = {v.name: encoder.variable(v.name, v.type) for v in kernel.variable.values()}
        self.now: Term = encoder.z3.integer("now")
        moment = encoder.domain(Symbol(self.now), InstantType())
        domains = [encoder.domain(self.variables[v.name], v.type) for v in kernel.inputs]
        bounded = (v for v in kernel.data if not is_time(v.type))  # a time may grow out of bounds
        domains += [encoder.domain(self.variables[v.name], v.type, grown=True) for v in bounded]
        self.domains = (moment, *domains)
        self.typed = encoder.all(*self.domains)
        self.timed = any(isinstance(node, Now) for node in kernel.parts)
        self.placed = _where(kernel.parts) > _where(nodes(kernel.properties))  # whether guards ask where it rests
        self._fans: dict[tuple[Rest, On, str, int], Fan] = {}
        self._ways: dict[tuple[object, ...], _Ways] = {}
        self._joins: dict[
            tuple[object, ...], tuple[Passage, Walk, tuple[tuple[Command | None, Target, Way], ...]]
        ] = {}  # the passage too: what its ids are of is kept
        self._exits: dict[tuple[str, History], Fan] = {}
        self._onward: dict[int, Fan] = {}
        self._count = 0
        self._starting: Fan | None = None

    def of(self, rest: Rest, on: On, leaf: str = "", needed: int = 1) -> Fan:
        """What a trigger does in a configuration; an outcome is of the call of `leaf`, or of as many as are needed."""
        key = rest, on, leaf, needed
        if key not in self._fans:
            commands = self.kernel.written(rest.configuration, on, leaf)
            covered = on.kind is TriggerKind.EVENT and (
                self.kernel.ignored(rest.configuration, on.name) or self.kernel.deferred(rest.configuration, on.name)
            )
            told = tuple(command.id for command in commands), rest.history, on, leaf, needed, covered
            same = told, rest.configuration if self.placed or self._bound(on, leaf) else ()
            if same not in self._ways:
                self._ways[same] = self._told(rest, commands, on, leaf, needed, covered)
            ways = self._ways[same]
            fan = self._fan(ways.walk, rest, ways.found, ways.env, ways.params, ways.payload)
            self._fans[key] = replace(fan, given=ways.given) if ways.given else fan
        return self._fans[key]

    def _bound(self, on: On, leaf: str) -> bool:
        """Whether an answer keeps a contract about arguments: they are another call's in another configuration."""
        call = self.kernel.leaf[leaf].call if leaf and on == On(TriggerKind.OUTCOME, DONE) else None
        return call is not None and bool(call.each or self.kernel.activity[call.activity].ensures)

    def _told(self, rest: Rest, commands: tuple[Command, ...], on: On, leaf: str, needed: int, covered: bool) -> _Ways:
        """What commands do about a trigger: of the rest, only its history counts, and its places if guards ask."""
        params = commands[0].params if commands else ()
        payload = tuple(self.encoder.variable(param.name, param.type) for param in params)
        env = self._env(rest)
        premise = self.encoder.all(*map(self.encoder.domain, payload, (param.type for param in params)))
        walk = self._walk(rest)
        given: tuple[Symbol, ...] = ()
        if on == On(TriggerKind.OUTCOME, DONE):
            premise, given = self._ensured(walk, self.kernel.leaf[leaf], premise, payload, env, needed)
        found = walk.commands(commands, premise, env, payload, covered) if commands else ()
        return _Ways(walk, env, tuple(found), params, payload, given)

    def exit(self, node: str, history: History) -> Fan:
        """What happens when a compensation that leads to `node` has ended."""
        key = node, history
        if key not in self._exits:
            rest = Rest((), history)
            walk, env = self._walk(rest), self._env(rest)
            found = walk.follow("", Goto(node), Way((Taken(None),), True, env))
            self._exits[key] = self._fan(walk, rest, ((None, end, way) for end, way in found), env)
        return self._exits[key]

    def start(self) -> Fan:
        """The start: the payload are the inputs, and the data get their first values before anything else."""
        if self._starting is None:
            rest = Rest(())
            walk, env = self._walk(rest), self._env(rest)
            inputs = self.kernel.inputs
            payload = tuple(self.variables[v.name] for v in inputs)
            params = tuple(Parameter(v.name, v.type, v.span) for v in inputs)
            moment = self.encoder.domain(Symbol(self.now), InstantType())
            premise = self.encoder.all(moment, *map(self.encoder.domain, payload, (v.type for v in inputs)))
            env = replace(env, variables={v.name: self.variables[v.name] for v in inputs})
            for variable in self.kernel.data:
                assert variable.initial is not None, "typecheck gives every data variable a first value"
                first = Assign(variable.name, variable.initial, variable.span)
                premise, env = walk.assign(first, premise, env)
            if self.kernel.deadline is not None:
                walk.owe(premise, self._timer_needs(self.kernel.deadline.after, env))
            found = walk.command(self.kernel.commands[0], premise, env)
            self._starting = self._fan(walk, rest, found, env, params, payload)
        return self._starting

    # ------------------------------------------------------------ going on in the same step

    def goes_on(self, passage: Passage) -> bool:
        """Whether the step goes on from there, whatever the log: a join follows, or a group of no calls."""
        return bool(passage.vacant) or self.kernel.joined(passage.rest.configuration) is not None

    def after(self, passage: Passage) -> Fan:
        """What a step goes on with: from the target of a compensation with nothing to undo, or by a join."""
        if passage.id not in self._onward:
            rest, env = passage.rest, passage.after
            walk = self._walk(rest)
            env = replace(env, facts=self._facts(rest.configuration))
            joined = self.kernel.joined(rest.configuration)
            found: Iterable[tuple[Command | None, Target, Way]]
            if joined is None and passage.vacant:
                found = self._nothing_called(walk, passage, env)
            elif joined is None:
                assert isinstance(passage.target, Undo), "only a compensation goes on"
                way = Way((*passage.trail, Taken(None)), passage.condition, env)
                found = ((passage.command, end, on) for end, on in walk.follow("", Goto(passage.target.node), way))
            elif any(taken.command == joined.id for taken in passage.trail):
                walk.owe(passage.condition, [Need("F005", joined.span, False)])
                found = ()
            else:
                walk, found = self._joining(walk, joined, passage, env)
            self._onward[passage.id] = self._fan(walk, rest, found, env, before=passage)
        return self._onward[passage.id]

    def _joining(
        self, walk: Walk, joined: Command, passage: Passage, env: Env
    ) -> tuple[Walk, tuple[tuple[Command | None, Target, Way], ...]]:
        """What a join does behind a passage, wherever else the flow rests."""
        placed = passage.rest.configuration if self.placed else ()
        same = joined.id, id(passage.after), id(passage.condition), passage.trail, passage.rest.history, placed
        if same not in self._joins:
            found = tuple(walk.command(joined, passage.condition, env, passage.trail))
            self._joins[same] = passage, walk, found
        return self._joins[same][1:]

    def _nothing_called(self, walk: Walk, passage: Passage, env: Env) -> Iterable[tuple[Command | None, Target, Way]]:
        """The group of the first leaf that has no items is done at once, with no results."""
        leaf = passage.vacant[0]
        commands = self.kernel.written(passage.rest.configuration, On(TriggerKind.OUTCOME, DONE), leaf)
        ids = {command.id for command in commands}
        again = [command for command in commands if any(taken.command in ids for taken in passage.trail[1:])]
        if again:
            walk.owe(passage.condition, [Need("F005", again[0].span, False)])
            return ()
        params = commands[0].params if commands else ()
        payload = [self.encoder.value((), param.type) for param in params]
        return walk.commands(commands, passage.condition, env, payload, before=passage.trail) if commands else ()

    # ------------------------------------------------------------ parts

    def _walk(self, rest: Rest) -> Walk:
        return Walk(self.kernel, self.encoder, rest.history, self.entering)

    def _env(self, rest: Rest) -> Env:
        return Env(self.variables, self.now, facts=self._facts(rest.configuration))

    def _facts(self, configuration: Configuration) -> Facts:
        """What a guard may ask beside data: the places that are active before the command."""
        return Facts(self.kernel.active(configuration), frozenset(), {}, not configuration, 0)

    def _fan(
        self,
        walk: Walk,
        rest: Rest,
        found: Iterable[tuple[Command | None, Target, Way]],
        env: Env,
        params: tuple[Parameter, ...] = (),
        payload: tuple[Symbol, ...] = (),
        before: Passage | None = None,
    ) -> Fan:
        passages = tuple(self._passage(rest, command, target, way, before) for command, target, way in found)
        self._count += 1
        return Fan(
            self._count,
            params,
            payload,
            env.now,
            passages,
            tuple(walk.duties),
            tuple(walk.forks),
            walk.complete,
            again=tuple(walk.again),
        )

    def _passage(
        self, rest: Rest, command: Command | None, target: Target, way: Way, before: Passage | None
    ) -> Passage:
        self._count += 1
        kernel = self.kernel
        gone = left(kernel, rest.configuration, "" if command is None else command.scope, target)
        leaves = [leaf for leaf in rest.configuration if leaf not in gone]
        leaves += [name for name in way.entered if name in kernel.leaf]
        configuration = tuple(sorted(leaves, key=lambda leaf: kernel.leaf[leaf].span.start))
        sizes = [size for size in (before.sizes if before else ()) if size[0] not in gone]
        vacant = [
            leaf for leaf in (before.vacant[self._answers(command, before) :] if before else ()) if leaf not in gone
        ]
        return Passage(
            self._count,
            command,
            way.trail,
            target,
            way.premise,
            way.env,
            Rest(configuration, self._left_at(rest, gone)),
            (*(before.entered if before else ()), *way.entered),
            gone | (before.left if before else frozenset[str]()),
            (*sizes, *(size for size in way.sizes if size[1])),
            (*vacant, *(leaf for leaf, size in way.sizes if not size)),
        )

    @staticmethod
    def _answers(command: Command | None, before: Passage) -> int:
        """How many of the groups without items a command answers for: the first, if it is about that leaf's call."""
        about = command is not None and command.on == On(TriggerKind.OUTCOME, DONE)
        return int(about and command is not None and command.scope in before.vacant[:1])

    def _left_at(self, rest: Rest, gone: frozenset[str]) -> History:
        history = dict(rest.history)
        for scope in self.kernel.resumed & gone:
            history[scope] = tuple(leaf for leaf in rest.configuration if scope in self.kernel.above(leaf))
        return tuple(sorted(history.items()))

    def _ensured(
        self, walk: Walk, leaf: Leaf, premise: Term, payload: tuple[Symbol, ...], env: Env, needed: int
    ) -> tuple[Term, tuple[Symbol, ...]]:
        """The contract of the leaf's activity, and its parameters. They are the arguments' values at the call: known
        where they have not changed since, that is where nothing that keeps the leaf changes them, or `now` is asked."""
        assert leaf.call is not None, "only a leaf with a call has outcomes"
        activity = self.kernel.activity[leaf.call.activity]
        if leaf.call.each is not None:
            return self._each_ensured(walk, activity, premise, payload, needed), ()
        if not activity.ensures:
            return premise, ()
        changed = _changing(self.kernel, leaf)
        params: dict[str, Symbol] = {}
        typed: list[Term] = []
        for param, arg in zip(activity.params, leaf.call.args, strict=True):
            known = not any(isinstance(p, Now) or (isinstance(p, Ref) and p.name in changed) for p in nodes(arg))
            symbol, _ = self.encoder.expression(arg, env)
            params[param.name] = symbol if known else self.encoder.variable(param.name, param.type)
            typed.append(self.encoder.domain(params[param.name], param.type, grown=True))
        scope = Env({}, env.now, params, payload[0] if payload else None)
        premise = self.encoder.all(premise, *typed)
        for ensure in activity.ensures:
            symbol, needs = self.encoder.expression(ensure, scope)
            premise = self.encoder.all(walk.owe(premise, needs), symbol.term)
        return premise, tuple(params.values())

    def _each_ensured(
        self, walk: Walk, activity: Activity, premise: Term, payload: tuple[Symbol, ...], needed: int
    ) -> Term:
        """Of a group: as many results as are needed, each of which keeps the contract, for some arguments."""
        for results in payload:
            assert results.items is not None, "the results of a group are a list"
            premise = self.encoder.all(premise, results.term == needed)
            for index in range(needed if activity.ensures else 0):
                params = {param.name: self.encoder.variable(param.name, param.type) for param in activity.params}
                typed = [self.encoder.domain(params[p.name], p.type, grown=True) for p in activity.params]
                scope = Env({}, self.now, params, results.items.slot(index))
                premise = self.encoder.all(premise, *typed)
                for ensure in activity.ensures:
                    symbol, needs = self.encoder.expression(ensure, scope)
                    premise = self.encoder.all(walk.owe(premise, needs), symbol.term)
        return premise

    def entering(self, place: Place, env: Env, size: int) -> tuple[Need, ...]:
        """What must hold lest entering a place fault: its timers, titles and arguments, of so many calls if it makes
        one for each item."""
        needs: list[Need] = []
        for timer in place.timers:
            needs += self._timer_needs(timer.after if timer.at is None else timer.at, env)
        for task in place.tasks:
            for part in task.title:
                needs += () if isinstance(part, str) else self.encoder.expression(part, env)[1]
            if task.person is not None:
                symbol, more = self.encoder.expression(somebody(task.person), env)
                needs += (*more, Need("F502", task.person.span, symbol.term))
        if isinstance(place, Leaf) and place.call is not None:
            for scope in self.called(place.call, env, size):
                for arg, param in zip(place.call.args, self.kernel.activity[place.call.activity].params, strict=True):
                    symbol, more = self.encoder.expression(arg, scope)
                    needs += more
                    needs += in_range(self.encoder, symbol, param.type, arg.span)
        return tuple(needs)

    def called(self, call: ActivityCall, env: Env, size: int) -> Iterator[Env]:
        """What the arguments of each call are made from."""
        if call.each is None:
            yield env
            return
        items = self.encoder.expression(call.each.items, env)[0].items
        assert items is not None, "typecheck lets calls go through lists only"
        for index in range(size):
            yield replace(env, params={call.each.param.name: items.slot(index)})

    def _timer_needs(self, moment: Expr | None, env: Env) -> tuple[Need, ...]:
        return () if moment is None else self.encoder.expression(moment, env)[1]


def _changing(kernel: Kernel, leaf: Leaf) -> frozenset[str]:
    """The data that may change while the leaf stays: by what stays in it or around it, and by other regions."""
    around = {leaf.name, "", *leaf.path}
    apart = [name for name in leaf.path if kernel.scope[name].kind is ScopeKind.PARALLEL]
    updates = [
        update
        for command in kernel.commands
        if (command.scope in around and isinstance(command.target, Stay)) or _beside(kernel, command.scope, leaf, apart)
        for update in command.updates
    ]
    if apart:  # a choice, or a start, may belong to another region
        updates += [update for choice in kernel.choices for branch in choice.branches for update in branch.updates]
        updates += [update for scope in kernel.scopes if scope.start is not None for update in scope.start.updates]
    return frozenset(update.name for update in updates if isinstance(update, Assign))


def _beside(kernel: Kernel, scope: str, leaf: Leaf, apart: list[str]) -> bool:
    """Whether a place lies in another region than the leaf, of a parallel state around both."""
    return any(name in kernel.above(scope)[1:] for name in apart) and scope not in leaf.path and scope != leaf.name


def begun(kernel: Kernel, taken: Sequence[Taken]) -> list[Undo]:
    """The compensations that a step begins, in order."""
    found: list[Undo] = []
    for each in taken:
        target = kernel.commands[each.command].target if each.command is not None else None
        if each.branches:
            name, index = each.branches[-1]
            target = kernel.choice[name].branches[index].target
        if isinstance(target, Undo):
            found.append(target)
    return found
