"""What is proved of data: an explored kernel and its rows in, the invariants of its places and their obligations out.

A node's data are a conjunction of atoms of its place; nodes of one place that answer the same share one invariant. It
is a function of the data, so that what is asked after a step is the same formula, of the data the step leads to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
from ..formats.smtlib import BOOL, INT, Definition, Obligation, Script, Section, applied, both, either, no, words
from . import words as said
from .rows import Row

OPEN = "open."
"""How the encoder calls what it leaves open about long lists; it means another thing after a step."""

TYPED = "typed/all"


@dataclass(frozen=True, eq=False, slots=True)
class _Ask:
    """An atom of a place, defined as a function. open: what it means of long lists is left open."""

    atom: Atom
    name: str
    params: tuple[str, ...]
    open: bool

    def __str__(self) -> str:
        return applied(self.name, self.params)


class DataProof:
    """The data part of one certificate, under way. `obligations` by what they say, each made once."""

    def __init__(self, inquiry: Inquiry) -> None:
        self.inquiry = inquiry
        self.kernel = inquiry.kernel
        self.encoder = inquiry.encoder
        self.passages = inquiry.states.passages
        self.sorts: dict[str, str] = {}
        self.initiation: list[Obligation] = []
        self.consecution: list[Obligation] = []
        self.claims: list[Obligation] = []
        self._terms: list[Term] = []
        self._types: list[Definition] = []
        self._invariants: list[Definition] = []
        self._ways: list[Definition] = []
        self._bad: list[Definition] = []
        self._made: dict[tuple[str, ...], str] = {}  # what is obliged -> id
        self._asks: dict[Place, tuple[_Ask, ...]] = {}
        self._names: dict[tuple[Place, Answers], str] = {}
        self._params: dict[str, tuple[str, ...]] = {}
        self._conditions: dict[int, str] = {}
        self._after: dict[int, dict[str, Term]] = {}
        self._changed: dict[tuple[int, str], str] = {}
        self._bads: dict[int, tuple[str, Term]] = {}
        assumed = [self.encoder.domain(Symbol(self.passages.now), InstantType())]
        typed: list[Term] = []
        for variable in self.kernel.variable.values():
            inputs = variable in self.kernel.inputs
            if inputs or not is_time(variable.type):
                bounds = self.encoder.domain(self.passages.variables[variable.name], variable.type, grown=not inputs)
                (assumed if _timely(variable.type) else typed).append(bounds)
        self._assumed = assumed
        self._define(self._types, TYPED, self.encoder.all(*typed), "inputs and data are of their types")

    # ------------------------------------------------------------ formulas

    def _text(self, term: Term) -> str:
        self._terms.append(term)
        return spelt(term)

    def _unknowns(self, env: Env) -> dict[str, Term]:
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
        text = self._text(term)
        params = tuple(sorted(set(words(text)) & self._unknowns(Env(self.passages.variables, 0)).keys()))
        where.append(Definition(name, tuple((param, self.sorts[param]) for param in params), BOOL, text, comment))
        self._params[name] = params
        return params

    def invariant(self, node: Node) -> str:
        """The name of the invariant of a node."""
        key = node.control.place, node.data
        if key not in self._names:
            alike = sum(place == key[0] for place, _ in self._names)
            name = f"at/{said.place(node.control)}.{alike + 1}"
            asks = self._asked(node)
            pairs = [(str(ask), yes) for ask, yes in zip(asks, node.data, strict=True) if yes is not None]
            answered = [ask if yes else no(ask) for ask, yes in pairs]
            params = tuple(dict.fromkeys((*self._params[TYPED], *(param for ask in asks for param in ask.params))))
            body = both([applied(TYPED, self._params[TYPED]), *answered])
            sorts = tuple((param, self.sorts[param]) for param in params)
            self._invariants.append(Definition(name, sorts, BOOL, body, said.resting(node.control)))
            self._names[key], self._params[name] = name, params
        return self._names[key]

    def _asked(self, node: Node) -> tuple[_Ask, ...]:
        """The atoms of a node's place, each defined once."""
        place = node.control.place
        if place not in self._asks:
            found: list[_Ask] = []
            for index, atom in enumerate(self.inquiry.states.live[place]):
                name = f"ask/{said.place(node.control)}.{index + 1}"
                term = asked(atom, self.encoder, Env(self.passages.variables, 0))
                params = self._define(self._invariants, name, term)
                found.append(_Ask(atom, name, params, OPEN in self._invariants[-1].body))
            self._asks[place] = tuple(found)
        return self._asks[place]

    def before(self, node: Node) -> str:
        """That the data are those of a node."""
        name = self.invariant(node)
        return applied(name, self._params[name])

    # ------------------------------------------------------------ steps

    def _condition(self, row: Row) -> str:
        """The name of what must be true of data and payload for a way to be taken."""
        end = row.chain[-1]
        if end.id not in self._conditions:
            name = f"way/{end.id}"
            self._ways.append(Definition(name, (), BOOL, self._text(end.condition), said.row(self.kernel, row)))
            self._conditions[end.id] = name
        return self._conditions[end.id]

    def after(self, node: Node, end: Passage | None) -> str:
        """That a way leads to data of a node; without a way, that the data are its."""
        if end is None:
            return self.before(node)
        name = self.invariant(node)
        if not any(ask.open for ask in self._asked(node)):
            return applied(name, [self._new(end, param) for param in self._params[name]])
        terms = [asked(ask.atom, self.encoder, end.after) for ask in self._asked(node)]
        pairs = [(term, yes) for term, yes in zip(terms, node.data, strict=True) if yes is not None]
        answered = [term if yes else self.encoder.no(term) for term, yes in pairs]
        typed = applied(TYPED, [self._new(end, param) for param in self._params[TYPED]])
        return both([typed, self._text(self.encoder.all(*answered))])

    def _new(self, end: Passage, param: str) -> str:
        """What an unknown of the data is after a way: itself, or the name of its new value."""
        if end.id not in self._after or param not in self._after[end.id]:
            self._after[end.id] = self._unknowns(end.after)
        new = self._after[end.id].get(param)
        text = param if new is None else spelt(new)
        if text == param:
            return param
        if (end.id, param) not in self._changed:
            name = f"{param}/way.{end.id}"
            self._ways.append(Definition(name, (), self.sorts[param], self._text(new)))
            self._changed[end.id, param] = name
        return self._changed[end.id, param]

    # ------------------------------------------------------------ obligations

    def step(self, row: Row) -> str:
        """The id of the obligation that a row's ends are all there are."""
        end = row.chain[-1] if row.chain else None
        given = () if row.source is None else (self.before(row.source),)
        if end is not None:
            given = (*given, self._condition(row))
        then = dict.fromkeys(self.after(target, end) for target in row.targets)
        goals = ", ".join(dict.fromkeys(map(self.invariant, row.targets))) or "nowhere: it cannot be taken"
        source = "" if row.source is None else f"from {self.invariant(row.source)}: "
        text = f"{source}{said.row(self.kernel, row)} leads to {goals}"
        kind, where = ("i", self.initiation) if row.source is None else ("s", self.consecution)
        return self._oblige(kind, where, text, given, either([*then]))

    def claim(self, node: Node | None, bad: Term, text: str) -> str:
        """The id of the obligation that something bad is true for no data of a node (None: of no start)."""
        if id(bad) not in self._bads:
            name = f"bad/{len(self._bads) + 1}"
            self._bad.append(Definition(name, (), BOOL, self._text(bad)))
            self._bads[id(bad)] = name, bad
        given = () if node is None else (self.before(node),)
        where = "at the start" if node is None else f"in {self.invariant(node)}"
        return self._oblige("c", self.claims, f"{text}: not so {where}", given, no(self._bads[id(bad)][0]))

    def _oblige(self, kind: str, where: list[Obligation], text: str, given: tuple[str, ...], then: str) -> str:
        key = (*given, then)
        if key not in self._made:
            self._made[key] = f"{kind}{len(where) + 1}"
            where.append(Obligation(self._made[key], text, given, then))
        return self._made[key]

    # ------------------------------------------------------------ the whole

    def script(self, head: Sequence[str]) -> Script:
        axioms = list(self.encoder.axioms)
        assumed = [spelt(term) for term in (*axioms, *self._assumed) if term is not True]
        terms = (*self._terms, *axioms, *self._assumed)
        lines = list(declared(terms))
        known = {line.split()[1] for line in lines}
        missing = [name for name in self.sorts if name not in known]
        lines += [f"(declare-fun {name} () {self.sorts[name]})" for name in missing]
        definitions = (*self._types, *self._invariants, *self._ways, *self._bad)
        return Script(
            head,
            "QF_UFNIA" if any(map(_curved, (*(each.body for each in definitions), *assumed))) else "QF_UFLIA",
            (
                Section("unknowns: data before a step, payloads, the moment", lines),
                Section("assumed of the encoding: texts, slots of lists, moments", [f"(assert {a})" for a in assumed]),
                Section("invariants of the places", (*self._types, *self._invariants)),
                Section("ways through a step: when one is taken, and the data it leads to", self._ways),
                Section("what must not be", self._bad),
                Section("initiation: every start lies in an invariant", self.initiation),
                Section("consecution: every step leads from an invariant to one", self.consecution),
                Section("claims: no invariant allows what must not be", self.claims),
            ),
        )


