"""Scenarios: a kernel in; each of its examples played on the reference interpreter, and a report of them, out.

The clock starts at 2026-01-01T00:00:00Z. Compensations succeed by themselves, unless the next step answers for them; an
interrupted call that a compensation waits for is settled as `interrupted` (of a sub-flow as `failed`: it has undone
itself), unless the next step gives its outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ..dsl import model
from ..dsl.diagnostics import Diagnostic, Label, Lane, Rule, TraceStep
from ..dsl.model import (
    Compensation,
    DurationType,
    Expect,
    ExpectMessage,
    ExpectUndone,
    Expr,
    GivenDelegation,
    GivenEvent,
    GivenOutcome,
    GivenStart,
    GivenWait,
    InstantType,
    Scenario,
    ScenarioStep,
    Value,
)
from ..dsl.walk import nodes
from .checks.verdict import Answer, Report, Verdict
from .effects import EmitEvent, SendEvent
from .evaluate import Fault, Scope, evaluate
from .instance import NOBODY, Actor, Completion, Delegation, Event, Fired, Instance, Outcome, Rejected, Step, Trigger
from .kernel import DONE, Kernel
from .lanes import sender
from .simulate import holds, start, step
from .trace import messaged, place, source, started, told, triggered, written

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
MOST_TIMERS = 10_000
"""Timers that may fire in one `after` step; more are taken for a loop."""

FAILED = Rule(
    "F801",
    "scenario-failed",
    "A scenario does not run as it is written.",
    """\
A scenario is an example that `penstock test` plays on the flow: each step is given to it in order, and each `expect`
must hold there. The message shows the step, what was expected, what was there, what time would bring next, and the run
so far. The clock of a scenario starts at `2026-01-01T00:00:00Z`.

```flow
flow Door version 1 {
  event knock
  start -> Closed
  state Closed {
    on knock -> Open
    wait forever "a door"
  }
  final Open
  scenario "a knock opens it" {
    start()
    knock
    expect in Closed
  }
}
```

