"""What Lark makes of `grammar.lark`: the text of a grammar in, its automaton out. It takes a third of a second, so
`grammar.json` keeps what comes out, and `table` asks here only where that file was made of another grammar.
"""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from lark import Lark
from lark.lexer import Lexer
from lark.parsers.lalr_analysis import Shift

from .automaton import Automaton, Reduction

_STARTS = ("file", "expression")
_DECLARED = ("NAME", "INT", "FRACTION", "DURATION", "INSTANT", "STRING", "_END")


class _NoLexer(Lexer):
    def __init__(self, conf: Any) -> None: ...

    def lex(self, lexer_state: Any, parser_state: Any) -> Any:
        raise NotImplementedError


def made(text: str) -> Automaton:
    """The automaton of a grammar, its states numbered as they are come to: so it is the same whenever it is made."""
    lark = Lark(text, parser="lalr", lexer=_NoLexer, start=list(_STARTS), maybe_placeholders=False)
    interactive: Any = cast(Any, lark).parse_interactive("", start="file")
    table = interactive.parser_state.parse_conf.parse_table
    words: dict[str, str] = {t.pattern.value: t.name for t in cast(list[Any], lark.terminals) if t.pattern is not None}
    spellings = {terminal: word for word, terminal in words.items()}
    terminals = (*_DECLARED, *spellings)
    number = _numbered(table)
    shifts: dict[int, dict[str, int]] = {state: {} for state in range(len(number))}
    reductions: dict[int, dict[str, Reduction]] = {state: {} for state in range(len(number))}
    gotos: dict[int, dict[str, int]] = {state: {} for state in range(len(number))}
    for state, new in number.items():
        for symbol, (action, argument) in sorted(table.states[state].items()):
            if action is not Shift:
                reductions[new][symbol] = _reduction(argument)
            elif symbol.lstrip("_").isupper() or symbol == "$END":
                shifts[new][symbol] = number[argument]
            else:
                gotos[new][symbol] = number[argument]
    repeated = [(state, after) for state, rules in gotos.items() for rule, after in rules.items() if _repeats(rule)]
    lists, bodies = frozenset(after for _, after in repeated), frozenset(state for state, _ in repeated)
    starts = {rule: number[table.start_states[rule]] for rule in _STARTS}
    ends = {rule: number[table.end_states[rule]] for rule in _STARTS}
    return Automaton(shifts, reductions, gotos, starts, ends, words, spellings, terminals, lists, bodies)


def _numbered(table: Any) -> dict[Any, int]:
    found: dict[Any, int] = {}
    waiting = [table.start_states[rule] for rule in reversed(_STARTS)]
    while waiting:
        state = waiting.pop()
        if state not in found:
            found[state] = len(found)
            after = [argument for _, (action, argument) in sorted(table.states[state].items()) if action is Shift]
            waiting.extend(reversed(after))
    return found


def _repeats(rule: str) -> bool:
    """Whether a rule is a list of lines: Lark's name for what a `*` stands behind, or one of ours."""
    return rule.startswith("__") or rule in ("_fields", "_assigns")


@cache
def _reduction(rule: Any) -> Reduction:
    kept = tuple(not getattr(symbol, "filter_out", False) for symbol in reversed(rule.expansion))
    head = str(rule.origin.name)
    call = None if head.startswith("_") else rule.alias or head
    single = bool(rule.options.expand1 and not rule.alias) or (call is None and kept[-1:] == (True,) and sum(kept) == 1)
    return Reduction(head, len(kept), kept, call, single)
