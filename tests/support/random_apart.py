"""Random flows whose regions have nothing to do with each other: a seed in, the text of one out.

Regions call, and wait for events of their own: in rows, in rounds, in states inside states, with ways out of all
regions, and with places that nothing leaves. Before and after them there is now and then something else.
"""

from __future__ import annotations

from random import Random

EFFECTS = ("compensate undo{n}()", "compensate undo{n}()", "compensate undo{n}()", "readonly")


def random_apart(seed: int) -> str:
    return _Apart(Random(seed)).text()


class _Apart:
    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.activities: list[str] = []
        self.events: list[str] = []
        self.alike = rng.random() < 0.6  # whether regions do nothing but similar calls
        self.timing = rng.choice(("", "timeout 1m retry 1"))
        self.sound = rng.random() < 0.6  # whether care is taken that all is proved
        self.out = ["compensate -> Bad", "compensate -> Bad", *(() if self.sound else ("Broken", "Bad"))]

    def may(self, chance: float) -> bool:
        return self.rng.random() < chance

    def text(self) -> str:
        rng = self.rng
        number = 3 if self.alike else 2
        regions = [line for r in range(number) for line in self.region(r, rng.choice((2, 3, 4)))]
        joins = [rng.choice(("all done", "all done", "all done", "any done", *(("2 done",) if number > 2 else ())))]
        joins += ["all done"] if not self.sound and joins != ["all done"] and self.may(0.5) else []
        then = rng.choice(("Good", "Good", "After"))
        before = self.may(0.4)
        states = ["state Before {", *self.leaf("Before", ["P", "P", "compensate -> Bad"]), "}"] if before else []
        states += ["parallel P {", *(f"  {line}" for line in regions)]
        states += [f"  on {join} -> {then}" for join in joins]
        failing = any(line.strip().startswith("final failure") for line in regions)
        states += [f"  on any failure -> {rng.choice(self.out)}"] if failing and (self.sound or self.may(0.9)) else []
        states += [f"  on cancel -> {rng.choice((*self.out, *self.again()))}"] if self.may(0.7) else []
        states += ['  wait forever "it is meant"'] if self.may(0.3) else []
        states += ["}"]
        if then == "After":
            states += ["state After {", *self.leaf("After", ["Good", "Good", "compensate -> Bad"]), "}"]
        if any("-> Broken" in line for line in states):
            states += ["state Broken {", "  after 1d -> compensate -> Bad", "}"]
        states += ["final Good", "final failure Bad"]
        events = [f"event {name}" for name in ("cancel", *self.events)]
        whole = [*events, *self.activities, f"start -> {'Before' if before else 'P'}", *states]
        return "\n".join(["flow R version 1 {", *(f"  {line}" for line in whole), "}", ""])

    def again(self) -> list[str]:
        return ["P"] if not self.sound and self.may(0.2) else []

    def activity(self) -> str:
        n, rng = len(self.activities), self.rng
        fails = "fails bad" if self.alike or self.may(0.5) else ""
        timing = self.timing if self.alike or self.may(0.9) else "timeout 2m retry 1"
        effect = (EFFECTS[0] if self.alike else rng.choice(EFFECTS)).format(n=n)
        self.activities.append(f"activity act{n}() {{ {timing} {fails} {effect} }}")
        return f"act{n}"

    def leaf(self, name: str, targets: list[str]) -> list[str]:
        """A state that calls, or waits for events that no other one knows."""
        rng = self.rng

        def to() -> str:
            return rng.choice(targets)

        lines: list[str] = []
        if self.alike or self.may(0.7):
            activity = self.activity()
            lines += [f"do {activity}()", f"on done -> {targets[0] if self.sound else to()}"]
            lines += [f"on bad -> {to()}"] if "fails bad" in self.activities[-1] else []
            lines += [f"on failed -> {targets[-1] if self.sound else to()}"]
        if (not lines and (self.sound or self.may(0.9))) or (not self.sound and self.may(0.1)):
            event = f"e{len(self.events)}"
            self.events.append(event)
            lines += [f"on {event} stay"] if lines and self.may(0.2) else [f"on {event} -> {targets[0]}"]
        if self.sound or self.may(0.5):
            lines += ['wait forever "it is meant"']
        return [f"  {line}" for line in lines]

    def region(self, number: int, size: int) -> list[str]:
        rng = self.rng
        names = [f"S{number}{i}" for i in range(size)]
        done, broken = f"Done{number}", f"Lost{number}"
        nested = self.may(0.2)
        lines = [f"region R{number} {{", f"  start -> {names[0]}"]
        for i, name in enumerate(names):
            onward = names[i + 1] if i + 1 < size else done
            targets = [onward, onward, onward]
            targets += [names[0]] if self.may(0.1) else []
            targets += [rng.choice(self.out)] if self.may(0.1) else []
            targets += [broken]
            if nested and i == 0:
                lines += [f"  state {name} {{", f"    start -> I{number}", f"    state I{number} {{"]
                lines += [f"    {line}" for line in self.leaf(f"I{number}", targets)]
                lines += ["    }", "  }"]
            else:
                lines += [f"  state {name} {{", *(f"  {line}" for line in self.leaf(name, targets)), "  }"]
        lines += [f"  final {done}"]
        lines += [f"  final failure {broken}"] if any(f"-> {broken}" in line for line in lines) else []
        lines += ["}"]
        return lines
