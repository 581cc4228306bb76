"""The only door to Z3: terms in, `Reply` out, always with the same seed and a resource limit instead of a clock.

Z3 is imported when a Solver is made and not before. Nothing outside `encode` builds terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ...dsl.values import dataclass
from .budget import Budget
from .terms import Terms

Term = Any
"""A Z3 term, or a plain bool or int where the value is known."""


SPENT = "what it may spend on one question was used up"
_SPENT = {"canceled", "max. resource limit exceeded"}
"""What Z3 says then."""


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
MEMORY = "memory_max_size"  # in MB, of what Z3 holds; when there is no more, it raises a Z3Exception
LEAST = 64  # MB; a process that imports Z3 holds more than that


class Solver:
    """One incremental Z3 solver for a whole run of checks. rlimit: Z3's resource units for one question."""

    def __init__(self, rlimit: int = 5_000_000, questions: int = 200_000, budget: Budget | None = None) -> None:
        module: Any = import_module("z3")
        self._sat, self._unsat = module.sat, module.unsat
        self.budget = budget or Budget("", UNLIMITED)
        module.set_param(MEMORY, 0)  # none: Z3 crashes where it has too little for a solver
        self.z3 = Terms(module)
        self._door = self.z3.door
        self._solver: Any = module.SimpleSolver()
        if self.budget.memory is not None:  # of all solvers of the process
            module.set_param(MEMORY, max(self.budget.memory, LEAST))
        self._solver.set("random_seed", 0)
        self._solver.set("rlimit", rlimit)
        self._axioms = 0
        self._impossible: dict[frozenset[int], tuple[Term, ...]] = {}  # with the terms, so that each keeps its address
        self._possible: dict[frozenset[int], tuple[Reply, tuple[Term, ...]]] = {}  # while there are no more axioms
        self.left = questions
        self.asked = 0

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
            self._door.require(self._solver.solver, self._door.known(term))

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
            self._solver.set("timeout", max(1, int(self.budget.left * 1000)))
        self._solver.push()
        try:
            for term in terms:
                self._require(term)
            status = self._solver.check()
            if status == self._sat:
                if len(self._possible) >= KEPT:
                    self._possible.clear()
                reply = Reply(model=self._solver.model() if shown else True)
                self._possible[key] = reply, terms
                return reply
            if status == self._unsat:
                if len(self._impossible) >= REMEMBERED:
                    self._impossible.clear()
                self._impossible[key] = terms
                return Reply()
            if hurried:
                self.budget.met = self.budget.met or f"a question had less than {LAST:g} seconds"
            reason = str(self._solver.reason_unknown())
            return Reply(unknown=SPENT if reason in _SPENT else reason)
        finally:
            self._solver.pop()


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
    z3: Any = import_module("z3")
    made = [term for term in terms if not isinstance(term, (bool, int))]
    facts = [term if term.logical else term >= 0 for term in made]
    asts = (z3.Ast * len(facts))(*(fact.ast for fact in facts))
    last = z3.BoolVal(True)
    text = z3.Z3_benchmark_to_smtlib_string(last.ctx_ref(), "", "", "", "", len(facts), asts, last.as_ast())
    return tuple(line for line in str(text).split("\n") if line.startswith("(declare-fun "))


def answers(text: str) -> list[str]:
    """What Z3, in a context of its own, says to an SMT-LIB text, line by line: to each check-sat `unsat`, `sat` or
    `unknown`; an error about whatever it does not understand, and about an answer that is not the one announced."""
    z3: Any = import_module("z3")
    own = z3.Context()
    try:
        said = z3.Z3_eval_smtlib2_string(own.ref(), text)
    except z3.Z3Exception as error:  # its text is all that was said, in bytes
        first: object = error.args[0] if error.args else ""
        said = first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)
    return [line for line in str(said).split("\n") if line]
