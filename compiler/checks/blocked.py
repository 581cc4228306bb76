"""A transition, a branch or a state that no run comes to in; why not, in terms of the text, out.

Wherever it could be taken, what it asks for is put beside what is known there: types, contracts, what the step has
asked and set before, what every way there has asked and set (`available`), and what the search knows of the data. A
smallest set of these that cannot be true together (`conflict`) is the reason. It explains what the closed graph has
proved, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial

from ...dsl.model import (
    Assign,
    DurationType,
    Expr,
    InstantType,
    InState,
    OptionalType,
    Parameter,
    Ref,
    RefKind,
    Type,
    Update,
)
from ...dsl.source import NOWHERE, Span
from ...dsl.values import dataclass
from ..instance import Taken
from ..kernel import Command, Configuration
from .atoms import Atom, Place
from .available import Available
from .conflict import conflict
from .course import Course, placed
from .encode import Env, Facts
from .facts import (
    Fact,
    Origin,
    Put,
    asked,
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
from .graph import Node
from .inquiry import Inquiry
from .moves import MoveKind
from .prose import denied, said, spelt
from .rewrite import bare
from .solver import Term

MOST_GROUPS = 60  # of scenes that are looked at apart
MOST_REASONS = 3

Told = Callable[[Fact], bool]
"""Whether a fact says something to a reader."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where something could be taken: `facts` cannot all be true there, in an instance at rest in `places` that has
    been given `params`."""

    node: Node | None  # None: the start
    places: Configuration
    params: tuple[Parameter, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """Facts that exclude each other, minimal, and every scene in which they do."""

    facts: tuple[Fact, ...]
    scenes: tuple[Scene, ...]


class Blocked:
    """Explains what is never taken, for one kernel."""

    def __init__(self, inquiry: Inquiry) -> None:
        self.inquiry = inquiry
        self.kernel = inquiry.kernel
        self.available = Available(inquiry.kernel, inquiry.graph)
        self._changing = changing(inquiry.kernel)
        self._ones: dict[Fact, Fact] = {}
        self._known: dict[Place, list[tuple[Fact, Fact] | None]] = {}

    def one(self, facts: Iterable[Fact]) -> tuple[Fact, ...]:
        """The facts, equal ones as one object: scenes are many, and are compared by identity."""
        return tuple(self._ones.setdefault(fact, fact) for fact in facts)

    def reasons(self, span: Span, told: Told | None = None) -> tuple[Reason, ...] | None:
        """Why a transition or branch is never taken, the commonest reason first; none if its trigger never comes there.
        None: what it asks for may be so, so it is what comes after that stops it."""
        return self.of(list(self._scenes(span)), told or _any)

    def of(self, scenes: Sequence[Scene], told: Told) -> tuple[Reason, ...] | None:
        """The reasons that say most: by what is written, or told, for all scenes at once or for a few places apart;
        else by whatever is known, for all at once or one by one."""
        places: dict[Configuration, list[Scene]] = {}
        for scene in scenes:
            places.setdefault(scene.places, []).append(scene)
        once, apart, single = [list(scenes)], list(places.values()), [[scene] for scene in scenes]
        tries = [(once, _written), (once, told), (apart, _written), (apart, told), (once, _any), (single, _any)]
        for groups, keep in tries if scenes else ():
            reasons = self._reasons(groups, keep) if len(groups) <= MOST_GROUPS else None
            if reasons is not None and (len(reasons) <= MOST_REASONS or groups is single):
                return reasons
        return None if scenes else ()

    def _reasons(self, groups: Sequence[Sequence[Scene]], keep: Told) -> tuple[Reason, ...] | None:
        """A reason for each group, the same one where it will do, of the facts that are kept."""
        found: dict[tuple[Fact, ...], list[Scene]] = {}
        for group in groups:
            places = {scene.places for scene in group}
            shared = [fact for fact in _shared(group) if keep(fact) and (len(places) == 1 or not placed(fact))]
            like = (core for core, where in found.items() if not any(map(placed, core)) or {where[0].places} == places)
            ids = set(map(id, shared))
            facts = next((core for core in like if ids.issuperset(map(id, core))), None)
            facts = facts or conflict(shared, partial(self.clash, group[0]))
            if not facts:
                return None
            found.setdefault(facts, []).extend(group)
        reasons = [Reason(facts, tuple(where)) for facts, where in found.items()]
        return tuple(sorted(reasons, key=lambda reason: -len(reason.scenes)))

    # ------------------------------------------------------------ asking

    def clash(self, scene: Scene, facts: Sequence[Fact]) -> bool:
        """Whether facts exclude each other in a scene."""
        env = self.env(scene, facts)
        terms = (fact.term(self.inquiry.encoder, env) for fact in facts)
        return self.inquiry.states.ask(self.assumed, *terms).impossible

    def env(self, scene: Scene, facts: Sequence[Fact]) -> Env:
        encoder, passages = self.inquiry.encoder, self.inquiry.states.passages
        places = Facts(self.kernel.active(scene.places), frozenset(), {}, not scene.places, 0)
        found = {param.name: encoder.variable(param.name, param.type) for param in scene.params}
        for ref in (ref for fact in facts for ref in refs(fact.expr)):
            if ref.kind is RefKind.PARAM and ref.name not in found:
                found[ref.name] = encoder.variable(ref.name, ref.type)
        return Env(passages.variables, passages.now, found, facts=places)

    @property
    def assumed(self) -> Term:
        """What is taken for granted of every moment and text, and is no reason for anything."""
        encoder, passages = self.inquiry.encoder, self.inquiry.states.passages
        inputs = {variable.name for variable in self.kernel.inputs}
        plain = [v for v in self.kernel.variable.values() if v.name in inputs or not _time(v.type)]
        texts = [v for v in plain if not any(of_type(Ref(RefKind.DATA, v.name, v.type, NOWHERE), v.type, NOWHERE))]
        return encoder.all(*(encoder.domain(passages.variables[v.name], v.type, grown=True) for v in texts))

    # ------------------------------------------------------------ where it could be taken

    def _scenes(self, span: Span) -> Iterator[Scene]:
        commands = [command for command in self.kernel.commands if command.span == span]
        for command in commands:
            yield from self._of_command(command)
        for choice in self.kernel.choices:
            for index, branch in enumerate(choice.branches):
                if branch.span == span:
                    yield from self._of_branch(choice.name, index)

    def _of_command(self, command: Command) -> Iterator[Scene]:
        if command.on is None:
            return
        params, name = called(self.kernel.answering[command.scope, command.on])
        wanted = [*guarded(self.kernel, command, Origin.ASKED, name)]
        wanted += self._owed(command.updates, name[command.id])
        facts = self.one([*wanted, *self._payload(command, params)])
        for node in self.inquiry.nodes(command.scope):
            for reaction in node.reactions:
                move = reaction.move
                if move.kind not in _ANSWERED or move.on != command.on:
                    continue
                if move.kind is MoveKind.ANSWER and move.leaf != command.scope:
                    continue
                if command in self.kernel.written(node.control.configuration, move.on, move.leaf):
                    yield Scene(node, node.control.configuration, params, (*facts, *self._there(node)))
                    break

    def _of_branch(self, choice: str, index: int) -> Iterator[Scene]:
        """Wherever a step has come to the choice, and how."""
        seen: set[tuple[int, tuple[Taken, ...]]] = set()
        steps: dict[tuple[Taken, ...], tuple[Course, tuple[Fact, ...]]] = {}
        for edge in self.inquiry.entered[choice]:
            way = _until(edge.taken, choice)
            if (edge.source, way) in seen:
                continue
            seen.add((edge.source, way))
            node = None if edge.source < 0 else self.inquiry.graph.nodes[edge.source]
            if way not in steps:
                steps[way] = self._step(way, choice, index)
            step, facts = steps[way]
            yield Scene(node, _places(node), step.params, (*facts, *self._there(node)))

    def _step(self, way: tuple[Taken, ...], choice: str, index: int) -> tuple[Course, tuple[Fact, ...]]:
        """A step as far as a choice, and what must be so for it to take a branch."""
        step = Course(self.kernel, way)
        wanted = [step.put(fact) for fact in branched(self.kernel, self.kernel.choice[choice], index, Origin.ASKED)]
        if len(way) > 1 and any(map(placed, wanted)):
            wanted = []  # it is about where the step has come to meanwhile
        wanted += self._owed(self.kernel.choice[choice].branches[index].updates, step.change)
        return step, self.one([*wanted, *step.facts])

    def _payload(self, command: Command, params: Sequence[Parameter]) -> Iterator[Fact]:
        for param in params:
            yield from of_type(reference(param), param.type, param.span)
        yield from promised(self.kernel, command, params, self._changing)

    def _owed(self, updates: Sequence[Update], change: Put) -> Iterator[Fact]:
        """That updates do not fault."""
        put = dict(change)
        for update in updates:
            if isinstance(update, Assign):
                type = self.kernel.variable[update.name].type
                for fact in fitting(bare(update.value), type, update.span):
                    yield fact.put(put)
                put[False, update.name] = Fact(Origin.SET, bare(update.value), True, update.span, "").put(put).expr

    def types(self) -> Iterator[Fact]:
        """What the types of inputs and data say."""
        for variable in self.kernel.variable.values():
            kind = RefKind.INPUT if variable.initial is None else RefKind.DATA
            yield from of_type(Ref(kind, variable.name, variable.type, NOWHERE), variable.type, variable.span)

    def _there(self, node: Node | None) -> Iterator[Fact]:
        """What is known of the data before the step."""
        yield from self._typed
        if node is None:
            return
        yield from self.available.at(node.id)
        place = node.control.place
        if place not in self._known:
            self._known[place] = [self._spelt(atom) for atom in self.inquiry.states.live[place]]
        for pair, yes in zip(self._known[place], node.data, strict=True):
            if pair is not None and yes is not None:
                yield pair[yes]

    @cached_property
    def _typed(self) -> tuple[Fact, ...]:
        return self.one(self.types())

    def _spelt(self, atom: Atom) -> tuple[Fact, Fact] | None:
        """That an atom is not so, and that it is."""
        expr = spelt(atom)
        if expr is None:
            return None
        no, yes = self.one(
            [
                Fact(Origin.KNOWN, expr, False, NOWHERE, denied(expr)),
                Fact(Origin.KNOWN, expr, True, NOWHERE, said(expr)),
            ]
        )
        return no, yes

    def reached(self, condition: Expr, place: str, told: Told) -> tuple[Reason, ...] | None:
        """Why a condition is never true of what rests in a place."""
        scenes: list[Scene] = []
        wanted = self.one(asked(self.kernel, condition, True, Origin.ASKED))
        resting = [(fact.expr.state, fact.truth) for fact in wanted if isinstance(fact.expr, InState)]
        for node in self.inquiry.nodes(place):
            active = self.inquiry.active(node)
            if any((state in active) is not truth for state, truth in resting):
                continue  # it is not about this one
            scenes.append(Scene(node, node.control.configuration, (), (*wanted, *self._there(node))))
        return self.of(scenes, told)


_ANSWERED = {MoveKind.ANSWER, MoveKind.EVENT, MoveKind.TASK, MoveKind.TIMER}


def _written(fact: Fact) -> bool:
    return fact.origin is not Origin.KNOWN


def _any(_: Fact) -> bool:
    return True


def _shared(scenes: Sequence[Scene]) -> list[Fact]:
    """The facts of every scene, in the order of the first."""
    ids = set(map(id, scenes[0].facts))
    for scene in scenes[1:]:
        ids &= set(map(id, scene.facts))
    return [fact for fact in scenes[0].facts if id(fact) in ids]


def _time(type: Type) -> bool:
    return isinstance(type.item if isinstance(type, OptionalType) else type, DurationType | InstantType)


def _places(node: Node | None) -> Configuration:
    return () if node is None else node.control.configuration


def _until(way: Sequence[Taken], choice: str) -> tuple[Taken, ...]:
    """What was taken before a choice was come to."""
    found: list[Taken] = []
    for taken in way:
        names = [name for name, _ in taken.branches]
        if choice in names:
            return (*found, Taken(taken.command, taken.branches[: names.index(choice)]))
        found.append(taken)
    return tuple(found)
