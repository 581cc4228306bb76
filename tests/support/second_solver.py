"""Another solver than the one that penstock asks: an SMT-LIB text in, what cvc5 answers to each check-sat, out.

It is not told which answer is expected.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any


def answers(text: str) -> list[str]:
    """`unsat`, `sat` or `unknown` for each check-sat; an error is an answer, too."""
    cvc5: Any = import_module("cvc5")
    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("incremental", "true")
    parser = cvc5.InputParser(solver)
    untold = text.replace("(set-info :status unsat)", "")
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, untold, "certificate")
    said: list[str] = []
    while True:
        command = parser.nextCommand()
        if command.isNull():
            return said
        answer = str(command.invoke(solver, parser.getSymbolManager())).strip()
        said += [answer] if answer and answer != "success" else []


def refuses(text: str, pattern: str, replacement: str) -> bool:
    """Whether it refuses some question of a text in which something is other than it was, and understands them all."""
    corrupted, found = re.subn(pattern, replacement, text, flags=re.MULTILINE)
    said = answers(corrupted)
    assert found and len(said) == text.count("(check-sat)")
    return "sat" in said
