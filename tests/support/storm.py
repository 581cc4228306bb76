"""Storm (stormchecker.org), asked about a process: the model checker that ours is held against, in exact arithmetic.

It is given a program in the language of PRISM, with rational chances, and answers with a rational number.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from penstock.compiler.checks.fate import Action, Process


@cache
def stormpy() -> Any:
    """The module; where there is none (it comes as a wheel for few platforms) the test is skipped."""
    pytest.importorskip("stormpy", reason="Storm is made for Linux on x86-64 and Python 3.11")
    return importlib.import_module("stormpy")


def chance(process: Process, end: int, best: str) -> Fraction:
    """How likely it comes to an end, at the `min` or the `max`."""
    return asked(program(process), f"P{best}=? [F s={end}]")


def count(process: Process, gain: str, best: str) -> Fraction:
    """How often something happens until it ends, which it does for sure."""
    ends = "|".join(f"s={state}" for state, actions in enumerate(process.actions) if not actions)
    return asked(program(process, gain), f'R{{"gain"}}{best}=? [F {ends}]')


def asked(text: str, question: str) -> Fraction:
    """What Storm answers to a question about a program."""
    storm = stormpy()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "process.prism"
        path.write_text(text, encoding="utf-8")
        parsed = storm.parse_prism_program(str(path))
    questions = storm.parse_properties(question, parsed)
    model = storm.build_model[storm.Rational](parsed, questions)
    answer = storm.model_checking(model, questions[0]).get_value(model.initial_states[0])
    return Fraction(str(answer))


def program(process: Process, gain: str = "") -> str:
    """A process as a program, what happens in it as a reward."""
    lines = ["mdp", "module process", f"  s : [0..{max(len(process.actions) - 1, 1)}] init 0;", *_commands(process)]
    lines.append("endmodule")
    if gain:
        named = enumerate(action for actions in process.actions for action in actions)
        rewards = [f"  [a{index}] true : {action.gains.get(gain, 0)};" for index, action in named]
        lines += ['rewards "gain"', *rewards, "endrewards"]
    return "\n".join(lines) + "\n"


def _commands(process: Process) -> Iterator[str]:
    index = 0
    for state, actions in enumerate(process.actions):
        for action in actions:
            yield f"  [a{index}] s={state} -> {_led(action)};"
            index += 1
        if not actions:
            yield f"  [] s={state} -> 1:(s'={state});"


def _led(action: Action) -> str:
    return " + ".join(f"{share}:(s'={target})" for target, share in sorted(action.to.items()))
