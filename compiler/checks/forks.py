"""Where a command or a branch is picked: every such place of a kernel in, what Z3 and a run say about its guards, out.

Shared by F006 (two may be picked) and F007 (none may be): both ask, at every fork a reachable configuration can come
to, whether its guards can be so. The start is asked too, and what lies behind a compensation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ...dsl.diagnostics import Rule, TraceStep
from ...dsl.source import Span
from ...dsl.values import dataclass
from ..evaluate import Fault
from ..instance import Rejected
from ..kernel import DONE
from ..simulate import enabled, step
from .evidence import evidence, refused_start
from .graph import Arrival, Node, Reaction
from .inquiry import Breach, Finding, Inquiry
from .moves import MoveKind
from .solver import Term
from .verdict import Answer, Witness
from .ways import Fork


@dataclass(frozen=True, eq=False, slots=True)
class Meeting:
    """A fork, and a node and move from which it is come to."""

    node: Node | None
    reaction: Reaction
    fork: Fork


def meetings(inquiry: Inquiry, asked: Callable[[Fork], bool]) -> dict[Span, list[Meeting]]:
    """By the place of the fork: of a choice, or of the first transition that answers the trigger. asked: only where
    some fork of the place is so."""
    every = ((fork, reaction) for reaction in inquiry.each_reaction for fork in _forks(reaction))
    spans = {fork.span for fork, _ in every if asked(fork)}
    found: dict[Span, list[Meeting]] = {}
    for node, reaction in inquiry.reactions(lambda each: any(fork.span in spans for fork in _forks(each))):
        for fork in _forks(reaction):
            if fork.span in spans:
                found.setdefault(fork.span, []).append(Meeting(node, reaction, fork))
    return found


def _forks(reaction: Reaction) -> Iterator[Fork]:
    return (fork for part in reaction.parts for fork in part.forks)


def ask(
    inquiry: Inquiry, rule: Rule, bad: Callable[[Fork], Term], finding: Callable[[Meeting, Breach], Finding]
) -> Iterator[Answer]:
    """One answer for each fork in the text."""
    for span, group in meetings(inquiry, lambda fork: bad(fork) is not False).items():
        yield _answer(inquiry, rule, span, group, bad, finding)


def _answer(
    inquiry: Inquiry,
    rule: Rule,
    span: Span,
    group: list[Meeting],
    bad: Callable[[Fork], Term],
    finding: Callable[[Meeting, Breach], Finding],
) -> Answer:
    subject = f"the choice `{group[0].fork.choice}`" if group[0].fork.choice else "the transitions of this trigger"
    subject += f" on line {inquiry.kernel.source.line(span)}"
    doubt: Breach | None = None
    for meeting in group:
        breach = inquiry.breach(meeting.node, meeting.reaction, bad(meeting.fork))
        if breach is None:
            continue
        trace = told(inquiry, breach, meeting.fork, bad(meeting.fork)) if breach.real else None
        if trace is not None:
            alone = doubt is None  # else a shorter run comes there, and is stopped by what it updates
            return inquiry.refuted(rule, subject, span, finding(meeting, breach), trace, alone)
        doubt = breach
    if doubt is not None:
        reason = "guards may be so that it is, and no run was found that shows it"
        return inquiry.unknown(rule, subject, span, reason, doubt=doubt.arrival)
    return inquiry.proved(rule, subject, span, partial(_come_to, inquiry, group))


def _come_to(inquiry: Inquiry, group: list[Meeting]) -> Witness:
    choice = group[0].fork.choice
    if choice is not None:
        return inquiry.enters(choice, f"comes to `{choice}`")
    runs = [edge for meeting in group for edge in inquiry.following(meeting.node, meeting.reaction)]
    return inquiry.seen(runs, f"comes to it with {trigger_name(group[0])}", "no run that comes to it was found")


def told(inquiry: Inquiry, breach: Breach, fork: Fork, bad: Term) -> tuple[TraceStep, ...] | None:
    """The run to a fork, replayed, with the trigger that comes to it; None if it does not replay."""
    if breach.arrival is None:
        return (refused_start(inquiry, breach.payload, "start", fork.span),)
    tried = evidence(inquiry, breach, bad, lambda trial: _comes(inquiry, trial, fork))
    if tried is None or tried.before is None:
        return None
    return (*inquiry.tracer.tell(tried.before), inquiry.last_step(tried))


def _comes(inquiry: Inquiry, tried: Arrival, fork: Fork) -> bool:
    """Whether the interpreter, given the trigger, finds not one command, or comes to the choice or no further."""
    assert tried.trigger is not None, "it is tried after a run"
    try:
        if fork.choice is None and not fork.at_once:
            return len(enabled(inquiry.kernel, tried.instance, tried.trigger, tried.now)) != 1
        made = step(inquiry.kernel, tried.instance, tried.trigger, tried.actor, tried.now)
    except Rejected as rejected:
        return rejected.reason == "unhandled"
    except Fault:
        return False
    if fork.at_once:
        spans = {inquiry.kernel.commands[taken.command].span for taken in made.taken if taken.command is not None}
        return any(span in spans for span, _ in fork.guards)
    return any(name == fork.choice for taken in made.taken for name, _ in taken.branches)


def trigger_name(meeting: Meeting) -> str:
    """How the text calls what comes to a fork."""
    move = meeting.reaction.move
    if meeting.fork.choice is not None:
        return f"the choice `{meeting.fork.choice}`"
    if meeting.fork.at_once:
        return f"`{DONE}`"
    match move.kind:
        case MoveKind.ANSWER:
            return f"`{move.answer}`"
        case MoveKind.TIMER:
            return "the timer"
        case _:
            return f"`{move.name}`"
