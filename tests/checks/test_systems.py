"""What is said of systems against plain enumeration: all instances and mailboxes that the interpreter comes to."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest

from penstock.compiler import pipeline
from penstock.compiler.checks.moves import BEGIN
from penstock.compiler.checks.systems import RULES
from penstock.compiler.checks.verdict import Verdict
from penstock.compiler.effects import DropEvent, SendEvent
from penstock.compiler.instance import NOBODY, Event, Instance, Rejected, Step
from penstock.compiler.kernel import Kernel
from penstock.compiler.pipeline import Examined
from penstock.compiler.simulate import start, step
from penstock.dsl.model import System
from random_systems import random_system

SYSTEMS = int(os.environ.get("PENSTOCK_SYSTEMS", "60"))
MOST = 3000

T = TypeVar("T")
Found = set[tuple[str, str]]
"""(code, subject) of what is refuted."""


@dataclass(frozen=True)
class World:
    """Where two instances are, and what lies in their mailboxes."""

    members: tuple[Instance | None, ...]
    boxes: tuple[tuple[Event, ...], ...]


class Enumeration:
    """All worlds, with what is wrong in them."""

    def __init__(self, system: System, kernels: dict[str, Kernel]) -> None:
        self.system = system
        self.kernels = [kernels[member.flow] for member in system.members]
        self.names = [member.name for member in system.members]
        self.index = {member.flow: index for index, member in enumerate(system.members)}
        self.heard = [{e for k in self.kernels for flow, e in k.sends if flow == own.name} for own in self.kernels]
        self.found: Found = set()
        self.stuck = False
        self.after: dict[World, set[World]] = {}
        self.cut: set[World] = set()  # that can go on only beyond a mailbox
        self.whole = True

    def run(self) -> Found:
        first = World((None, None), ((), ()))
        todo = deque([first])
        self.after[first] = set()
        while todo:
            world = todo.popleft()
            self.after[world] = set(self.steps(world))
            if not self.after[world] and world not in self.cut and not self.ended(world):
                self.stuck = True
            for other in self.after[world] - self.after.keys():
                self.after[other] = set()
                todo.append(other)
            if len(self.after) > MOST:
                self.whole = False
                return self.found
        if self.stuck or (not any(code == "F314" for code, _ in self.found) and self.lost()):
            self.found.add(("F311", self.system.name))
        return self.found

    def lost(self) -> bool:
        """Whether some world cannot come to an end, though others can."""
        good = {world for world in self.after if self.ended(world)}
        if not good:
            return False
        while more := {world for world, after in self.after.items() if world not in good and after & good}:
            good |= more
        return len(good) < len(self.after)

    def ended(self, world: World) -> bool:
        return all(at is not None and at.finished for at in world.members)

    def steps(self, world: World) -> Iterator[World]:
        for index, (at, kernel) in enumerate(zip(world.members, self.kernels, strict=True)):
            if at is None:
                yield from self.moved(world, index, start(kernel, (), NOBODY, BEGIN))
                continue
            if at.finished:
                continue
            for event in kernel.events:
                if event.name not in self.heard[index]:
                    made = self.tried(kernel, at, Event(event.name))
                    if made is not None and made.taken:
                        yield from self.moved(world, index, made)
            box = world.boxes[index]
            for place in range(len(box))[: 1 if self.system.fifo else None]:
                rest = replace(world, boxes=put(world.boxes, index, box[:place] + box[place + 1 :]))
                made = self.tried(kernel, at, box[place])
                if made is None:
                    self.found.add(("F312", f"{self.names[index]}.{box[place].name}"))
                    yield rest
                else:
                    yield from self.moved(rest, index, made, world)

    def tried(self, kernel: Kernel, at: Instance, event: Event) -> Step | None:
        try:
            return step(kernel, at, event, NOBODY, BEGIN)
        except Rejected:
            return None

    def moved(self, world: World, index: int, made: Step, before: World | None = None) -> Iterator[World]:
        before = before or world
        after = replace(world, members=put(world.members, index, made.after))
        dropped = {effect.event for effect in made.effects if isinstance(effect, DropEvent)} & self.heard[index]
        self.found |= {("F313", f"{self.names[index]}.{event}") for event in dropped}
        for effect in made.effects:
            if isinstance(effect, SendEvent):
                to = self.index[effect.flow]
                box = (*after.boxes[to], Event(effect.event))
                after = replace(after, boxes=put(after.boxes, to, box if self.system.fifo else in_order(box)))
                at = after.members[to]
                held = 0 if at is None else sum(event.name in self.heard[to] for event in at.deferred)
                if len(box) + held > self.system.most:
                    self.found.add(("F314", self.names[to]))
                    self.cut.add(before)
                    return
        for other, at in enumerate(after.members):
            if at is not None and at.finished:
                self.found |= {("F313", f"{self.names[other]}.{event.name}") for event in after.boxes[other]}
                after = replace(after, boxes=put(after.boxes, other, ()))
        yield after


def put(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])


def in_order(box: tuple[Event, ...]) -> tuple[Event, ...]:
    return tuple(sorted(box, key=lambda event: event.name))


def examined(folder: Path, text: str) -> Examined:
    path = folder / "system.flow"
    path.write_text(text, encoding="utf-8")
    file = pipeline.read(path)
    assert not file.errors, [said.message for said in file.diagnostics]
    return file


@pytest.mark.parametrize("share", range(4))
def test_the_answers_are_those_of_plain_enumeration(tmp_path: Path, share: int) -> None:
    shown: dict[str, int] = {}
    for seed in range(share, SYSTEMS, 4):
        file = examined(tmp_path, random_system(seed))
        (system,) = file.systems
        enumeration = Enumeration(system, {kernel.name: kernel for kernel in file.kernels})
        expected = enumeration.run()
        (report,) = pipeline.check_systems(file)
        for answer in report.answers:
            subject = answer.rule.code, answer.subject
            if answer.verdict is Verdict.REFUTED:
                assert subject in expected, (seed, subject)
                shown[answer.rule.code] = shown.get(answer.rule.code, 0) + 1
            elif answer.verdict is Verdict.PROVED:
                assert subject not in expected, (seed, subject)
                shown["proved"] = shown.get("proved", 0) + 1
            else:  # beyond a mailbox nobody looks
                assert subject not in expected, (seed, subject)
                assert any(code == "F314" for code, _ in expected), (seed, subject)
    assert {"F311", "F312", "F313", "F314", "proved"} <= shown.keys()


PAYLOADS = """
flow Ask version 1 {
  input { n: int 0..9 }
  event answer(n: int 0..9)
  start { send Reply.question(n) to "r" } -> Waiting
  state Waiting {
    on answer(got) when got == n -> Done
    on answer else -> Wrong
    wait forever "the other answers"
  }
  final Done
  final Wrong
}
flow Reply version 1 {
  event question(n: int 0..9)
  start -> Idle
  state Idle {
    on question(n) when n %s { send Ask.answer(n) to "a" } -> Done
    on question else -> Done
    wait forever "the other asks"
  }
  final Done
}
system Talk { ask: Ask  reply: Reply }
"""


@pytest.mark.parametrize(("guard", "verdict"), [("< 9", Verdict.REFUTED), ("> 20", Verdict.REFUTED)])
def test_what_payloads_decide_is_found(tmp_path: Path, guard: str, verdict: Verdict) -> None:
    (report,) = pipeline.check_systems(examined(tmp_path, PAYLOADS % guard))
    (answer,) = [each for each in report.answers if each.rule.code == "F311"]
    assert answer.verdict is verdict


def test_what_payloads_rule_out_is_never_refuted(tmp_path: Path) -> None:
    """The product does not know payloads: it is honest about what it cannot tell."""
    (report,) = pipeline.check_systems(examined(tmp_path, PAYLOADS % "<= 9"))
    (answer,) = [each for each in report.answers if each.rule.code == "F311"]
    assert answer.verdict is not Verdict.REFUTED


def test_the_page_of_the_deadlock_shows_one_and_mends_it(tmp_path: Path) -> None:
    (page,) = [rule.page for rule in RULES if rule.code == "F311"]
    bad, mended = re.findall(r"```flow\n(.*?)```", page, re.DOTALL)
    (report,) = pipeline.check_systems(examined(tmp_path, bad))
    assert {answer.rule.code for answer in report.answers if answer.verdict is Verdict.REFUTED} == {"F311"}
    (report,) = pipeline.check_systems(examined(tmp_path, mended))
    assert {answer.verdict for answer in report.answers} == {Verdict.PROVED}


def test_a_member_may_be_imported_if_it_has_no_mistakes(tmp_path: Path) -> None:
    ask, reply = PAYLOADS.replace("%s", "< 9").split("flow Reply")
    reply, system = reply.split("system")
    (tmp_path / "reply.flow").write_text(f"flow Reply{reply}".replace('{ send Ask.answer(n) to "a" } ', ""), "utf-8")
    path = tmp_path / "ask.flow"
    path.write_text(f'import "reply.flow"\n{ask}system{system}', "utf-8")
    (report,) = pipeline.check_systems(pipeline.read(path))
    assert {answer.verdict for answer in report.answers} == {Verdict.PROVED}  # the answer comes from outside
    broken = (tmp_path / "reply.flow").read_text("utf-8").replace("-> Done", "-> Nowhere")
    (tmp_path / "reply.flow").write_text(broken, "utf-8")
    said = [each.message for each in pipeline.read(path).diagnostics]
    assert said == ["`Reply`, or a flow beside it, has mistakes, so `Talk` cannot be checked."]
