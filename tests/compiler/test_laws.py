"""Laws of the reference interpreter: random triggers, many of them stale or wrong, on random flows and on the order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernels import kernel, order
from penstock.compiler.effects import (
    ArmTimer,
    CancelTimer,
    CloseTask,
    DelegateTask,
    EscalateTask,
    Finish,
    InterruptActivity,
    OpenTask,
    StartActivity,
    StartCompensation,
)
from penstock.compiler.evaluate import Fault, fits
from penstock.compiler.instance import NOBODY, Call, Event, Fired, Instance, Outcome, Rejected, Step, Taken, Trigger
from penstock.compiler.kernel import Kernel, Leaf, ScopeKind
from penstock.compiler.simulate import enabled, start, step
from penstock.dsl.model import Effect
from random_flows import random_flow
from random_trees import random_tree
from triggers import inputs, moves

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WAITS = [timedelta(0), timedelta(seconds=1), timedelta(hours=30)]
EXAMPLES = int(os.environ.get("PENSTOCK_EXAMPLES", "400"))


@lru_cache(maxsize=512)
def flow(seed: int) -> Kernel:
    """The order, or a random flow; every other one has states in states."""
    return order() if seed == 0 else kernel(random_flow(seed) if seed % 2 else random_tree(seed))


def run(which: Kernel, picks: list[int]) -> Iterator[tuple[Trigger | None, datetime, Instance | None, Step]]:
    """The steps of a run that the picks decide; a refused trigger is left out once it is seen to change nothing."""
    chosen = inputs(which)
    try:
        made = start(which, chosen[picks[0] % len(chosen)], NOBODY, NOW)
    except (Rejected, Fault):
        return
    yield None, NOW, None, made
    now = NOW
    for pick in picks[1:]:
        at = made.after
        pick, wait = divmod(pick, len(WAITS))
        now += WAITS[wait]
        choices = moves(which, at)
        trigger, actor = choices[pick % len(choices)]
        before = hash(at)
        try:
            made = step(which, at, trigger, actor, now)
        except (Rejected, Fault):
            assert hash(at) == before
            continue
        assert step(which, at, trigger, actor, now) == made, "the same trigger in the same place does the same"
        assert hash(at) == before
        yield trigger, now, at, made


runs = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
anyone = given(st.integers(0, 400), st.lists(st.integers(0, 10_000), min_size=1, max_size=30))


@runs
@anyone
def test_what_the_effects_ask_for_is_what_the_record_says(seed: int, picks: list[int]) -> None:
    """A host that only carries out effects has the same timers armed, tasks open and calls running."""
    timers: dict[str, datetime] = {}
    tasks: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    calls: set[str] = set()
    for trigger, _, before, made in run(flow(seed), picks):
        if isinstance(trigger, Fired) and before is not None and made != Step(before):
            del timers[trigger.timer]
        if isinstance(trigger, Outcome):
            calls.discard(trigger.key)
        for effect in made.effects:
            match effect:
                case ArmTimer(timer, due):
                    timers[timer] = due
                case CancelTimer(timer):
                    del timers[timer]
                case OpenTask(key, roles=roles, persons=persons):
                    tasks[key] = roles, persons
                case EscalateTask(key, role):
                    tasks[key] = tuple(dict.fromkeys((*tasks[key][0], role))), tasks[key][1]
                case DelegateTask(key, to):
                    tasks[key] = (), (to,)
                case CloseTask(key):
                    del tasks[key]
                case StartActivity(key):
                    calls.add(key)
                case InterruptActivity(key):
                    calls.remove(key)
                case _:
                    pass
        at = made.after
        assert timers == dict(_armed(at))
        assert tasks == {item.key: (item.roles, item.persons) for item in at.tasks}
        assert calls == {call.key for call in at.calls if not call.answer}


def _armed(at: Instance) -> list[tuple[str, datetime]]:
    return [(armed.timer, armed.due) for armed in at.timers]


@runs
@anyone
def test_keys_are_never_used_again(seed: int, picks: list[int]) -> None:
    keys: list[str] = []
    for _, _, _, made in run(flow(seed), picks):
        asked = (StartActivity, StartCompensation, OpenTask)
        keys += [effect.key for effect in made.effects if isinstance(effect, asked)]
    assert len(keys) == len(set(keys))


@runs
@anyone
def test_only_timers_tasks_and_calls_of_active_places_are_open(seed: int, picks: list[int]) -> None:
    which = flow(seed)
    for _, _, _, made in run(which, picks):
        at = made.after
        over = {which.leaf[name].path[-1] for name in at.configuration if "region" in which.leaf[name].kind.value}
        places = [which.place[name] for name in which.active(at.configuration) - over]
        allowed = {timer.id for place in places for timer in place.timers}
        if which.deadline is not None and not at.finished:
            allowed.add(which.deadline.id)
        assert {armed.timer for armed in at.timers} <= allowed
        assert {item.task for item in at.tasks} <= {task.name for place in places for task in place.tasks}
        assert {call.leaf for call in at.calls} <= set(at.configuration)
        for leaf in at.configuration:
            _right_calls(which.leaf[leaf], [call for call in at.calls if call.leaf == leaf])


def _right_calls(leaf: Leaf, calls: list[Call]) -> None:
    """One call, or one for each item, or none when they have answered."""
    if leaf.call is None or leaf.call.each is None:
        assert [call.activity for call in calls] in ([], [leaf.call and leaf.call.activity])
        assert all(call.item is None and not call.answer for call in calls)
        return
    assert [call.item for call in calls] == list(range(len(calls)))
    assert not calls or any(not call.answer for call in calls), "a group of which all have answered is over"
    done = sum(call.answer == "done" for call in calls)
    assert not calls or done < min(leaf.call.each.quota or len(calls), len(calls))


@runs
@anyone
def test_a_compensation_undoes_newest_first_what_stands_above_its_mark(seed: int, picks: list[int]) -> None:
    for trigger, _, before, made in run(flow(seed), picks):
        if before is None or before.undoing is None or not isinstance(trigger, Outcome):
            continue
        left = {entry.key for entry in made.after.log}
        log = [entry.key for entry in before.log if entry.key != trigger.key]  # the one it settles may go from anywhere
        gone = [key for key in log if key not in left]
        assert gone == log[len(log) - len(gone) :]
        if Taken(None) in [replace(taken, branches=()) for taken in made.taken]:
            assert not left & {entry.key for entry in before.log[before.undoing.mark :]}
        for effect in made.effects:
            if isinstance(effect, StartCompensation):
                assert effect.forward == made.after.log[-1].key
                assert not made.after.log[-1].in_flight


@runs
@anyone
def test_the_log_grows_at_the_end_and_holds_what_is_in_flight(seed: int, picks: list[int]) -> None:
    which = flow(seed)
    for _, _, before, made in run(which, picks):
        at = made.after
        old = () if before is None else tuple(entry.key for entry in before.log)
        keys = tuple(entry.key for entry in at.log)
        assert [key for key in keys if key in old] == [key for key in old if key in keys]
        serials = [int(key.split("#")[1]) for key in keys]
        assert serials == sorted(set(serials)), "so a mark is as good as the number of the last call before it"
        assert all(index >= len(set(old) & set(keys)) for index, key in enumerate(keys) if key not in old)
        for call in at.calls:
            if not call.answer:
                logged = [entry.in_flight for entry in at.log if entry.key == call.key]
                assert logged == ([] if which.activity[call.activity].effect is Effect.READONLY else [True])
        for name, mark in at.marks:
            assert name in which.savepoints
            assert 0 <= mark <= len(at.log)


@runs
@anyone
def test_values_stay_in_their_types_and_inputs_stay_as_they_are(seed: int, picks: list[int]) -> None:
    which = flow(seed)
    first: tuple[object, ...] | None = None
    for _, _, _, made in run(which, picks):
        values = made.after.values
        assert all(fits(value, variable.type) for value, variable in zip(values, which.variable.values(), strict=True))
        given_at_start = values[: len(which.inputs)]
        first = given_at_start if first is None else first
        assert given_at_start == first


@runs
@anyone
def test_at_rest_no_deferred_event_is_one_that_could_be_handled(seed: int, picks: list[int]) -> None:
    which = flow(seed)
    for _, now, _, made in run(which, picks):
        at = made.after
        if at.compensating or not made.taken:
            continue
        assert not (at.finished and at.deferred)
        for event in at.deferred:
            assert enabled(which, at, event, now) == ()
            assert not which.ignored(at.configuration, event.name)


@runs
@anyone
def test_a_configuration_is_a_leaf_of_each_region_and_the_end_is_final(seed: int, picks: list[int]) -> None:
    which = flow(seed)
    for trigger, _, before, made in run(which, picks):
        at = made.after
        assert at.configuration == (() if at.compensating else tuple(_consistent(which, at.configuration, "")))
        assert at.finished == any(which.leaf[leaf].final for leaf in at.configuration)
        finishes = at.finished and (before is None or not before.finished)
        assert [type(effect) for effect in made.effects].count(Finish) == finishes
        if before is not None and before.finished:
            assert made == Step(before)
            assert not isinstance(trigger, Event)


def _consistent(which: Kernel, configuration: tuple[str, ...], scope: str) -> Iterator[str]:
    """The active leaves in a scope, in the order of the text, if they are as they have to be there."""
    active = [name for name in which.inside[scope] if any(name in which.above(leaf) for leaf in configuration)]
    if which.scope[scope].kind is ScopeKind.PARALLEL:
        assert active == list(which.inside[scope]), "every region is somewhere"
    else:
        assert len(active) == 1, "of other scopes exactly one place is active"
    for name in active:
        yield from [name] if name in which.leaf else _consistent(which, configuration, name)


@runs
@anyone
def test_what_is_entered_is_active_or_left_again_and_no_join_is_left_undone(seed: int, picks: list[int]) -> None:
    which = flow(seed)
    for _, _, before, made in run(which, picks):
        at = made.after
        if made.taken:
            assert which.joined(at.configuration) is None or at.finished
        entered = [name for taken in made.taken for name in taken.entered]
        old = which.active(before.configuration) if before is not None else frozenset[str]()
        assert which.active(at.configuration) <= {"", *entered, *old}
        for name, leaves in at.history:
            assert name in which.resumed
            assert all(name in which.above(leaf) for leaf in leaves) and leaves
        assert {name for name, _ in at.moments} <= which.counted


@runs
@anyone
def test_a_move_leaves_alone_what_is_outside_its_region(seed: int, picks: list[int]) -> None:
    which = flow(seed)
    for trigger, _, before, made in run(which, picks):
        if before is None or len(made.taken) != 1 or made.taken[0].command is None or not made.taken[0].entered:
            continue
        command, top = which.commands[made.taken[0].command], which.place[made.taken[0].entered[0]]
        region = next((name for name in reversed(top.path) if which.scope[name].kind is ScopeKind.REGION), None)
        if region is None or region not in which.above(command.scope):
            continue
        others = [leaf for leaf in before.configuration if region not in which.above(leaf)]
        assert [leaf for leaf in made.after.configuration if region not in which.above(leaf)] == others
        key = trigger.key if isinstance(trigger, Outcome) else ""
        kept = [call for call in before.calls if call.leaf in others and call.key != key]
        assert [call for call in made.after.calls if call.leaf in others] == kept


def test_the_random_runs_reach_what_the_laws_are_about() -> None:
    """So that no law above holds for want of a case."""
    seen: set[str] = set()
    for seed in range(60):
        picks = [(seed * 7919 + k * k * 31 + k) % 10_000 for k in range(40)]
        which = flow(seed)
        for _, _, before, made in run(which, picks):
            seen |= {type(effect).__name__ for effect in made.effects}
            seen |= {"deferred"} if made.after.deferred else set()
            seen |= {"settled"} if before and any(e.in_flight for e in before.log) and not made.after.calls else set()
            seen |= {"history"} if made.after.history else set()
            seen |= {"regions"} if len(made.after.configuration) > 1 else set()
            seen |= {"group"} if any(call.item for call in made.after.calls) else set()
            answered = [which.commands[taken.command].on for taken in made.taken if taken.command]
            seen |= {on.kind.value for on in answered if on is not None}
    wanted = {"deferred", "settled", "StartCompensation", "Finish", "InterruptActivity", "CancelTimer", "CloseTask"}
    wanted |= {"history", "regions", "group", "join"}
    assert wanted <= seen
