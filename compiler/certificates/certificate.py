"""The certificate of a flow: what was explored and proved in, four SMT-LIB texts and an index out.

`FLOW.model.smt2`: transition relation, invariant, and what follows from it. `FLOW.data.smt2`: the invariants of the
places, and that every step keeps them. `FLOW.effects.smt2`: which effects may stand where. `FLOW.order.smt2`: times,
ranks and levels. `FLOW.json`: the transition table, and for every proved answer
which obligations it rests on. Before they are handed out, Z3 answers the texts anew, from nothing but the texts.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..checks.graph import Node
from ..checks.inquiry import Inquiry
from ..checks.solver import answers
from ..formats.smtlib import Script
from ..outputs import MARK
from . import index
from .bases import Bases
from .data import DataProof
from .effects import EffectProof
from .index import Invariants, Listed
from .model import made
from .order import OrderProof
from .rows import Row, table

MODEL, DATA, EFFECTS, ORDER = "model", "data", "effects", "order"


class Undischarged(Exception):
    """A text does not say what was proved: a bug of penstock."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """`flow`: or the system. `files`: names, each with its text, the index last. `proofs`: how many it is about."""

    flow: str
    files: tuple[tuple[str, str], ...]
    obligations: int
    proofs: int

    @property
    def index(self) -> str:
        return self.files[-1][0]


def make(inquiry: Inquiry, spec: str) -> Certificate:
    """The certificate of what an inquiry's ledger holds. spec: how the flow's text is called.

    Raises Undischarged where Z3 does not find each obligation of the texts proved."""
    ledger, flow = inquiry.ledger, inquiry.kernel.name
    assert ledger is not None, "a certificate is of what was noted"
    data, effects = DataProof(inquiry), EffectProof(inquiry)
    order = OrderProof(inquiry, data)
    complete = inquiry.graph.complete
    rows = tuple(table(inquiry)) if complete else ()
    listed = [_listed(row, data, effects, order) for row in rows]
    nodes = inquiry.graph.nodes if complete else []
    invariants = {node.id: Invariants(data.invariant(node), effects.invariant(node)) for node in nodes}
    for node in nodes:
        for timer in _unanswered(node):
            order.never(node, timer)
    mark = f"{MARK} from {spec}. DO NOT EDIT."
    model = made(inquiry, ledger.proofs, _head(mark, inquiry, MODEL))
    bases = [Bases(inquiry, rows, data, effects, order, model).of(proof) for proof in ledger.proofs]
    parts = {DATA: data.script, EFFECTS: effects.script, ORDER: order.script}
    scripts = {f"{flow}.{MODEL}.smt2": model.script}
    scripts |= {f"{flow}.{name}.smt2": script(_head(mark, inquiry, name)) for name, script in parts.items()}
    texts = {name: script.text() for name, script in scripts.items()}
    for name, script in scripts.items():
        if script is not model.script:  # which was answered when it was made
            discharge(name, script, texts[name])
    said = index.text(mark, inquiry, ledger, model, scripts, invariants, listed, bases)
    count = sum(len(script.obligations) for script in scripts.values())
    return Certificate(flow, (*texts.items(), (f"{flow}.json", said)), count, len(bases))


def _listed(row: Row, data: DataProof, effects: EffectProof, order: OrderProof) -> Listed:
    step = data.step(row)
    times, lengths = order.step(row)
    return Listed(row, (step, *lengths), effects.step(row), times)


def _unanswered(node: Node) -> list[str]:
    """The timers that are armed in a node and, by its zone, never fall due there."""
    if not node.control.resting:
        return []
    due = (timer for timer in sorted(node.control.timers) if timer in node.zone.names)
    return [timer for timer in due if node.zone.due(timer) is None]


def discharge(name: str, script: Script, text: str) -> None:
    """Have Z3 answer a text, in a context of its own. Raises Undischarged."""
    wanted, found = script.obligations, answers(text)
    if found != ["unsat"] * len(wanted):
        failed = next((i for i, line in enumerate(found) if line != "unsat"), min(len(found), len(wanted)) - 1)
        which = f"{wanted[failed].id} ({wanted[failed].says})" if wanted else "its definitions"
        said = found[failed] if found else "nothing"
        raise Undischarged(f"{name} does not hold as it is written: Z3 says {said} to {which}")


_HEADS = {
    MODEL: (
        "The whole argument: `start` and `step` are the transition relation of the flow over its state (`at`: where it",
        "is; calls that run, tasks open, timers armed and what they have to go, what is on the compensation log, data)",
        "and the state after (`next/..`); `inv` is an invariant. Every start lies in it (i1), every step leads from it",
        "into it (s..), and it implies each claim; of what goes on, claims say which numbers fall. Of the log numbers",
        "of entries are known, not their order. Where a claim is about times or people, `timed/step/k` and `by/step/k`",
        "are steps with clocks of calls, and with who did them. Who trusts the solver has to believe no more than that",
        "these relations are what the text means.",
    ),
    DATA: (
        "The data part: `at/P.n` is an invariant of the place P over inputs and data; `way/n` says when one way of a",
        "step is taken. Initiation and consecution together say that no run leaves the invariants, and the claims",
        "that no invariant allows what a check asks about. Values are integers: decimals, durations and moments scaled",
        "(microseconds), members of enums and texts numbered; `x?` says that x is not none.",
    ),
    EFFECTS: (
        "The effects part: a set of effects is a bit vector, a bit for each activity that leaves one. `node.n` says",
        "which may stand, be unsettled, and lie above and below marks of the compensation log at node n of the index.",
        "Each row of the index's table does to them what the kernel's rules say, and has to keep what its end says.",
    ),
    ORDER: (
        "Times and order: `zone.n` bounds the remaining times of timers (microseconds) where a node may be rested in;",
        "`rank.n` falls on some way from every node to a final; `level.n` never rises without event, task or time.",
    ),
}
_FOOT = (
    "",
    "Each check-sat has to be answered `unsat`. By hand:  z3 FILE   or   cvc5 --incremental FILE",
    "What is proved with it, and what has to be trusted, stand in the index beside this file and in",
    "docs/certificates.md.",
)


def _head(mark: str, inquiry: Inquiry, part: str) -> tuple[str, ...]:
    kernel = inquiry.kernel
    title = f"Certificate of the flow {kernel.name} version {kernel.version}: {part}."
    empty = () if inquiry.graph.complete else ("", "The search was cut short, so nothing is claimed of all runs.")
    return (mark, "", title, *_HEADS[part], *empty, *_FOOT)
