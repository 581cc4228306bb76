"""The way from place to place: where to go in, what is left and entered out; a configuration in, the next one out.

Nothing here knows triggers: `progress` does. What is left and entered follows from the tree of `places`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Generic, NamedTuple

from .books import Books
from .core import (
    DEADLINE,
    WITHDRAWN,
    ArmTimer,
    DropEvent,
    Entry,
    Fault,
    Finish,
    Ledger,
    Rejected,
    StartCompensation,
    Undoing,
)
from .fields import Fields
from .rules import Choice, D, E, Goto, I, Moved, Rules, S, Say, Since, Stay, Undo, Way
from .spec import FlowSpec


class Goal(NamedTuple, Generic[S]):
    """A place to enter, and the leaves it is entered at."""

    place: S
    leaves: tuple[S, ...]


class Passage(Books[E], Generic[I, D, S, E]):
    """The record as far as the step has come, and what it asks of the host until now."""

    def __init__(self, rules: Rules[I, D, S, E], spec: FlowSpec, rest: Fields[I, D, S, E], now: datetime) -> None:
        super().__init__(rest.ledger, spec, rules.escalations, rules.reminders)
        self.rules = rules
        self.places = rules.places
        self.now = now
        self.inputs = rest.inputs
        self.data = rest.data
        self.at = rest.at
        self.passed: set[Choice] = set()  # choices of the transition under way: none may come twice
        self.followed: set[tuple[S, str]] = set()  # joins and empty groups in this step: none may come twice
        self.moved = False  # whether any transition was taken

    def fields(self) -> tuple[I, D, tuple[S, ...], Ledger[E]]:
        """Inputs, data, configuration and ledger after the step."""
        return self.inputs, self.data, self.at, self.closed()

    def where(self) -> tuple[frozenset[S], ...]:
        """What answers and branches are told of it, if they ask: the active places."""
        return (frozenset(self.places.active(self.at)),) if self.rules.located else ()

    # ------------------------------------------------------------ the way

    def take(self, place: S | None, moved: Moved[D, S]) -> None:
        """A transition of a place; None: of the flow."""
        self.passed.clear()
        self.go(place, self.noted(moved))

    def go(self, place: S | None, move: Goto[S] | Undo[S] | Stay) -> bool:
        """Whether a place was entered, and it was not only stayed or begun to compensate."""
        self.moved = True
        if isinstance(move, Stay):
            return False
        end = self.way(move)
        if isinstance(end, Goal):
            domain = self.places.domain(place, end.place)
            self.leave(domain)
            self.enter(domain, end.leaves)
            return True
        self.leave(None)
        since = 0 if end.since is None else dict(self.marks).get(end.since, 0)
        self.undoing = Undoing(since, str(end.node))
        self.unwind()
        return False

    def way(self, move: Goto[S] | Undo[S]) -> Goal[S] | Undo[S]:
        """Where a transition leads in the end; the data as updated on the way."""
        end = self.follow(move)
        while isinstance(end, Goto):
            place = self.place(end)
            found = self.leaves(place, end.resume)
            if isinstance(found, Goal):
                return Goal(place, found.leaves)
            end = found
        return end

    def follow(self, move: Goto[S] | Undo[S]) -> Goto[S] | Undo[S]:
        """Through choices, to a place or a compensation."""
        while isinstance(move, Goto) and isinstance(move.node, Choice):
            move = self.further(self.branch(move.node))
        return move

    def noted(self, moved: Moved[D, S]) -> Goto[S] | Undo[S] | Stay:
        """What its updates did: the data as it is then, and messages."""
        self.data, move = moved
        if isinstance(move, Say):
            self.effects.extend(move.messages)
            return move.move
        return move

    def further(self, moved: Moved[D, S]) -> Goto[S] | Undo[S]:
        """Of a branch or the start of a scope, which leads somewhere."""
        move = self.noted(moved)
        assert not isinstance(move, Stay), "only transitions stay"
        return move

    def led(self, way: Way[I, D, S]) -> Moved[D, S]:
        """Where something leads that asks for nothing."""
        return way(self.inputs, self.data, self.now) if callable(way) else (self.data, way)

    def branch(self, choice: Choice) -> Moved[D, S]:
        rules = self.rules.choices[choice]
        if choice in self.passed:
            raise Fault("F005", rules.place, f"{choice} is passed a second time in one step")
        self.passed.add(choice)
        moved = rules.branch(self.inputs, self.data, self.now, *self.where())
        if moved is None:
            raise self.rejected(choice, "unhandled")
        return moved

    @staticmethod
    def place(move: Goto[S]) -> S:
        assert not isinstance(move.node, Choice), "choices have been followed"
        return move.node

    def leaves(self, place: S, resume: bool = False) -> Goal[S] | Goto[S] | Undo[S]:
        """The leaves at which a place is entered; or, if its start leads out of it, where that leads."""
        if place not in self.rules.scopes:
            return Goal(place, (place,))
        left = dict(self.history).get(place) if resume else None
        if left is not None:
            return Goal(place, tuple(self.places.named[leaf] for leaf in left))
        start = self.rules.scopes[place].start
        if start is not None:
            return self.begun(place, self.follow(self.further(self.led(start))))
        found: tuple[S, ...] = ()
        for region in self.places.regions[place]:
            begun = self.leaves(region)
            if not isinstance(begun, Goal):
                return begun
            found += begun.leaves
        return Goal(place, found)

    def begun(self, scope: S, move: Goto[S] | Undo[S]) -> Goal[S] | Goto[S] | Undo[S]:
        """Where the start of a scope leads."""
        while isinstance(move, Goto) and scope in self.places.around[self.place(move)][1:]:
            found = self.leaves(self.place(move), move.resume)
            if isinstance(found, Goal):
                return Goal(scope, found.leaves)
            move = found
        return move

    # ------------------------------------------------------------ leaving and entering

    def leave(self, domain: S | None) -> None:
        """Leave every place inside the domain; None: every place."""
        around = self.places.around
        leaves = self.at if domain is None else tuple(leaf for leaf in self.at if domain in around[leaf][1:])
        left = {place for leaf in leaves for place in self.places.inside(domain, leaf)}
        if self.rules.resumed:
            for place in sorted(self.rules.resumed & left):
                inner = tuple(str(leaf) for leaf in leaves if place in around[leaf])
                self.history = (*(pair for pair in self.history if pair[0] != place), (str(place), inner))
        for call in self.calls:
            if call.leaf in left:
                self.drop(call)
        self.end(left)
        if self.vacant:
            self.vacant = tuple(leaf for leaf in self.vacant if leaf not in left)
        self.at = () if domain is None else tuple(leaf for leaf in self.at if leaf not in left)

    def end(self, places: Collection[S]) -> None:
        """Cancel the timers of these places and close their tasks."""
        home = self.rules.home
        for armed in self.timers:
            if home.get(armed.timer) in places:
                self.cancel(armed)
        for work in self.tasks:
            if home.get(work.task) in places:
                self.close(work)

    def enter(self, domain: S | None, leaves: tuple[S, ...]) -> None:
        """Enter these leaves and, before them, the scopes around them that lie inside the domain."""
        if not self.rules.scopes:
            self.at = leaves
            self.arrive(leaves[0])
            return
        self.at = self.places.ordered((*self.at, *leaves))
        for place in dict.fromkeys(p for leaf in leaves for p in reversed(self.places.inside(domain, leaf))):
            self.arrive(place)

    def arrive(self, place: S) -> None:
        failure = self.rules.finals.get(place)
        if failure is not None:
            self.finish(place, failure)
            return
        if place in self.rules.savepoints:
            self.marks = (*(pair for pair in self.marks if pair[0] != place), (str(place), self.counter))
        if place in self.rules.counted:
            self.moments = (*(pair for pair in self.moments if pair[0] != place), (str(place), self.now))
        if place in self.rules.ends:
            self.end({self.places.around[place][1]})
            return
        arrival = self.rules.said[place].enter(self.inputs, self.data, self.now)
        for timer in arrival.timers:
            self.arm(timer if isinstance(timer, ArmTimer) else self.due(timer))
        for task in arrival.tasks:
            self.open(task)
        if arrival.call is not None:
            self.call(arrival.call, str(place))

    def due(self, timer: Since) -> ArmTimer:
        return ArmTimer(timer.timer, dict(self.moments).get(timer.place, self.now) + timer.after)

    def finish(self, state: str, failure: bool) -> None:
        for armed in self.timers:
            self.cancel(armed)
        self.effects.extend(DropEvent(self.spec.kinds[type(trigger)].name) for trigger in self.deferred)
        self.deferred = ()
        self.effects.append(Finish(state, failure))

    # ------------------------------------------------------------ the compensation log

    def unwind(self) -> None:
        """Go on with the compensation under way, if there is one, unless it waits; in the end, enter its target."""
        undoing = self.undoing
        if undoing is None:
            return
        while self.log and self.log[-1].serial > undoing.since:
            entry = self.log[-1]
            if undoing.running is not None or entry.in_flight:
                return
            compensation = self.spec.activities[entry.activity].compensation
            if compensation is not None:
                self.compensate(entry, compensation, undoing)
                return
            self.log = self.log[:-1]
        self.undoing = None
        if undoing.node == WITHDRAWN:
            self.finish(WITHDRAWN, True)
        elif self.go(None, Goto(self.node(undoing.node))):
            self.rearm()

    def compensate(self, entry: Entry, compensation: str, undoing: Undoing) -> None:
        key = f"{entry.key}/undo"
        undo = self.rules.undo.get(entry.activity)  # none of a flow, which knows by itself what to undo
        args = () if undo is None else undo(self.inputs, entry.result, *entry.args)
        self.undoing = undoing._replace(running=key)
        self.effects.append(StartCompensation(key, compensation, args, entry.key))

    def node(self, name: str) -> S | Choice:
        """The place or choice of this name."""
        place = self.places.named.get(name)
        return next(choice for choice in self.rules.choices if choice == name) if place is None else place

    def rearm(self) -> None:
        """Ask for the deadline again, if it fell due while it could not fire."""
        self.effects.extend(armed for armed in self.timers if armed.timer == DEADLINE and armed.due <= self.now)

    def rejected(self, trigger: object, reason: str, detail: str = "") -> Rejected:
        return Rejected(", ".join(self.at), trigger, reason, detail)
