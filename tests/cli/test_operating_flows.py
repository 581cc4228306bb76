"""The operators' commands on flows that do each other, and that write each other letters."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import operated
from kernels import kernels
from orders import KEYS, House, doing
from twins import generated

TALK = """
flow Talker version 1 {
  input { to: text }
  event say(word: text)
  start -> Talking
  state Talking {
    on say(word) { send Listener.hear(word) to to } stay
    wait forever "it talks"
  }
}

flow Listener version 1 {
  event hear(word: text)
  event wake
  start -> Asleep
  state Asleep { on wake -> Awake  wait forever "it sleeps" }
  state Awake { on hear(_) -> Done  wait forever "it listens" }
  final Done
}
"""
FAMILY = """
flow Shipping version 1 {
  input { address: text }
  data { tracking: text? }
  output tracking
  event sent(tracking: text) by carrier
  roles carrier
  start -> Waiting
  state Waiting { on sent(id) { tracking = id } -> Sent  after 2d -> Lost }
  final Sent
  final failure Lost
}

flow Order version 1 {
  input { address: text }
  data { parcel: text? }
  start -> Sending
  state Sending { do flow Shipping(address: address)  on done(id) { parcel = id } -> Sent  on failed -> Failed }
  final Sent
  final failure Failed
}
"""


def transcript(console: operated.Console, *lines: str) -> str:
    return "\n".join(f"$ {line}\n{console.run(line)}" for line in lines)


def test_dead_letters_are_shown_delivered_again_and_discarded(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    golden: Callable[[str, str], None],
) -> None:
    talker, listener = map(generated, kernels(TALK).values())
    flows = {talker: doing(), listener: doing()}
    by = "--by olga --reason 'they are awake'"
    with operated.opened(flows, House("sqlite", tmp_path), capsys, monkeypatch) as console:
        console.run("penstock instances start Listener l --by cleo")
        console.run("penstock instances start Talker t to=l --by cleo")
        console.run("penstock instances start Talker u to=nobody --by cleo")
        for id, word in (("t", "come"), ("t", "go"), ("u", "hello")):
            console.run(f"penstock instances signal {id} say word={word} --by cleo --reason so")
        lines = [
            "penstock letters list",
            "penstock letters list --dead",
            "penstock instances show t",
            f"penstock letters redeliver u/2/0 {by}",
            f"penstock instances signal l wake {by}",
            f"penstock letters redeliver t/2/0 {by}",
            f"penstock letters discard t/4/0 {by}",
            "penstock letters list",
            "penstock instances export t",
            "penstock instances list --flow Listener --all",
            "penstock audit verify",
        ]
        golden("operating_letters.txt", transcript(console, *lines))
        listed = json.loads(console.run("penstock letters list --json"))["letters"]
        assert [(each["id"], each["reason"]) for each in listed] == [("u/2/0", "")]


def test_a_sub_flow_is_found_from_its_parent_and_back(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    golden: Callable[[str, str], None],
) -> None:
    shipping, order = map(generated, kernels(FAMILY).values())
    flows = {order: doing(), shipping: doing()}
    with operated.opened(flows, House("sqlite", tmp_path), capsys, monkeypatch) as console:
        lines = [
            "penstock instances start Order o address='Main St 1' --by cleo",
            "penstock instances start Order p address='Main St 2' --by cleo",
            "penstock instances show o",
            "penstock instances show 'o/Shipping#1'",
            "penstock instances signal 'o/Shipping#1' sent tracking=t-1 --by dhl --role carrier --reason 'by mail'",
            "penstock instances cancel 'p/Shipping#1' --by olga --reason 'no such street'",
            "penstock instances list --all",
            "penstock instances list --all --flow Order/1",
            "penstock audit verify",
        ]
        golden("operating_family.txt", transcript(console, *lines))
        assert set(console.codes) == {0}


def test_what_is_sealed_is_not_shown_without_its_codec(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shipping, order = map(generated, kernels(FAMILY).values())
    flows = {order: doing(), shipping: doing()}
    with operated.opened(flows, House("sealed", tmp_path), capsys, monkeypatch, codec=KEYS) as console:
        console.run("penstock instances start Shipping s address='Main St 1' --by cleo")
        assert "Main St 1" in console.run("penstock instances show s --app operated:host --db orders.db")
        assert "s   Shipping/1  in Waiting" in console.run("penstock instances list --db orders.db")
        assert "1 row of 1 instance: whole" in console.run("penstock audit verify --db orders.db")
        assert set(console.codes) == {0}
        said = console.run("penstock instances show s --db orders.db")
        assert said == "penstock: what is stored of s is sealed\ngive --app, with a host that has the codec\n"
        assert "is sealed" in console.run("penstock instances retry s --db orders.db --by olga --reason so")
        assert console.codes[-2:] == [2, 2]
