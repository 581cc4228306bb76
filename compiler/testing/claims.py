"""Properties in Python: an `always` or `never` of a flow in, the lines of a function that says whether it holds out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...dsl import model
from ...dsl.model import (
    Always,
    Binary,
    BoolType,
    Compensating,
    Count,
    Elapsed,
    Expr,
    InState,
    Literal,
    Standing,
    Unary,
    Value,
)
from ...dsl.walk import nodes
from ..checks.claims import required
from ..codegen.expressions import Printer
from ..codegen.literals import AND, ATOM, NOT, OR, Code, quoted
from ..kernel import Kernel


@dataclass(frozen=True)
class ClaimPrinter(Printer):
    """Conditions of properties, which ask the record itself for more than its data."""

    record: str = ""

    def code(self, expr: Expr) -> Code:
        match expr:
            case InState(state):
                return Code(f"{self.record}.is_in({self.names.states}.{self.names.state[state]})")
            case Standing(activity):
                return Code(f"laws.done({self.record}, {quoted(activity)})")
            case Count(activity):
                return Code(f"laws.count({self.record}, {quoted(activity)})")
            case Compensating():
                return Code(f"{self.record}.compensating")
            case Elapsed():
                return Code(f"laws.elapsed({self.record}, now)")
            case Unary("not", InState() | Standing() | Compensating() as operand):
                return Code(f"not {self.code(operand).at(ATOM)}", NOT)
            case Binary("implies", left, right):
                return self._either(denied(left), right)
            case Binary("or", left, right):
                return self._either(left, right)
            case _:
                return super().code(expr)

    def _either(self, left: Expr, right: Expr) -> Code:
        """With parentheses around what `and` joins, which are not needed but for readers."""
        one, other = self.code(left), self.assuming(left, False).code(right)
        first = one.text if one.level == OR else one.at(AND + 1)
        return Code(f"{first} or {other.at(AND + 1)}", OR, one.partial or other.partial)

    def returned(self, expr: Expr, width: int) -> Iterator[str]:
        """The lines of a function that answers with a condition; one that is too long is answered part by part."""
        line = f"return {self.code(expr).text}"
        match expr:
            case _ if len(line) <= width:
                yield line
            case Unary("not", Binary("and", left, right)):
                yield from self._unless(denied(left), True, denied(right), width)
            case Unary("not", Binary("or", left, right)):
                yield from self._unless(left, False, denied(right), width)
            case Binary("implies", left, right):
                yield from self._unless(denied(left), True, right, width)
            case Binary("or", left, right):
                yield from self._unless(left, True, right, width)
            case Binary("and", left, right):
                yield from self._unless(denied(left), False, right, width)
            case _:
                yield line

    def _unless(self, first: Expr, answer: bool, rest: Expr, width: int) -> Iterator[str]:
        yield f"if {self.code(first).text}:"
        yield f"    return {answer}"
        yield from replace(self, some=self.assuming(first, False).some).returned(rest, width)


def denied(expr: Expr) -> Expr:
    """That a condition is not true."""
    return expr.operand if isinstance(expr, Unary) and expr.op == "not" else Unary("not", expr, BoolType(), expr.span)


def text(kernel: Kernel, claim: Always) -> str:
    """A property as it is written, on one line."""
    return " ".join(kernel.source.slice(claim.span).split())


def condition(claim: Always) -> Expr:
    """What is to be true everywhere."""
    return required(claim)


def promised(kernel: Kernel) -> tuple[Always, ...]:
    """The properties that every configuration must have."""
    return tuple(claim for claim in kernel.properties if isinstance(claim, Always))


def constants(kernel: Kernel) -> list[tuple[Value, model.Type]]:
    """What a flow compares data with, each once: numbers, amounts, texts and times, in the order of the text."""
    found: dict[tuple[str, str], tuple[Value, model.Type]] = {}
    for expr in _guards(kernel):
        for node in nodes(expr):
            if isinstance(node, Literal) and isinstance(node.type, _COMPARED) and node.value is not None:
                found.setdefault((type(node.value).__name__, str(node.value)), (node.value, node.type))
    return list(found.values())


_COMPARED = (model.IntType, model.DecimalType, model.TextType, model.DurationType, model.InstantType)


def _guards(kernel: Kernel) -> Iterator[Expr]:
    yield from kernel.guards.values()
    yield from (claim.condition for claim in promised(kernel))
    for activity in kernel.activities:
        yield from activity.ensures
