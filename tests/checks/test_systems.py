"""What is said of systems against plain enumeration: all instances and mailboxes that the interpreter comes to."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from agreement import Tally, compare, compared
from brute_systems import Worlds
from kernels import together
from penstock.compiler import pipeline
from penstock.compiler.checks import systems
from penstock.compiler.checks.systems import RULES
from penstock.compiler.checks.verdict import Verdict
from penstock.compiler.pipeline import Examined
from random_dealings import OVERTAKEN, random_dealings
from random_systems import random_system

SYSTEMS = int(os.environ.get("PENSTOCK_SYSTEMS", "60"))
DEALINGS = int(os.environ.get("PENSTOCK_AGREEMENT", "40"))
MOST = 3000


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
        expected = Worlds(system, {kernel.name: kernel for kernel in file.kernels}, MOST).run()
        (report,) = pipeline.check_systems(file)
        for answer in report.answers:
            subject = answer.rule.code, answer.subject
            if answer.verdict is Verdict.REFUTED:
                assert subject in expected, (seed, subject)
                assert answer.diagnostic is not None and answer.diagnostic.fixes, "whoever reads it knows what to do"
                shown[answer.rule.code] = shown.get(answer.rule.code, 0) + 1
            elif answer.verdict is Verdict.PROVED:
                assert subject not in expected, (seed, subject)
                shown["proved"] = shown.get("proved", 0) + 1
            else:  # beyond a mailbox nobody looks
                assert subject not in expected, (seed, subject)
                assert any(code == "F314" for code, _ in expected), (seed, subject)
    assert {"F311", "F312", "F313", "F314", "proved"} <= shown.keys()


@pytest.mark.parametrize("first", range(0, DEALINGS, 20))
def test_they_are_so_with_data_calls_timers_and_events_from_outside(first: int) -> None:
    tally = Tally()
    for seed in range(first, first + 20):
        compare(seed, tally, random_dealings, MOST // 5)
    assert tally.disagreements == []
    assert tally.flows >= 10, "most are small enough to enumerate"
    assert {"F311", "F312", "F313", "F314"} == {*tally.refuted} == {*tally.proved}


def test_what_came_from_outside_may_have_waited_for_longer_than_a_message(tmp_path: Path) -> None:
    (report,) = pipeline.check_systems(examined(tmp_path, OVERTAKEN))
    (late,) = [each for each in report.answers if each.verdict is not Verdict.PROVED]
    assert (late.rule.code, late.subject, late.verdict) == ("F313", "a.m", Verdict.REFUTED)
    assert late.diagnostic is not None
    assert [each.trigger for each in late.diagnostic.trace][1:] == ["a: outside", "b: start", "a: m", "a: n"]
    help = 'let `a` wait until `m` has come; where that does no harm, `accept F313 "reason"`'
    assert [fix.text for fix in late.diagnostic.fixes] == [help]


DEAF = """
flow A version 1 {
  data { heard: bool = false }
  event go
  start -> Waiting
  state Waiting { on go when heard -> Done }
  final Done
}
flow B version 1 {
  event told
  start -> Waiting
  state Waiting { on told -> Done }
  final Done
}
flow C version 1 {
  event never
  start -> Waiting
  choice Telling {
    when true { send B.told to "b" } -> Done
    else -> Done
  }
  state Waiting { defer never }
  final Done
}
system All { a: A  b: B  c: C }
"""


def test_an_event_from_outside_that_no_data_let_through_does_not_go_on(tmp_path: Path) -> None:
    (report,) = pipeline.check_systems(examined(tmp_path, DEAF))
    (answer,) = [each for each in report.answers if each.rule.code == "F311"]
    assert answer.verdict is Verdict.REFUTED


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


NEVER = """
flow A version 1 {
  event paid(q: bool)
  start -> Open
  state Open {
    on paid(q) when q -> Done
    after 1s -> Open
  }
  final Done
}
flow B version 1 {
  data { v: bool = false }
  start { send A.paid(v) to "x" } -> Sent
  final Sent
}
system Deal { a: A  b: B  mailbox fifo at most 3 }
"""


def test_those_that_by_their_places_could_all_end_and_never_do_are_refuted() -> None:
    found = compared(NEVER)
    assert found.disagreements == []
    assert found.refuted["F311"] == found.refuted["F312"] == 1


HELPLESS = """
flow A version 1 {
  roles clerk
  start { send B.paid to "b" } -> Open
  state Open {
    task one for clerk { title "One" }
    on one   -> Done
    after 1s -> Late
  }
  state Late {
    task two for actor of one { title "Two" }
    on two -> Done
  }
  final Done
}
flow B version 1 {
  event paid
  start -> Waiting
  state Waiting { on paid -> Paid }
  final Paid
}
system Deal { a: A  b: B  mailbox fifo at most 1 }
"""


def test_a_member_may_have_a_task_that_nobody_can_do() -> None:
    answers = systems.check(*together(HELPLESS)).answers
    assert {answer.rule.code for answer in answers} == {"F311", "F312", "F313", "F314"}


ANSWERED = """
flow A version 1 {
  event thanks
  activity ask(x: int 0..1) -> bool { retry 1 backoff 1s..1s then park readonly }
  start -> Asking
  state Asking {
    do for x in [0, 1]: ask(x)
    on done(found) when true in found { send B.paid to "b" } -> Sent
    on done(_) else                                          -> Done
  }
  state Sent { on thanks -> Done  after 1d -> Done }
  final Done
}
flow B version 1 {
  event paid
  start -> Waiting
  state Waiting { on paid -> Paid  after 1d -> Paid }
  final Paid
}
system Deal { a: A  b: B  mailbox fifo at most 2 }
"""


def test_what_a_group_has_answered_decides_what_is_sent() -> None:
    found = {answer.rule.code: answer.verdict for answer in systems.check(*together(ANSWERED)).answers}
    assert found["F313"] is not Verdict.PROVED, "it waits for a day, and no longer"
