"""Nodes as formulas: a place and the answers of its atoms in, the data they stand for as a term out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...dsl.model import BoolType, Value, Variable
from ...dsl.values import replace
from ..instance import Instance, Log
from ..kernel import Kernel
from .atoms import Place, answer, asked
from .encode import Encoder, Env
from .live import Live
from .passages import Fan, Passage, Passages
from .solver import Reply, Solver, Term
from .symbols import Symbol

Answers = tuple[bool | None, ...]
"""To the atoms of a place, in their order. None: either (in cubes only)."""


class States:
    """The formulas of one kernel, each made once."""

    def __init__(self, kernel: Kernel, encoder: Encoder, passages: Passages, solver: Solver) -> None:
        self.kernel = kernel
        self.encoder = encoder
        self.passages = passages
        self.solver = solver
        self.live = Live(kernel)
        self._now: dict[Place, tuple[Term, ...]] = {}
        self._before: dict[tuple[Place, Answers], Term] = {}
        self._after: dict[tuple[int, Place], tuple[Term, ...]] = {}
        self._exactly: dict[tuple[int, Value], Term] = {}
        # by what it is asked of, with the term that the first id is of, so that it stays its own
        self._cubes: dict[tuple[int, int, Place, frozenset[int]], tuple[Term, frozenset[int]]] = {}
        self._asked: list[Term] = []  # so that each keeps its address
        self._bearing: dict[tuple[Place, frozenset[int], int], tuple[int, ...]] = {}

    def ask(self, *terms: Term, shown: bool = True) -> Reply:
        self.solver.assume(self.encoder.axioms)
        return self.solver.ask(*terms, shown=shown)

    def cube(self, source: tuple[Place, Answers] | None, passage: Passage, place: Place, run: Answers) -> Answers:
        """The smallest cube around all that a passage leads to, from data in a place that answer so (None: at the
        start), as far as Z3 can tell; `run` is what one run of it came to.

        Answers that the passage leaves as they are, and that have no part in its condition, stay what they were."""
        after = self.then(passage, place)
        kept: dict[int, bool | None] = {}
        state: Term = True
        if source is not None:
            at, data = source
            free = {*range(len(data))} - {*self.bearing(at, (passage.condition,))}
            told = [(n, term.ast) for n, term in enumerate(self.now(at)) if not isinstance(term, bool)]
            known = {ast: data[n] for n, ast in told if data[n] is not None or n in free}
            kept = {n: known[t.ast] for n, t in enumerate(after) if not isinstance(t, bool) and t.ast in known}
            state = self.near(at, data, (passage.condition, *(t for n, t in enumerate(after) if n not in kept)))
        left = frozenset(range(len(run))).difference(kept)
        key = id(state), passage.id, place, left
        if key not in self._cubes:
            self._cubes[key] = state, self._same(state, passage, place, run, left)
        same = self._cubes[key][1]
        return tuple(kept.get(n, answer if n in same else None) for n, answer in enumerate(run))

    def _same(self, state: Term, passage: Passage, place: Place, run: Answers, asked: frozenset[int]) -> frozenset[int]:
        """Those of the answers that all give as the run does: any other is asked for, until there is none."""
        left: set[int] = {*asked}
        pairs = zip(self.then(passage, place), run, strict=True)
        others = [self.encoder.no(term) if yes else term for term, yes in pairs]
        while left:
            reply = self.ask(state, passage.condition, self.encoder.any(*(others[index] for index in left)))
            if reply.impossible:
                break
            if reply.model is None:
                return frozenset(index for index in left if self._always(state, passage, place, index, run[index]))
            found = {index for index in left if self.encoder.read(reply.model, Symbol(others[index]), BoolType())}
            left = left - found if found else set[int]()
        return frozenset(left)

    def _always(self, state: Term, passage: Passage, place: Place, index: int, answer: bool | None) -> bool:
        other = (*(None for _ in range(index)), not answer)
        return self.ask(state, passage.condition, self.after(passage, place, other), shown=False).impossible

    def answers(self, place: Place, at: Instance, numbers: Sequence[int] | None = None) -> tuple[bool, ...]:
        """What an instance answers to the atoms of its place, or to those of these numbers."""
        atoms = self.live[place] if numbers is None else [self.live[place][number] for number in numbers]
        if not atoms:
            return ()
        variables = at.variables(self.kernel)
        return tuple(answer(atom, variables, at.started) for atom in atoms)

    def before(self, place: Place, answers: Answers) -> Term:
        """The data, before a step, of every instance in the place that answers so."""
        key = place, answers
        if key not in self._before:
            self._before[key] = self.encoder.all(self.passages.typed, *self._agree(self.now(place), answers))
        return self._before[key]

    def now(self, place: Place) -> tuple[Term, ...]:
        """The atoms of a place, of the data before a step."""
        if place not in self._now:
            env = Env(self.passages.variables, 0)
            self._now[place] = tuple(asked(atom, self.encoder, env) for atom in self.live[place])
        return self._now[place]

    def bearing(self, place: Place, terms: Iterable[Term]) -> tuple[int, ...]:
        """The numbers of the atoms of a place that share unknowns with some terms, be it through other atoms, the types
        of data, or axioms: what the others answer is of no matter to whether the terms can be true."""
        unknowns, asked = self.encoder.z3.unknowns, [*terms]
        key = place, frozenset(term.ast for term in asked if not isinstance(term, bool)), len(self.encoder.axioms)
        if key not in self._bearing:
            atoms = [*map(unknowns, self.now(place))]
            together = [*atoms, *map(unknowns, (*self.passages.domains, *self.encoder.axioms))]
            reached: set[str] = {name for term in asked for name in unknowns(term)}
            while more := [each for each in together if not each.isdisjoint(reached) and not each <= reached]:
                reached.update(*more)
            self._bearing[key] = tuple(number for number, each in enumerate(atoms) if not each.isdisjoint(reached))
            self._asked.extend(asked)
        return self._bearing[key]

    def near(self, place: Place, answers: Answers, terms: Iterable[Term]) -> Term:
        """As `before`, of the data that bear on some terms."""
        bearing = self.bearing(place, terms)
        return self.before(place, tuple(yes if n in bearing else None for n, yes in enumerate(answers)))

    def after(self, passage: Passage, place: Place, answers: Answers) -> Term:
        """That a passage leads to data that answer so in the place it ends in."""
        return self.encoder.all(*self._agree(self.then(passage, place), answers))

    def then(self, passage: Passage, place: Place) -> tuple[Term, ...]:
        """The atoms of a place, of the data after a passage."""
        key = passage.id, place
        if key not in self._after:
            self._after[key] = tuple(asked(atom, self.encoder, passage.after) for atom in self.live[place])
        return self._after[key]

    def exactly(self, at: Instance) -> Term:
        """The data of one instance."""
        return self.valued(at.values)

    def valued(self, values: Sequence[Value]) -> Term:
        """Data with these values, in the kernel's order."""
        typed = zip(self.kernel.variable.values(), values, strict=True)
        return self.encoder.all(*(self._is(index, v, value) for index, (v, value) in enumerate(typed)))

    def _is(self, index: int, variable: Variable, value: Value) -> Term:
        """That one variable, of which this is the number, has a value."""
        key = index, value
        if key not in self._exactly:
            known = self.encoder.value(value, variable.type)
            self._exactly[key] = self.encoder.same(self.passages.variables[variable.name], known)
        return self._exactly[key]

    def called(self, at: Instance, fan: Fan, key: str) -> Term:
        """That the call of an instance that answers by the fan was given what it was given."""
        return self.encoder.all(
            *(
                self.encoder.same(symbol, self.encoder.value(arg, param.type))
                for call in (at.calls if fan.given else ())
                if call.key == key
                for symbol, param, arg in zip(
                    fan.given, self.kernel.activity[call.activity].params, call.args, strict=True
                )
            )
        )

    def imagined(self, at: Instance, fan: Fan, key: str, reply: Reply) -> Instance:
        """An instance with the data of a model, before the step, and with its arguments of the call that answers."""
        values = tuple(
            self.encoder.read(reply.model, self.passages.variables[v.name], v.type)
            for v in self.kernel.variable.values()
        )
        at = replace(at, values=values)
        for call in (call for call in at.calls if fan.given and call.key == key):
            typed = zip(fan.given, self.kernel.activity[call.activity].params, strict=True)
            args = tuple(self.encoder.read(reply.model, symbol, param.type) for symbol, param in typed)
            log = Log.of(replace(entry, args=args) if entry.key == key else entry for entry in at.log)
            calls = tuple(replace(other, args=args) if other.key == key else other for other in at.calls)
            at = replace(at, calls=calls, log=log)
        return at

    def _agree(self, terms: Iterable[Term], answers: Answers) -> list[Term]:
        pairs = zip(terms, answers, strict=False)  # what is left out at the end is left open
        return [term if yes else self.encoder.no(term) for term, yes in pairs if yes is not None]


def covers(cube: Answers, answers: Answers) -> bool:
    """Whether a cube has all data that answer so."""
    return all(one is None or one == other for one, other in zip(cube, answers, strict=True))
