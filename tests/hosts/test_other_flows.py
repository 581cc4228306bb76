"""The contract of every host, on flows that the order does not show: deadlines, contracts, deferred events, faults."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernels import flow
from orders import START, House, doing, finishing, inputs, pass_time, triggers
from penstock.runtime.core import Fault
from penstock.runtime.journal import replay
from penstock.runtime.store import Status
from twins import generated

HOUR = timedelta(hours=1)


DEADLINE = """
  activity hold() { timeout 10s retry 1 compensate release() { timeout 10s retry 3 backoff 1h..1h } }
  event stop
  deadline 2h -> compensate -> Late
  start -> Holding
  state Holding { do hold() on done -> Waiting on failed -> compensate -> Failed ignore stop }
  state Waiting { on stop -> compensate -> Resting  wait forever "somebody stops it" }
  state Resting { ignore stop wait forever "until the deadline" }
  final failure Late
  final failure Failed
"""


def test_a_deadline_that_falls_due_while_the_flow_compensates_fires_when_that_is_over(house: House) -> None:
    made = generated(flow(DEADLINE))
    lost = ConnectionError("lost")

    async def run() -> None:
        async with house.open_for({made: doing(hold=[None], release=[lost, lost, None])}) as host:
            await host.start(made, "d", inputs(made))
            await host.settled("d")
            await host.send("d", made.event("stop"))
            await host.run_until_idle()
            await pass_time(host, house.clock, HOUR, HOUR - timedelta(seconds=1))
            assert (await host.instance("d")).status is Status.COMPENSATING
            house.clock.advance(timedelta(seconds=2))
            assert (await host.settled("d")).configuration == ("Late",)
            journal = await host.journal("d")
            vain = ["hold#1/undo attempt"] * 2
            assert triggers(journal) == ["start", "hold#1 done", "stop", *vain, "hold#1/undo done", "deadline"]
            assert replay(made, journal) == await host.record("d")

    finishing(run())


CONTRACT = """
  input { floor: int 0..9 }
  data { got: int 0..9 = 0 }
  activity draw(floor: int 0..9) -> int 0..9 { timeout 10s retry 3 backoff 1s..1s ensures result > floor readonly }
  start -> Drawing
  state Drawing { do draw(floor) on done(n) { got = n } -> Drawn on failed -> Nothing }
  final Drawn
  final failure Nothing
"""


@pytest.mark.parametrize(("answers", "end"), [([3, 10, 7], "Drawn"), ([4, 0, "7"], "Nothing")])
def test_an_answer_out_of_range_or_against_the_contract_is_a_failed_attempt(
    house: House, answers: list[object], end: str
) -> None:
    made = generated(flow(CONTRACT))

    async def run() -> None:
        async with house.open_for({made: doing(draw=answers)}) as host:
            await host.start(made, "c", inputs(made, 4))
            await host.run_until_idle()
            await pass_time(host, house.clock, *[timedelta(seconds=1)] * 2)
            assert (await host.settled("c")).configuration == (end,)

    finishing(run())


DEFERRED = """
  data { seen: int 0..9 = 0 }
  event add(n: int 0..4)
  start -> Early
  state Early { defer add  after 1h -> Late }
  state Late { on add(n) { seen = n } -> Done  after 1h -> Done }
  final Done
"""


def test_a_deferred_event_survives_a_restart_and_is_handled_in_the_step_that_lets_it_in(house: House) -> None:
    made = generated(flow(DEFERRED))

    async def run() -> None:
        async with house.open_for({made: doing()}) as host:
            await host.start(made, "e", inputs(made))
            await host.send("e", made.event("add", {"n": 3}))
        house.clock.advance(HOUR)
        async with house.open_for({made: doing()}) as host:
            assert (await host.settled("e")).configuration == ("Done",)
            assert (await host.record("e")).data.seen == 3
            assert triggers(await host.journal("e")) == ["start", "add", "Early.after1"]

    finishing(run())


FAULTY = """
  input { by: int }
  data { n: int = 0 }
  event go
  activity ask() { timeout 10s retry 1 readonly }
  start -> Waiting
  state Waiting { on go { n = 1 / by } -> Asking  after 1h { n = 1 / by } -> Asking }
  state Asking { do ask() on done { n = 1 / (by - 1) } -> Done on failed -> Done }
  final Done
"""


def test_a_faulty_step_changes_nothing_loses_nothing_and_does_not_stop_the_others(house: House) -> None:
    made = generated(flow(FAULTY))

    async def run() -> None:
        async with house.open_for({made: doing(ask=[None])}) as host:
            for id, by in (("sick", 0), ("sore", 1), ("well", 2)):
                await host.start(made, id, inputs(made, by))
            with pytest.raises(Fault, match="F403"):
                await host.send("sick", made.event("go"))
            await pass_time(host, house.clock, HOUR, HOUR)
            assert triggers(await host.journal("sick")) == ["start"]
            assert triggers(await host.journal("sore")) == ["start", "Waiting.after1", "ask#1 parked"]
            assert (await host.instance("well")).configuration == ("Done",)
            (letter,) = await host.parked()
            assert "Fault" in letter.error
            await host.retry("sore", letter.key, reason="the code was mended")
            await host.run_until_idle()
            assert len(await host.parked()) == 1

    finishing(run())


def test_a_host_leaves_the_instances_of_flows_that_it_does_not_run_alone(house: House) -> None:
    made, other = generated(flow(CONTRACT, "Mine")), generated(flow(CONTRACT, "Theirs"))

    async def run() -> None:
        async with house.open_for({made: doing(draw=[9]), other: doing(draw=[ValueError(), 9])}) as host:
            await host.start(other, "t", inputs(other, 4))
            await host.run_until_idle()
        house.clock.advance(HOUR)
        async with house.open_for({made: doing(draw=[9])}) as host:
            await host.start(made, "m", inputs(made, 4))
            await host.run_until_idle()
            assert (await host.instance("m")).configuration == ("Drawn",)
            assert (await host.instance("t")).configuration == ("Drawing",)
        async with house.open_for({other: doing(draw=[9])}) as host:
            assert (await host.settled("t")).configuration == ("Drawn",)
            assert (await host.instance("t")).at == START + HOUR

    finishing(run())


def test_a_call_that_the_code_no_longer_knows_is_parked(house: House) -> None:
    old = generated(flow(CONTRACT))
    new = generated(flow(CONTRACT.replace("draw", "take")))

    async def run() -> None:
        async with house.open_for({old: doing(draw=[ValueError()])}) as host:
            await host.start(old, "c", inputs(old, 4))
            await host.run_until_idle()
        house.clock.advance(HOUR)
        async with house.open_for({new: doing(take=[9])}) as host:
            await host.start(new, "d", inputs(new, 4))
            await host.run_until_idle()
            assert [letter.instance for letter in await host.parked()] == ["c"]
            assert (await host.instance("d")).configuration == ("Drawn",)

    finishing(run())
