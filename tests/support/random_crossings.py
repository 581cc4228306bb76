"""Random flows in which what only plain flows have meets what only structured ones have: a seed in, a text out.

The other small writers keep apart who may do which task, decimals, texts, unbounded numbers and choices that lead to
choices from states in states, regions, `resume`, calls for each item, and handlers further out. Here some states of a
small plain flow lie in a state or in a region beside another one, with handlers around them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count
from random import Random
from textwrap import indent

from kernels import kernels
from random_core import SmallFlow, apart
from random_flows import Call
from random_moments import about_moments

ITEMS = ("[0, 1]", "[1]")


@dataclass
class Crossing(SmallFlow):
    """A plain flow of which some states are `Whole.S0` or `Both.A.S0`, beside `Both.B.W`; the rest is where it was."""

    inner: list[str] = field(default_factory=list[str])  # the states and choices that lie further in
    parallel: bool = False
    resumed: bool = False  # whether what is left may be entered again where it was left

    @property
    def place(self) -> str:
        return "Both" if self.parallel else "Whole"

    def names(self) -> None:
        rng = self.rng
        super().names()
        self.people = rng.random() < 0.5
        self.choices = [f"C{number}" for number in range(rng.choice((0, 0, 0, 1, 1, 2)))]
        self.parallel, self.resumed = rng.random() < 0.6, rng.random() < 0.2
        first = rng.randrange(len(self.states))
        inner = self.states[first : first + rng.randint(1, 3)]
        self.inner = [*inner, *(choice for choice in self.choices if rng.random() < 0.4)]

    def call(self, call: Call, args: str) -> str:
        """Sometimes one for each item, where nobody looks at a result."""
        written = super().call(call, args)
        if call.result is not None or self.rng.random() > 0.15:
            return written
        return written.replace("do ", f"do for item in {self.rng.choice(ITEMS)} at most 2: ", 1)

    # ------------------------------------------------------------ the text

    def behaviour(self) -> str:
        """The plain text, taken apart and put together anew."""
        text = super().behaviour()
        parts = {
            found[1]: found[0] for found in re.finditer(r"^  (?:state|choice) (\w+) \{\n.*?^  \}\n", text, re.M | re.S)
        }
        start, rest = text[: text.index("\n") + 1], text[text.index("  final ") :]
        within = self.composite("".join(parts[name] for name in parts if name in self.inner))
        outside = "".join(parts[name] for name in parts if name not in self.inner)
        if self.resumed:
            outside += f"  state Pause {{\n    after 1s -> resume {self.place}\n  }}\n"
        return self.from_outside(start) + within + self.from_outside(outside + rest)

    def from_outside(self, text: str) -> str:
        """With what lies further in as it is understood outside, and regions entered all at once."""
        path = "Both.A" if self.parallel else "Whole"
        for name in self.inner:
            if self.parallel:
                text = re.sub(rf"-> {name}\b", "-> Both", text)
            text = re.sub(rf"(?<![\w.]){name}(?!\w)", f"{path}.{name}", text)
        return text

    def composite(self, states: str) -> str:
        """The state, or the two regions, with what is around them."""
        rng = self.rng
        first = rng.choice([*self.inner[:1] * 3, *self.inner])
        begins = f"start{self.updates([*self.inputs, *self.data]) if rng.random() < 0.2 else ''} -> {first}"
        self.here = len(self.states) - 1
        states, around = indent(states, "  "), "".join(f"    {line}\n" for line in self.around())
        if not self.parallel:
            return f"  state Whole {{\n    {begins}\n{self.counted(states)}{around}  }}\n"
        states = re.sub(rf"(-> compensate.*) -> (?:{'|'.join(self.inner)})$", r"\1 -> Both", states, flags=re.M)
        own = f"    {begins}\n{self.counted(self.ended(states, 'Over'))}    final Over\n"
        lines = "".join(f"      {line}\n" for line in self.inside("W"))
        other = f"    start -> W\n    state W {{\n{self.ended(lines, 'Done')}    }}\n    final Done\n"
        lost = "    final failure Lost\n" if rng.random() < 0.3 else ""
        if lost:
            other = other.replace("-> Done", "-> Lost", 1)
        beside = self.from_outside(f"    region B {{\n{other}{lost}    }}\n{around}")
        return f"  parallel Both {{\n    region A {{\n{own}    }}\n{beside}  }}\n"

    def counted(self, states: str) -> str:
        """Sometimes with a timer that counts from when the whole was entered, and a guard that asks for a region."""
        if self.rng.random() < 0.15:
            states = re.sub(r"after \ds(?! since)", f"after 2s since {self.place}", states, count=1)
        if self.parallel and self.rng.random() < 0.3:
            states = states.replace(" when ", f" when {self.rng.choice(('', 'not '))}(in Both.B.W) and ", 1)
        return states

    def ended(self, states: str, final: str) -> str:
        """With some ways that end the region, and not the flow."""
        way = re.compile(r"^(?!.*compensate)(.*)-> (?:Good|Bad\d)$", re.M)
        return way.sub(lambda line: f"{line[1]}-> {final}" if self.rng.random() < 0.5 else line[0], states)

    def around(self) -> list[str]:
        """What leads out of the whole, wherever it is."""
        rng, scope, lines = self.rng, [*self.inputs, *self.data], list[str]()
        for event in self.events:
            if rng.random() < 0.3:
                lines += self.handlers(event.name, event.fields, scope)
        if rng.random() < 0.25:
            lines.append(f"after {rng.choice((1, 2, 2))}s{self.updates(scope)} {self.target()}")
        if rng.random() < 0.2:
            lines += self.handlers("failed", (), scope)
        if rng.random() < 0.25:
            task = 'task over for clerk { title "work" }'
            lines += [apart(self, task) if self.people else task, *self.handlers("over", (), scope)]
        if self.resumed:
            lines.append("after 1s -> Pause")
        if self.parallel:
            lines += [f"on all done {self.target(stay=False)}"] if rng.random() < 0.9 else []
            lines += [f"on any done {self.target(stay=False)}"] if rng.random() < 0.15 else []
            lines += [f"on any failure {self.target(stay=False)}"] if rng.random() < 0.3 else []
        return lines


def random_crossing(seed: int) -> str:
    """The text of the flow that belongs to `seed`; the same on every machine and in every run. What does not make sense
    where it was put, such as a handler for what nothing there leaves open, is written anew."""
    return next(filter(makes_sense, (_crossing(Random(f"crossings {seed} {again}")) for again in count())))


def _crossing(rng: Random) -> str:
    text = Crossing(rng).text()
    return about_moments(rng, text) if rng.random() < 0.25 else text


def makes_sense(text: str) -> bool:
    """Whether a text is one of flows without errors."""
    try:
        kernels(text)
    except AssertionError:
        return False
    return True
