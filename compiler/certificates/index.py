"""The parts of a certificate in, its index as JSON out: nodes, the transition table, and what each answer rests on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ..checks.graph import Node
from ..checks.inquiry import Inquiry
from ..checks.ledger import Ledger
from ..checks.verdict import Answer
from ..formats.smtlib import Script
from ..kernel import Kernel
from . import words as said
from .bases import Basis
from .model import Model
from .rows import Row
from .runs import Runs

SCHEMA = 3
HOW_LONG = (
    "calls and compensations that keep their budgets, time parked not counted; timers that come when they are due"
)

TRUSTED = (
    "the front end and the lowering of the text to the kernel",
    (
        "control: which moves a node has and what place, calls, timers and marks each of its ways leads to, as the "
        "reference interpreter says (`rows`); and that nothing but data, payloads and the moment decides among the "
        "ways of a move, and nothing but the order and number of alike entries on a log among the ends of one way; but "
        "of what a proof has in `model` only that the transition relation in that text is what the kernel means"
    ),
    "the encoder: that `way/n` and the values after it are what guards, updates and contracts of the text say",
    "that only one entry of an activity lies in a set of effects where an answer takes the effect off it",
    "what `how` says of a proof beside the obligations it lists",
    "the solver that answers the obligations",
)


@dataclass(frozen=True, eq=False, slots=True)
class Listed:
    """A row of the table, and the obligations it owes: one about data, and more about how long timers take that data
    measure; one about effects and times for each end."""

    row: Row
    data: Sequence[str]
    effects: Sequence[str]
    order: Sequence[str]


@dataclass(frozen=True, slots=True)
class Invariants:
    """What the parts call the invariants of a node."""

    data: str
    effects: str


def text(
    mark: str,
    inquiry: Inquiry,
    ledger: Ledger,
    model: Model,
    scripts: Mapping[str, Script],
    invariants: Mapping[int, Invariants],
    listed: Iterable[Listed],
    bases: Iterable[Basis],
) -> str:
    """The whole index."""
    kernel = inquiry.kernel
    head: dict[str, Any] = {
        "certificate": mark,
        "schema": SCHEMA,
        "flow": kernel.name,
        "version": kernel.version,
        "complete": inquiry.graph.complete,
        "open": list(inquiry.graph.open),
        "no model": model.why,
        "files": [
            {"name": name, "logic": script.logic, "obligations": len(script.obligations), "expected": "unsat"}
            for name, script in scripts.items()
        ],
        "longest": None if model.ends is None else _longest(*model.ends),
        "trusted": list(TRUSTED),
    }
    runs = Runs(kernel, inquiry.attempts.starter)
    proved = [_proved(inquiry, basis, runs) for basis in bases]
    lists = {
        "nodes": [_node(node, invariants[node.id]) for node in inquiry.graph.nodes if node.id in invariants],
        "rows": [_row(kernel, each) for each in listed],
        "proved": proved,
        "not proved": [_answer(kernel, answer) for answer in ledger.others],
        "steps": runs.steps,
    }
    parts = [f"{_plain(name)}: {_plain(value)}" for name, value in head.items()]
    parts += [f"{_plain(name)}: {_lines(rows)}" for name, rows in lists.items()]
    return "{\n " + ",\n ".join(parts) + "\n}\n"


def _longest(within: timedelta, claims: Sequence[str]) -> dict[str, Any]:
    """How long a run takes at the most."""
    return {"seconds": within.total_seconds(), "model": list(claims), "how": HOW_LONG}


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lines(rows: Sequence[Mapping[str, Any]]) -> str:
    """One row a line, so that a difference shows what differs."""
    return "[\n  " + ",\n  ".join(map(_plain, rows)) + "\n ]" if rows else "[]"


def _node(node: Node, invariants: Invariants) -> dict[str, Any]:
    control = node.control
    return {
        "id": node.id,
        "where": said.resting(control),
        "reached": "by a run" if node.real else "not ruled out",
        "data": invariants.data,
        "effects": invariants.effects,
        "finished": control.finished,
        "calls": [leaf for leaf, running, *_ in control.running if running],
        "tasks": list(control.tasks),
        "timers": sorted(control.timers),
        "log": said.log(control),
    }


def _row(kernel: Kernel, each: Listed) -> dict[str, Any]:
    row = each.row
    return {
        "from": None if row.source is None else row.source.id,
        "move": said.move(kernel, row.move),
        "by": said.way(kernel, row.taken),
        "to": [node.id for node in row.targets],
        "data": list(each.data),
        "effects": list(each.effects),
        "order": list(each.order),
    }


def _answer(kernel: Kernel, answer: Answer) -> dict[str, Any]:
    return {
        "code": answer.rule.code,
        "name": answer.rule.name,
        "subject": answer.subject,
        "line": kernel.source.line(answer.span),
        "verdict": answer.verdict.name.lower(),
    }


def _proved(inquiry: Inquiry, basis: Basis, runs: Runs) -> dict[str, Any]:
    proof = basis.proof
    return {
        **_answer(inquiry.kernel, proof.answer),
        "scope": proof.answer.scope,
        "invariant": proof.answer.scope == inquiry.scope,
        "model": list(basis.model),
        "data": list(basis.data),
        "effects": list(basis.effects),
        "order": list(basis.order),
        "how": f"{basis.how}{f': {proof.answer.witness}' if proof.answer.witness else ''}",
        "run": None if proof.run is None else runs.of(proof.run),
    }
