"""Tables as a module has them against what is demanded: things in, findings and the functions to be looked at out."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...dsl.source import Span
from .demands import Demand
from .findings import DECLARES, Finding
from .identity import Identity
from .shows import shown
from .tables import Chosen, Items, Maker, Members, Row, Rows, Wanted
from .things import Group, Known, Made, Several, Spread, Table, Thing


@dataclass(frozen=True, eq=False)
class Meeting:
    """What a module has where a function is demanded. line: of the row."""

    demand: Demand
    found: Thing
    line: int


@dataclass
class Comparison:
    """What has come of it until now."""

    logic: Identity
    findings: list[Finding] = field(default_factory=list[Finding])
    meetings: list[Meeting] = field(default_factory=list[Meeting])

    def differ(self, line: int, message: str, span: Span | None = None) -> None:
        self.findings.append(Finding(DECLARES, line, message, span))

    def compare(self, found: Thing, wanted: Wanted, what: str, line: int) -> None:
        """what: how a person would call it."""
        line = getattr(found, "line", 0) or line
        match wanted:
            case Demand():
                self.meetings.append(Meeting(wanted, found, line))
            case Maker():
                self._maker(found, wanted, what, line)
            case Rows():
                self._rows(found, wanted, what, line)
            case Members():
                self._members(found, wanted, what, line)
            case Chosen():
                self._chosen(found, wanted, what, line)
            case Items():
                self._items(found, wanted, what, line)
            case _:
                self._same(found, wanted, what, line)

    def _same(self, found: Thing, wanted: Thing, what: str, line: int) -> None:
        if self.logic.identical(found, wanted) is not True:
            self.differ(line, f"{what} is {shown(self.logic, found)}; the flow says {shown(self.logic, wanted)}")

    def _maker(self, found: Thing, wanted: Maker, what: str, line: int) -> None:
        if not isinstance(found, Made) or found.of != wanted.of:
            self.differ(line, f"{what} is {shown(self.logic, found)}; it should be a `{wanted.of}`")
            return
        fields = dict(zip(found.names, found.fields, strict=True))
        for name, value in wanted.fields:
            self.compare(fields[name], value, f"{what}, {name}" if what else name, line)

    def _items(self, found: Thing, wanted: Items, what: str, line: int) -> None:
        parts = self.logic.parts(found)
        if parts is None or isinstance(found, Made):
            self.differ(line, f"{what} is {shown(self.logic, found)}; it should be a tuple")
            return
        single = [part for part in parts if not isinstance(part, Spread)]
        if len(single) != len(parts) or len(parts) != len(wanted.items):
            self.differ(line, f"{what} has {len(parts)} items; the flow says {len(wanted.items)}")
            return
        for number, (part, each) in enumerate(zip(single, wanted.items, strict=True), 1):
            self.compare(part, each, f"{what}, item {number}", line)

    def _members(self, found: Thing, wanted: Members, what: str, line: int) -> None:
        if not isinstance(found, Group):
            self.differ(line, f"{what} is {shown(self.logic, found)}; it should be a frozenset")
            return
        left = list(found.members)
        for member in wanted.members:
            same = next((each for each in left if self.logic.identical(each, member) is True), None)
            if same is None:
                self.differ(line, f"{what} lacks {shown(self.logic, member)}")
            else:
                left = [each for each in left if each is not same]
        for each in left:
            if not any(self.logic.identical(each, member) is True for member in wanted.members):
                self.differ(line, f"{what} has {shown(self.logic, each)}, of which the flow knows nothing")

    def _chosen(self, found: Thing, wanted: Chosen, what: str, line: int) -> None:
        if not isinstance(found, Several):
            self.differ(line, f"{what} is {shown(self.logic, found)}; it should be a tuple")
            return
        for part in found.parts:
            demand = wanted.demands.get(part.name) if isinstance(part, Known) and part.kind == "class" else None
            if demand is None or isinstance(part, Spread):
                self.differ(line, f"{what} has something in it that is not answered at once")
            else:
                self.meetings.append(Meeting(demand, part, line))

    def _rows(self, found: Thing, wanted: Rows, what: str, line: int) -> None:
        if not isinstance(found, Table):
            self.differ(line, f"{what} is {shown(self.logic, found)}; it should be a table")
            return
        named: dict[str, list[Row]] = {}  # so that not every key has to be held against every other
        for each in wanted.rows:
            named.setdefault(shown(self.logic, each.key), []).append(each)
        order: dict[int, Row] = {}
        for key, value, row_line in found.rows:
            told = shown(self.logic, key)
            row = next((row for row in named.get(told, ()) if self.logic.identical(key, row.key) is True), None)
            name = f"{what}, {told}" if what else told
            if row is None:
                self.differ(row_line, f"{name}: the flow knows nothing of it")
            elif id(row) in order:
                self.differ(row_line, f"{name} is there twice")
            else:
                order[id(row)] = row
                self.compare(value, row.value, name, row_line)
        for each in wanted.rows:
            if id(each) not in order:
                span = each.value.span if isinstance(each.value, Demand) else None
                self.differ(line, f"{what} lacks {shown(self.logic, each.key)}", span)
        if wanted.ordered and len(order) == len(wanted.rows) and [*order] != [*map(id, wanted.rows)]:
            self.differ(line, f"{what}: the rows are not in the order of the flow")
