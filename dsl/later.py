"""Constructs of the designed language that this version does not have: a word and its block in, its name out."""

from __future__ import annotations

_LINES = {
    "a flow": {
        "migrate": "A migration",
        "breaker": "A circuit breaker",
        "limit": "A rate limit",
    },
    "a state": {
        "every": "A schedule",
        "deadline": "A deadline of a single state",
    },
    "an activity": {
        "resume": "Resuming from a heartbeat",
    },
}
"""What a line begins with, by the block it is in."""


def later_line(block: str, word: str) -> str | None:
    """What a line that begins with `word` would be."""
    return _LINES.get(block, {}).get(word)
