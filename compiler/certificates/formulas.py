"""Data as formulas: an explored kernel in; the invariants of its places and the ways through a step, as SMT-LIB, out.

A node's data are a conjunction of atoms of its place; nodes of one place that answer the same share one invariant. It
is a function of the data, so that what is asked after a step is the same formula, of the data the step leads to.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...dsl.model import InstantType, ListType, OptionalType, RecordType, Type
from ..checks.atoms import Atom, Place, asked
from ..checks.encode import Env
from ..checks.graph import Node
from ..checks.inquiry import Inquiry
from ..checks.passages import Passage, is_time
from ..checks.solver import Term, declared, spelt
from ..checks.states import Answers
from ..checks.symbols import Symbol
from ..formats.smtlib import BOOL, INT, Definition, applied, both, no, words
from . import words as said

OPEN = "open."
"""How the encoder calls what it leaves open about long lists; it means another thing after a step."""

TYPED = "typed/all"


@dataclass(frozen=True, eq=False, slots=True)
class Ask:
    """An atom of a place, defined as a function. open: what it means of long lists is left open."""

    atom: Atom
    name: str
    params: tuple[str, ...]
    open: bool

    def __str__(self) -> str:
        return applied(self.name, self.params)


class Formulas:
    """The formulas of one text, under way: `types`, `invariants` and `ways` are its definitions, `terms` all of what
    they are made from, `sorts` the unknowns of the data before a step."""

    def __init__(self, inquiry: Inquiry) -> None:
        self.inquiry = inquiry
        self.kernel = inquiry.kernel
        self.encoder = inquiry.encoder
        self.passages = inquiry.states.passages
        self.sorts: dict[str, str] = {}
        self.terms: list[Term] = []
        self.types: list[Definition] = []
        self.invariants: list[Definition] = []
        self.ways: list[Definition] = []
        self._asks: dict[Place, tuple[Ask, ...]] = {}
        self._names: dict[tuple[Place, Answers], str] = {}
        self._params: dict[str, tuple[str, ...]] = {}
        self._conditions: dict[int, str] = {}
        self._after: dict[int, dict[str, Term]] = {}
        self._changed: dict[tuple[int, str], str] = {}
        self._lasting: set[str] = set()
        assumed = [self.encoder.domain(Symbol(self.passages.now), InstantType())]
        typed: list[Term] = []
        for variable in self.kernel.variable.values():
            inputs = variable in self.kernel.inputs
            if inputs or not is_time(variable.type):
                bounds = self.encoder.domain(self.passages.variables[variable.name], variable.type, grown=not inputs)
                (assumed if _timely(variable.type) else typed).append(bounds)
        self._assumed = assumed
        self._define(self.types, TYPED, self.encoder.all(*typed), "inputs and data are of their types")

    def text(self, term: Term) -> str:
        self.terms.append(term)
        return spelt(term)

    def unknowns(self, env: Env) -> dict[str, Term]:
        """The unknowns of the data before a step that were made so far, by name, each with what it is in an env."""
        found: dict[str, Term] = {}
        for name, symbol in self.passages.variables.items():
            if name in env.variables:
                for old, new in self.encoder.pairs(symbol, env.variables[name]):
                    found[spelt(old)] = new
                    self.sorts.setdefault(spelt(old), BOOL if self.encoder.logical(old) else INT)
        return found

    def _define(self, where: list[Definition], name: str, term: Term, comment: str = "") -> tuple[str, ...]:
        """Define a formula as a function of the unknowns of the data before a step that it is about: these."""
        text = self.text(term)
        params = tuple(sorted(set(words(text)) & self.unknowns(Env(self.passages.variables, 0)).keys()))
        where.append(Definition(name, tuple((param, self.sorts[param]) for param in params), BOOL, text, comment))
        self._params[name] = params
        return params

    def invariant(self, node: Node) -> str:
        """The name of the invariant of a node."""
        key = node.control.place, node.data
        if key not in self._names:
            alike = sum(place == key[0] for place, _ in self._names)
            name = f"at/{said.place(node.control)}.{alike + 1}"
            asks = self.asked(node)
            pairs = [(str(ask), yes) for ask, yes in zip(asks, node.data, strict=True) if yes is not None]
            answered = [ask if yes else no(ask) for ask, yes in pairs]
            params = tuple(dict.fromkeys((*self._params[TYPED], *(param for ask in asks for param in ask.params))))
            body = both([applied(TYPED, self._params[TYPED]), *answered])
            sorts = tuple((param, self.sorts[param]) for param in params)
            self.invariants.append(Definition(name, sorts, BOOL, body, said.resting(node.control)))
            self._names[key], self._params[name] = name, params
        return self._names[key]

    def asked(self, node: Node) -> tuple[Ask, ...]:
        """The atoms of a node's place, each defined once."""
        place = node.control.place
        if place not in self._asks:
            found: list[Ask] = []
            for index, atom in enumerate(self.inquiry.states.live[place]):
                name = f"ask/{said.place(node.control)}.{index + 1}"
                term = asked(atom, self.encoder, Env(self.passages.variables, 0))
                params = self._define(self.invariants, name, term)
                found.append(Ask(atom, name, params, OPEN in self.invariants[-1].body))
            self._asks[place] = tuple(found)
        return self._asks[place]

    def before(self, node: Node) -> str:
        """That the data are those of a node."""
        name = self.invariant(node)
        return applied(name, self._params[name])

    # ------------------------------------------------------------ steps

    def condition(self, end: Passage, comment: str) -> str:
        """The name of what must be true of data and payload for a way to be taken."""
        if end.id not in self._conditions:
            name = f"way/{end.id}"
            self.ways.append(Definition(name, (), BOOL, self.text(end.condition), comment))
            self._conditions[end.id] = name
        return self._conditions[end.id]

    def after(self, node: Node, end: Passage | None) -> str:
        """That a way leads to data of a node; without a way, that the data are its."""
        if end is None:
            return self.before(node)
        name = self.invariant(node)
        if not any(ask.open for ask in self.asked(node)):
            return applied(name, [self.new(end, param) for param in self._params[name]])
        terms = [asked(ask.atom, self.encoder, end.after) for ask in self.asked(node)]
        pairs = [(term, yes) for term, yes in zip(terms, node.data, strict=True) if yes is not None]
        answered = [term if yes else self.encoder.no(term) for term, yes in pairs]
        typed = applied(TYPED, [self.new(end, param) for param in self._params[TYPED]])
        return both([typed, self.text(self.encoder.all(*answered))])

    def new(self, end: Passage, param: str) -> str:
        """What an unknown of the data is after a way: itself, or the name of its new value."""
        if end.id not in self._after or param not in self._after[end.id]:
            self._after[end.id] = self.unknowns(end.after)
        new = self._after[end.id].get(param)
        text = param if new is None else spelt(new)
        if text == param:
            return param
        if (end.id, param) not in self._changed:
            name = f"{param}/way.{end.id}"
            self.ways.append(Definition(name, (), self.sorts[param], self.text(new)))
            self._changed[end.id, param] = name
        return self._changed[end.id, param]

    def lasts(self, timer: str, end: Passage | None) -> str:
        """The name of how long a timer takes that is armed on a way (None: before the first one), as data say then."""
        name = f"lasts/{timer}" if end is None else f"lasts/{timer}/way.{end.id}"
        if name not in self._lasting:
            env = Env(self.passages.variables, 0) if end is None else end.after
            term = self.inquiry.explorer.lasting.length(timer, env)
            self.ways.append(Definition(name, (), INT, self.text(term)))
            self._lasting.add(name)
        return name

    # ------------------------------------------------------------ the whole

    def assumed(self) -> list[str]:
        """What holds of the unknowns by how they are encoded: of texts, slots of lists, and moments."""
        return [spelt(term) for term in (*self.encoder.axioms, *self._assumed) if term is not True]

    def declarations(self) -> list[str]:
        """Of every unknown and function that occurs, a line each."""
        lines = list(declared((*self.terms, *self.encoder.axioms, *self._assumed)))
        known = {line.split()[1] for line in lines}
        missing = [name for name in self.sorts if name not in known]
        return [*lines, *(f"(declare-fun {name} () {self.sorts[name]})" for name in missing)]


def _timely(type: Type) -> bool:
    """Whether a value holds times, whose bounds are assumed of what comes from outside (see `magnitudes`)."""
    match type:
        case OptionalType(item=item) | ListType(item=item):
            return _timely(item)
        case RecordType(fields=fields):
            return any(_timely(each.type) for each in fields)
        case _:
            return is_time(type)
