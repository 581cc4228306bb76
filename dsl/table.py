"""Where the automaton of the grammar comes from: `grammar.json`, if it was made of this `grammar.lark`, else from Lark.

The file holds plain data and nothing that could be run. A rule or a state stands on each line, so that a change of the
grammar can be seen in it. As a program this prints it anew, and `python3 dev.py table` puts that in its place.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from .automaton import Automaton, Reduction

GRAMMAR = Path(__file__).with_name("grammar.lark")
KEPT = GRAMMAR.with_suffix(".json")

_NEXT = ",\n"
_PARTS = ("words", "terminals", "starts", "ends", "lists", "bodies", "rules", "rows", "states")


@cache
def automaton() -> Automaton:
    """The automaton of this version's grammar, read once in a process."""
    text, kept = grammar(), KEPT.read_text("utf-8") if KEPT.is_file() else ""
    if kept and (found := unpacked(kept, text)) is not None:
        return found
    from .grammar import made

    return made(text)


def grammar() -> str:
    """The text of the grammar."""
    return GRAMMAR.read_text("utf-8")


def packed(machine: Automaton, text: str) -> str:
    """An automaton as JSON, with the digest of the grammar it was made of. What many states have in common, a row of
    reductions, is written once."""
    places = {terminal: place for place, terminal in enumerate((*machine.terminals, "$END"))}
    rules: dict[Reduction, int] = {}
    rows: dict[tuple[tuple[int, ...], ...], int] = {}
    states: list[object] = []
    for state in range(len(machine.shifts)):
        row: dict[int, list[int]] = {}
        for terminal, rule in machine.reductions[state].items():
            row.setdefault(rules.setdefault(rule, len(rules)), []).append(places[terminal])
        key = tuple((rule, *sorted(row[rule])) for rule in sorted(row))
        shifts = {places[terminal]: after for terminal, after in machine.shifts[state].items()}
        states.append([shifts, rows.setdefault(key, len(rows)), machine.gotos[state]])
    values: tuple[Any, ...] = (
        machine.words, machine.terminals, machine.starts, machine.ends, sorted(machine.lists), sorted(machine.bodies),
        list(rules), list(rows), states,
    )  # fmt: skip
    lines = [f'{{"grammar": {json.dumps(_digest(text))}']
    for part, value in zip(_PARTS, values, strict=True):
        each = [json.dumps(item) for item in value] if part in _PARTS[-3:] else None
        lines.append(f'"{part}": {json.dumps(value) if each is None else "[" + _NEXT.join(each) + "]"}')
    return _NEXT.join(lines) + "}\n"


def unpacked(kept: str, text: str) -> Automaton | None:
    """The automaton that was packed; None where it was made of another grammar."""
    data: dict[str, Any] = json.loads(kept)
    if data["grammar"] != _digest(text):
        return None
    words, declared, starts, ends, lists, bodies, rules, rows, states = (data[part] for part in _PARTS)
    terminals = [*declared, "$END"]
    numbered = {str(place): terminal for place, terminal in enumerate(terminals)}
    reductions = [Reduction(head, size, tuple(kept), call, single) for head, size, kept, call, single in rules]
    known: list[dict[str, Reduction]] = [
        {terminals[at]: reductions[rule] for rule, *places in row for at in places} for row in rows
    ]
    return Automaton(
        shifts={state: {numbered[at]: after for at, after in each[0].items()} for state, each in enumerate(states)},
        reductions={state: known[each[1]] for state, each in enumerate(states)},
        gotos={state: each[2] for state, each in enumerate(states)},
        starts=starts,
        ends=ends,
        words=words,
        spellings={terminal: word for word, terminal in words.items()},
        terminals=tuple(declared),
        lists=frozenset(lists),
        bodies=frozenset(bodies),
    )


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    from .grammar import made

    sys.stdout.write(packed(made(grammar()), grammar()))
