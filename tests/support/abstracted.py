"""Runs of the interpreter as the model of a certificate sees them: an instance in, its state variables out.

It shares nothing with what writes the invariant: it counts entries of the instance's own log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from penstock.compiler.certificates.inductive import INVARIANT
from penstock.compiler.certificates.machine import next_
from penstock.compiler.certificates.model import ModelProof
from penstock.compiler.checks.graph import Arrival
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.checks.ledger import Proof
from penstock.compiler.checks.solver import answers
from penstock.compiler.evaluate import Fault
from penstock.compiler.instance import NOBODY, Entry, Event, Fired, Instance, Outcome, Rejected, Trigger
from penstock.compiler.kernel import DONE, Kernel
from penstock.compiler.simulate import start, step
from triggers import inputs, moves

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)


@dataclass(frozen=True)
class Taken:
    """One step of a run: an instance (None: a start), the one after it, and when the step and the next one are."""

    before: Instance | None
    after: Instance
    now: datetime
    then: datetime
    trigger: Trigger | None


class Model:
    """The model of one explored kernel, asked about runs."""

    def __init__(self, inquiry: Inquiry, proofs: Sequence[Proof] = ()) -> None:
        self.inquiry = inquiry
        self.kernel = inquiry.kernel
        self.proof = ModelProof(inquiry, proofs)
        self.machine = self.proof.machine

    # ------------------------------------------------------------ an instance as variables

    def state(self, at: Instance, now: datetime) -> dict[str, str]:
        """Its variables that mean something, but for data."""
        found = {"at": self._place(at)}
        found |= self._calls(at)
        found |= {f"open/{task}": _truth(any(item.task == task for item in at.tasks)) for task in self.kernel.task}
        for timer in self.machine.timers:
            armed = next((each for each in at.timers if each.timer == timer), None)
            found[f"armed/{timer}"] = _truth(armed is not None)
            if armed is not None and timer in self.machine.clocks:
                found[f"left/{timer}"] = str(max(0, (armed.due - now) // MICRO))
        found |= {f"completed/{name}": _truth(name in at.completed) for name in self.machine.completed}
        entered = {place for place, _ in at.moments}
        found |= {f"entered/{place}": _truth(place in entered) for place in self.kernel.counted}
        return found | self._log(at)

    def _place(self, at: Instance) -> str:
        place = ("at", at.configuration) if at.undoing is None else ("undo", (at.undoing.node,))
        return self.proof.relation.places.get((place, at.history), "(- 1)")

    def _calls(self, at: Instance) -> dict[str, str]:
        found: dict[str, str] = {}
        for leaf in self.machine.calls:
            mine = [call for call in at.calls if call.leaf == leaf]
            found[f"runs/{leaf}"] = str(sum(not call.answer for call in mine))
            if leaf in self.machine.groups:
                found[f"answered/{leaf}"] = str(sum(call.answer == DONE for call in mine))
                found[f"gone/{leaf}"] = str(sum(call.answer == "gone" for call in mine))
            running = {call.key for call in mine if not call.answer}
            for mark in self.machine.marks:
                name = f"above.{mark}/runs/{leaf}"
                if name in self.machine.variables["calls"]:
                    above = at.log[dict(at.marks).get(mark, 0) :]
                    found[name] = str(sum(entry.key in running for entry in above))
        return found

    def _log(self, at: Instance) -> dict[str, str]:
        below = at.log if at.undoing is None else at.log[: at.undoing.mark]
        parts = {"log": below}
        if at.undoing is not None:
            parts["over"] = at.log[at.undoing.mark :]
        if not at.finished:
            parts |= {f"above.{mark}": below[dict(at.marks).get(mark, 0) :] for mark in self.machine.marks}
        running = {call.key for call in at.calls if not call.answer}
        return {
            f"{part}/{status}/{sort}": str(sum(self._is(entry, sort, status, running) for entry in entries))
            for part, entries in parts.items()
            for sort in self.machine.logged
            for status in ("fly", "maybe", "done")
        }

    def _is(self, entry: Entry, sort: str, status: str, running: set[str]) -> bool:
        if self.machine.sorts[entry.activity] != sort or entry.key in running:
            return False
        return status == ("fly" if entry.in_flight else entry.status)

    # ------------------------------------------------------------ steps

    def matters(self, taken: Taken) -> bool:
        """Whether a step is one of the relation: something has changed, and it is not two: no event that was deferred
        has its turn, and no compensation passes something irreversible."""
        before, after = taken.before, taken.after
        if before is None:
            return True
        if after.deferred[: len(before.deferred)] != before.deferred:
            return False
        dropping = any(not self.machine.undoable(entry.activity) for entry in before.log)
        if dropping and (before.compensating or after.compensating):
            return False
        return before.values != after.values or self.state(before, taken.now) != self.state(after, taken.now)

    def refused(
        self,
        steps: list[Taken],
        changed: dict[str, str] | None = None,
        without: str = "",
        also: Callable[[Taken], Sequence[str]] = lambda _: (),
    ) -> list[Taken]:
        """The steps that do not come from the invariant, or that the relation does not allow. changed: if other values
        were after them; without: a disjunct that is left out of it; also: what else has to be so of each."""
        asked: list[list[str]] = []
        for each in steps:
            parts = [] if each.before is None else self._equal(each.before, each.now, "")
            asked.append([*parts, *self._equal(each.after, each.then, "next/", changed or {})])
        head = re.sub(r"^\(push 1\)$.*?^\(pop 1\)$", "", self.proof.script(()).text(), flags=re.MULTILINE | re.DOTALL)
        if without:
            among = r"(\(define-fun (?:from|settle|undone)/\S+ \(\) Bool .*)"
            head = re.sub(rf"{among} {re.escape(without)} ", r"\1 ", head)
        data = set(self.proof.formulas.sorts)
        text = [head]
        for each, parts in zip(steps, asked, strict=True):
            renamed = [_renamed(part, data) if part.startswith("next/") else part for part in parts]
            renamed += also(each)
            kind = "start" if each.before is None else "step"
            given = "" if each.before is None else f"(assert {INVARIANT})"
            text.append(f"(push 1)(assert {kind}){given}" + "".join(f"(assert {part})" for part in renamed))
            text.append("(check-sat)(pop 1)")
        said = answers("\n".join(text))
        assert len(said) == len(steps), said[:3]
        return [each for each, answer in zip(steps, said, strict=True) if answer != "sat"]

    def _equal(self, at: Instance, now: datetime, prefix: str, changed: dict[str, str] | None = None) -> list[str]:
        """That the variables, before or after a step, are those of an instance."""
        known = self.state(at, now) | (changed or {})
        parts = [f"(= {prefix}{name} {value})" for name, value in known.items()]
        data = self.proof.formulas.text(self.inquiry.states.exactly(at))
        return [*parts, f"{prefix}{data}"]


def _renamed(part: str, data: set[str]) -> str:
    """A term about data as one about the data after a step."""
    return re.sub(r"[^\s()]+", lambda word: next_(word[0]) if word[0] in data else word[0], part.removeprefix("next/"))


def _truth(value: bool) -> str:
    return "true" if value else "false"


def searched(model: Model) -> Iterator[Taken]:
    """The steps of runs that the search has made, those of runs in which nothing passes a timer that falls due."""
    for edge in model.inquiry.graph.edges():
        arrival = edge.arrival
        if edge.real and all(_in_time(model, each) for each in arrival.run()):
            before = None if arrival.before is None else arrival.before.instance
            yield Taken(before, arrival.instance, arrival.now, arrival.now, arrival.trigger)


def _in_time(model: Model, step: Arrival) -> bool:
    at = None if step.before is None else step.before.instance
    if at is None or at.compensating:
        return step.real
    return step.real and all(each.due >= step.now for each in at.timers if each.timer in model.machine.clocks)


def walk(model: Model, rng: Random, most: int, patience: timedelta | None = None) -> Iterator[Taken]:
    """A random run on the interpreter, in which nothing passes a timer that falls due. patience: the longest before
    something else than a timer comes."""
    kernel, now = model.kernel, NOW
    try:
        at = start(kernel, rng.choice(inputs(kernel)), NOBODY, now).after
    except (Rejected, Fault):
        return
    found: list[tuple[Instance | None, Instance, datetime, Trigger | None]] = [(None, at, now, None)]
    for _ in range(most):
        options = moves(kernel, at)
        rng.shuffle(options)
        for trigger, actor in options[:12]:
            moment = _moment(model, at, trigger, now, rng, patience)
            if moment is None or not _of_the_world(kernel, at, trigger):
                continue
            try:
                made = step(kernel, at, trigger, actor, moment)
            except (Rejected, Fault):
                continue
            if made.after != at:
                found.append((at, made.after, moment, trigger))
                at, now = made.after, moment
                break
        if at.finished:
            break
    moments = [moment for _, _, moment, _ in found]
    for (before, after, moment, by), then in zip(found, [*moments[1:], moments[-1]], strict=True):
        yield Taken(before, after, moment, then, by)


def _of_the_world(kernel: Kernel, at: Instance, trigger: Trigger) -> bool:
    """A sub-flow is never said to be interrupted, and an event is handed in where none like it waits."""
    if isinstance(trigger, Outcome):
        return not (trigger.kind == "interrupted" and kernel.activity[trigger.key.partition("#")[0]].flow)
    return not (isinstance(trigger, Event) and any(each.name == trigger.name for each in at.deferred))


def _moment(
    model: Model, at: Instance, trigger: Trigger, now: datetime, rng: Random, patience: timedelta | None
) -> datetime | None:
    """When a trigger may come, sooner or later."""
    known = [each for each in at.timers if each.timer in model.machine.clocks]
    latest = min((each.due for each in known), default=now + timedelta(hours=1))
    if isinstance(trigger, Fired):
        due = next((each.due for each in at.timers if each.timer == trigger.timer), None)
        first = min((each.due for each in at.timers if each.timer in model.machine.timers), default=due)
        return None if due is None or due > max(latest, now) or due != first else max(now, due)
    if patience is not None:
        latest = min(latest, now + patience)
    return max(now, rng.choice((now, latest, now + (latest - now) / 2)))
