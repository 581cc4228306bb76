"""F501 in the model part of a certificate: too few people are refused, and what people do is in its relation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from itertools import product
from random import Random

import pytest

from abstracted import NOW, Model, Taken
from kernels import kernel
from penstock.compiler.certificates import performers as performers_module
from penstock.compiler.certificates.performers import KNOWN, Performers
from penstock.compiler.checks import separation, suite
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.checks.ledger import Proof
from penstock.compiler.checks.solver import answers as z3
from penstock.compiler.checks.verdict import Verdict
from penstock.compiler.formats.smtlib import either
from penstock.compiler.instance import Actor, Completion, Fired, Instance, Rejected
from penstock.compiler.simulate import start, step
from penstock.compiler.staff import Staff
from second_solver import answers, refuses

FLOW = """\
flow Payment version 1 {
  roles clerk, chief
  event stop by chief
  start -> Preparing
  state Preparing {
    task prepare for clerk {
      title "Prepare"
      except actor of start
      escalate to chief after 1d
    }
    on prepare -> Releasing
    on stop    -> Dropped
    after 9d   -> Dropped
  }
  state Releasing {
    task release for chief {
      title "Release"
      except actor of prepare, start
    }
    on release -> Booking
    after 9d   -> Preparing
  }
  state Booking {
    task book for actor of prepare { title "Book" }
    on book  -> Paid
    after 9d -> Dropped
  }
  final Paid
  final failure Dropped
}
"""
ENOUGH = {"ann": "clerk", "bob": "clerk", "dora": "clerk chief", "eva": "chief", "eric": "chief"}


def staff(people: Mapping[str, str], *outside: str) -> Staff:
    return Staff({name: frozenset(roles.split()) for name, roles in people.items()}, frozenset(outside))


def explored(text: str, people: Staff | None) -> Inquiry:
    found: list[Inquiry] = []
    suite.check_all((kernel(text),), (), None, people, audit=found.append)
    return found[0]


def claimed(inquiry: Inquiry, others: bool = False) -> list[Proof]:
    """What is proved of people; others: what is not, as if it were."""
    ledger = inquiry.ledger
    assert ledger is not None
    refuted = [Proof(each, (), None) for each in ledger.others] if others else []
    return [each for each in (*ledger.proofs, *refuted) if each.answer.rule is separation.RULE]


@cache
def payment() -> Model:
    inquiry = explored(FLOW, staff(ENOUGH))
    return Model(inquiry, claimed(inquiry))


@cache
def text() -> str:
    return payment().proof.script(()).text()


def performers() -> Performers:
    found = payment().proof.progress.performers
    assert found is not None
    return found


# ---------------------------------------------------------------- what another solver says


def test_it_finds_that_somebody_is_left_and_that_they_are_kept_apart() -> None:
    assert answers(text()) == ["unsat"] * text().count("(check-sat)")
    claims = "".join(re.findall(r"^; c\d+: (.*)$", text(), re.MULTILINE))
    for task in ("prepare", "release", "book"):
        assert f"F501 the task `{task}`" in claims
    assert "F501 `release` apart from `prepare`" in claims and "F501 the event `stop`" in claims


CORRUPTED = {
    "who did a task is forgotten": (r"\(= next/did/prepare who\)", "(= next/did/prepare did/prepare)"),
    "who started is forgotten": (r"\(= next/did/start who\)", "(= next/did/start 0)"),
    "whom a task shuts out is forgotten": (r"\(= next/shut/release/prepare who\)", "(= next/shut/release/prepare 0)"),
    "somebody shut out may do it": (r"\(not \(= who shut/release/prepare\)\)", "true"),
    "somebody without the role may do it": (r"(\(define-fun has/chief .*\) Bool) .*\)$", r"\1 true)"),
    "a task is for somebody else": (r"\(= next/for/book did/prepare\)", "(= next/for/book 0)"),
    "the start may be by anybody": (r"(\(define-fun (?:next/)?cast/1 \(\) Bool) .*\)$", r"\1 false)"),
    "anybody may have done anything": (r"(\(define-fun (?:next/)?cast/\d+ \(\) Bool) .*\)$", r"\1 true)"),
    "nobody knows who is left": (
        r"(\(assert \(not \(or) \(and \(not \(= \d+ next/shut/release.*\)$",
        r"\1 false false)))",
    ),
}


@pytest.mark.parametrize("name", CORRUPTED)
def test_it_refuses_a_model_in_which(name: str) -> None:
    assert refuses(text(), *CORRUPTED[name])


@pytest.mark.parametrize("roles", [*product(("clerk", "chief", "clerk chief", ""), repeat=2)], ids=" and ".join)
@pytest.mark.parametrize("outside", ["", "clerk", "chief"])
def test_what_the_check_refutes_of_a_staff_is_refused_and_what_it_proves_is_not(
    roles: Sequence[str], outside: str
) -> None:
    people = staff(dict(zip(("ann", "bob"), roles, strict=True)), *outside.split())
    inquiry = explored(FLOW, people)
    for each in claimed(inquiry, others=True):
        if each.answer.subject.startswith("the task"):
            said = z3(Model(inquiry, [each]).proof.script(()).text().replace("(set-info :status unsat)", ""))
            proved = each.answer.verdict is Verdict.PROVED
            assert proved == (set(said) == {"unsat"}), (each.answer.subject, people)


def test_of_a_crowd_one_more_is_asked_about_than_may_be_shut_out() -> None:
    people = staff({f"clerk {n}": "clerk" for n in range(5000)} | {f"chief {n}": "chief" for n in range(3)})
    inquiry = explored(FLOW, people)
    assert {each.answer.verdict for each in claimed(inquiry, others=True)} == {Verdict.PROVED}
    said = Model(inquiry, claimed(inquiry)).proof.script(()).text()
    assert "(<= 1 person 5000)" in said and len(said) < 120_000
    assert answers(said) == ["unsat"] * said.count("(check-sat)")


def test_of_too_many_ways_to_choose_people_only_that_there_are_some_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    inquiry, _ = payment().inquiry, text()  # which others share, so made before anything is changed
    monkeypatch.setattr(performers_module, "MOST", 3)
    said = Model(inquiry, claimed(inquiry)).proof.script(()).text()
    claims = "".join(re.findall(r"^; c\d+: (.*)$", said, re.MULTILINE))
    assert "F501 the event `stop`" in claims and "the task" not in claims
    assert answers(said) == ["unsat"] * said.count("(check-sat)")


# ---------------------------------------------------------------- what people do is in the relation


def performances(rng: Random) -> Iterator[tuple[Taken, str]]:
    """A random run, each step with who took it."""
    kernel = payment().kernel
    people = [Actor(name, frozenset(roles.split())) for name, roles in ENOUGH.items()]
    now, who = NOW, rng.choice((*people, Actor("somebody"), Actor()))
    at: Instance | None = None
    made = start(kernel, (), who, now).after
    for _ in range(12):
        then = now + timedelta(hours=rng.randint(0, 12))
        if made.timers:
            then = min(then, min(each.due for each in made.timers if each.timer in payment().machine.clocks))
        yield Taken(at, made, now, then, None), who.id
        at, now = made, then
        if at.finished:
            return
        due = [each.timer for each in at.due() if each.due <= now]
        try:
            if due and rng.random() < 0.7:
                who, made = Actor(), step(kernel, at, Fired(due[0]), Actor(), now).after
            else:
                who = rng.choice(people)
                made = step(kernel, at, Completion(at.tasks[0].task), who, now).after
        except Rejected:
            who, made = Actor(), at


def numbered(who: str) -> int:
    """Somebody as a number: people of the same roles next to each other."""
    made, sorts = performers().crowd, [tuple(sorted(roles.split())) for roles in ENOUGH.values()]
    if who not in ENOUGH:
        return made.last + 1 if who else 0
    index = [*ENOUGH].index(who)
    return made.ranges[sorts[index]][0] + sorts[:index].count(sorts[index])


def known(at: Instance, opened: dict[str, dict[str, str]], prefix: str) -> list[str]:
    """Who did what, and whom open tasks shut out and are for, as it was when they were opened."""
    did = dict(at.actors)
    parts = [f"(= {prefix}did/{moment} {numbered(did.get(moment, ''))})" for moment in ("start", "prepare")]
    for item in at.tasks:
        then = opened.setdefault(item.key, did)
        shut = {moment: then.get(moment, "") for moment in at_most(item.task)}
        assert set(item.excluded) == {who for who in shut.values() if who}
        parts += [f"(= {prefix}shut/{item.task}/{moment} {numbered(who)})" for moment, who in shut.items()]
        if item.task == "book":
            assert item.persons == (then["prepare"],)
            parts.append(f"(= {prefix}for/book {numbered(then['prepare'])})")
    return parts


def at_most(task: str) -> tuple[str, ...]:
    return payment().kernel.task[task].excluded


def test_every_step_that_people_take_is_one_of_the_relation_with_them() -> None:
    steps = [name for name in performers().definitions if name.startswith("by/")]
    asked: list[Taken] = []
    said: dict[int, list[str]] = {}
    for seed in range(60):
        opened: dict[str, dict[str, str]] = {}
        for taken, who in performances(Random(seed)):
            before = [] if taken.before is None else [*known(taken.before, opened, ""), KNOWN]
            after = known(taken.after, opened, "next/")
            if payment().matters(taken):
                asked.append(taken)
                said[id(taken)] = [*before, *after, f"next/{KNOWN}", f"(= who {numbered(who)})", either(steps)]
    assert len(asked) > 150
    assert not payment().refused(asked, also=lambda each: said[id(each)])
