"""The trail of one evaluation: conditions in, how it may end out, in the order in which that would happen.

Evaluation goes through all cases at once. What is evaluated under a condition is evaluated for it alone; the first
event whose condition holds is how the evaluation ends.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from ...dsl.model import DurationType, InstantType, IntType, Type
from ..checks.solver import Term
from ..checks.symbols import DURATIONS, INSTANTS, Symbol
from .errors import Refused
from .logic import Logic, Unlike, Unread
from .things import VOID, Crash, End, Event, Fault, Mapped, Plain, Thing, Void


class Trail:
    """What one evaluation has met until now. `where`: a line of the module or an offset in the text of the flow."""

    def __init__(self, logic: Logic) -> None:
        self.logic = logic
        self.path: Term = True
        self.where = 0
        self.events: list[Event] = []
        self._hidden: int | None = None

    @contextmanager
    def under(self, condition: Term) -> Generator[None, None, None]:
        """Evaluate for the cases in which a condition holds."""
        before = self.path
        self.path = self.logic.all(before, condition)
        try:
            yield
        finally:
            self.path = before

    def end(self, condition: Term, end: End) -> None:
        """The evaluation ends here where the condition holds."""
        whole = self.logic.all(self.path, condition)
        if whole is not False:
            self.events.append(Event(whole, end, self.where))

    def crash(self, error: str, why: str) -> Void:
        self.end(True, Crash(error, why))
        return VOID

    def mapped(self, mapped: Mapped) -> Mapped:
        """What becomes of each item of a list. Its faults are not on the trail, so nothing else may be behind it."""
        if any(isinstance(event.end, Fault | Crash) for event in mapped.events):
            self._hidden = len(self.events)
        return mapped

    def settled(self) -> None:
        """Raises Refused where what may fail comes after what may fail for some item of a list."""
        behind = [] if self._hidden is None else self.events[self._hidden :]
        for event in behind:
            if isinstance(event.end, Fault | Crash):
                raise Refused(event.where, "this may fail after an item of a list may have failed")

    # ------------------------------------------------------------ cases

    def each(self, make: Callable[..., Thing], *things: Thing) -> Thing:
        """What is made of things that are neither optional nor one of two; of others, in each case. A TypeError of
        Python ends the evaluation."""
        for index, thing in enumerate(things):
            if isinstance(thing, Void):
                return VOID
            cut = self.logic.split(thing)
            if cut is None:
                continue
            condition, then, otherwise = cut
            before, after = things[:index], things[index + 1 :]
            with self.under(condition):
                one = VOID if self.path is False else self.each(make, *before, then, *after)
            with self.under(self.logic.no(condition)):
                other = VOID if self.path is False else self.each(make, *before, otherwise, *after)
            return self.logic.choose_thing(condition, one, other)
        try:
            return make(*things)
        except Unlike as unlike:
            return self.crash("TypeError", str(unlike))
        except Unread:
            raise Refused(self.where, "such an operation is not what penstock writes") from None

    def one(self, make: Callable[[Thing], Thing], thing: Thing) -> Thing:
        """`each` of one thing."""
        return self.each(make, thing)

    def two(self, make: Callable[[Thing, Thing], Thing], one: Thing, other: Thing) -> Thing:
        """`each` of two things."""
        return self.each(make, one, other)

    def truth(self, thing: Thing) -> Term:
        """Whether Python takes it for true."""
        found = self.one(lambda atom: self.logic.truth(self.logic.holds(atom)), thing)
        return found.symbol.term if isinstance(found, Plain) else False

    # ------------------------------------------------------------ arithmetic that both sides have

    def summed(self, term: Term, type: Type) -> Plain:
        """A duration or an instant that was computed. Python raises OverflowError for one it cannot represent, which
        the runtime makes a Fault of the flow; so does the interpreter."""
        low, high = DURATIONS if isinstance(type, DurationType) else INSTANTS
        self.end(self.logic.any(term < low, term > high), Fault("F401", ""))
        return Plain(type, Symbol(term))

    def quotient(self, dividend: Term, divisor: Term) -> Term:
        """`//`: rounds toward minus infinity; Z3's own leaves a remainder that is never negative."""
        if isinstance(dividend, int) and isinstance(divisor, int):
            return dividend // divisor if divisor else 0
        logic = self.logic
        whole = logic.term(dividend)
        return logic.pick(divisor > 0, whole / divisor, -whole / -divisor)

    def added(self, op: str, one: Thing, other: Thing) -> Thing:
        """`+ - * // %` of Python on what is neither a Decimal nor a text. A zero divisor is asked for before. Raises
        Unlike; KeyError for what flows never compute with it."""
        match op, one, other:
            case _, Plain(type=IntType(), symbol=a), Plain(type=IntType(), symbol=b):
                return Plain(IntType(), Symbol(self._computed(op, a.term, b.term)))
            case "+" | "-", Plain(type=DurationType(), symbol=a), Plain(type=DurationType(), symbol=b):
                return self.summed(self._computed(op, a.term, b.term), one.type)
            case "*", Plain(type=DurationType(), symbol=a), Plain(type=IntType(), symbol=b):
                return self.summed(a.term * b.term, one.type)
            case "*", Plain(type=IntType(), symbol=a), Plain(type=DurationType(), symbol=b):
                return self.summed(a.term * b.term, other.type)
            case "+" | "-", Plain(type=InstantType(), symbol=a), Plain(type=DurationType(), symbol=b):
                return self.summed(self._computed(op, a.term, b.term), one.type)
            case "+", Plain(type=DurationType(), symbol=a), Plain(type=InstantType(), symbol=b):
                return self.summed(a.term + b.term, other.type)
            case "-", Plain(type=InstantType(), symbol=a), Plain(type=InstantType(), symbol=b):
                return Plain(DurationType(), Symbol(a.term - b.term))
            case _:
                raise KeyError(op)

    def _computed(self, op: str, a: Term, b: Term) -> Term:
        match op:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return a * b
            case "//":
                return self.quotient(a, b)
            case _:
                return a - b * self.quotient(a, b)
