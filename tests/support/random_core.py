"""Random flows over the whole core language, so small that nearly all can be enumerated: a seed in, a text out.

The other writers make flows of some size, and many are too large to enumerate. Most faults show in a flow of two states
and one call, if it is the right one; so this one writes very many very small ones. Each is drawn from a writer that is
one of the others with smaller numbers, in proportion to what there is to get wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from random_flows import Call, Draft, Message, Name
from random_groups import Groups
from random_mixtures import Mixture

SMALL = ("bool", "bool", "int 0..1", "int 0..2", "Color")


def shorter(rng: Random, line: str) -> str:
    """A timer of one second, mostly, and one event that waits: every second is one more moment for each trigger to come
    at, and every event that waits doubles what may come next."""
    if line.startswith("after ") and rng.random() < 0.85:
        return f"after {rng.choice((1, 1, 1, 2))}{line[line.index('s') :]}"
    if line.startswith("defer ") and " at most " not in line and rng.random() < 0.9:
        return f"{line} at most 1"
    return line


def onward(draft: Draft) -> str:
    """A later node: every round leaves more on the log, and there is no end to them."""
    return draft.rng.choice([*draft.states[draft.here + 1 :], *draft.choices, *draft.finals * 2])


@dataclass
class SmallFlow(Draft):
    """States, choices, one event or call or two, a little data."""

    def text(self) -> str:
        rng = self.rng
        self.inputs = [Name(f"i{k}", rng.choice(SMALL)) for k in range(rng.choice((0, 0, 0, 1)))]
        self.data = [
            Name(f"v{k}", rng.choice(SMALL) + rng.choice(("", "", "?"))) for k in range(rng.choice((0, 1, 1, 2)))
        ]
        self.calls = [self.called(k) for k in range(rng.choice((1, 1, 2)))]
        self.events = [self.message(k) for k in range(rng.choice((0, 1, 1, 2)))]
        self.names()
        return self.head() + self.behaviour()

    def called(self, number: int) -> Call:
        rng = self.rng
        params = (Name("a0", rng.choice(SMALL)),) if rng.random() < 0.3 else ()
        errors = (f"err{number}",) if rng.random() < 0.3 else ()
        return Call(f"act{number}", params, rng.choice((None, None, *SMALL)), errors, rng.random() < 0.4)

    def message(self, number: int) -> Message:
        rng = self.rng
        fields = (Name(f"q{number}", rng.choice(("bool", "int 0..1", "int 0..2"))),) if rng.random() < 0.3 else ()
        return Message(f"ev{number}", fields)

    def names(self) -> None:
        rng = self.rng
        self.states = [f"S{k}" for k in range(rng.choice((1, 2, 2, 3)))]
        self.choices = [f"C{k}" for k in range(rng.choice((0, 0, 1)))]
        self.finals = ["Good", *(f"Bad{k}" for k in range(rng.choice((0, 1, 1, 2))))]

    def node(self) -> str:
        return onward(self) if self.rng.random() < 0.88 else super().node()

    def inside(self, name: str) -> list[str]:
        return [shorter(self.rng, line) for line in super().inside(name)]


@dataclass
class SmallGroup(Groups):
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
        return [shorter(self.rng, line) for line in super().inside(name)]


@dataclass
class SmallMixture(Mixture):
    """One state with states in it, a region or two, whatever else there is."""

    def names(self) -> None:
        super().names()
        self.calls = self.calls[:1] if self.rng.random() < 0.7 else self.calls
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
        return [shorter(self.rng, line) for line in super().inside(name)]


WRITERS: tuple[Callable[[Random], Draft], ...] = (*[SmallFlow] * 5, *[SmallMixture] * 2, SmallGroup)


def random_core(seed: int) -> str:
    """The text of the flow that belongs to `seed`; the same on every machine and in every run."""
    rng = Random(seed)
    return rng.choice(WRITERS)(rng).text()
