"""Whether what an instance waits for is written down as work: its record and its open work in, what is wrong out.

The record says which calls, timers and tasks it waits for; hosts carry out what stands in their own tables. Where the
two differ, something would wait for ever, or be done that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from .journal import AnyFlow
from .store import Child, PendingCall, TaskItem, Timer


def differences(
    record: AnyFlow,
    calls: Sequence[PendingCall],
    timers: Sequence[Timer],
    tasks: Sequence[TaskItem],
    children: Sequence[Child],
) -> Iterator[str]:
    """In words. `children`: the sub-flows that it has started."""
    ledger = record.ledger
    awaited = [call.key for call in ledger.calls if not call.answer]
    awaited += [entry.key for entry in ledger.log if entry.in_flight and entry.key not in awaited]
    if ledger.undoing is not None and ledger.undoing.running is not None:
        awaited.append(ledger.undoing.running)
    done_by_others = {child.answers for child in children}
    open_calls = {call.key for call in calls}
    yield from _missing("call", [key for key in awaited if key not in open_calls and key not in done_by_others])
    yield from _idle("call", [call.key for call in calls if call.key not in awaited and not call.interrupted])
    armed, kept = {timer.timer: timer.due for timer in ledger.timers}, {timer.name: timer.due for timer in timers}
    yield from _missing("timer", [name for name in armed if name not in kept])
    yield from _idle("timer", [name for name in kept if name not in armed])
    yield from (f"its timer {name} is due too early" for name in armed if name in kept and kept[name] < armed[name])
    opened = {work.key: work for work in ledger.tasks}
    shown = {task.key: task for task in tasks}
    yield from _missing("task", [key for key in opened if key not in shown])
    yield from _idle("task", [key for key in shown if key not in opened])
    for key in opened.keys() & shown.keys():
        work, task = opened[key], shown[key]
        if (work.roles, work.excluded, work.persons) != (task.roles, task.excluded, task.persons):
            yield f"its task {key} is shown to others than it is for"


def _missing(what: str, names: Collection[str]) -> Iterator[str]:
    return (f"its {what} {name} is lost: nobody will do it" for name in names)


def _idle(what: str, names: Collection[str]) -> Iterator[str]:
    return (f"a {what} {name} is to be done that it does not wait for" for name in names)
