"""Random flows whose timers take as long as data say: a seed in, the text of a flow `R` out, a small one of the core.

One datum is a duration, and something brings others: an input, an event, the form of a task, an answer. Guards compare
them with each other and with what is written; states, those around them and the deadline are left after them, after
what is computed of them, or after a time that is written, so that it is data that say which comes first.

From outside come whole seconds, `brute_values.DURATIONS`; nothing is computed that takes longer than four.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from random_core import SmallFlow, SmallMixture
from random_flows import Message, Name
from random_rarities import Rarities
from random_trees import Node

KEPT, TOLD = Name("kept", "duration"), Name("told", "duration")
WRITTEN = ("1s", "2s", "2s", "3s")
COMPARED = ("==", "<", "<=", ">", ">=")
SOURCES = ("input", "input", "input", "event", "answer", "form", "none")


@dataclass
class Durations(Rarities):
    """To be put before another writer: its flows with a datum that is a duration, and with what brings others."""

    source: str = field(default="")

    def unranged(self) -> None:
        """Durations are what this is about."""

    def names(self) -> None:
        rng = self.rng
        super().names()
        self.source = rng.choice(SOURCES)
        self.inputs = self.inputs[:1]
        self.data = [*self.data[: rng.randint(0, 1)], *([KEPT] if self.source != "input" or rng.random() < 0.5 else [])]
        if self.source == "input":
            self.inputs = [*self.inputs[: rng.randint(0, 1)], TOLD]
        elif self.source == "event":
            self.events = [*self.events[:1], Message("allow", (TOLD,))]
        elif self.source == "answer":
            self.calls[0] = replace(self.calls[0], result="duration")

    # ------------------------------------------------------------ expressions

    def constant(self, scalar: str) -> str:
        return self.rng.choice(WRITTEN) if scalar == "duration" else super().constant(scalar)

    def value(self, type: str, scope: list[Name]) -> str:
        if type != "duration":
            return super().value(type, others(scope))
        return self.rng.choice((*self.spans(scope), *self.spans(scope), self.constant("duration")))

    def spans(self, scope: list[Name]) -> list[str]:
        """What takes a time that data say, mostly as it is."""
        rng, known = self.rng, [each.name for each in scope if each.type == "duration"]
        some = [f"min({name} + 1s, 4s)" for name in known] + [f"max({name} - 1s, 1s)" for name in known]
        both = [f"{rng.choice(('min', 'max'))}({', '.join(known[:2])})"] if len(known) > 1 else []
        return [*known * 3, *some, *both]

    def _comparison(self, name: Name, scope: list[Name]) -> str:
        if name.type != "duration":
            return super()._comparison(name, others(scope))
        same = [each.name for each in scope if each.type == "duration" and each != name]
        return f"{name.name} {self.rng.choice(COMPARED)} {self.rng.choice([*same * 3, *WRITTEN])}"

    # ------------------------------------------------------------ states

    def lasting(self, line: str, scope: list[Name]) -> str:
        """Often a timer that takes as long as data say."""
        found = self.spans(scope)
        if not found or self.rng.random() < 0.3:
            return super().lasting(line, others(scope))
        said = self.rng.choice(found)
        return re.sub(r"^after \ds", f"after {said}", line)

    def inside(self, name: str) -> list[str]:
        """With one timer more, so that some are armed together."""
        rng, lines = self.rng, super().inside(name)
        if rng.random() < 0.35:
            lines += self.rarely([f"after {rng.randint(1, 3)}s {self.target()}"])[:1]
        if self.source == "form":
            lines = [re.sub(r"^(task job_.* form \{ \w+: )[^}]*? \}", r"\1duration }", line) for line in lines]
        return lines

    def handlers(self, head: str, fields: tuple[Name, ...], scope: list[Name]) -> list[str]:
        return super().handlers(head, self.asked_for(head, fields), scope)

    def asked_for(self, head: str, fields: tuple[Name, ...]) -> tuple[Name, ...]:
        """What the form of a task asks for: sometimes a duration."""
        forms = self.source == "form" and head.startswith("job_")
        return tuple(replace(each, type="duration") for each in fields) if forms else fields

    # ------------------------------------------------------------ the text

    def behaviour(self) -> str:
        """Sometimes with a deadline as long as an input says, else with one that such inputs exceed."""
        text = re.sub(r"deadline [56]s", "deadline 4s", super().behaviour())
        return (
            re.sub(r"deadline \ds", "deadline told", text) if TOLD in self.inputs and self.rng.random() < 0.5 else text
        )


def others(scope: list[Name]) -> list[Name]:
    return [each for each in scope if each.type != "duration"]


@dataclass
class DurationFlow(Durations, SmallFlow):
    pass


@dataclass
class DurationMixture(Durations, SmallMixture):
    def around(self, node: Node) -> list[str]:
        """The timers of states around others, too."""
        scope = [*self.inputs, *self.data]
        return [self.lasting(line, scope) if line.startswith("after ") else line for line in super().around(node)]


WRITERS: tuple[Callable[[Random], Durations], ...] = (*[DurationFlow] * 3, DurationMixture)


def random_durations(seed: int) -> str:
    """The text of the flow that belongs to `seed`; the same on every machine and in every run."""
    rng = Random(f"durations {seed}")
    return rng.choice(WRITERS)(rng).text()
