"""Random flows with instants as data: a seed in, the text of a flow `R` out, a small one like those of the core.

One datum is an instant, and something brings others: an input, an event, the form of a task, an answer, `now`.
Guards compare them with each other and with `now`; a state is left at one, after as long as it is until then, or before
a deadline for one. Some flows are started by the clock, too, which decides nothing.

Few instants are written, or come from outside. Only those are moved by a second (`told + 1s`), and what was moved is
not moved again; so nothing lies further away from what is written than `brute_values.INSTANTS` reach.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from random_core import SmallFlow, SmallGroup, SmallMixture
from random_flows import Message, Name
from random_groups import Groups
from random_rarities import Rarities

KEPT, TOLD = Name("kept", "instant"), Name("told", "instant")
WRITTEN = ("@2026-01-01T00:00:00Z", "@2026-01-01T00:00:01Z")
COMPARED = ("==", "<", "<=", ">", ">=")
CLOCK = ("day at 02:00 UTC", "monday at 09:30 UTC", '"*/15 8-17 * * mon-fri"')
SOURCES = ("input", "input", "event", "answer", "form", "now", "now")


@dataclass
class Instants(Rarities):
    """To be put before another writer: its flows with a datum that is an instant, and with what brings others."""

    source: str = field(default="")

    def names(self) -> None:
        rng = self.rng
        super().names()
        self.source = rng.choice(SOURCES)
        kept = replace(KEPT, type="instant?") if rng.random() < 0.3 else KEPT
        self.data = [*self.data[: rng.randint(0, 1)], kept]
        if self.source == "input":
            self.inputs = [*self.inputs[:1], TOLD]
        elif self.source == "event":
            self.events = [*self.events[:1], Message("appoint", (TOLD,))]
        elif self.source == "answer" and not isinstance(self, Groups):
            self.calls[0] = replace(self.calls[0], result="instant")

    # ------------------------------------------------------------ expressions

    def constant(self, scalar: str) -> str:
        return self.rng.choice(WRITTEN) if scalar == "instant" else super().constant(scalar)

    def value(self, type: str, scope: list[Name]) -> str:
        if not type.startswith("instant"):
            return super().value(type, others(scope))
        rng, known = self.rng, [each.name for each in scope if each.type == "instant"]
        if type.endswith("?") and rng.random() < 0.25:
            return "none"
        fresh = [name for name in known if name != KEPT.name]
        said = [*known, *fresh, *(f"{name} {rng.choice('+-')} 1s" for name in fresh), self.constant("instant")]
        if self.source == "now":
            said += ["now", "now", "now + 1s", *(f"min({name}, now)" for name in fresh)]
        return rng.choice(said)

    def _comparison(self, name: Name, scope: list[Name]) -> str:
        if name.scalar != "instant":
            return super()._comparison(name, others(scope))
        rng, op = self.rng, self.rng.choice(COMPARED)
        same = [each.name for each in scope if each.type == "instant" and each != name]
        if rng.random() < 0.5:
            return rng.choice((f"now {op} {name.name}", f"{name.name} - now {rng.choice(('<', '<='))} 1s"))
        return f"{name.name} {op} {rng.choice([*same * 2, self.constant('instant')])}"

    # ------------------------------------------------------------ states

    def lasting(self, line: str, scope: list[Name]) -> str:
        """Often a timer that is for an instant, or as long as it is until one."""
        rng, known = self.rng, [each.name for each in scope if each.scalar == "instant"]
        if not known or " since " in line or rng.random() < 0.4:
            return super().lasting(line, others(scope))
        name = rng.choice(known)
        return re.sub(r"^after \ds", rng.choice((f"at {name}", f"at {name} + 1s", f"after ({name} - now)")), line)

    def handlers(self, head: str, fields: tuple[Name, ...], scope: list[Name]) -> list[str]:
        return super().handlers(head, self.asked_for(head, fields), scope)

    def asked_for(self, head: str, fields: tuple[Name, ...]) -> tuple[Name, ...]:
        """What the form of a task asks for: sometimes an instant."""
        forms = self.source == "form" and head.startswith("job_")
        return tuple(replace(each, type="instant") for each in fields) if forms else fields

    def inside(self, name: str) -> list[str]:
        lines = super().inside(name)
        if self.source == "form":
            lines = [re.sub(r"^(task job_.* form \{ \w+: )[^}]*? \}", r"\1instant }", line) for line in lines]
        return lines

    # ------------------------------------------------------------ the text

    def behaviour(self) -> str:
        """Sometimes with a deadline for an instant, and started by the clock; properties cannot ask for `now`."""
        rng, text = self.rng, super().behaviour()
        text = re.sub(r"^ *(always|never|reach) .*\bnow\b.*\n", "", text, flags=re.M)
        if TOLD in self.inputs and rng.random() < 0.5:
            text = re.sub(r"deadline \ds", f"deadline (told - {rng.choice(WRITTEN)})", text)
        if rng.random() < 0.2:
            given = ", ".join(f"{each.name}: {self.given(each)}" for each in self.inputs)
            text = f"  every {rng.choice(CLOCK)}{f' ({given})' if given else ''}\n{text}"
        return text

    def given(self, name: Name) -> str:
        """What the clock starts it with."""
        return "[]" if name.type.startswith("list") else self.constant(name.scalar)


def others(scope: list[Name]) -> list[Name]:
    return [each for each in scope if each.scalar != "instant"]


@dataclass
class InstantFlow(Instants, SmallFlow):
    pass


@dataclass
class InstantMixture(Instants, SmallMixture):
    pass


@dataclass
class InstantGroup(Instants, SmallGroup):
    pass


WRITERS: tuple[Callable[[Random], Instants], ...] = (*[InstantFlow] * 6, InstantMixture, InstantGroup)


def random_instants(seed: int) -> str:
    """The text of the flow that belongs to `seed`; the same on every machine and in every run."""
    rng = Random(f"instants {seed}")
    return rng.choice(WRITERS)(rng).text()
