"""Random systems of two small flows that deal with each other: a seed in, the text of the flows and their system out.

Unlike those of `random_systems` they have data, and messages that carry some; calls, with what undoes them; timers,
tasks, choices, regions, and events from outside that have to wait beside messages that do. Every case is handled, and
nothing leaves its range: what stops a flow is said of it alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

MESSAGES = ("m0", "m1")  # the second one carries something
OUTSIDE = ("go",)

OVERTAKEN = """
flow A version 1 {
  event outside
  event m
  event n
  start -> First
  state First {
    defer outside, m
    on n -> Second
  }
  state Second {
    on outside -> Done
    on m -> Third
  }
  state Third {
    ignore m, n
    on outside -> Done
  }
  final Done
}
flow B version 1 {
  start { send A.m to "a", send A.n to "a" } -> Done
  final Done
}
system Both { a: A  b: B  mailbox fifo at most 3 }
"""
"""A message is too late for its receiver, which has ended by what came from outside and had waited for longer."""


@dataclass
class Partner:
    """One of the flows."""

    rng: Random
    name: str
    other: str
    states: list[str] = field(default_factory=list[str])
    finals: list[str] = field(default_factory=list[str])
    datum: bool = False
    call: str = ""  # how its effect is undone; nothing: it has none
    chatty: float = 0.3  # how often a step says something
    hurry: float = 0.3  # how often time leads on
    most: dict[str, int] = field(default_factory=dict[str, int])  # so many of an event wait

    def text(self) -> str:
        rng = self.rng
        self.datum = rng.random() < 0.6
        self.call = rng.choice(("", "", "compensate undo()", "compensate undo()", "readonly", "irreversible"))
        self.hurry = rng.choice((0.2, 0.4, 0.8))
        self.most = {event: rng.choice((1, 1, 2)) for event in (*MESSAGES, *OUTSIDE)}
        self.chatty = rng.choice((0.15, 0.3, 0.45))
        self.states = [f"S{k}" for k in range(rng.choice((1, 2, 2, 3)))]
        self.finals = ["Done", *(["Bad"] if rng.random() < 0.5 else [])]
        together = rng.random() < 0.2
        names = [*self.states, *(["Both"] if together else []), *self.finals]
        body = [self.state(name, names[at + 1 :], names) for at, name in enumerate(self.states)]
        body += [self.both()] if together else []
        body += [f"  choice Either {{\n    when v -> Done\n    else -> {rng.choice(self.states)}\n  }}"] * self.datum
        updates = self.updates("", rng.choice((0, 1, 2)))
        lines = [
            f"flow {self.name} version 1 {{",
            *(["  input { i: bool }"] if rng.random() < 0.3 else []),
            *(["  data { v: bool = false }"] if self.datum else []),
            "  roles clerk",
            "  event m0",
            "  event m1(q: bool)",
            *[f"  event {event}" for event in OUTSIDE],
            *([f"  activity act() -> bool {{ retry 2 backoff 1s..2s {self.call} }}"] if self.call else []),
            f"  start {updates}-> {self.states[0]}",
            *body,
            *(f"  final {'failure ' if name == 'Bad' else ''}{name}" for name in self.finals),
            *([f"  deadline {rng.randint(1, 3)}s -> {rng.choice(self.finals)}"] if rng.random() < 0.1 else []),
            "}",
        ]
        return "\n".join(lines)

    def updates(self, carried: str, least: int = 1) -> str:
        """Something kept, something said; carried: a bool that has just come; least: how often it may say something."""
        rng = self.rng
        made: list[str] = []
        if self.datum and rng.random() < 0.3:
            made.append(f"v = {rng.choice(('true', 'false', 'not v', *([carried] if carried else [])))}")
        for _ in range(least + (rng.random() < 0.2)):
            if rng.random() < self.chatty:
                known = ["true", "false", *(["v"] if self.datum else []), *([carried] if carried else [])]
                said = rng.choice(("m0", f"m1({rng.choice(known)})"))
                made.append(f'send {self.other}.{said} to "x"')
        return f"{{ {', '.join(made)} }} " if made else ""

    def target(self, onward: list[str], names: list[str]) -> str:
        rng = self.rng
        goal = rng.choice(onward) if rng.random() < 0.8 else rng.choice(names)
        if self.datum and rng.random() < 0.12:
            return "-> Either"
        if self.call.startswith("c") and rng.random() < 0.3:
            since = f" since {rng.choice(self.states)}" if rng.random() < 0.3 else ""
            return f"-> compensate{since} -> {goal}"
        return f"-> {goal}"

    def handlers(self, head: str, binds: str, goals: tuple[list[str], list[str]]) -> list[str]:
        rng = self.rng
        given = f"({binds})" if binds else ""
        asked = [*(["v"] if self.datum else []), *([binds] if binds else [])]
        if self.datum and binds:
            asked.append(f"{binds} == v")
        if not asked or rng.random() < 0.55:
            target = "stay" if head in MESSAGES and rng.random() < 0.15 else self.target(*goals)
            return [f"on {head}{given} {self.updates(binds)}{target}"]
        guard = rng.choice(asked)
        first = f"on {head}{given} when {guard} {self.updates(binds)}{self.target(*goals)}"
        if head in (*MESSAGES, *OUTSIDE) and rng.random() < 0.3:
            return [first]
        return [first, f"on {head} else {self.updates('')}{self.target(*goals)}"]

    def state(self, name: str, onward: list[str], names: list[str]) -> str:
        rng, goals = self.rng, (onward, names)
        lines: list[str] = []
        if self.call and rng.random() < 0.45:
            lines += ["do act()", *self.handlers("done", "r", goals), *self.handlers("failed", "", goals)]
        for event in (*MESSAGES, *OUTSIDE):
            binds = "q" if event == "m1" else ""
            answers, ignores, waits = (0.35, 0.4, 0.75) if event in OUTSIDE else (0.45, 0.55, 0.88)
            kind = rng.random()
            if kind < answers:
                lines += self.handlers(event, binds, goals)
            elif kind < ignores:
                lines.append(f"ignore {event}")
            elif kind < waits:
                lines.append(f"defer {event} at most {self.most[event]}")
        if rng.random() < self.hurry:
            lines.append(f"after {rng.randint(1, 2)}s {self.updates('')}{self.target(*goals)}")
        if rng.random() < 0.1:
            lines += [f"task ask_{name.lower()} for clerk", *self.handlers(f"ask_{name.lower()}", "", goals)]
        inside = "\n    ".join(lines)
        return f"  state {name} {{\n    {inside}\n  }}"

    def both(self) -> str:
        """Two regions, each with a state of its own."""
        rng = self.rng
        regions: list[str] = []
        for region in ("One", "Two"):
            lines: list[str] = []
            for event in MESSAGES if region == "One" else OUTSIDE:
                kind = rng.random()
                if kind < 0.6:
                    lines.append(f"on {event} {self.updates('')}-> End")
                elif kind < 0.8:
                    lines.append(rng.choice((f"ignore {event}", f"defer {event} at most {self.most[event]}")))
            if region == "One" and self.call and rng.random() < 0.4:
                lines += ["do act()", "on done -> End", "on failed -> End"]
            elif not lines or rng.random() < 0.3:
                lines.append(f"after 1s {self.updates('')}-> End")
            final = "final failure End" if rng.random() < 0.2 else "final End"
            inside = "\n        ".join(lines)
            body = f"start -> W\n      state W {{\n        {inside}\n      }}\n      {final}"
            regions.append(f"    region {region} {{\n      {body}\n    }}")
        joins = f"    on {rng.choice(('all', 'any'))} done {self.updates('')}-> {rng.choice(self.finals)}"
        joins += f"\n    on any failure -> {rng.choice(self.finals)}"
        return "  parallel Both {\n" + "\n".join([*regions, joins]) + "\n  }"


def random_dealings(seed: int) -> str:
    """The text of the system that belongs to `seed`; the same on every machine and in every run."""
    rng = Random(f"dealings {seed}")
    mailbox = f"mailbox {rng.choice(('fifo', 'unordered'))} at most {rng.choice((1, 2, 3, 3))}"
    flows = f"{Partner(rng, 'A', 'B').text()}\n{Partner(rng, 'B', 'A').text()}"
    return f"{flows}\nsystem Deal {{ a: A  b: B  {mailbox} }}\n"
