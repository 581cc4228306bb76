"""Whole lines that are missing, or wait for something else: transitions, timers, `ignore`, `defer`, joins."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...dsl import syntax
from ...dsl.source import Span
from .site import Mutant, Site

_AMOUNT = re.compile(r"\d+(?=[a-z])")


def transition(site: Site) -> Iterator[Mutant]:
    for where, line in site.handlers():
        if isinstance(line.trigger, syntax.On | syntax.Join) and not line.otherwise:
            change = f"has no `{site.text(line.trigger.span)}` in `{where}`"
            yield Mutant("drop-transition", change, line.span, ((line.span, ""),), "a scenario that takes this line")


def timer(site: Site) -> Iterator[Mutant]:
    for where, line in site.handlers():
        if isinstance(line.trigger, syntax.After | syntax.At):
            change = f"has no `{site.text(line.trigger.span)}` in `{where}`"
            yield Mutant("drop-timer", change, line.span, ((line.span, ""),), _promised(where))


def deadline(site: Site) -> Iterator[Mutant]:
    for line in site.parts(syntax.Deadline):
        change = f"has no deadline of `{site.text(line.duration.span)}`"
        yield Mutant("drop-deadline", change, line.span, ((line.span, ""),), "`start leads to … within …`")


def longer(site: Site) -> Iterator[Mutant]:
    """Twice the first amount of a duration."""
    waits = [
        (where, line.span, line.trigger.duration)
        for where, line in site.handlers()
        if isinstance(line.trigger, syntax.After)
    ]
    waits += [("the flow", line.span, line.duration) for line in site.parts(syntax.Deadline)]
    for where, place, duration in waits:
        found = _AMOUNT.search(site.source.text, duration.span.start, duration.span.end)
        if found is not None:
            new = str(2 * int(found[0]))
            text = site.text(duration.span).replace(found[0], new, 1)
            change = f"waits `{text}`, and not `{site.text(duration.span)}`, in `{where}`"
            yield Mutant("longer-timer", change, place, ((Span(*found.span()), new),), _promised(where))


def _promised(where: str) -> str:
    return f"`in {where} leads to … within …`, or a scenario that waits there with `after`"


def ignore(site: Site) -> Iterator[Mutant]:
    yield from _named(site, "drop-ignore", syntax.Ignore, "ignore")


def defer(site: Site) -> Iterator[Mutant]:
    yield from _named(site, "drop-defer", syntax.Defer, "defer")


def _named(site: Site, operator: str, kind: type[syntax.Ignore | syntax.Defer], word: str) -> Iterator[Mutant]:
    for state, members in site.states():
        for line in (member for member in members if isinstance(member, kind)):
            for name in line.names:
                others = [other.text for other in line.names if other is not name]
                rest = site.source.text[line.names[-1].span.end : line.span.end]
                new = f"{word} {', '.join(others)}{rest}" if others else ""
                where = state.name.text if state else "the flow"
                change = f"does not {word} `{name.text}` in `{where}`"
                advice = f"a scenario that sends `{name.text}` in `{where}`"
                yield Mutant(operator, change, name.span, ((line.span, new),), advice)


def join(site: Site) -> Iterator[Mutant]:
    others = {"all done": "any done", "any done": "all done"}
    for where, line in site.handlers():
        trigger = line.trigger
        if isinstance(trigger, syntax.Join) and trigger.name in others:
            new = f"on {others[trigger.name]}"
            change = f"goes on `{new}`, and not `{site.text(trigger.span)}`, in `{where}`"
            yield Mutant("other-join", change, line.span, ((trigger.span, new),))
