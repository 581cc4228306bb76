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
from penstock.compiler.instance import NOBODY, Event, Fired, Instance, Outcome, Rejected, Step, Taken, Trigger
from penstock.compiler.kernel import Kernel
from penstock.compiler.simulate import enabled, start, step
from penstock.dsl.model import Effect
from random_flows import random_flow
from triggers import inputs, moves

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WAITS = [timedelta(0), timedelta(seconds=1), timedelta(hours=30)]
EXAMPLES = int(os.environ.get("PENSTOCK_EXAMPLES", "400"))


@lru_cache(maxsize=512)
def flow(seed: int) -> Kernel:
    """The order, or a random flow."""
    return order() if seed == 0 else kernel(random_flow(seed))


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
        assert calls == {call.key for call in at.calls}


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
def test_only_timers_and_tasks_of_the_place_and_the_deadline_are_open(seed: int, picks: list[int]) -> None:
    which = flow(seed)
    for _, _, _, made in run(which, picks):
        at = made.after
        leaves = [which.leaf[name] for name in at.configuration]
        allowed = {timer.id for leaf in leaves for timer in leaf.timers}
        if which.deadline is not None and not at.finished:
            allowed.add(which.deadline.id)
        assert {armed.timer for armed in at.timers} <= allowed
        assert {item.task for item in at.tasks} <= {task.name for leaf in leaves for task in leaf.tasks}
        assert [call.activity for call in at.calls] in ([], *([leaf.call.activity] for leaf in leaves if leaf.call))


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
        assert all(index >= len(set(old) & set(keys)) for index, key in enumerate(keys) if key not in old)
        for call in at.calls:
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
            assert all(event.name not in which.leaf[leaf].ignores for leaf in at.configuration)


@runs
@anyone
def test_a_configuration_is_a_leaf_or_none_while_compensating_and_the_end_is_final(seed: int, picks: list[int]) -> None:
    which = flow(seed)
    for trigger, _, before, made in run(which, picks):
        at = made.after
        assert len(at.configuration) == (0 if at.compensating else 1)
        assert at.finished == any(which.leaf[leaf].final for leaf in at.configuration)
        finishes = at.finished and (before is None or not before.finished)
        assert [type(effect) for effect in made.effects].count(Finish) == finishes
        if before is not None and before.finished:
            assert made == Step(before)
            assert not isinstance(trigger, Event)


def test_the_random_runs_reach_what_the_laws_are_about() -> None:
    """So that no law above holds for want of a case."""
    seen: set[str] = set()
    for seed in range(60):
        picks = [(seed * 7919 + k * k * 31 + k) % 10_000 for k in range(40)]
        for _, _, before, made in run(flow(seed), picks):
            seen |= {type(effect).__name__ for effect in made.effects}
            seen |= {"deferred"} if made.after.deferred else set()
            seen |= {"settled"} if before and any(e.in_flight for e in before.log) and not made.after.calls else set()
    wanted = {"deferred", "settled", "StartCompensation", "Finish", "InterruptActivity", "CancelTimer", "CloseTask"}
    assert wanted <= seen
