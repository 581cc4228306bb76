"""Constructs of the designed language that this version does not have: a word and its block in, its name out."""

from __future__ import annotations

_NESTED = "A state inside a state"

_LINES = {
    "a flow": {
        "parallel": "A parallel state",
        "region": "A parallel region",
        "migrate": "A migration",
        "breaker": "A circuit breaker",
        "limit": "A rate limit",
    },
    "a state": {
        "state": _NESTED,
        "start": _NESTED,
        "choice": _NESTED,
        "final": _NESTED,
        "parallel": "A parallel state",
        "region": "A parallel region",
        "every": "A schedule",
        "deadline": "A deadline of a single state",
    },
    "an activity": {
        "resume": "Resuming from a heartbeat",
    },
}
"""What a line begins with, by the block it is in."""

_PAIRS = {
    ("do", "for"): "An activity for each item",
}


def later_line(block: str, word: str) -> str | None:
    """What a line that begins with `word` would be."""
    return _LINES.get(block, {}).get(word)


def later_pair(first: str, second: str) -> str | None:
    """What these two tokens would be the beginning of."""
    return _PAIRS.get((first, second))
