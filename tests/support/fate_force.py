"""Chances by brute force: the interpreter and the rates of a flow in; the process of all its instances out.

Nothing is shared with `checks.odds` but the interpreter: every instance is a state, with every value of its data and
the seconds its timers have left, and attempts are always counted one by one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from brute_force import Search, running
from brute_values import EPOCH, SECOND, TooLarge, domain, payloads
from penstock.compiler.checks.fate import Action, Process
from penstock.compiler.effects import Effect, StartActivity
from penstock.compiler.instance import Actor, Call, Instance, Outcome, Rejected
from penstock.compiler.kernel import DONE, FAILED, TIMEOUT, Kernel
from penstock.compiler.simulate import start, step

ONE = Fraction(1)
Failed = tuple[tuple[str, int], ...]
"""How many attempts of the calls that run have failed, by their keys."""


@dataclass
class Casts:
    kernel: Kernel
    limit: int
    number: dict[object, int] = field(default_factory=dict[object, int])
    actions: list[list[Action]] = field(default_factory=lambda: [[]])
    ends: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    queue: deque[tuple[int, Instance, datetime, Failed]] = field(
        default_factory=deque[tuple[int, Instance, datetime, Failed]]
    )

    def __post_init__(self) -> None:
        self.search = Search(self.kernel, self.limit, waiting=0)

    def process(self) -> Process:
        for inputs in payloads(tuple(v.type for v in self.kernel.inputs)):
            first = start(self.kernel, inputs, Actor("starter"), EPOCH)
            self.actions[0].append(Action({self.visit(first.after, EPOCH, ()): ONE}, gains(first.effects)))
        while self.queue:
            number, instance, now, failed = self.queue.popleft()
            self.actions[number] = list(self.expand(number, instance, now, failed))
        return Process(self.actions)

    def visit(self, instance: Instance, now: datetime, failed: Failed) -> int:
        counts = dict(failed)
        known = {call.key: counts.get(call.key, 0) for call in running(instance)}
        key = self.search.canonical(instance, now), tuple(known.values())
        if key not in self.number:
            if len(self.actions) >= self.limit:
                raise TooLarge(f"more than {self.limit} states")
            self.number[key] = len(self.actions)
            self.actions.append([])
            if instance.finished:
                self.ends.setdefault(instance.configuration[0], []).append(self.number[key])
            else:
                self.queue.append((self.number[key], instance, now, tuple(known.items())))
        return self.number[key]

    def expand(self, number: int, instance: Instance, now: datetime, failed: Failed) -> Iterator[Action]:
        search = Search(self.kernel, self.limit, waiting=0)
        actor = Actor("somebody", frozenset(self.kernel.roles))
        calls = {call.key: call for call in running(instance)}
        moments: dict[str, dict[datetime, None]] = {}
        for trigger, wait in search.triggers(instance, now):
            moment = now + wait * SECOND
            if isinstance(trigger, Outcome) and trigger.key in calls:
                moments.setdefault(trigger.key, {})[moment] = None
                continue
            try:
                after = step(self.kernel, instance, trigger, actor, moment)
            except Rejected:
                continue
            if after.after != instance or after.effects:
                found = gains(after.effects)
                if isinstance(trigger, Outcome) and instance.undoing and instance.undoing.running == trigger.key:
                    effect = self.kernel.activity[trigger.key.partition("#")[0]].effect
                    found[f"call {getattr(effect, 'name', '')}"] = ONE
                yield Action({self.visit(after.after, moment, failed): ONE}, found)
        for key, times in moments.items():
            for moment in times:
                yield from self.attempt(number, calls[key], instance, moment, failed)

    def attempt(
        self, number: int, call: Call, instance: Instance, moment: datetime, failed: Failed
    ) -> Iterator[Action]:
        """One attempt of a call, which ends now."""
        activity = self.kernel.activity[call.activity]
        fails = Fraction(activity.attempt_fails or 0)
        shares = {failure.name: Fraction(failure.rate or 0) for failure in activity.fails}
        answers = {DONE: 1 - sum(shares.values()), **shares}
        counts = dict(failed)
        counts[call.key] += 1
        over = counts[call.key] == activity.retry.attempts and TIMEOUT in self.kernel.outcomes(activity)
        if TIMEOUT not in self.kernel.outcomes(activity):
            counts[call.key] = 0  # an operator tries again, and again
        for last in (TIMEOUT, FAILED) if over and fails else (None,):
            to: dict[int, Fraction] = {}
            for answer, share in answers.items():
                if share:
                    target = self.answered(call, answer, instance, moment, failed)
                    to[target] = to.get(target, Fraction(0)) + share * (1 - fails)
            if fails:
                again = self.visit(instance, moment, tuple(counts.items()))
                target = again if last is None else self.answered(call, last, instance, moment, failed)
                to[target] = to.get(target, Fraction(0)) + fails
            yield Action(to, {f"attempt {activity.name}": fails} if fails and last is None else {})

    def answered(self, call: Call, answer: str, instance: Instance, moment: datetime, failed: Failed) -> int:
        """A state in which the answer is there, and what it brings is picked."""
        number = len(self.actions)
        self.actions.append([])
        result = self.kernel.activity[call.activity].result
        for value in domain(result) if answer == DONE and result is not None else (None,):
            after = step(self.kernel, instance, Outcome(call.key, answer, value), Actor(""), moment)
            left = tuple(each for each in failed if each[0] != call.key)
            self.actions[number].append(Action({self.visit(after.after, moment, left): ONE}, gains(after.effects)))
        return number


def gains(effects: tuple[Effect, ...]) -> dict[str, Fraction]:
    """The calls that a step makes, each with its first attempt."""
    names = Counter(effect.key.partition("#")[0] for effect in effects if isinstance(effect, StartActivity))
    return {f"{what} {name}": Fraction(n) for name, n in names.items() for what in ("call", "attempt")}
