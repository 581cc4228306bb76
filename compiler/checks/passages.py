"""A command (or the target of a compensation) in, every way through it as terms out, with what may go wrong on it.

A **passage** is one straight way: guards, updates, branches, end. Its condition is that of the interpreter, point by
point: every guard of a trigger is evaluated, of several that hold the first is taken, an `else` if none does; branches
of a choice are tried in order; and nothing on the way faults, the entering of the target included. On the way are
**duties**, what must hold lest a step fault (F401 to F403), and **forks**, where a command or a branch is picked (F006,
F007). Each comes under the premise that the run gets there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...dsl.model import Assign, DurationType, Expr, InstantType, IntType, Now, OptionalType, Parameter, Type
from ...dsl.source import Span
from ...dsl.walk import nodes
from ..instance import Taken
from ..kernel import DONE, Command, Goto, Kernel, Leaf, On, Stay, Target, TriggerKind, Undo
from .encode import Encoder, Env, Need, Symbol
from .solver import Term

MOST = 2000  # passages of one fan


@dataclass(frozen=True, slots=True)
class Duty:
    """`need` must hold wherever the trigger gets to it, that is, under `premise`."""

    code: str
    span: Span
    premise: Term
    need: Term


@dataclass(frozen=True, slots=True)
class Fork:
    """Where one of several is picked: (span, that its guard is defined and true) of each that is not the `else`.

    `stuck`: no guard is true, and none was undefined on the way to that answer."""

    span: Span  # of the choice, or of the first command
    choice: str | None
    premise: Term
    guards: tuple[tuple[Span, Term], ...]
    stuck: Term
    otherwise: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """`trail` is what the interpreter reports as taken, the target of a compensation that ended at once included.
    `target` is no choice."""

    id: int
    command: Command | None
    trail: tuple[Taken, ...]
    target: Target
    condition: Term
    after: Env


@dataclass(frozen=True, eq=False, slots=True)
class Fan:
    """Everything a trigger can do in one place: `payload` are the symbols of what it brings, in order; `given` those
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


@dataclass
class _Walk:
    """One fan under way."""

    kernel: Kernel
    encoder: Encoder
    entering: Callable[[Leaf, Env], tuple[Need, ...]]
    number: Callable[[], int]

    def __post_init__(self) -> None:
        self.passages: list[Passage] = []
        self.duties: list[Duty] = []
        self.forks: list[Fork] = []
        self.complete = True

    def owe(self, premise: Term, needs: Sequence[Need]) -> Term:
        """Note the needs as duties; the premise with them fulfilled."""
        for need in needs:
            if need.term is not True:
                self.duties.append(Duty(need.code, need.span, premise, need.term))
            premise = self.encoder.all(premise, need.term)
        return premise

    def assign(self, assign: Assign, premise: Term, env: Env) -> tuple[Term, Env]:
        type = self.kernel.variable[assign.name].type
        symbol, needs = self.encoder.expression(assign.value, env)
        premise = self.owe(premise, (*needs, *in_range(self.encoder, symbol, type, assign.span)))
        return premise, replace(env, variables={**env.variables, assign.name: symbol})

    def updates(self, updates: Sequence[Assign], premise: Term, env: Env) -> tuple[Term, Env]:
        for assign in updates:
            premise, env = self.assign(assign, premise, env)
        return premise, env

    def commands(self, commands: Sequence[Command], premise: Term, env: Env, payload: Sequence[Symbol]) -> None:
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
        otherwise = [command for command in commands if command.otherwise]
        places = tuple((command.span, guard) for command, guard in zip(guarded, guards, strict=True))
        stuck = self.encoder.all(premise, *(self.encoder.no(guard) for guard in guards))
        self.forks.append(Fork(commands[0].span, None, premise, places, stuck, bool(otherwise)))
        none: Term = True
        for command, guard in zip(guarded, guards, strict=True):
            self.command(command, self.encoder.all(premise, none, guard), _bind(env, command, payload))
            none = self.encoder.all(none, self.encoder.no(guard))
        for command in otherwise[:1]:
            self.command(command, self.encoder.all(premise, none), _bind(env, command, payload))

    def command(self, command: Command, premise: Term, env: Env) -> None:
        if premise is False:
            return
        premise, env = self.updates(command.updates, premise, env)
        self.follow(command, command.target, (Taken(command.id),), premise, replace(env, params={}))

    def follow(
        self, command: Command | None, target: Target, trail: tuple[Taken, ...], premise: Term, env: Env
    ) -> None:
        if premise is False:
            return
        if not isinstance(target, Goto) or target.node not in self.kernel.choice:
            if isinstance(target, Goto):
                premise = self.owe(premise, self.entering(self.kernel.leaf[target.node], env))
            self.passages.append(Passage(self.number(), command, trail, target, premise, env))
            return
        choice = self.kernel.choice[target.node]
        if len(self.passages) > MOST or any(name == choice.name for taken in trail for name, _ in taken.branches):
            self.complete = False
            return
        guards: list[tuple[Span, Term]] = []
        none = premise
        for index, branch in enumerate(choice.branches):
            if branch.guard is None:
                continue
            symbol, needs = self.encoder.expression(branch.guard, env)
            none = self.owe(none, needs)
            guards.append((branch.span, self.encoder.all(*(need.term for need in needs), symbol.term)))
            way, passed = self.updates(branch.updates, self.encoder.all(none, symbol.term), env)
            self.follow(command, branch.target, _past(trail, choice.name, index), way, passed)
            none = self.encoder.all(none, self.encoder.no(symbol.term))
        rest = [index for index, branch in enumerate(choice.branches) if branch.guard is None]
        self.forks.append(Fork(choice.span, choice.name, premise, tuple(guards), none, bool(rest)))
        for index in rest[:1]:
            way, passed = self.updates(choice.branches[index].updates, none, env)
            self.follow(command, choice.branches[index].target, _past(trail, choice.name, index), way, passed)


