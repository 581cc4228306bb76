"""Time by brute force: the interpreter run second by second, everything tried at every moment; how long it takes out.

Nothing is shared with the checks but the interpreter. Where all durations are whole seconds, so are the moments that
matter. A call is answered before its attempts are used up, an interrupted one settled while its last attempt runs.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from brute_calls import spent
from brute_force import Search, running
from brute_values import EPOCH, SECOND, TooLarge, payloads
from penstock.compiler.evaluate import Fault
from penstock.compiler.instance import Actor, Fired, Instance, Outcome, Rejected
from penstock.compiler.kernel import Kernel
from penstock.compiler.simulate import start, step
from penstock.dsl.model import Activity, Compensation

Dues = tuple[tuple[str, datetime], ...]
"""When what is under way has to be over: calls and interrupted calls by their keys, a compensation by its own."""
Key = tuple[object, ...]


class Seconds:
    """The graph of one flow, an edge of weight 1 for every second that passes."""

    def __init__(self, kernel: Kernel, limit: int) -> None:
        self.kernel = kernel
        self.limit = limit
        self.search = Search(kernel, limit, waiting=0)
        self.number: dict[Key, int] = {}
        self.edges: list[list[tuple[int, int]]] = []
        self.places: list[tuple[str, ...]] = []
        self.first: list[int] = []
        self.queue: deque[tuple[int, Instance, datetime, Dues]] = deque()

    def build(self) -> None:
        for inputs in payloads(tuple(v.type for v in self.kernel.inputs)):
            first = start(self.kernel, inputs, Actor("starter"), EPOCH).after
            self.first.append(self.visit(first, EPOCH, self.dues(None, first, EPOCH, ())))
        while self.queue:
            self.expand(*self.queue.popleft())

    def visit(self, instance: Instance, now: datetime, dues: Dues) -> int:
        left = {key: (due - now) // SECOND for key, due in dues}
        order = [call.key for call in instance.calls] + [entry.key for entry in instance.log]
        undoing = instance.undoing.running if instance.undoing is not None and instance.undoing.running else ""
        key: Key = (self.search.canonical(instance, now), tuple(left.get(each) for each in (*order, undoing)))
        if key not in self.number:
            if len(self.number) >= self.limit:
                raise TooLarge(f"more than {self.limit} moments")
            self.number[key] = len(self.edges)
            self.edges.append([])
            self.places.append(instance.configuration)
            if not instance.finished:
                self.queue.append((self.number[key], instance, now, dues))
        return self.number[key]

    def dues(self, before: Instance | None, after: Instance, now: datetime, known: Dues) -> Dues:
        """When everything has to be over that is under way after a step."""
        old = dict(known)
        stood = () if before is None else tuple(call.key for call in running(before))
        found: dict[str, datetime] = {}
        for call in running(after):
            activity = self.kernel.activity[call.activity]
            found[call.key] = old.get(call.key) or now + spent(activity.timeout, activity.retry)
        for entry in after.log:
            if entry.in_flight and entry.key not in found:
                fresh = entry.key in stood or entry.key not in old
                last = now + self.kernel.activity[entry.activity].timeout
                found[entry.key] = min(last, old.get(entry.key, last)) if fresh else old[entry.key]
        if after.undoing is not None and after.undoing.running is not None:
            key = after.undoing.running
            found[key] = old.get(key) or now + self.undo(self.kernel.activity[after.log[-1].activity])
        return tuple(sorted(found.items()))

    def undo(self, activity: Activity) -> timedelta:
        assert isinstance(activity.effect, Compensation), "it is being undone"
        return spent(activity.effect.timeout, activity.effect.retry)

    def expand(self, number: int, instance: Instance, now: datetime, dues: Dues) -> None:
        due = [armed for armed in instance.timers if armed.due <= now] if not instance.compensating else []
        for trigger in (*self.search.untimed(instance), *(Fired(armed.timer) for armed in due)):
            try:
                after = step(self.kernel, instance, trigger, self.search.actors(instance, trigger)[0], now).after
            except (Fault, Rejected):
                continue
            if after != instance or isinstance(trigger, Outcome):
                self.edges[number].append((self.visit(after, now, self.dues(instance, after, now, dues)), 0))
        if not due and all(moment > now for _, moment in dues):
            self.edges[number].append((self.visit(instance, now + SECOND, dues), 1))

    def longest(self) -> dict[str, int | None]:
        """The most seconds that are left at the start (""), and in every state; None: without end."""
        values = self.values()
        found: dict[str, int | None] = {}
        for number, place in enumerate(self.places):
            for name in (*place, *([""] if number in self.first else [])):
                old, new = found.get(name, 0), values[number]
                found[name] = None if old is None or new is None else max(old, new)
        return found

    def values(self) -> list[int | None]:
        """Of every moment, by rounds: a value that grows for longer than there are moments has no end."""
        size = len(self.edges)
        into: list[list[tuple[int, int]]] = [[] for _ in range(size)]
        for source, edges in enumerate(self.edges):
            for target, weight in edges:
                into[target].append((source, weight))
        values: list[int | None] = [0] * size
        todo = deque(range(size))
        while todo:
            target = todo.popleft()
            for source, weight in into[target]:
                old, behind = values[source], values[target]
                if old is None or (behind is not None and behind + weight <= old):
                    continue
                values[source] = None if behind is None or behind + weight > size else behind + weight
                todo.append(source)
        return values


def slowest(kernel: Kernel, limit: int = 4000) -> dict[str, int | None]:
    """The longest that is left at the start and in every state, in seconds. Raises TooLarge."""
    made = Seconds(kernel, limit)
    made.build()
    return made.longest()
