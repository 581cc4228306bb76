"""Reasons in; the sentences that give them, and the places in the text they point at, out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from ...dsl.diagnostics import Label
from ...dsl.model import Compensating, Count, Elapsed, Expr, Standing
from ...dsl.source import NOWHERE, Span
from .absent import never_comes
from .blocked import Blocked, Reason
from .facts import Fact, Origin
from .inquiry import MOST_LINES, Inquiry, Why
from .keeping import Keeping
from .rewrite import inside

MOST_LABELS = 5


class Because:
    """What one kernel never does, explained. Nothing is worked out before it is asked."""

    def __init__(self, inquiry: Inquiry) -> None:
        self.inquiry = inquiry
        self.kernel = inquiry.kernel

    @cached_property
    def blocked(self) -> Blocked:
        return Blocked(self.inquiry)

    @cached_property
    def keeping(self) -> Keeping:
        return Keeping(self.blocked)

    def of(self, span: Span, here: str = "here") -> Why:
        """Why nothing ever takes a transition or branch. here: how its place is called."""
        reasons = self.blocked.reasons(span, self._told)
        if reasons:
            return Why(self.lines(reasons, here), self.labels(reasons, span))
        absent = never_comes(self.inquiry, span)
        if absent is not None:
            return Why((absent[0],), absent[1])
        if reasons is None:
            return Why(("never, because a step that begins so is never finished: it would fault, or find no way on.",))
        return Why(("never, because its trigger never comes there.",))

    def reached(self, condition: Expr, place: str, span: Span) -> Why | None:
        """Why a condition, of a property, is never true in a place; None: it is not known."""
        if any(isinstance(part, Standing | Count | Elapsed | Compensating) for part in inside(condition)):
            return None  # it is about more than data and places
        reasons = self.blocked.reached(condition, place, self._told)
        if reasons == ():
            return Why(("never, because no run rests in all of these places, and not in those it leaves out.",))
        return Why(self.lines(reasons, "there"), self.labels(reasons, span)) if reasons else None

    def _told(self, fact: Fact) -> bool:
        """Whether there is something to say of why it is so."""
        return fact.origin is not Origin.KNOWN or self.keeping.of(fact) is not None

    def lines(self, reasons: Sequence[Reason], here: str = "here") -> tuple[str, ...]:
        """here: how the place is called that asks for what is never so."""
        if len(reasons) == 1:
            return (f"never, because {self.both(reasons[0].facts, here)}.",)
        shown = reasons[: MOST_LINES if len(reasons) <= MOST_LINES else MOST_LINES - 1]
        lines = [f"never {self._where(reason)}, because {self.both(reason.facts, here)}." for reason in shown]
        left = reasons[len(shown) :]
        if left:
            lines.append(f"for {len(left)} more such reasons elsewhere.")
        return tuple(lines)

    def both(self, facts: Sequence[Fact], here: str) -> str:
        told = [self._fact(fact, here) for fact in facts]
        return _listed(told)

    def labels(self, reasons: Sequence[Reason], besides: Span) -> tuple[Label, ...]:
        """What blocks, each place once; not what lies in the place that is shown anyway."""
        found: dict[Span, str] = {}
        for fact in (fact for reason in reasons[:MOST_LINES] for fact in reason.facts):
            pairs = [(fact.span, _LABEL[fact.origin])]
            if fact.origin is Origin.KNOWN:
                pairs = [(kept.span, "keeps it so") for kept in self.keeping.of(fact) or ()]
            for span, text in pairs:
                if span != NOWHERE and text and not (besides.start <= span.start and span.end <= besides.end):
                    found.setdefault(span, text)
        return tuple(Label(span, text) for span, text in list(found.items())[:MOST_LABELS])

    def _where(self, reason: Reason) -> str:
        nodes = [scene.node for scene in reason.scenes]
        names = [
            "at the start" if node is None else f"in `{node.name}`" if node.name else "after compensating"
            for node in nodes
        ]
        return " or ".join(list(dict.fromkeys(names))[:2])

    def _fact(self, fact: Fact, here: str) -> str:
        line = self.kernel.source.line(fact.span)
        since = f" after `{fact.since[-1]}`" if fact.since else ""
        carried = f", kept by `{fact.since[-1]}`" if fact.since else ""
        match fact.origin:
            case Origin.ASKED:
                return f"`{fact.text}` {here}{since}"
            case Origin.LEFT:
                return f"`{fact.text}` {here}{since} (line {line} takes the rest)"
            case Origin.FITS:
                return f"line {line} needs `{fact.text}`"
            case Origin.TYPE:
                return f"`{fact.text}` (its type, line {line}{carried})"
            case Origin.CONTRACT:
                return f"`{fact.text}` (its contract, line {line}{carried})"
            case Origin.STEP:
                return f"the way in already asked `{fact.text}` (line {line}){since}"
            case Origin.WAY:
                return f"the way in already asked `{fact.text}` (line {line}{carried})"
            case Origin.SET:
                return f"the way in sets `{fact.text}` (line {line})"
            case Origin.FIRST:
                return f"`{fact.text}` still, as at first (line {line})"
            case Origin.KNOWN:
                return self._known(fact)

    def _known(self, fact: Fact) -> str:
        kept = self.keeping.of(fact)
        if kept is None:
            return f"`{fact.text}` there, whichever way a run came"
        if not kept:
            lines = [str(self.kernel.source.line(span)) for span in self.keeping.setting(fact)]
            return f"`{fact.text}` always: it is only set on line{'s' if len(lines) > 1 else ''} {_listed(lines)}"
        guards = " and ".join(f"`{each.text}` (line {self.kernel.source.line(each.span)})" for each in kept[:2])
        return f"`{fact.text}` always: {guards} guard{'s' if len(kept) == 1 else ''} what changes it"


def _listed(texts: Sequence[str]) -> str:
    *most, last = texts
    return f"{', '.join(most)} and {last}" if most else last


_LABEL = {
    Origin.ASKED: "asks for it",
    Origin.LEFT: "leaves the rest",
    Origin.FITS: "has to fit",
    Origin.TYPE: "its type",
    Origin.CONTRACT: "its contract",
    Origin.STEP: "already asked on the way",
    Origin.WAY: "already asked on the way",
    Origin.SET: "set on the way",
    Origin.FIRST: "its first value",
    Origin.KNOWN: "",
}
