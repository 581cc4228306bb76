"""What is proved of data: an explored kernel and its rows in, the obligations that its invariants are kept, out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..checks.graph import Node
from ..checks.inquiry import Inquiry
from ..checks.solver import Term
from ..formats.smtlib import BOOL, Definition, Obligation, Script, Section, either, no
from . import words as said
from .formulas import Formulas
from .rows import Row


class DataProof:
    """The data part of one certificate, under way. `obligations` by what they say, each made once."""

    def __init__(self, inquiry: Inquiry) -> None:
        self.kernel = inquiry.kernel
        self.formulas = Formulas(inquiry)
        self.invariant = self.formulas.invariant
        self.initiation: list[Obligation] = []
        self.consecution: list[Obligation] = []
        self.claims: list[Obligation] = []
        self._bad: list[Definition] = []
        self._made: dict[tuple[str, ...], str] = {}  # what is obliged -> id
        self._bads: dict[int, tuple[str, Term]] = {}

    # ------------------------------------------------------------ obligations

    def step(self, row: Row) -> str:
        """The id of the obligation that a row's ends are all there are."""
        end = row.chain[-1] if row.chain else None
        given = () if row.source is None else (self.formulas.before(row.source),)
        if end is not None:
            given = (*given, self.formulas.condition(end, said.row(self.kernel, row)))
        then = dict.fromkeys(self.formulas.after(target, end) for target in row.targets)
        goals = ", ".join(dict.fromkeys(map(self.invariant, row.targets))) or "nowhere: it cannot be taken"
        source = "" if row.source is None else f"from {self.invariant(row.source)}: "
        text = f"{source}{said.row(self.kernel, row)} leads to {goals}"
        kind, where = ("i", self.initiation) if row.source is None else ("s", self.consecution)
        return self._oblige(kind, where, text, given, either([*then]))

    def claim(self, node: Node | None, bad: Term, text: str) -> str:
        """The id of the obligation that something bad is true for no data of a node (None: of no start)."""
        if id(bad) not in self._bads:
            name = f"bad/{len(self._bads) + 1}"
            self._bad.append(Definition(name, (), BOOL, self.formulas.text(bad)))
            self._bads[id(bad)] = name, bad
        given = () if node is None else (self.formulas.before(node),)
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
        formulas = self.formulas
        lines, assumed = formulas.declarations(), formulas.assumed()
        definitions = (*formulas.types, *formulas.invariants, *formulas.ways, *self._bad)
        curved = any(map(nonlinear, (*(each.body for each in definitions), *assumed)))
        return Script(
            head,
            "QF_UFNIA" if curved else "QF_UFLIA",
            (
                Section("unknowns: data before a step, payloads, the moment", lines),
                Section("assumed of the encoding: texts, slots of lists, moments", [f"(assert {a})" for a in assumed]),
                Section("invariants of the places", (*formulas.types, *formulas.invariants)),
                Section("ways through a step: when one is taken, and the data it leads to", formulas.ways),
                Section("what must not be", self._bad),
                Section("initiation: every start lies in an invariant", self.initiation),
                Section("consecution: every step leads from an invariant to one", self.consecution),
                Section("claims: no invariant allows what must not be", self.claims),
            ),
        )


def nonlinear(text: str) -> bool:
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
