"""One step under way: a record, its flow's rules and a trigger in; the fields of the next record and the effects out.

This is the meaning of a flow (K1 to K8) that is the same for all of them: who answers a trigger, settling, deferring,
groups of calls, joins, rejections. What a transition then leaves and enters is `passage`'s.
"""

from __future__ import annotations

from typing import Generic, cast

from .codec import NOTHING, Invalid, admitted
from .core import DEADLINE, WITHDRAWN, Actor, ArmTimer, Call, Delegation, Fault, Fired, Outcome, Undoing, Withdraw, Work
from .passage import Passage
from .rules import Answer, D, E, Group, I, Join, Moved, S, Told, Unmoved
from .spec import ActivityKind, ActivitySpec


class Progress(Passage[I, D, S, E], Generic[I, D, S, E]):
    """The record as far as the step has come, and what it asks of the host until now.

    Raises Rejected or Fault from any of its methods; it is thrown away then."""

    # ------------------------------------------------------------ triggers

    def begin(self) -> None:
        """Arm the deadline and enter the first state."""
        if self.rules.deadline is not None:
            self.arm(ArmTimer(DEADLINE, self.rules.deadline(self.inputs, self.data, self.now)))
        self.take(None, self.led(self.rules.start))
        self.follow_up()

    def handle(self, trigger: E | Outcome | Delegation | Fired | Withdraw, by: Actor) -> None:
        """One trigger, and what follows from it at once."""
        finished = self.undoing is None and (not self.at or self.at[0] in self.rules.finals)
        if isinstance(trigger, Withdraw):
            self.withdraw(finished)
        elif isinstance(trigger, Outcome):
            if not finished:
                self.outcome(trigger)
        elif isinstance(trigger, Fired):
            if not finished:
                self.fired(trigger)
        elif finished:
            raise self.rejected(trigger, "finished")
        elif isinstance(trigger, Delegation):
            self.delegation(trigger, by)
        else:
            self.asked(trigger, by)
        if self.moved:
            self.follow_up()

    def outcome(self, outcome: Outcome) -> None:
        """A current call is answered, an interrupted one is settled, or the awaited compensation has succeeded."""
        key = outcome.key
        for call in self.calls:
            if call.key == key and not call.answer:
                self.answered(call, outcome)
                return
        for entry in self.log:
            if entry.in_flight and entry.key == key:
                self.settle(entry, self.checked(self.spec.activities[entry.activity], entry.args, outcome))
                self.unwind()
                return
        if self.undoing is not None and self.undoing.running == key:
            if outcome.kind != "done":
                raise self.rejected(outcome, "unhandled")
            self.log = self.log[:-1]
            self.undoing = self.undoing._replace(running=None)
            self.unwind()

    def answered(self, call: Call, outcome: Outcome) -> None:
        activity = self.spec.activities[call.activity]
        outcome = self.checked(activity, call.args, outcome)
        leaf = self.places.named[call.leaf]
        brought = self.brought(call, leaf, activity, outcome)
        moved = None if brought is None else self.result(leaf, activity, brought)
        if activity.kind is not ActivityKind.READONLY:
            self.settle(next(entry for entry in self.log if entry.key == call.key), outcome)
        elif outcome.kind == "done" and call.activity not in self.completed:
            self.completed = (*self.completed, call.activity)
        told = _told(call, outcome)
        self.calls = tuple(told if other is call else other for other in self.calls)
        if moved is not None:
            for other in self.calls:
                if other.leaf == leaf:
                    self.drop(other)
            self.take(leaf, moved)

    def asked(self, trigger: E, by: Actor) -> None:
        """An event or a task's completion, from outside."""
        event = self.spec.kinds.get(type(trigger))
        if event is None:
            raise TypeError(f"{trigger!r} is no trigger of {self.spec.name}")
        try:
            trigger = cast(E, admitted(event.record, trigger))
        except Invalid as invalid:
            raise self.rejected(trigger, "payload", str(invalid)) from None
        if event.task:
            self.completion(event.name, trigger, by)
        else:
            self.sent(trigger, event.roles, by)

    def sent(self, trigger: E, roles: tuple[str, ...], by: Actor) -> None:
        if roles and by.roles.isdisjoint(roles):
            raise self.rejected(trigger, "role")
        place, answer = self.heard(trigger)
        if isinstance(answer, tuple):
            self.take(place, answer)
        elif answer is Unmoved.DEFER or self.undoing is not None:
            self.defer(trigger)
        elif answer is None:
            raise self.rejected(trigger, "unhandled")

    def defer(self, trigger: E) -> None:
        """Let an event wait, unless as many of it do as may."""
        if sum(type(other) is type(trigger) for other in self.deferred) >= self.spec.kinds[type(trigger)].most:
            raise self.rejected(trigger, "full")
        self.deferred = (*self.deferred, trigger)

    def completion(self, task: str, trigger: E, by: Actor) -> None:
        work, home = self.permitted(task, trigger, by), self.rules.home[task]
        moved = self.chosen(trigger, self.answer(home, trigger))
        self.close(work)
        self.actors = (*(pair for pair in self.actors if pair[0] != task), (task, by.id))
        self.take(home, moved)

    def delegation(self, trigger: Delegation, by: Actor) -> None:
        event = self.spec.events.get(trigger.task)
        if event is None or not event.task or not trigger.to:
            raise self.rejected(trigger, "payload", "it names no task, or nobody")
        work = self.permitted(trigger.task, trigger, by)
        if trigger.to in work.excluded:
            raise self.rejected(trigger, "excluded")
        self.delegate(work, trigger.to)

    def permitted(self, task: str, trigger: object, by: Actor) -> Work:
        """The open task of this name, which the actor may do."""
        work = next((work for work in self.tasks if work.task == task), None)
        if work is None:
            raise self.rejected(trigger, "closed")
        if not work.entitles(by):
            raise self.rejected(trigger, "role")
        if by.id in work.excluded:
            raise self.rejected(trigger, "excluded")
        return work

    def fired(self, trigger: Fired) -> None:
        """A timer that is armed and due; while compensating all wait (of those that are left, the deadline)."""
        armed = next((armed for armed in self.timers if armed.timer == trigger.timer), None)
        if armed is None or armed.due > self.now or self.undoing is not None:
            return
        escalation = self.escalations.get(armed.timer)
        if escalation is not None:
            self.disarm(armed)
            self.escalate(*escalation)
        elif armed.timer in self.reminders:
            self.disarm(armed)
            self.remind(armed, self.now)
        elif armed.timer == DEADLINE and self.rules.expire is not None:
            moved = self.led(self.rules.expire)
            self.disarm(armed)
            self.take(None, moved)
        else:
            home = self.rules.home[armed.timer]
            moved = self.chosen(trigger, self.asking(self.rules.said[home].timers.get(armed.timer)))
            self.disarm(armed)
            self.take(home, moved)

    # ------------------------------------------------------------ choosing

    def asking(self, told: Told[D, S] | None, payload: tuple[object, ...] = ()) -> Answer[D, S]:
        """What an active place says to what a trigger brings; None: nothing is written for it."""
        if told is None or isinstance(told, Unmoved):
            return told
        if callable(told):
            return told(self.inputs, self.data, self.now, *self.where(), *payload)
        return self.data, told

    def answer(self, place: S, event: E) -> Answer[D, S]:
        """What an active place says to an event or a task's completion."""
        kind = type(event)
        return self.asking(self.rules.said[place].events.get(kind), self.spec.kinds[kind].payload(event))

    def result(self, leaf: S, activity: ActivitySpec, outcome: Outcome) -> Moved[D, S]:
        """The transition of a call's outcome; it brings the result, or of a flow its outputs, one by one."""
        payload: tuple[object, ...] = ()
        if outcome.kind == "done" and activity.result is not NOTHING:
            one_by_one = activity.flow and self.group(leaf) is None
            payload = tuple(cast(tuple[object, ...], outcome.value)) if one_by_one else (outcome.value,)
        told = self.rules.states[leaf].outcomes.get(outcome.kind)
        return self.chosen(outcome, self.asking(told, payload))

    def chosen(self, trigger: object, answer: Answer[D, S]) -> Moved[D, S]:
        """The transition of a trigger that cannot be ignored or wait."""
        if not isinstance(answer, tuple):
            raise self.rejected(trigger, "unhandled")
        return answer

    def heard(self, event: E) -> tuple[S | None, Answer[D, S]]:
        """Who answers an event, inner over outer, and what; nobody while it compensates."""
        kind = type(event)
        if not self.rules.scopes:
            return (self.at[0], self.answer(self.at[0], event)) if self.at else (None, None)
        unmoved: set[Unmoved] = set()
        for place in self.rules.answering(self.at, kind):
            answer = self.answer(place, event)
            if isinstance(answer, Unmoved):
                unmoved.add(answer)
            elif answer is not None:
                return place, answer
        return None, next((answer for answer in Unmoved if answer in unmoved), None)

    def checked(self, activity: ActivitySpec, args: tuple[object, ...], outcome: Outcome) -> Outcome:
        """The outcome with its result in normal form, if it is `done`: of its type, and as `ensures` promises."""
        if outcome.kind != "done":
            return Outcome(outcome.key, outcome.kind)
        try:
            outcome = Outcome(outcome.key, "done", admitted(activity.result, outcome.value))
        except Invalid as invalid:
            raise self.rejected(outcome, "payload", str(invalid)) from None
        if activity.ensures is not None and not activity.ensures(outcome.value, *args):
            raise self.rejected(outcome, "payload", f"{activity.name} does not keep what it ensures")
        return outcome

    def withdraw(self, finished: bool) -> None:
        """Undo everything, from wherever it is, and end in failure; too late after what cannot be undone."""
        failed = finished and (not self.at or self.rules.finals[self.at[0]])
        kinds = (self.spec.activities[entry.activity].kind for entry in self.log)
        if failed or ActivityKind.IRREVERSIBLE in kinds:
            return
        if self.undoing is None:
            self.leave(None)
            self.at = ()
        self.undoing = Undoing(0, WITHDRAWN, None if self.undoing is None else self.undoing.running)
        self.unwind()

    # ------------------------------------------------------------ groups of calls

    def group(self, leaf: S) -> Group | None:
        return self.rules.states[leaf].group

    def brought(self, call: Call, leaf: S, activity: ActivitySpec, outcome: Outcome) -> Outcome | None:
        """What this answer of a call brings its leaf; None: nothing yet, its other calls are waited for."""
        group = self.group(leaf)
        if group is None:
            return outcome
        if outcome.kind not in group.answers:
            raise self.rejected(outcome, "unhandled")
        calls = [_told(each, outcome) if each is call else each for each in self.calls if each.leaf == leaf]
        done = [each for each in calls if each.answer == "done"]
        needed = len(calls) if group.quota is None else min(group.quota, len(calls))
        if len(done) >= needed:
            return outcome._replace(value=_listed(activity, [each.result for each in done]))
        return outcome if len(calls) - sum(each.answer == "gone" for each in calls) < needed else None

    def nothing_called(self, leaf: S) -> None:
        """A group that was entered without items is done at once."""
        group = self.group(leaf)
        assert group is not None, "only a group can lack what it calls for"
        activity = self.spec.activities[group.activity]
        moved = self.result(leaf, activity, Outcome("", "done", _listed(activity, [])))
        self.once(leaf, "done", group.place)
        self.take(leaf, moved)

    # ------------------------------------------------------------ what follows at once

    def follow_up(self) -> None:
        """Joins, groups without items, and deferred events that do not have to wait any longer; until there is none."""
        while self.undoing is None and self.at and self.at[0] not in self.rules.finals:
            joined = self.joined()
            if joined is not None:
                place, name, join = joined
                self.once(place, name, join.place)
                self.take(place, self.led(join.way))
            elif self.vacant:
                leaf, self.vacant = self.vacant[0], self.vacant[1:]
                self.nothing_called(self.places.named[leaf])
            elif not self.deliver():
                return

    def once(self, place: S, name: str, written: str) -> None:
        if (place, name) in self.followed:
            raise Fault("F005", written, f"`on {name}` comes a second time in one step")
        self.followed.add((place, name))

    def deliver(self) -> bool:
        """Hand in the oldest deferred event that is handled or ignored now, if there is one."""
        for index, trigger in enumerate(self.deferred):
            place, answer = self.heard(trigger)
            if answer is not None and answer is not Unmoved.DEFER:
                self.deferred = self.deferred[:index] + self.deferred[index + 1 :]
                if not isinstance(answer, Unmoved):
                    self.take(place, answer)
                return True
        return False

    def joined(self) -> tuple[S, str, Join[I, D, S]] | None:
        """The join that is met: of the innermost parallel state, of several the one that comes first."""
        if not self.places.regions:
            return None
        outer = [place for place in self.places.active(self.at) if place in self.places.regions]
        for place in sorted(outer, key=lambda place: -len(self.places.around[place])):
            ends = [self.rules.ends[leaf] for leaf in self.at if leaf in self.rules.ends and self.over(leaf) is place]
            done = ends.count(False)
            met = ["any failure"] if True in ends else []
            met += ["all done"] if done == len(self.places.regions[place]) else []
            met += [*(f"{number} done" for number in range(done, 0, -1)), *(["any done"] if done else [])]
            joins = self.rules.scopes[place].joins
            name = next((name for name in met if name in joins), None)
            if name is not None:
                return place, name, joins[name]
        return None

    def over(self, end: S) -> S:
        """The parallel state of the final of a region."""
        return self.places.around[end][2]


def _told(call: Call, outcome: Outcome) -> Call:
    """A call with what it answered."""
    answer = "done" if outcome.kind == "done" else "gone"
    return Call(call.key, call.activity, call.args, call.leaf, call.item, answer, outcome.value)


def _listed(activity: ActivitySpec, results: list[object]) -> object:
    """The list of the results, of an activity that has one."""
    return None if activity.result is NOTHING else tuple(results)
