"""A stack of the automaton in; out come the words for what may stand next and for the block it is in."""

from __future__ import annotations

from .automaton import Automaton, Cell, build_nothing

_VALUE = {
    "INT",
    "FRACTION",
    "STRING",
    "DURATION",
    "INSTANT",
    "TRUE",
    "FALSE",
    "NONE",
    "NOT",
    "MINUS",
    "IF",
    "IN",
    "LPAR",
    "LSQB",
}
_OPERATOR = {
    "AND", "OR", "IMPLIES", "IS", "IN", "PLUS", "MINUS", "STAR", "SLASH", "PERCENT", "EQ", "NE", "LT", "LE", "GT", "GE",
    "DOT",
}  # fmt: skip
_KINDS = {
    "NAME": "a name",
    "INT": "a whole number",
    "FRACTION": "a number such as `0.5`",
    "DURATION": "a duration such as `30s`",
    "INSTANT": "a moment",
    "STRING": 'a text in `"`',
    "INTEGER": "a type",
    "_END": "the end of the line",
}

_BLOCKS = {
    "FLOW": "a file",
    "VERSION": "a flow",
    "READONLY": "an activity",
    "DO": "a state",
    "REGION": "a parallel state",
    "PARALLEL": "a region",
    "TITLE": "a task",
    "EXPECT": "a scenario",
    "WHEN": "a choice",
    "TIMEOUT": "a compensation",
    "MAILBOX": "a system",
}
"""A block is known by a word that can begin a line in no block further down."""


def block_name(machine: Automaton, inside: Cell) -> str:
    """What the block is called whose opening brace is on top of `inside`."""
    allowed = set(machine.allowed(inside))
    for mark, name in _BLOCKS.items():
        if mark in allowed:
            return name
    named = machine.feed(inside, "NAME", None, build_nothing)
    if named is not None and machine.allows(named, "COLON"):
        return "a list of fields"
    return "an update" if named is not None and machine.allows(named, "EQUAL") else "a list"


def openers(machine: Automaton, inside: Cell) -> list[str]:
    """The words that begin a line in a block, in the order of the grammar."""
    spelling = machine.spellings
    words = [spelling[each] for each in machine.allowed(inside) if each in spelling]
    return [word for word in words if word.isalpha() and machine.words[word] not in _VALUE]


def expected(machine: Automaton, stack: Cell) -> list[str]:
    """What may come next, each in words, at most about eight."""
    allowed = machine.allowed(stack)
    kinds = set(allowed) - ({"DOT"} if "PLUS" not in allowed else set[str]())
    phrases: list[str] = []
    if "INSTANT" in kinds and "INT" in kinds:
        phrases.append("a value")
        kinds -= _VALUE | {"NAME"}
    if "INTEGER" in kinds:
        phrases.append("a type")
        kinds -= {"INTEGER", "NAME", "DECIMAL", "ENUM", "LIST"}
    operators = kinds & _OPERATOR if "PLUS" in kinds else set[str]()
    kinds -= operators
    spelling = machine.spellings
    phrases += [f"`{spelling[each]}`" if each in spelling else _KINDS[each] for each in allowed if each in kinds]
    if operators:
        phrases.append("an operator")
    return list(dict.fromkeys(phrases))


def listed(phrases: list[str]) -> str:
    """`a`, `b` or `c`."""
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} or {phrases[-1]}"
