"""Changes of data: updates dropped and swapped, constants off by one, ranges wider and narrower."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from ...dsl import syntax
from ...dsl.walk import nodes
from .site import Mutant, Site


def drop_update(site: Site) -> Iterator[Mutant]:
    for updates in site.written():
        block = site.updates(updates)
        for update in updates:
            rest = ", ".join(site.source.slice(other.span) for other in updates if other is not update)
            yield Mutant(
                "drop-update",
                f"does not `{site.text(update.span)}`",
                update.span,
                ((block, f"{{ {rest} }}" if rest else ""),),
                _noticed(update),
            )


def _noticed(update: syntax.Update) -> str:
    match update:
        case syntax.Assign(name=name):
            return f"`always …` about `{name.text}` in the states after this line, or `expect {name.text} == …`"
        case syntax.Emit(message=message):
            return f"`expect emitted {message.text}(…)` in a scenario"
        case syntax.Send(flow=flow, event=event):
            return f"`expect sent {flow.text}.{event.text}(…)` in a scenario"


def swap_updates(site: Site) -> Iterator[Mutant]:
    for updates in site.written():
        for first, second in pairwise(updates):
            texts = site.source.slice(first.span), site.source.slice(second.span)
            edits = (first.span, texts[1]), (second.span, texts[0])
            change = f"does `{site.text(second.span)}` before `{site.text(first.span)}`"
            yield Mutant("swap-updates", change, first.span, edits)


def off_by_one(site: Site) -> Iterator[Mutant]:
    """A number of a guard, of an update or of a first value, one more and one less (in its last digit)."""
    roots: list[object] = [line.guard for _, line in site.lines() if line.guard is not None]
    roots += [update for updates in site.written() for update in updates]
    roots += [field.initial for data in site.parts(syntax.Data) for field in data.fields if field.initial is not None]
    for number in (node for root in roots for node in nodes(root) if isinstance(node, syntax.Literal)):
        value = number.value
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            continue
        step = (
            value.__class__(1) if isinstance(value, int) else Decimal((0, (1,), min(int(value.as_tuple().exponent), 0)))
        )
        for other in (value + step, value - step):
            if other >= 0:
                change = f"has `{other}` for `{site.text(number.span)}`"
                yield Mutant("off-by-one", change, number.span, ((number.span, str(other)),), "`always …` at the limit")


def other_truth(site: Site) -> Iterator[Mutant]:
    """`true` for `false`, and the other way round, in an update or a first value."""
    roots: list[object] = [update for updates in site.written() for update in updates]
    roots += [field.initial for data in site.parts(syntax.Data) for field in data.fields if field.initial is not None]
    for literal in (node for root in roots for node in nodes(root) if isinstance(node, syntax.Literal)):
        if isinstance(literal.value, bool):
            new = str(not literal.value).lower()
            change = f"has `{new}` for `{site.text(literal.span)}`"
            yield Mutant("other-truth", change, literal.span, ((literal.span, new),))


def wider(site: Site) -> Iterator[Mutant]:
    for field in site.parts(syntax.Field):
        for range in (part for part in nodes(field.type) if isinstance(part, syntax.RangedInt)):
            yield _ranged(site, "widen-range", field.name.text, range, range.low, range.high + 1)


def narrower(site: Site) -> Iterator[Mutant]:
    for field in site.parts(syntax.Field):
        for range in (part for part in nodes(field.type) if isinstance(part, syntax.RangedInt)):
            if range.low < range.high:
                yield _ranged(site, "narrow-range", field.name.text, range, range.low, range.high - 1)


def _ranged(site: Site, operator: str, name: str, range: syntax.RangedInt, low: int, high: int) -> Mutant:
    new = f"int {low}..{high}"
    change = f"has `{name}: {new}`, and not `{site.text(range.span)}`"
    return Mutant(operator, change, range.span, ((range.span, new),), f"`always …` about how large `{name}` gets")
