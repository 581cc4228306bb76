"""One step under way: a record, its flow's rules and a trigger in; the fields of the next record and the effects out.

This is the meaning of a flow (K1 to K8) that is the same for all of them: leaving and entering, the compensation log,
undoing, settling, deferring, timers, tasks, rejections.
"""

from __future__ import annotations

from datetime import datetime
from typing import Generic, cast

from .books import Books
from .codec import Invalid
from .core import (
    DEADLINE,
    Actor,
    ArmTimer,
    Call,
    Delegation,
    DropEvent,
    Entry,
    Fault,
    Finish,
    Fired,
    InterruptActivity,
    Ledger,
    Outcome,
    Rejected,
    StartCompensation,
    Undoing,
    Work,
)
from .rules import Choice, D, E, Fields, Goto, I, Rules, S, Stay, Undo, Unmoved
from .spec import ActivityKind, ActivitySpec, FlowSpec


class Progress(Books[E], Generic[I, D, S, E]):
    """The record as far as the step has come, and what it asks of the host until now.

    Raises Rejected or Fault from any of its methods; it is thrown away then."""

    def __init__(self, rules: Rules[I, D, S, E], spec: FlowSpec, rest: Fields[I, D, S, E], now: datetime) -> None:
        super().__init__(rest.ledger, spec, rules.escalations, rules.reminders)
        self.rules = rules
        self.now = now
        self.inputs = rest.inputs
        self.data = rest.data
        self.at = rest.at
        self.passed: set[Choice] = set()  # choices since the trigger: none may come twice

    def fields(self) -> tuple[I, D, tuple[S, ...], Ledger[E]]:
        """Inputs, data, configuration and ledger after the step."""
        return self.inputs, self.data, self.at, self.closed()

    # ------------------------------------------------------------ triggers

    def begin(self) -> None:
        """Arm the deadline and enter the first state."""
        if self.rules.deadline is not None:
            self.arm(ArmTimer(DEADLINE, self.rules.deadline(self.inputs, self.data, self.now)))
        self.move(self.rules.start(self.inputs, self.data, self.now))

    def handle(self, trigger: E | Outcome | Delegation | Fired, by: Actor) -> None:
        """One trigger, and the deferred events that can be handled after it."""
        finished = bool(self.at) and self.at[0] in self.rules.finals
        if isinstance(trigger, Outcome):
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

    def outcome(self, outcome: Outcome) -> None:
        """The current call is answered, an interrupted one is settled, or the awaited compensation has succeeded."""
        key = outcome.key
        for call in self.calls:
            if call.key == key:
                self.answered(call, outcome)
                return
        for entry in self.log:
            if entry.in_flight and entry.key == key:
                self.settle(entry, self.checked(self.spec.activities[entry.activity], entry.args, outcome))
                self.resume()
                return
        if self.undoing is not None and self.undoing.running == key:
            if outcome.kind != "done":
                raise self.rejected(outcome, "unhandled")
            self.log = self.log[:-1]
            self.undoing = self.undoing._replace(running=None)
            self.resume()

    def answered(self, call: Call, outcome: Outcome) -> None:
        activity = self.spec.activities[call.activity]
        outcome = self.checked(activity, call.args, outcome)
        move = self.chosen(outcome)
        self.calls = tuple(other for other in self.calls if other is not call)
        if activity.kind is not ActivityKind.READONLY:
            self.settle(next(entry for entry in self.log if entry.key == call.key), outcome)
        elif outcome.kind == "done" and call.activity not in self.completed:
            self.completed = (*self.completed, call.activity)
        self.move(move)

    def asked(self, trigger: E, by: Actor) -> None:
        """An event or a task's completion, from outside."""
        event = self.spec.kinds.get(type(trigger))
        if event is None:
            raise TypeError(f"{trigger!r} is no trigger of {self.spec.name}")
        try:
            trigger = cast(E, event.record.check(trigger))
        except Invalid as invalid:
            raise self.rejected(trigger, "payload", str(invalid)) from None
        if event.task:
            self.completion(event.name, trigger, by)
        else:
            self.sent(trigger, event.roles, by)

    def sent(self, trigger: E, roles: tuple[str, ...], by: Actor) -> None:
        if roles and by.roles.isdisjoint(roles):
            raise self.rejected(trigger, "role")
        answer = self.answer(trigger)
        if isinstance(answer, (Goto, Undo, Stay)):
            self.move(answer)
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
        work = self.permitted(task, trigger, by)
        move = self.chosen(trigger)
        self.close(work)
        self.actors = (*(pair for pair in self.actors if pair[0] != task), (task, by.id))
        self.move(move)

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
        else:
            move = self.chosen(trigger)
            self.disarm(armed)
            self.move(move)

    # ------------------------------------------------------------ choosing

    def answer(self, trigger: E | Outcome | Fired) -> Goto[D, S] | Undo[D, S] | Stay[D] | Unmoved | None:
        """What the state the instance rests in says; None while it compensates."""
        if not self.at:
            return None
        return self.rules.states[self.at[0]].answer(self.inputs, self.data, trigger, self.now)

    def chosen(self, trigger: E | Outcome | Fired) -> Goto[D, S] | Undo[D, S] | Stay[D]:
        """The transition of a trigger that cannot be ignored or wait."""
        answer = self.answer(trigger)
        if answer is None or isinstance(answer, Unmoved):
            raise self.rejected(trigger, "unhandled")
        return answer

    def checked(self, activity: ActivitySpec, args: tuple[object, ...], outcome: Outcome) -> Outcome:
        """The outcome with its result in normal form, if it is `done`: of its type, and as `ensures` promises."""
        if outcome.kind != "done":
            return outcome._replace(value=None)
        try:
            outcome = outcome._replace(value=activity.result.check(outcome.value))
        except Invalid as invalid:
            raise self.rejected(outcome, "payload", str(invalid)) from None
        if activity.ensures is not None and not activity.ensures(outcome.value, *args):
            raise self.rejected(outcome, "payload", f"{activity.name} does not keep what it ensures")
        return outcome

    def rejected(self, trigger: object, reason: str, detail: str = "") -> Rejected:
        return Rejected(self.at[0] if self.at else "", trigger, reason, detail)

    # ------------------------------------------------------------ moving

    def move(self, move: Goto[D, S] | Undo[D, S] | Stay[D]) -> None:
        """Take a transition; then, as further steps, the deferred events that are handled or ignored now."""
        self.take(move)
        self.deliver()

    def take(self, move: Goto[D, S] | Undo[D, S] | Stay[D]) -> None:
        self.passed.clear()
        self.go(self.follow(move))

    def deliver(self) -> None:
        """Hand in the oldest deferred event that does not have to wait any longer; until there is none."""
        while self.at and self.at[0] not in self.rules.finals:
            for index, trigger in enumerate(self.deferred):
                answer = self.answer(trigger)
                if answer is not None and answer is not Unmoved.DEFER:
                    self.deferred = self.deferred[:index] + self.deferred[index + 1 :]
                    if answer is not Unmoved.IGNORE:
                        self.take(answer)
                    break
            else:
                return

    def follow(self, move: Goto[D, S] | Undo[D, S] | Stay[D]) -> Goto[D, S] | Undo[D, S] | Stay[D]:
        """Through choices, to a state, a compensation or `stay`; the data as updated on the way."""
        self.note(move)
        while isinstance(move, Goto) and isinstance(move.node, Choice):
            move = self.branch(move.node)
            self.note(move)
        return move

    def note(self, move: Goto[D, S] | Undo[D, S] | Stay[D]) -> None:
        """What its updates did: the data as it is then, and messages."""
        self.data = move.data
        self.effects.extend(move.messages)

    def go(self, move: Goto[D, S] | Undo[D, S] | Stay[D]) -> None:
        if isinstance(move, Undo):
            self.leave()
            since = 0 if move.since is None else dict(self.marks).get(move.since, 0)
            self.undoing = Undoing(since, str(move.node))
            self.unwind()
        elif isinstance(move, Goto):
            assert not isinstance(move.node, Choice), "choices have been followed"
            self.leave()
            self.enter(move.node)

    def branch(self, choice: Choice) -> Goto[D, S] | Undo[D, S]:
        rules = self.rules.choices[choice]
        if choice in self.passed:
            raise Fault("F005", rules.place, f"{choice} is passed a second time in one step")
        self.passed.add(choice)
        move = rules.branch(self.inputs, self.data, self.now)
        if move is None:
            raise self.rejected(choice, "unhandled")
        return move

    def leave(self) -> None:
        self.effects.extend(InterruptActivity(call.key) for call in self.calls)
        for armed in self.timers:
            if armed.timer != DEADLINE:
                self.cancel(armed)
        for work in self.tasks:
            self.close(work)
        self.at, self.calls = (), ()

    def enter(self, state: S) -> None:
        self.at = (state,)
        failure = self.rules.finals.get(state)
        if failure is not None:
            self.finish(state, failure)
            return
        if state in self.rules.savepoints:
            self.marks = (*(pair for pair in self.marks if pair[0] != state), (str(state), self.counter))
        arrival = self.rules.states[state].enter(self.inputs, self.data, self.now)
        for armed in arrival.timers:
            self.arm(armed)
        for task in arrival.tasks:
            self.open(task)
        if arrival.call is not None:
            self.call(arrival.call, str(state))

    def finish(self, state: S, failure: bool) -> None:
        for armed in self.timers:
            self.cancel(armed)
        self.effects.extend(DropEvent(self.spec.kinds[type(trigger)].name) for trigger in self.deferred)
        self.deferred = ()
        self.effects.append(Finish(str(state), failure))

    # ------------------------------------------------------------ the compensation log

    def resume(self) -> None:
        """Go on with the compensation, if one is under way."""
        if self.undoing is not None:
            self.unwind()
            self.deliver()

    def unwind(self) -> None:
        """Undo the newest entry, unless it has to wait; when nothing is left to undo, enter the target."""
        undoing = self.undoing
        assert undoing is not None
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
        move = self.follow(Goto(self.data, self.node(undoing.node)))
        self.go(move)
        if isinstance(move, Goto):
            self.rearm()

    def compensate(self, entry: Entry, compensation: str, undoing: Undoing) -> None:
        key = f"{entry.key}/undo"
        args = self.rules.undo[entry.activity](self.inputs, entry.result, *entry.args)
        self.undoing = undoing._replace(running=key)
        self.effects.append(StartCompensation(key, compensation, args, entry.key))

    def node(self, name: str) -> S | Choice:
        """The state or choice of this name."""
        nodes: tuple[S | Choice, ...] = (*self.rules.states, *self.rules.finals, *self.rules.choices)
        return next(node for node in nodes if node == name)

    def rearm(self) -> None:
        """Ask for the deadline again, if it fell due while it could not fire."""
        self.effects.extend(armed for armed in self.timers if armed.timer == DEADLINE and armed.due <= self.now)
