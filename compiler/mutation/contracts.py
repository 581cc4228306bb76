"""Changes of what activities and tasks promise: how they are undone, retried, who may do them."""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl import syntax
from .site import Mutant, Site


def readonly(site: Site) -> Iterator[Mutant]:
    for activity in site.parts(syntax.ActivityDeclaration):
        for clause in activity.clauses:
            if isinstance(clause, syntax.Compensate | syntax.Irreversible):
                change = f"takes `{activity.name.text}` for `readonly`, and not for `{site.text(clause.span)}`"
                advice = f"`expect compensated …`, or a property with `done({activity.name.text})`"
                yield Mutant("readonly", change, clause.span, ((clause.span, "readonly"),), advice)


def irreversible(site: Site) -> Iterator[Mutant]:
    for activity in site.parts(syntax.ActivityDeclaration):
        for clause in activity.clauses:
            if isinstance(clause, syntax.Compensate):
                change = f"takes `{activity.name.text}` for `irreversible`, and not for `{site.text(clause.span)}`"
                advice = f"`expect compensated …` after `{activity.name.text}` in a scenario"
                yield Mutant("irreversible", change, clause.span, ((clause.span, "irreversible"),), advice)


def no_compensation(site: Site) -> Iterator[Mutant]:
    for activity in site.parts(syntax.ActivityDeclaration):
        for clause in activity.clauses:
            if isinstance(clause, syntax.Compensate | syntax.Irreversible | syntax.Readonly):
                change = f"does not say how `{activity.name.text}` is undone"
                yield Mutant("forget-effect", change, clause.span, ((clause.span, ""),))


def park(site: Site) -> Iterator[Mutant]:
    """`then park` where it is not written, and not where it is."""
    for activity in site.parts(syntax.ActivityDeclaration):
        for clause in activity.clauses:
            if not isinstance(clause, syntax.Retry) or clause.attempts is None:
                continue
            text = site.text(clause.span)
            new = text.removesuffix("then park").rstrip() if clause.park else f"{text} then park"
            change = f"{'gives up' if clause.park else 'parks'} `{activity.name.text}` when its retries are used up"
            yield Mutant("park-or-answer", change, clause.span, ((clause.span, new),))


def ensures(site: Site) -> Iterator[Mutant]:
    for activity in site.parts(syntax.ActivityDeclaration):
        for clause in activity.clauses:
            if isinstance(clause, syntax.Ensures):
                change = f"does not know of `{activity.name.text}` that it `{site.text(clause.span)}`"
                yield Mutant("drop-ensures", change, clause.span, ((clause.span, ""),))


def excepted(site: Site) -> Iterator[Mutant]:
    for task in site.parts(syntax.Task):
        clauses = [clause for clause in task.clauses if isinstance(clause, syntax.Except)]
        if not clauses:
            continue
        word = site.source.text.rindex("except", task.span.start, clauses[0].span.start)
        whole = clauses[0].span.__class__(word, clauses[-1].span.end)
        for clause in clauses:
            others = [site.text(other.span) for other in clauses if other is not clause]
            change = f"lets whoever did `{clause.moment.text}` do `{task.name.text}` as well"
            advice = f'`expect rejected {task.name.text} by … "the same person"` in a scenario'
            new = f"except actor of {', '.join(others)}" if others else ""
            yield Mutant("drop-except", change, clause.span, ((whole, new),), advice)


def escalation(site: Site) -> Iterator[Mutant]:
    for task in site.parts(syntax.Task):
        for clause in task.clauses:
            if isinstance(clause, syntax.Escalate):
                change = f"does not escalate `{task.name.text}` to `{clause.role.text}`"
                advice = f"`after …` and then `{task.name.text} by {clause.role.text}` in a scenario"
                yield Mutant("drop-escalation", change, clause.span, ((clause.span, ""),), advice)
