"""The only door to Z3: terms in, `Reply` out, always with the same seed and a resource limit instead of a clock.

Z3 is loaded when a Solver is made and not before. Nothing outside `encode` builds terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_void_p
from typing import Any

from ...dsl.values import dataclass
from .budget import Budget
from .native import library
from .terms import Model, Terms, door

Term = Any
"""A Z3 term, or a plain bool or int where the value is known."""


SPENT = "what it may spend on one question was used up"
_SPENT = {"canceled", "max. resource limit exceeded"}
"""What Z3 says then."""
_SAT, _UNSAT = 1, -1
"""What it answers."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`model` is there when the terms are satisfiable; `unknown` says why Z3 did not decide, else it is empty."""

    model: Any = None
    unknown: str = ""

    @property
    def impossible(self) -> bool:
        """Proved unsatisfiable."""
        return self.model is None and not self.unknown


UNLIMITED = float("inf")
REMEMBERED = 20_000  # questions that were answered no
KEPT = 10_000  # that were answered yes, some of them with a model
LAST = 5.0  # seconds
MEMORY = "memory_max_size"  # in MB, of what Z3 holds; when there is no more, it raises a Z3Error
LEAST = 64  # MB; a process that loads Z3 holds more than that


class Solver:
    """One incremental Z3 solver for a whole run of checks. rlimit: Z3's resource units for one question."""

    def __init__(self, rlimit: int = 5_000_000, questions: int = 200_000, budget: Budget | None = None) -> None:
        self.budget = budget or Budget("", UNLIMITED)
        self._solver = 0
        self._library = library()
        self._call, self._ref = self._library.call, self._library.context
        self._library.set(MEMORY, 0)  # none: Z3 crashes where it has too little for a solver
        self.z3 = Terms()
        self._door = self.z3.door
        self._solver = self._call.mk_simple_solver(self._ref)
        self._expect()
        self._call.solver_inc_ref(self._ref, self._solver)
        if self.budget.memory is not None:  # of all solvers of the process
            self._library.set(MEMORY, max(self.budget.memory, LEAST))
        self._set("random_seed", 0)
        self._set("rlimit", rlimit)
        self._axioms = 0
        self._impossible: dict[frozenset[int], tuple[Term, ...]] = {}  # with the terms, so that each keeps its address
        self._possible: dict[frozenset[int], tuple[Reply, tuple[Term, ...]]] = {}  # while there are no more axioms
        self.left = questions
        self.asked = 0

    def __del__(self) -> None:
        if self._solver:
            self._call.solver_dec_ref(self._ref, self._solver)

    def _set(self, name: str, value: int) -> None:
        parameters = self._call.mk_params(self._ref)
        self._expect()
        self._call.params_inc_ref(self._ref, parameters)
        self._call.params_set_uint(self._ref, parameters, self._library.symbol(name), value)
        self._call.solver_set_params(self._ref, self._solver, parameters)
        self._expect()
        self._call.params_dec_ref(self._ref, parameters)

    def _expect(self) -> None:
        """Raises Z3Error where the last call went wrong."""
        if (wrong := self._library.wrong(self._ref)) is not None:
            raise wrong

    def assume(self, axioms: Sequence[Term]) -> None:
        """Take the axioms of an encoder that are new since the last call (the list only grows)."""
        if len(axioms) == self._axioms:
            return
        for axiom in axioms[self._axioms :]:
            self._require(axiom)
        self._axioms = len(axioms)
        self._possible.clear()

    def _require(self, term: Term) -> None:
        if term is not True:
            self._call.solver_assert(self._ref, self._solver, self._door.known(term).ast)
            self._expect()

    def ask(self, *terms: Term, shown: bool = True) -> Reply:
        """Whether all the terms can be true together. shown: else `model` only says that they can. Raises Spent.

        What was impossible once is not asked again, since there are only ever more axioms; what was possible is, when
        there are."""
        self.budget.check()
        if any(term is False for term in terms):
            return Reply()
        key = frozenset(term.ast for term in terms if term is not True)
        if key in self._impossible:
            return Reply()
        if (known := self._possible.get(key)) is not None and (known[0].model is not True or not shown):
            return known[0]
        if self.left == 0:
            return Reply(unknown="the budget of questions is used up")
        self.left -= 1
        self.asked += 1
        hurried = self.budget.left < LAST
        if hurried:  # one question must not take much longer than there is
            self._set("timeout", max(1, int(self.budget.left * 1000)))
        self._call.solver_push(self._ref, self._solver)
        self._expect()  # what is asked must not stay for ever
        try:
            for term in terms:
                self._require(term)
            status = self._call.solver_check(self._ref, self._solver)
            self._expect()
            if status == _SAT:
                if len(self._possible) >= KEPT:
                    self._possible.clear()
                reply = Reply(model=self._model() if shown else True)
                self._possible[key] = reply, terms
                return reply
            if status == _UNSAT:
                if len(self._impossible) >= REMEMBERED:
                    self._impossible.clear()
                self._impossible[key] = terms
                return Reply()
            if hurried:
                self.budget.met = self.budget.met or f"a question had less than {LAST:g} seconds"
            reason = self._call.solver_get_reason_unknown(self._ref, self._solver).decode()
            return Reply(unknown=SPENT if reason in _SPENT else reason)
        finally:
            self._call.solver_pop(self._ref, self._solver, 1)
            self._expect()

    def _model(self) -> Model:
        model = self._call.solver_get_model(self._ref, self._solver)
        self._expect()
        return Model(self._door, model)


# ---------------------------------------------------------------- as text


def spelt(term: Term) -> str:
    """A term in SMT-LIB, on one line."""
    if isinstance(term, bool):
        return "true" if term else "false"
    if isinstance(term, int):
        return str(term) if term >= 0 else f"(- {-term})"
    return " ".join(str(term.sexpr()).split())


def declared(terms: Sequence[Term]) -> tuple[str, ...]:
    """The declarations, one a line, of every unknown and function that occurs in some terms."""
    z3 = library()
    made = [term for term in terms if not isinstance(term, (bool, int))]
    facts = [term if term.logical else term >= 0 for term in made]
    asts = (c_void_p * len(facts))(*(fact.ast for fact in facts))
    last = door().true.ast
    text: bytes = z3.call.benchmark_to_smtlib_string(z3.context, b"", b"", b"", b"", len(facts), asts, last)
    return tuple(line for line in text.decode().split("\n") if line.startswith("(declare-fun "))


def answers(text: str) -> list[str]:
    """What Z3, in a context of its own, says to an SMT-LIB text, line by line: to each check-sat `unsat`, `sat` or
    `unknown`; an error about whatever it does not understand, and about an answer that is not the one announced."""
    z3 = library()
    own = z3.opened()
    try:
        said = (z3.call.eval_smtlib2_string(own, text.encode()) or b"").decode("utf-8", "replace")
        wrong = z3.wrong(own)  # its text is all that was said
        return [line for line in str(wrong or said).split("\n") if line]
    finally:
        z3.call.del_context(own)