def _past(trail: tuple[Taken, ...], choice: str, index: int) -> tuple[Taken, ...]:
    last = trail[-1]
    return (*trail[:-1], Taken(last.command, (*last.branches, (choice, index))))


def is_time(type: Type) -> bool:
    return isinstance(type.item if isinstance(type, OptionalType) else type, DurationType | InstantType)


def in_range(encoder: Encoder, symbol: Symbol, type: Type, span: Span) -> tuple[Need, ...]:
    """That a value is within the bounds of its type, where it has bounds."""
    item = type.item if isinstance(type, OptionalType) else type
    if not isinstance(item, IntType) or (item.low is None and item.high is None):
        return ()
    return (Need("F401", span, encoder.domain(symbol, type)),)


def _bind(env: Env, command: Command, payload: Sequence[Symbol]) -> Env:
    named = zip(command.params, payload, strict=True)
    return replace(env, params={param.name: symbol for param, symbol in named})


class Passages:
    """The fans of a kernel, each made once. `variables` are the symbols of inputs and data before a step."""

    def __init__(self, kernel: Kernel, encoder: Encoder) -> None:
        self.kernel = kernel
        self.encoder = encoder
        self.variables = {v.name: encoder.variable(v.name, v.type) for v in kernel.variable.values()}
        self.now: Term = encoder.z3.Int("now")
        moment = encoder.domain(Symbol(self.now), InstantType())
        bounded = [*kernel.inputs, *(v for v in kernel.data if not is_time(v.type))]  # a time may grow out of bounds
        domains = [encoder.domain(self.variables[v.name], v.type) for v in bounded]
        self.typed = encoder.all(moment, *domains)
        self.timed = any(isinstance(node, Now) for node in nodes(kernel))
        self._fans: dict[tuple[str, On | None], Fan] = {}
        self._exits: dict[str, Fan] = {}
        self._onward: dict[int, Fan] = {}
        self._count = 0
        self._starting: Fan | None = None

    def number(self) -> int:
        self._count += 1
        return self._count

    def of(self, leaf: str, on: On) -> Fan:
        """What a trigger does in a leaf."""
        key = leaf, on
        if key not in self._fans:
            commands = self.kernel.written((leaf,), on, leaf)
            params = commands[0].params if commands else ()
            payload = tuple(self.encoder.variable(param.name, param.type) for param in params)
            env = self._env()
            premise = self.encoder.all(*map(self.encoder.domain, payload, (param.type for param in params)))
            walk = self._walk()
            given: tuple[Symbol, ...] = ()
            if on == On(TriggerKind.OUTCOME, DONE):
                premise, given = self._ensured(walk, self.kernel.leaf[leaf], premise, payload, env)
            if commands:
                walk.commands(commands, premise, env, payload)
            self._fans[key] = replace(self._fan(walk, params, payload, env), given=given)
        return self._fans[key]

    def exit(self, node: str) -> Fan:
        """What happens when a compensation that leads to `node` has ended."""
        if node not in self._exits:
            walk, env = self._walk(), self._env()
            walk.follow(None, Goto(node), (Taken(None),), True, env)
            self._exits[node] = self._fan(walk, (), (), env)
        return self._exits[node]

    def after(self, passage: Passage) -> Fan:
        """A passage that starts a compensation with nothing to undo goes on, in the same step, from its target."""
        if passage.id not in self._onward:
            assert isinstance(passage.target, Undo), "only a compensation goes on"
            walk = self._walk()
            trail = (*passage.trail, Taken(None))
            walk.follow(passage.command, Goto(passage.target.node), trail, passage.condition, passage.after)
            self._onward[passage.id] = self._fan(walk, (), (), passage.after)
        return self._onward[passage.id]

    def start(self) -> Fan:
        """The start: the payload are the inputs, and the data get their first values before anything else."""
        if self._starting is None:
            walk, env = self._walk(), self._env()
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
            walk.command(self.kernel.commands[0], premise, env)
            self._starting = self._fan(walk, params, payload, env)
        return self._starting

    # ------------------------------------------------------------ parts

    def _walk(self) -> _Walk:
        return _Walk(self.kernel, self.encoder, self.entering, self.number)

    def _env(self) -> Env:
        return Env(self.variables, self.now)

    def _fan(self, walk: _Walk, params: tuple[Parameter, ...], payload: tuple[Symbol, ...], env: Env) -> Fan:
        return Fan(
            self.number(),
            params,
            payload,
            env.now,
            tuple(walk.passages),
            tuple(walk.duties),
            tuple(walk.forks),
            walk.complete,
        )

    def _ensured(
        self, walk: _Walk, leaf: Leaf, premise: Term, payload: tuple[Symbol, ...], env: Env
    ) -> tuple[Term, tuple[Symbol, ...]]:
        """The contract of the leaf's activity, and its parameters. They are the arguments' values at the call: known
        where they have not changed since, that is where no `stay` of the leaf changes data and `now` is not asked."""
        assert leaf.call is not None, "only a leaf with a call has outcomes"
        activity = self.kernel.activity[leaf.call.activity]
        if not activity.ensures:
            return premise, ()
        kept = not any(c.updates and isinstance(c.target, Stay) for c in self.kernel.commands if c.scope == leaf.name)
        params: dict[str, Symbol] = {}
        typed: list[Term] = []
        for param, arg in zip(activity.params, leaf.call.args, strict=True):
            known = kept and not any(isinstance(part, Now) for part in nodes(arg))
            symbol, _ = self.encoder.expression(arg, env)
            params[param.name] = symbol if known else self.encoder.variable(param.name, param.type)
            typed.append(self.encoder.domain(params[param.name], param.type))
        scope = Env({}, env.now, params, payload[0] if payload else None)
        premise = self.encoder.all(premise, *typed)
        for ensure in activity.ensures:
            symbol, needs = self.encoder.expression(ensure, scope)
            premise = self.encoder.all(walk.owe(premise, needs), symbol.term)
        return premise, tuple(params.values())

    def entering(self, leaf: Leaf, env: Env) -> tuple[Need, ...]:
        """What must hold lest entering a leaf fault: its timers, titles and arguments."""
        needs: list[Need] = []
        for timer in leaf.timers:
            needs += self._timer_needs(timer.after if timer.at is None else timer.at, env)
        for task in leaf.tasks:
            for part in task.title:
                needs += () if isinstance(part, str) else self.encoder.expression(part, env)[1]
        if leaf.call is not None:
            activity = self.kernel.activity[leaf.call.activity]
            for arg, param in zip(leaf.call.args, activity.params, strict=True):
                symbol, more = self.encoder.expression(arg, env)
                needs += more
                needs += in_range(self.encoder, symbol, param.type, arg.span)
        return tuple(needs)

    def _timer_needs(self, moment: Expr | None, env: Env) -> tuple[Need, ...]:
        return () if moment is None else self.encoder.expression(moment, env)[1]
