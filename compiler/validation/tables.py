"""What a kernel demands of the tables of its module: `_RULES`, what the runtime applies; as things and demands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...dsl.model import Compensation, DurationType, IntType, Value
from ..kernel import Choice as KernelChoice
from ..kernel import Kernel, Leaf, LeafKind, On, Place, Scope, ScopeKind, TriggerKind
from .demands import Demand, Demands
from .things import NONE, Known, Plain, Thing


@dataclass(frozen=True, eq=False)
class Row:
    key: Thing
    value: Wanted


@dataclass(frozen=True, eq=False)
class Rows:
    """A table; ordered: its rows are in the order of the text."""

    rows: tuple[Row, ...]
    ordered: bool = False


@dataclass(frozen=True, eq=False)
class Members:
    """A set."""

    members: tuple[Thing, ...]


@dataclass(frozen=True, eq=False)
class Chosen:
    """A tuple of some of these classes, each of which then has to keep a demand."""

    demands: Mapping[str, Demand]


@dataclass(frozen=True, eq=False)
class Maker:
    """What a class is to be called for, with these fields."""

    of: str
    fields: tuple[tuple[str, Wanted], ...]


@dataclass(frozen=True, eq=False)
class Items:
    """A tuple."""

    items: tuple[Wanted, ...]


Wanted: TypeAlias = Thing | Demand | Rows | Members | Chosen | Maker | Items


class Tables:
    """Makes them."""

    def __init__(self, demands: Demands) -> None:
        self.demands = demands
        self.logic = demands.logic
        self.kernel: Kernel = demands.kernel
        self.names = demands.names

    # ------------------------------------------------------------ values

    def text(self, text: str) -> Plain:
        return self.logic.words(text)

    def texts(self, texts: Sequence[str]) -> Items:
        return Items(tuple(map(self.text, texts)))

    def whole(self, value: int | None) -> Plain:
        return self.logic.plain(value, IntType()) if value is not None else NONE

    def duration(self, value: Value) -> Plain:
        return NONE if value is None else self.logic.plain(value, DurationType())

    def by_name(self, rows: Mapping[str, Wanted] | Sequence[tuple[str, Wanted]]) -> Rows:
        pairs = rows.items() if isinstance(rows, Mapping) else rows
        return Rows(tuple(Row(self.text(name), value) for name, value in pairs))

    # ------------------------------------------------------------ the rules

    def rules(self, initial: Thing) -> Maker:
        kernel, demands = self.kernel, self.demands
        expire = next((command for command in kernel.commands[1:] if not command.scope), None)
        deadline = kernel.deadline
        undone = [(a, a.effect) for a in kernel.activities if isinstance(a.effect, Compensation) and not a.flow]
        return Maker(
            "rules.Rules",
            (
                ("initial", initial),
                ("start", demands.way("the start", kernel.commands[0])),
                ("states", self.places([(leaf, self.state(leaf)) for leaf in self.leaves(LeafKind.STATE)])),
                ("finals", self.ends(LeafKind.FINAL, LeafKind.FAILURE)),
                ("scopes", self.places([(scope, self.scope(scope)) for scope in kernel.scopes[1:]])),
                ("ends", self.ends(LeafKind.REGION_DONE, LeafKind.REGION_FAILED)),
                ("choices", Rows(tuple(map(self.choice, kernel.choices)))),
                ("undo", self.by_name([(a.name, demands.undo(a, effect)) for a, effect in undone])),
                ("deadline", NONE if deadline is None else demands.deadline(deadline)),
                ("expire", NONE if expire is None else demands.way("what follows the deadline", expire)),
                ("escalations", self.by_name(list(self.escalations()))),
                ("reminders", self.by_name(list(self.reminders()))),
                ("savepoints", self.members(kernel.savepoints)),
                ("resumed", self.members(kernel.resumed)),
                ("counted", self.members(kernel.counted)),
                ("located", self.logic.truth(demands.located)),
            ),
        )

    def leaves(self, *kinds: LeafKind) -> list[Leaf]:
        return sorted((leaf for leaf in self.kernel.leaves if leaf.kind in kinds), key=lambda leaf: leaf.span.start)

    def places(self, places: Sequence[tuple[Place, Wanted]]) -> Rows:
        ordered = sorted(places, key=lambda pair: pair[0].span.start)
        return Rows(tuple(Row(self.demands.node(place.name), value) for place, value in ordered), ordered=True)

    def members(self, names: Collection[str]) -> Members:
        return Members(tuple(map(self.demands.node, sorted(names))))

    def ends(self, good: LeafKind, bad: LeafKind) -> Rows:
        """Finals: whether each is a failure."""
        rows = (
            Row(self.demands.node(leaf.name), self.logic.truth(leaf.kind is bad)) for leaf in self.leaves(good, bad)
        )
        return Rows(tuple(rows), ordered=True)

    def state(self, leaf: Leaf) -> Maker:
        return Maker("rules.StateRules", (*self.said(leaf), ("group", self.group(leaf)), ("prompt", self.prompt(leaf))))

    def prompt(self, leaf: Leaf) -> Chosen:
        """The events that may be answered at once: nothing ends with leaving the state, and they always move it."""
        events = self.answered(leaf, TriggerKind.EVENT) if self.demands.calm(leaf.name) else []
        return Chosen({self.names.event[on.name]: self.demands.prompt(leaf, on) for on in events})

    def scope(self, scope: Scope) -> Maker:
        name = scope.name
        start: Wanted = NONE
        if scope.kind is not ScopeKind.PARALLEL and scope.start is not None:
            start = self.demands.way(f"the start of {name}", scope.start)
        joins: dict[str, Wanted] = {}
        for command in self.kernel.scoped.get(name, ()):
            if command.on is not None and command.on.kind is TriggerKind.JOIN and command.on.name not in joins:
                way = self.demands.way(f"`{command.on.name}` of {name}", command)
                place = self.text(self.demands.place(command.span))
                joins[command.on.name] = Maker("rules.Join", (("way", way), ("place", place)))
        return Maker("rules.ScopeRules", (("start", start), *self.said(scope), ("joins", self.by_name(joins))))

    def said(self, place: Leaf | Scope) -> Iterator[tuple[str, Wanted]]:
        """What states and scopes have in common."""
        entry = self.demands.entry(place)
        yield "enter", Known("runtime", "rules.nothing_begins") if entry is None else entry
        if isinstance(place, Leaf):
            yield "outcomes", self.answers(place, TriggerKind.OUTCOME)
        yield "events", self.events(place)
        yield "timers", self.answers(place, TriggerKind.TIMER)
        call = place.call if isinstance(place, Leaf) else None
        begins = [timer.id for timer in place.timers] + [task.name for task in place.tasks]
        begins += [] if call is None else [call.activity]
        yield "begins", Members(tuple(map(self.text, begins)))

    def answered(self, place: Place, *kinds: TriggerKind) -> list[On]:
        """The triggers that commands of a place are written for."""
        found = [command.on for command in self.kernel.scoped.get(place.name, ()) if command.on is not None]
        return [on for on in dict.fromkeys(found) if on.kind in kinds]

    def answers(self, place: Place, kind: TriggerKind) -> Rows:
        return self.by_name([(on.name, self.demands.answer(place, on)) for on in self.answered(place, kind)])

    def events(self, place: Place) -> Rows:
        """Of events and tasks: those with commands, then those that are only ignored, or deferred."""
        rows: dict[str, Wanted] = {
            on.name: self.demands.answer(place, on) for on in self.answered(place, TriggerKind.EVENT, TriggerKind.TASK)
        }
        for event in self.kernel.events:
            quiet = "IGNORE" if event.name in place.ignores else "DEFER" if event.name in place.defers else ""
            if quiet and event.name not in rows:
                rows[event.name] = Known("runtime", f"rules.{quiet}")
        return Rows(tuple(Row(Known("class", self.names.event[name]), value) for name, value in rows.items()))

    def group(self, leaf: Leaf) -> Wanted:
        """Of a state that calls for each item."""
        call = leaf.call
        if call is None or call.each is None:
            return NONE
        answers = [on.name for on in self.answered(leaf, TriggerKind.OUTCOME)]
        return Maker(
            "rules.Group",
            (
                ("activity", self.text(call.activity)),
                ("answers", Members(tuple(map(self.text, answers)))),
                ("quota", self.whole(call.each.quota)),
                ("place", self.text(self.demands.place(call.span))),
            ),
        )

    def choice(self, choice: KernelChoice) -> Row:
        place = self.text(self.demands.place(choice.span))
        fields = (("branch", self.demands.branch(choice)), ("place", place))
        return Row(self.demands.node(choice.name), Maker("rules.ChoiceRules", fields))

    def escalations(self) -> Iterator[tuple[str, Wanted]]:
        for timer in self.kernel.timers():
            if timer.escalates is not None:
                task, escalation = timer.escalates
                yield timer.id, self.texts((task, escalation.role))

    def reminders(self) -> Iterator[tuple[str, Wanted]]:
        for timer in self.kernel.timers():
            if timer.reminds is not None:
                task = self.kernel.task[timer.reminds]
                fields = (self.text(task.name), self.duration(task.remind), self.whole(task.most_reminders))
                yield timer.id, Maker("rules.Reminder", tuple(zip(("task", "every", "most"), fields, strict=True)))
