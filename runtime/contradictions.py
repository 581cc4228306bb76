"""What no instance of a flow can have written: the fields of a record, each of its type, in; what is wrong between them
out, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .core import DEADLINE, WITHDRAWN, Call, Ledger
from .rules import D, E, I, Rules, S
from .spec import ActivityKind, FlowSpec


def contradictions(spec: FlowSpec, rules: Rules[I, D, S, E], at: tuple[S, ...], ledger: Ledger[E]) -> Iterator[str]:
    withdrawn = not at and ledger.undoing is None
    left = ledger.log or ledger.calls or ledger.tasks or ledger.timers or ledger.deferred
    if (withdrawn and left) or (at and ledger.undoing is not None):
        yield "it rests somewhere, or in no place while it compensates or once it is withdrawn"
        return
    if at and not rules.places.possible(at):
        yield f"it cannot rest in {', '.join(at)} at a time"
        return
    yield from _under_way(rules, at, ledger)
    yield from _called(rules, ledger)
    yield from _logged(spec, ledger)
    yield from _remembered(spec, rules, ledger)
    if at and at[0] in rules.finals and (ledger.timers or ledger.deferred):
        yield "something is left to happen after the end"
    names = {WITHDRAWN, *rules.places.named, *map(str, rules.choices)}
    if ledger.undoing is not None and ledger.undoing.node not in names:
        yield f"there is no place or choice {ledger.undoing.node!r}"
    if any(spec.kinds[type(trigger)].task for trigger in ledger.deferred):
        yield "a task's completion is never deferred"


def _under_way(rules: Rules[I, D, S, E], at: tuple[S, ...], ledger: Ledger[E]) -> Iterator[str]:
    """Timers, tasks and calls belong to the places that are active."""
    active = {place for leaf in at for place in rules.places.open[leaf]}
    begun = [timer.timer for timer in ledger.timers if timer.timer != DEADLINE] + [work.task for work in ledger.tasks]
    strange = [name for name in begun if rules.home.get(name) not in active]
    strange += [c.activity for c in ledger.calls if c.leaf not in at or c.activity not in _begins(rules, c.leaf)]
    if strange:
        yield f"{', '.join(sorted(set(strange)))} cannot be under way in {', '.join(at) or 'compensation'}"
    if len(set(begun)) != len(begun):
        yield "something is under way twice"


def _begins(rules: Rules[I, D, S, E], leaf: str) -> frozenset[str]:
    place = rules.places.named.get(leaf)
    return rules.said[place].begins if place is not None and place in rules.said else frozenset()


def _called(rules: Rules[I, D, S, E], ledger: Ledger[E]) -> Iterator[str]:
    """A state has one call that has not answered, or a group of them, one for each item."""
    for leaf in dict.fromkeys(call.leaf for call in ledger.calls):
        calls = [call for call in ledger.calls if call.leaf == leaf]
        place = rules.places.named.get(leaf)
        state = rules.states.get(place) if place is not None else None
        if state is not None and state.group is not None:
            if [call.item for call in calls] != list(range(len(calls))) or not any(not c.answer for c in calls):
                yield f"the calls of {leaf} are not a group that is waited for"
            if any(call.answer not in ("", "done", "gone") for call in calls) or _early(calls):
                yield f"a call of {leaf} has an answer it cannot have"
        elif len(calls) > 1:
            yield "something is under way twice"
        elif calls[0].item is not None or calls[0].answer or calls[0].result is not None:
            yield f"the call of {leaf} is no group, and has not answered"


def _early(calls: Sequence[Call]) -> bool:
    """Whether a call has a result that is not done."""
    return any(call.result is not None and call.answer != "done" for call in calls)


def _logged(spec: FlowSpec, ledger: Ledger[E]) -> Iterator[str]:
    serials = [entry.serial for entry in ledger.log]
    if serials != sorted(set(serials)) or any(not 0 < serial <= ledger.counter for serial in serials):
        yield "the calls of the log are out of order"
    if any(entry.done and entry.in_flight for entry in ledger.log):
        yield "a call is done and in flight"
    if any(entry.result is not None and not entry.done for entry in ledger.log):
        yield "a call has a result and is not done"
    logged = {entry.key: entry for entry in ledger.log}
    for call in ledger.calls:
        entry = logged.get(call.key)
        if spec.activities[call.activity].kind is ActivityKind.READONLY:
            continue
        if not call.answer and (entry is None or not entry.in_flight):
            yield "the current call is not on the log"
        if call.answer == "done" and (entry is None or (entry.done, entry.result) != (True, call.result)):
            yield "a call that is done is not on the log"
    running = ledger.undoing.running if ledger.undoing is not None else None
    if running is not None and (not ledger.log or running != f"{ledger.log[-1].key}/undo"):
        yield f"{running!r} undoes something else than the newest call"


def _remembered(spec: FlowSpec, rules: Rules[I, D, S, E], ledger: Ledger[E]) -> Iterator[str]:
    """Marks, history, moments and readonly calls are kept of what asks for them."""
    if any(name not in rules.savepoints for name, _ in ledger.marks):
        yield "a mark of a place that is no savepoint"
    if any(name not in rules.counted for name, _ in ledger.moments):
        yield "a moment of a place that no timer counts from"
    for name, leaves in ledger.history:
        place = rules.places.named.get(name)
        left = [rules.places.named[leaf] for leaf in leaves if rules.places.named.get(leaf) in rules.places.open]
        if place is None or place not in rules.resumed:
            yield f"where {name} was left, which is never resumed"
        elif len(left) != len(leaves) or not (left == [place] or rules.places.possible(tuple(left), place)):
            yield f"{name} was left at places where it cannot rest"
    readonly = {name for name, activity in spec.activities.items() if activity.kind is ActivityKind.READONLY}
    if not readonly.issuperset(ledger.completed):
        yield "only readonly activities are remembered as completed"
