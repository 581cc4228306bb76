"""Another solver than the one that penstock asks: an SMT-LIB text in, what cvc5 answers to each check-sat, out.

It is not told which answer is expected.
"""

from __future__ import annotations

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
