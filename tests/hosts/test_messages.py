"""What flows say to each other on a host: emitted once a step, delivered once, in order, or kept with a reason."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from kernels import kernel, kernels
from orders import House, doing, finishing, inputs
from penstock.runtime.errors import NotParked, Unknown
from penstock.runtime.hosts.protocol import Host
from penstock.runtime.journal import AnyFlow, replay
from penstock.runtime.story import story
from twins import generated

TALK = """
flow Talker version 1 {
  input { to: text }
  data { said: int = 0 }
  emits spoke(number: int, word: text?)
  event say(word: text)
  event shout(word: text)
  event leave
  start { send Listener.hear(0, "first") to to, emit spoke(said, none) } -> Talking
  state Talking {
    on say(word)   { said = said + 1, send Listener.hear(said, word) to to, emit spoke(said, word) } stay
    on shout(word) { send Listener.hear(said, word) to to, said = said + 1, send Listener.hear(said, word) to to } stay
    on leave       { send Listener.stop to to } -> Gone
    wait forever "it talks"
  }
  final Gone
}

flow Listener version 1 {
  data { last: int = -1, words: int = 0 }
  event hear(number: int, word: text)
  event stop
  event wake
  start -> Listening
  state Listening {
    on hear(number, _) when number > last { last = number, words = words + 1 } stay
    on hear(_, word) else { words = words + 1 } -> Asleep
    on stop -> Done
    wait forever "it listens"
  }
  state Asleep {
    defer hear at most 1
    on wake -> Listening
    wait forever "it sleeps"
  }
  final Done
}
"""


def talk() -> tuple[type[AnyFlow], type[AnyFlow]]:
    talker, listener = map(generated, kernels(TALK).values())
    return talker, listener


async def said(host: Host) -> list[tuple[str, object]]:
    return [(each.id, json.loads(each.payload)) for each in await host.messages()]


async def heard(host: Host, id: str) -> list[object]:
    """The letters that an instance took, in order."""
    entries = [entry for entry in await host.journal(id) if (entry.request or "").startswith("letter ")]
    return [json.loads(entry.trigger)["payload"].get("number") for entry in entries]


async def dead(host: Host) -> list[tuple[str, str]]:
    return [(letter.id, letter.reason) for letter in await host.letters()]


def test_what_is_emitted_stays_until_it_is_acknowledged_under_the_same_id(house: House) -> None:
    talker, listener = talk()
    flows: dict[type[AnyFlow], object] = {talker: doing(), listener: doing()}

    async def run() -> None:
        async with house.open_for(flows) as host:
            await host.start(talker, "t", inputs(talker, "l"))
            await host.send("t", talker.event("say", {"word": "a"}), request="1")
            await host.send("t", talker.event("say", {"word": "a"}), request="1")
        async with house.open_for(flows) as host:
            expected = [("t/1/1", {"number": 0, "word": None}), ("t/2/1", {"number": 1, "word": "a"})]
            assert await said(host) == expected
            assert [(m.instance, m.flow, m.event) for m in await host.messages(1)] == [("t", "Talker/1", "spoke")]
            await host.acknowledge("t/1/1")
            await host.acknowledge("t/1/1")
            assert await said(host) == expected[1:]
            assert "spoke is emitted" in story(talker.spec, await host.journal("t"))

    finishing(run())


def test_letters_wait_for_an_instance_and_come_in_order_once(house: House) -> None:
    talker, listener = talk()

    async def run() -> None:
        async with house.open_for({talker: doing(), listener: doing()}) as host:
            await host.start(talker, "t", inputs(talker, "l"))
            for word in "abc":
                await host.send("t", talker.event("shout", {"word": word}))
            await host.run_until_idle()
            assert await dead(host) == [(f"t/{row}/{number}", "") for row, number in (
                (1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (4, 0), (4, 1)
            )]  # fmt: skip
            with pytest.raises(NotParked):
                await host.redeliver("t/1/0", reason="impatience")
            await host.start(listener, "l", inputs(listener))
            await host.settled("l")
            assert await heard(host, "l") == [0, 0, 1]
            assert [letter.reason for letter in await host.letters()] == ["full"] * 4
            assert replay(listener, await host.journal("l")) == await host.record("l")
            assert replay(talker, await host.journal("t")) == await host.record("t")

    finishing(run())


def test_a_letter_that_is_not_taken_is_kept_with_its_reason_and_can_be_tried_again(house: House) -> None:
    talker, listener = talk()

    async def run() -> None:
        async with house.open_for({talker: doing(), listener: doing()}) as host:
            await host.start(listener, "l", inputs(listener))
            await host.start(talker, "t", inputs(talker, "l"))
            await host.run_until_idle()
            assert await heard(host, "l") == [0]
            await host.send("t", talker.event("shout", {"word": "x"}))
            await host.run_until_idle()
            assert (await host.instance("l")).configuration == ("Asleep",)
            await host.send("t", talker.event("leave"))
            await host.run_until_idle()
            assert await dead(host) == [("t/3/0", "unhandled")]
            assert "letter t/3/0 is parked: unhandled" in story(talker.spec, await host.journal("t"))
            await host.redeliver("t/3/0", reason="perhaps now")
            await host.run_until_idle()
            assert await dead(host) == [("t/3/0", "unhandled")]
            await host.send("l", listener.event("wake"))
            await host.redeliver("t/3/0", reason="it is awake")
            await host.run_until_idle()
            assert await dead(host) == []
            assert (await host.instance("l")).configuration == ("Done",)
            with pytest.raises(Unknown):
                await host.redeliver("t/3/0", reason="again")

    finishing(run())


def test_a_letter_to_another_flow_or_to_an_end_is_dead_and_can_be_discarded(house: House) -> None:
    talker, listener = talk()

    async def run() -> None:
        async with house.open_for({talker: doing(), listener: doing()}) as host:
            await host.start(talker, "t", inputs(talker, "t"))
            await host.start(talker, "u", inputs(talker, "l"))
            await host.start(listener, "l", inputs(listener))
            await host.send("u", talker.event("leave"))
            await host.run_until_idle()
            await host.start(talker, "v", inputs(talker, "l"))
            await host.run_until_idle()
            assert sorted(await dead(host)) == [("t/1/0", "other flow"), ("v/1/0", "finished")]
            await host.discard("v/1/0", reason="nobody listens")
            assert await dead(host) == [("t/1/0", "other flow")]
            assert [entry.kind for entry in await host.journal("v")] == ["start", "parked", "discarded"]
            assert "letter v/1/0 is discarded" in story(talker.spec, await host.journal("v"))

    finishing(run())


def test_letters_of_two_hosts_are_delivered_once(house: House) -> None:
    talker, listener = talk()
    flows: dict[type[AnyFlow], object] = {talker: doing(), listener: doing()}

    async def run() -> None:
        async with house.open_for(flows) as one, house.open_for(flows) as two:
            await one.start(listener, "l", inputs(listener))
            await asyncio.gather(
                *(host.start(talker, f"t{n}", inputs(talker, "l")) for n in range(8) for host in (one, two))
            )
            await one.run_until_idle()
            await two.run_until_idle()
            assert len(await heard(one, "l")) + len(await dead(one)) == 8

    finishing(run())


CHATTER = """
flow Chatter version 1 {
  input { other: text }
  data { turns: int = 0 }
  event ball
  event serve
  start -> Playing
  state Playing {
    on serve { send Chatter.ball to other } stay
    on ball when turns < 300 { turns = turns + 1, send Chatter.ball to other } stay
    on ball else -> Done
    after 1d -> Done
  }
  final Done
}
"""


def test_many_letters_are_delivered_over_several_transactions(house: House) -> None:
    made = generated(kernel(CHATTER))

    async def run() -> None:
        async with house.open_for({made: doing()}) as host:
            await host.start(made, "a", inputs(made, "b"))
            await host.start(made, "b", inputs(made, "a"))
            await host.send("a", made.event("serve"))
            await host.run_until_idle()
            ends = [(await host.instance(id)).configuration for id in "ab"]
            assert sorted(ends) == [("Done",), ("Playing",)]
            assert not await host.letters()
            house.clock.advance(timedelta(days=1))
            await host.run_until_idle()

    finishing(run())
