"""When two things are the same to all who look, and two evaluations end in the same way; things in, terms out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...dsl.model import ListType, NoneType, OptionalType, RecordType, Type
from ..checks.solver import Term
from ..checks.symbols import Symbol, unwrapped
from .logic import Logic, alike
from .things import Crash, Either, End, Event, Fault, Known, Made, Mapped, Plain, Several, Shown, Thing, Written


class Identity(Logic):
    """Makes the terms of that."""

    def identical(self, found: Thing, wanted: Thing) -> Term:
        """Whether two things are the same to all who look: equal, and of one type, decimals with the same places."""
        if found is wanted:
            return True
        for first, second in ((found, wanted), (wanted, found)):
            if isinstance(first, Either):
                one, other = self.identical(first.then, second), self.identical(first.otherwise, second)
                return self.either(first.condition, one, other)
        match found, wanted:
            case Plain(), Plain():
                return self._identical_plain(found, wanted)
            case Written(), Written():
                return self._identical_text(found, wanted)
            case Written(), Plain() | Known():
                return False
            case Mapped(), Mapped():
                return self._identical_each(found, wanted)
            case Known(), Known():
                return (found.kind, found.name) == (wanted.kind, wanted.name)
            case Made(), Made():
                alike_ = found.of == wanted.of and len(found.fields) == len(wanted.fields)
                return alike_ and self.all(*map(self.identical, found.fields, wanted.fields))
            case Made(), Plain(type=RecordType(name=name)):
                return found.of == name and self._identical_parts(found, wanted)
            case Plain(type=RecordType(name=name)), Made():
                return wanted.of == name and self._identical_parts(found, wanted)
            case ((Several() | Plain(type=ListType())), (Several() | Plain(type=ListType()))):
                return self._identical_parts(found, wanted)
            case _:
                pass
        for first, second in ((found, wanted), (wanted, found)):  # an optional record or list beside one that is there
            if isinstance(first, Plain) and isinstance(first.type, OptionalType):
                return self.all(first.symbol.some, self.identical(self.item(first), second))
        return False

    def _identical_parts(self, found: Thing, wanted: Thing) -> Term:
        parts, others = self.parts(found), self.parts(wanted)
        assert parts is not None and others is not None, "both are tuples"
        return self.same_parts(parts, others, self.identical)

    def _identical_plain(self, found: Plain, wanted: Plain) -> Term:
        one, other = found.symbol, wanted.symbol
        neither = self.all(self.no(one.some), self.no(other.some))
        a, b = unwrapped(found.type), unwrapped(wanted.type)
        if isinstance(a, NoneType) or isinstance(b, NoneType) or not alike(a, b):
            return neither
        return self.any(self.all(one.some, other.some, self._same_symbols(one, other, a)), neither)

    def _same_symbols(self, one: Symbol, other: Symbol, type: Type) -> Term:
        """Of values of one type that are there."""
        if one is other:
            return True
        match type:
            case RecordType(fields=fields):
                pairs = zip(one.fields, other.fields, fields, strict=True)
                return self.all(
                    *(self._identical_plain(Plain(each.type, a), Plain(each.type, b)) for a, b, each in pairs)
                )
            case ListType():
                return True if one.items is other.items else self.same(one, other)
            case _:
                return True if one.term is other.term else one.term == other.term

    def _identical_text(self, found: Written, wanted: Written) -> Term:
        if len(found.parts) != len(wanted.parts):
            return False
        terms: list[Term] = []
        for one, other in zip(found.parts, wanted.parts, strict=True):
            if isinstance(one, Shown) and isinstance(other, Shown):
                if one.style != other.style:
                    return False
                terms.append(self.identical(one.of, other.of))
            elif one != other:
                return False
        return self.all(*terms)

    def _identical_each(self, found: Mapped, wanted: Mapped) -> Term:
        """The lists are the same, and the same becomes of any item."""
        if found.item is not wanted.item:
            return False
        return self.all(self.identical(found.items, wanted.items), self.end_alike(found.events, wanted.events))

    def end_alike(self, found: Sequence[Event], wanted: Sequence[Event]) -> Term:
        """Whether two evaluations end in the same way; each ends in the first of its events that happens."""
        terms: list[Term] = []
        for condition, one in self.first(found):
            for other_condition, other in self.first(wanted):
                both = self.all(condition, other_condition)
                if both is not False:
                    terms.append(self.given(both, self.same_end(one.end, other.end)))
        return self.all(*terms)

    def first(self, events: Sequence[Event]) -> Iterator[tuple[Term, Event]]:
        """Each event with the condition that it is the first that happens."""
        left: Term = True
        for event in events:
            yield self.all(left, event.condition), event
            left = self.all(left, self.no(event.condition))

    def same_end(self, found: End, wanted: End) -> Term:
        """A crash is never what is wanted. Of an overflow nobody says where it is."""
        if isinstance(found, Crash | Fault) or isinstance(wanted, Crash | Fault):
            if not isinstance(found, Fault) or not isinstance(wanted, Fault):
                return False
            return found.code == wanted.code and (found.place == wanted.place or not (found.place and wanted.place))
        return self.identical(found, wanted)