def _timely(type: Type) -> bool:
    """Whether a value holds times, whose bounds are assumed of what comes from outside (see `magnitudes`)."""
    match type:
        case OptionalType(item=item) | ListType(item=item):
            return _timely(item)
        case RecordType(fields=fields):
            return any(_timely(each.type) for each in fields)
        case _:
            return is_time(type)


def _curved(text: str) -> bool:
    """Whether a term may multiply or divide unknowns."""
    return any(_products(text))


def _products(text: str) -> Iterator[bool]:
    for operator in ("(* ", "(div ", "(mod "):
        for part in text.split(operator)[1:]:
            yield not _one_number(part, both_sides=operator == "(* ")


def _one_number(part: str, both_sides: bool) -> bool:
    """Whether a product has a factor that is a number, or a quotient a divisor that is one."""
    args = [arg.strip() for arg in _args(part)]
    numbers = [arg.isdigit() or (arg.startswith("(- ") and arg[3:-1].isdigit()) for arg in args]
    return numbers.count(False) <= 1 if both_sides else all(numbers[1:])


def _args(part: str) -> Iterable[str]:
    """The arguments of an application of which the operator is cut off."""
    depth, begun = 0, 0
    for index, char in enumerate(part):
        if char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        if depth < 0 or (char == " " and depth == 0):
            if part[begun:index].strip():
                yield part[begun:index]
            begun = index
        if depth < 0:
            return
