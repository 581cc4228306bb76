"""Random flows over the whole core language, so small that nearly all can be enumerated: a seed in, a text out.

The other writers make flows of some size, and many are too large to enumerate. Most faults show in a flow of two states
and one call, if it is the right one; so this one writes very many very small ones. Each is drawn from a writer that is
one of the others with smaller numbers, in proportion to what there is to get wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from random_flows import Call, Draft, Message, Name
from random_groups import Groups
from random_mixtures import CHILD, Mixture
from random_rarities import Rarities

SMALL = ("bool", "bool", "int 0..1", "int 0..2", "Color")
WIDE = ("decimal(1)", "text")
DECIMALS = ("0.0", "0.5", "1.0")
TEXTS = ('""', '"a"', '"b"')


def shorter(rng: Random, line: str) -> str:
    """A timer of one second, mostly, and one event that waits: every second is one more moment for each trigger to come
    at, and every event that waits doubles what may come next."""
    if line.startswith("after ") and rng.random() < 0.85:
        return f"after {rng.choice((1, 1, 1, 2))}{line[line.index('s') :]}"
    if line.startswith("defer ") and " at most " not in line and rng.random() < 0.9:
        return f"{line} at most 1"
    return line


def apart(draft: SmallFlow, line: str) -> str:
    """A task that asks who did what: whoever started, or did this task or one written before."""
    did = draft.rng.choice(("start", *draft.tasks))
    if draft.rng.random() < 0.3:
        line = line.replace("for clerk", f"for actor of {did}")
    if "for clerk" in line or draft.rng.random() < 0.3:
        line = f"{line[:-1]} except actor of {draft.rng.choice(('start', *draft.tasks))} }}"
    return line


def onward(draft: Draft) -> str:
    """A later node: every round leaves more on the log, and there is no end to them."""
    return draft.rng.choice([*draft.states[draft.here + 1 :], *draft.choices, *draft.finals * 2])


def promises(draft: Draft, states: list[str], finals: list[str]) -> list[str]:
    """What leads to what, sometimes."""
    rng = draft.rng
    if rng.random() > 0.3:
        return []
    ends = rng.sample(finals, rng.randint(1, len(finals))) if rng.random() < 0.8 else [rng.choice(states)]
    begin = "start" if rng.random() < 0.5 else f"in {rng.choice(states)}"
    return [f"{begin} leads to {' or '.join(f'in {end}' for end in ends)}"]


@dataclass
class SmallFlow(Rarities):
    """States, choices, one event or call or two, a little data; sometimes decimals and texts."""

    types: tuple[str, ...] = SMALL
    people: bool = False  # whether tasks ask who did what
    tasks: list[str] = field(default_factory=list[str])

    def text(self) -> str:
        rng = self.rng
        self.types = (*SMALL, *WIDE) if rng.random() < 0.25 else SMALL
        self.inputs = [Name(f"i{k}", rng.choice(self.types)) for k in range(rng.choice((0, 0, 0, 1)))]
        self.data = [
            Name(f"v{k}", rng.choice(self.types) + rng.choice(("", "", "?"))) for k in range(rng.choice((0, 1, 1, 2)))
        ]
        self.calls = [self.called(k) for k in range(rng.choice((1, 1, 2)))]
        self.events = [self.message(k) for k in range(rng.choice((0, 1, 1, 2)))]
        self.people = rng.random() < 0.12
        self.unranged()
        self.names()
        return self.head() + self.behaviour()

    def called(self, number: int) -> Call:
        rng = self.rng
        params = (Name("a0", rng.choice(self.types)),) if rng.random() < 0.3 else ()
        errors = (f"err{number}",) if rng.random() < 0.3 else ()
        return Call(f"act{number}", params, rng.choice((None, None, *self.types)), errors, rng.random() < 0.4)

    def message(self, number: int) -> Message:
        rng = self.rng
        types = ("bool", "int 0..1", "int 0..2", *self.types[len(SMALL) :])
        fields = (Name(f"q{number}", rng.choice(types)),) if rng.random() < 0.3 else ()
        return Message(f"ev{number}", fields)

    def constant(self, scalar: str) -> str:
        wide = {"decimal(1)": DECIMALS, "text": TEXTS}
        return self.rng.choice(wide[scalar]) if scalar in wide else super().constant(scalar)

    def value(self, type: str, scope: list[Name]) -> str:
        rng = self.rng
        decimals = [name.name for name in scope if name.type == "decimal(1)"]
        if type.startswith("decimal") and decimals and rng.random() < 0.4:
            name = rng.choice(decimals)
            return rng.choice((f"min({name} + 0.5, 1.0)", f"max({name} - 0.5, 0.0)", f"abs({name})"))
        return super().value(type, scope)

    def _comparison(self, name: Name, scope: list[Name]) -> str:
        rng = self.rng
        if name.scalar == "decimal(1)":
            said = rng.choice((name.name, name.name, f"abs({name.name})", f"{name.name} + 0.5"))
            return f"{said} {rng.choice(('==', '<', '<=', '>'))} {rng.choice(DECIMALS)}"
        if name.scalar == "text":
            others = [other.name for other in scope if other.type == "text" and other != name]
            if rng.random() < 0.3:
                return f"len({name.name}) {rng.choice(('==', '>'))} {rng.randint(0, 1)}"
            return f"{name.name} {rng.choice(('==', '!='))} {rng.choice((*TEXTS, *others))}"
        return super()._comparison(name, scope)

    def properties(self) -> list[str]:
        return [*super().properties(), *promises(self, self.states, self.finals)]

    def names(self) -> None:
        rng = self.rng
        self.states = [f"S{k}" for k in range(rng.choice((1, 2, 2, 3)))]
        self.choices = [f"C{k}" for k in range(rng.choice((0, 0, 0, 0, 1, 2)))]
        self.finals = ["Good", *(f"Bad{k}" for k in range(rng.choice((0, 1, 1, 2))))]

    def node(self) -> str:
        return onward(self) if self.rng.random() < 0.88 else super().node()

    def inside(self, name: str) -> list[str]:
        """Sometimes with one task more, so that two are open at once."""
        rng, lines = self.rng, [shorter(self.rng, line) for line in super().inside(name)]
        if not self.people:
            return self.rarely(lines)
        if rng.random() < 0.6:
            lines.append(f'task also_{name.lower()} for clerk {{ title "work" }}')
            lines += self.handlers(f"also_{name.lower()}", (), [*self.inputs, *self.data])
        for index, line in enumerate(lines):
            if line.startswith("task "):
                line = line.replace("escalate to boss", "due") if "escalate" in line else line
                self.tasks.append(line.split()[1])
                lines[index] = apart(self, line.replace("due after", "due"))
        return self.rarely(lines)


@dataclass
class SmallGroup(Rarities, Groups):
    """One call for each item of a list, or two."""

    def names(self) -> None:
        super().names()
        self.states, self.choices = self.states[:2], self.choices[:1]
        self.finals = self.finals[:2]
        self.calls = [replace(call, result=call.result if k else None) for k, call in enumerate(self.calls[::-1])]
        self.events = [Message(event.name, ()) for event in self.events[: self.rng.randint(0, 1)]]

    def node(self) -> str:
        return onward(self) if self.rng.random() < 0.88 else super().node()

    def inside(self, name: str) -> list[str]:
        return self.rarely([shorter(self.rng, line) for line in super().inside(name)])


@dataclass
class SmallMixture(Rarities, Mixture):
    """One state with states in it, a region or two, whatever else there is."""

    def names(self) -> None:
        super().names()
        self.calls = self.calls[:1] if self.rng.random() < 0.7 else self.calls
        self.calls = [*self.calls[:1], CHILD] if self.rng.random() < 0.15 else self.calls
        self.events = self.events[:1]
        self.data = [each for each in self.data[:1] if not each.type.startswith("list") or self.rng.random() < 0.5]

    def node(self) -> str:
        order = [node.path for node in self.nodes()]
        here = order.index(self.at) if self.at in order else -1
        later = [node for node in self.visible() if order.index(node.path) > here and self.at != node.path]
        if later and self.rng.random() < 0.85:
            return self.said(self.rng.choice(later).path)
        return super().node()

    def inside(self, name: str) -> list[str]:
        return self.rarely([shorter(self.rng, line) for line in super().inside(name)])

    def claims(self) -> list[str]:
        places = [".".join(node.path) for node in self.nodes() if node.kind != "choice"]
        return [*super().claims(), *promises(self, places, self.finals)]


WRITERS: tuple[Callable[[Random], Draft], ...] = (*[SmallFlow] * 5, *[SmallMixture] * 2, SmallGroup)


def random_core(seed: int) -> str:
    """The text of the flow that belongs to `seed`; the same on every machine and in every run."""
    rng = Random(seed)
    return rng.choice(WRITERS)(rng).text()