Either the example is wrong, as here (`expect in Open`), or it found a mistake in the flow.
""",
)


def rehearse(kernel: Kernel) -> Report:
    """Every scenario of the flow, in the order of the text: refuted with the step that failed, or played to its end."""
    answers: list[Answer] = []
    for scenario in kernel.scenarios:
        failure = play(kernel, scenario)
        verdict = Verdict.PROVED if failure is None else Verdict.REFUTED
        steps = len(scenario.steps)
        witness = f"{steps} step{'s' if steps > 1 else ''} played" if failure is None else ""
        answers.append(Answer(FAILED, scenario.title, verdict, scenario.span, failure, witness=witness))
    return Report(kernel.name, tuple(answers))


def play(kernel: Kernel, scenario: Scenario) -> Diagnostic | None:
    """One scenario on the interpreter: what went wrong at which step, or None."""
    stage = _Stage(kernel)
    following = (*scenario.steps[1:], None)
    for given, after in zip(scenario.steps, following, strict=True):
        failed: _Failed | None = None
        try:
            stage.give(given, after)
        except _Failed as failure:
            failed = failure
        except Fault as fault:
            place = Label(fault.span, "undefined here")
            failed = _Failed(f"it breaks the flow with {fault.code}", fault.code, others=(place,))
        if failed is not None:
            message = f"the scenario `{scenario.title}` fails: {failed.message}"
            trace = tuple(stage.trace)
            return Diagnostic(
                FAILED, message, given.span, failed.label, others=failed.others, why=failed.why, trace=trace
            )
    return None


class _Failed(Exception):
    """A step of the scenario did not go as written."""

    def __init__(self, message: str, label: str, why: tuple[str, ...] = (), others: tuple[Label, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.label = label
        self.why = why
        self.others = others


class _Stage:
    """A scenario being played: the instance, the clock, the run so far, the compensations that ran."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.instance: Instance | None = None
        self.now = EPOCH
        self.told = EPOCH
        self.trace: list[TraceStep] = []
        self.undone: list[str] = []
        self.messages: list[EmitEvent | SendEvent] = []

    def give(self, given: ScenarioStep, after: ScenarioStep | None) -> None:
        """One step; `after` is the one that follows it. Raises _Failed."""
        match given:
            case GivenStart():
                self.start(given)
            case GivenOutcome():
                self.answer(given)
            case GivenEvent():
                self.send(given)
            case GivenDelegation():
                self.hand_in(Delegation(given.task, given.to), _actor(given.actor), given.rejected)
            case GivenWait():
                self.wait(given.duration, after)
            case Expect():
                self.expect(given.condition)
            case ExpectUndone():
                self.expect_undone(given.names)
            case ExpectMessage():
                self.expect_message(given)
        self.settle(after)

    # ------------------------------------------------------------ what is given

    def start(self, given: GivenStart) -> None:
        inputs, actor = self.values(given.inputs), _actor(given.actor)
        by = sender(self.kernel, None, actor)
        self.take(started(self.kernel, inputs, actor), by, lambda: start(self.kernel, inputs, actor, self.now))

    def answer(self, given: GivenOutcome) -> None:
        key = self.key(given.activity)
        if key is None:
            raise _Failed(f"no call of `{given.activity}` is running", "nothing to answer", self.running())
        value = None if given.value is None else self.values((given.value,))[0]
        self.trigger(Outcome(key, given.outcome, value))

    def key(self, name: str) -> str | None:
        """The call a step answers for: the oldest that runs, else the newest still in flight, else the compensation."""
        at = self.at
        keys = [call.key for call in at.calls if call.activity == name and not call.answer]
        keys += [entry.key for entry in reversed(at.log) if entry.activity == name and entry.in_flight]
        if at.undoing is not None and at.undoing.running is not None and self.undoing(at) == name:
            keys.append(at.undoing.running)
        return keys[0] if keys else None

    def send(self, given: GivenEvent) -> None:
        payload = self.values(given.payload)
        known = given.name in self.kernel.event
        trigger = Event(given.name, payload) if known else Completion(given.name, payload)
        self.hand_in(trigger, _actor(given.actor), given.rejected)

    def hand_in(self, trigger: Trigger, actor: Actor, rejected: bool) -> None:
        """What somebody does from outside, or tries to do."""
        if not rejected:
            self.trigger(trigger, actor)
            return
        try:
            step(self.kernel, self.at, trigger, actor, self.now)
        except Rejected:
            return
        text = triggered(self.kernel, trigger, actor)
        raise _Failed(f"`{text}` is accepted", "not rejected", (f"there: {self.where()}",))

    def wait(self, duration: timedelta, after: ScenarioStep | None) -> None:
        end = self.now + duration
        fired = 0
        while not self.at.compensating and (due := [armed for armed in self.at.due() if armed.due <= end]):
            fired += 1
            if fired > MOST_TIMERS:
                raise _Failed(f"more than {MOST_TIMERS} timers fire", "too many timers", (f"there: {self.where()}",))
            self.now = max(self.now, due[0].due)
            self.trigger(Fired(due[0].timer))
            self.settle(after)
        self.now = end

    def settle(self, after: ScenarioStep | None) -> None:
        """Let a compensation go on as far as it does by itself."""
        said = after.activity if isinstance(after, GivenOutcome) else None
        while self.instance is not None and self.instance.undoing is not None:
            name = self.undoing(self.instance)
            if name == said:
                return
            running = self.instance.undoing.running
            key = self.instance.log[-1].key
            settled = "failed" if self.kernel.activity[self.instance.log[-1].activity].flow else "interrupted"
            self.trigger(Outcome(key, settled) if running is None else Outcome(running, DONE))

    def undoing(self, at: Instance) -> str:
        """What a compensation waits for: the compensation being run, or the activity in flight."""
        assert at.undoing is not None, "asked only while it compensates"
        activity = self.kernel.activity[at.log[-1].activity]
        waits = at.undoing.running is None or not isinstance(activity.effect, Compensation)
        return activity.name if waits else activity.effect.name

    # ------------------------------------------------------------ what is expected

    def expect(self, condition: Expr) -> None:
        if holds(self.kernel, self.at, condition, self.now):
            return
        expected = source(self.kernel, condition)
        there = f"there: {', '.join((self.where(), *self.asked(condition)))}"
        why = (f"expected: {expected}", there, *self.coming())
        raise _Failed(f"`{expected}` does not hold", "not so here", why)

    def expect_undone(self, names: tuple[str, ...]) -> None:
        if names != tuple(self.undone):
            ran = ", ".join(self.undone) or "none"
            why = (f"expected: {', '.join(names)}", f"there: {ran}")
            raise _Failed("other compensations ran", f"ran so far: {len(self.undone)}", why)

    def expect_message(self, expected: ExpectMessage) -> None:
        wanted = [(place, self.values((value,))[0]) for place, value in expected.values]
        for each in self.messages:
            flow, to = (each.flow, each.to) if isinstance(each, SendEvent) else (None, None)
            alike = (flow, each.event) == (expected.flow, expected.name) and expected.to in (None, to)
            if alike and all(each.payload[place] == value for place, value in wanted):
                return
        text = "emitted" if expected.flow is None else "sent"
        out = "; ".join(messaged(self.kernel, each) for each in self.messages) or "nothing"
        why = (f"expected: {self.kernel.source.slice(expected.span)}", f"there: {out}")
        raise _Failed(f"no such message was {text}", f"went out so far: {len(self.messages)}", why)

    def where(self) -> str:
        return f"in {place(self.at)}" if self.at.configuration else place(self.at)

    def asked(self, condition: Expr) -> list[str]:
        """The values of what a condition refers to, by name."""
        values = self.at.variables(self.kernel)
        found: dict[str, None] = {}
        for node in nodes(condition):
            match node:
                case model.Ref(name=name) if name in values:
                    found[f"{name} = {written(values[name], self.kernel.variable[name].type)}"] = None
                case model.Standing() | model.Count():
                    found[f"log: {', '.join(f'{e.activity} {e.status}' for e in self.at.log) or 'empty'}"] = None
                case model.Elapsed():
                    found[f"elapsed = {written(self.now - self.at.started, node.type)}"] = None
                case _:
                    pass
        return list(found)

    def running(self) -> tuple[str, ...]:
        names = [call.activity for call in self.at.calls if not call.answer]
        if self.at.undoing is not None:
            names.append(self.undoing(self.at))
        return f"there: {self.where()}, {', '.join(names) or 'nothing'} running", *self.coming()

    def coming(self) -> tuple[str, ...]:
        """What time would bring next."""
        if not self.at.timers or self.at.compensating:
            return ()
        armed = self.at.due()[0]
        text = triggered(self.kernel, Fired(armed.timer), NOBODY)
        left = written(max(armed.due - self.now, timedelta(0)), DurationType())
        return (f"next: `{text}`, in {left} (it is {written(self.now, InstantType())})",)

    # ------------------------------------------------------------ steps

    @property
    def at(self) -> Instance:
        assert self.instance is not None, "typecheck lets a scenario begin with its only `start`"
        return self.instance

    def values(self, constants: tuple[Expr, ...]) -> tuple[Value, ...]:
        return tuple(evaluate(constant, Scope({}, self.now)) for constant in constants)

    def trigger(self, trigger: Trigger, actor: Actor = NOBODY) -> None:
        at = self.at
        if isinstance(trigger, Outcome) and at.undoing is not None and trigger.key == at.undoing.running:
            self.undone.append(self.undoing(at))
        text = triggered(self.kernel, trigger, actor)
        by = sender(self.kernel, trigger, actor)
        self.take(text, by, lambda: step(self.kernel, at, trigger, actor, self.now))

    def take(self, text: str, by: Lane, make: Callable[[], Step]) -> None:
        try:
            made = make()
        except Rejected as rejected:
            why = () if self.instance is None else (f"there: {self.where()}", *self.coming())
            raise _Failed(f"`{text}` is rejected: {REASONS[rejected.reason]}", rejected.reason, why) from None
        self.trace.append(told(self.kernel, text, self.instance, made, self.now - self.told, by))
        self.instance, self.told = made.after, self.now
        self.messages += [each for each in made.effects if isinstance(each, EmitEvent | SendEvent)]


REASONS = {
    "finished": "the flow has finished",
    "payload": "a value is not one of its type",
    "closed": "the task is not open",
    "role": "whoever does it is not whom it is for",
    "excluded": "whoever does it may not, after what they did before",
    "unhandled": "nothing is written for it here",
    "full": "as many of it wait as may",
}


def _actor(actor: model.Actor) -> Actor:
    return Actor(actor.id, frozenset({actor.role} if actor.role else ()))
