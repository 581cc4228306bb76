"""Random flows about how often calls are tried: a seed in, the text of a flow `R` out, a small one of the core.

Either its activities have timeouts and retries of all kinds, some without end, and its timers are about as long (F203,
F205); or it does itself, with an input that counts down, or does not (F206).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from random import Random

from random_core import SmallFlow, random_core
from random_flows import Call, Name

SELF = Call("R", (), None, ("failed",), True)


@dataclass
class Again(SmallFlow):
    """A flow that does itself."""

    def names(self) -> None:
        rng = self.rng
        super().names()
        others = [each for each in self.inputs[:1] if rng.random() < 0.5]
        self.inputs = [Name("n0", "int 0..2"), *others, *([Name("n1", "int 0..1")] if rng.random() < 0.3 else [])]
        self.calls = [replace(SELF, params=tuple(self.inputs)), *self.calls[: rng.random() < 0.4]]
        self.choices = ["C0", *(name for name in self.choices if name != "C0")]

    def call(self, call: Call, args: str) -> str:
        if call.name != SELF.name:
            return super().call(call, args)
        return f"do flow R({', '.join(f'{name.name}: {self.given(name)}' for name in self.inputs)})"

    def given(self, name: Name) -> str:
        """Mostly less by one, so that there is something to prove."""
        if not name.name.startswith("n"):
            return self.value(name.type, [*self.inputs, *self.data])
        less = f"{name.name} - 1"
        return self.rng.choice((less, less, name.name, f"max({less}, 0)", "0", "1"))

    def properties(self) -> list[str]:
        """None about the flow itself, which it need not do in the end."""
        return [line for line in super().properties() if f"({SELF.name})" not in line]

    def activity(self, call: Call) -> str:
        return "" if call.name == SELF.name else super().activity(call)

    def behaviour(self) -> str:
        """Mostly only where there is something left to count."""
        text = super().behaviour()
        text = re.sub(r"start( \{[^}]*\})? -> \w+", "start -> C0", text, count=1)
        if self.rng.random() < 0.8:
            text = re.sub(r"(choice C0 \{\n    when )", r"\1n0 == 0 -> Good\n    when n0 > 0 and ", text, count=1)
        return text


def tried(rng: Random, text: str) -> str:
    """With other timeouts and retries, and timers that may be as long."""

    def one(_: re.Match[str]) -> str:
        return f"timeout {rng.randint(1, 3)}s  retry {rng.randint(1, 3)} backoff 1s..{rng.randint(1, 2)}s"

    def parked(found: re.Match[str]) -> str:
        return "retry forever backoff 1s..2s" if rng.random() < 0.3 else f"{one(found)} then park"

    def undone(found: re.Match[str]) -> str:
        times = rng.choice(("", "", " { retry forever backoff 1s..1s }", " { timeout 2s retry 2 backoff 1s..1s }"))
        return f"{found[1]}{times}"

    text = re.sub(r"timeout 5s *(heartbeat 1s)? *|jitter 20% *|limit 2 per 1s *|breaker 2 in 1m cool 1m *", "", text)
    text = re.sub(r"retry 2 backoff 1s\.\.2s *then park", parked, text)
    text = re.sub(r"(?<!s  )(?<!forever )retry 2 backoff 1s\.\.2s", one, text)
    text = re.sub(r"(compensate undo_\w+\([^{}\n]*?\))(?=  | \})", undone, text)
    return re.sub(r"deadline \ds", lambda _: f"deadline {rng.randint(2, 14)}s", text)


def random_calls(seed: int) -> str:
    """The text of the flow that belongs to `seed`; the same on every machine and in every run."""
    rng = Random(f"calls {seed}")
    return Again(rng).text() if rng.random() < 0.4 else tried(rng, random_core(seed))
