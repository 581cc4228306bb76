"""Facts that cannot all be true in, a smallest set of them that cannot either, out: QUICKXPLAIN (Junker, AAAI 2004).

The set is minimal: without any one of them, the others can be true. Of several such sets it is the one that is
preferred, by the order of the facts; so it is the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .facts import Fact

Clash = Callable[[Sequence[Fact]], bool]
"""Whether facts are proved not to be true together."""


def conflict(facts: Sequence[Fact], clash: Clash) -> tuple[Fact, ...] | None:
    """facts: preferred ones first. None: they are not known to clash."""
    ordered = sorted(facts, key=lambda fact: fact.origin)
    if not clash(ordered):
        return None
    return () if clash(()) else tuple(_needed((), False, ordered, clash))


def _needed(given: Sequence[Fact], grown: bool, facts: Sequence[Fact], clash: Clash) -> list[Fact]:
    """The facts that are needed beside the given ones. grown: whether these have just become more."""
    if grown and clash(given):
        return []
    if len(facts) == 1:
        return list(facts)
    half = len(facts) // 2
    first, second = facts[:half], facts[half:]
    found = _needed((*given, *first), True, second, clash)
    return [*_needed((*given, *found), bool(found), first, clash), *found]
