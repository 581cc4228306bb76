"""Types a system: its tree as written and the flows of the file in, the System of the model out."""

from __future__ import annotations

from collections.abc import Mapping

from . import rules_of_meaning as rules
from . import syntax
from .acceptance import accepts
from .diagnostics import Label
from .model import Member, System
from .resolve import Names
from .source import Source, Span

CAPACITY = 4
"""How many messages a mailbox holds in a check where nothing is written."""

MOST_CAPACITY = 100


def system(tree: syntax.System, flows: Mapping[str, Span], names: Names, source: Source) -> System:
    """The system; what it says of flows that are not there has been reported."""
    findings = names.findings
    members: dict[str, Member] = {}
    playing: dict[str, Span] = {}
    parts = [each for each in tree.members if isinstance(each, syntax.Part)]
    for part in parts:
        name, flow = part.name, part.flow
        if name.text in members:
            names.already(name, f"is already a member of `{tree.name.text}`", members[name.text].span)
        if flow.text not in flows:
            names.unknown(flow, "a flow", flows)
        elif flow.text in playing:
            message = f"`{tree.name.text}` has one instance of each flow, but `{flow.text}` is named twice."
            label = Label(playing[flow.text], "first named here")
            findings.error(rules.CONTRADICTION, flow.span, message, "named again", others=(label,))
        playing.setdefault(flow.text, flow.span)
        members.setdefault(name.text, Member(name.text, flow.text, part.span))
    if len(parts) < 2 and names.complete:
        message = f"`{tree.name.text}` needs two members at least, for flows that send each other messages."
        findings.error(rules.MISSING_PART, tree.name.span, message, "too few members")
    boxes = [each for each in tree.members if isinstance(each, syntax.Mailbox)]
    mailbox = findings.only(boxes, f"What the mailboxes of `{tree.name.text}` are like is said")
    most = CAPACITY if mailbox is None or mailbox.most is None else mailbox.most
    if mailbox is not None and not 1 <= most <= MOST_CAPACITY:
        message = f"A mailbox holds 1 to {MOST_CAPACITY} messages."
        findings.error(rules.OUT_OF_RANGE, mailbox.span, message, "not a possible number")
    return System(
        tree.name.text,
        tuple(members.values()),
        mailbox is not None and mailbox.fifo,
        most,
        accepts(tree.members, findings),
        tree.doc,
        source,
        tree.name.span,
    )
