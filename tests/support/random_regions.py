"""Random flows with regions side by side: a seed in, the text of one out, in which most steps concern one region.

What regions have to do with each other is in few of the flows: guards that ask where another one is, data that two
write, savepoints, `resume`, events that several answer, joins that leave some regions under way.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

EFFECTS = ("compensate undo{n}()", "compensate undo{n}()", "compensate undo{n}()", "readonly", "irreversible")


def random_regions(seed: int) -> str:
    return _Regions(Random(seed)).text()


class _Regions:
    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.calls = self.tasks = 0
        self.activities: list[str] = []
        self.knows = rng.random() < 0.25  # whether there are data
        self.asks = rng.random() < 0.15  # whether guards ask for places
        self.marks = rng.random() < 0.2  # whether there are savepoints
        self.drops = rng.random() < 0.25  # whether something is irreversible
        self.leaves: list[str] = []

    def may(self, chance: float) -> bool:
        return self.rng.random() < chance

    def text(self) -> str:
        rng = self.rng
        number = rng.choice((2, 2, 2, 3, 3, 4))
        regions = [
            line for r in range(number) for line in self.region(r, rng.choice((1, 2, 2, 3) if number < 4 else (1, 2)))
        ]
        lines = ["event cancel", "event go", "event on_with", "event wake(x: bool)"]
        lines += ["data { v: bool = false, n: int 0..3 = 0 }"] if self.knows else []
        lines += ["roles clerk, boss"]
        before = self.may(0.3) or self.marks
        after = self.may(0.5)
        lines += [f"start -> {'Before' if before else 'P'}"]
        states = ["state Before {", *self.leaf("Before", ["P", "P", "Bad"]), "}"] if before else []
        then = "After" if after else "Good"
        states += ["parallel P {", *(f"  {line}" for line in regions)]
        undo = "compensate since Before" if self.marks and self.may(0.5) else "compensate"
        some = rng.choice(("", "", "any done", "2 done" if number > 2 else "any done"))
        states += [f"  on {join} -> {then}" for join in ("all done", some) if join]
        states += [f"  on any failure -> {rng.choice((f'{undo} -> Bad', f'{undo} -> Bad', 'Broken'))}"]
        if self.may(0.7):
            states += [f"  on cancel -> {rng.choice((f'{undo} -> Bad', f'{undo} -> Bad', 'Broken', 'P'))}"]
        if self.may(0.2):
            states += [f"  after {rng.randrange(1, 4)}d -> {rng.choice((f'{undo} -> Bad', 'Broken', then))}"]
        states += ["}"]
        if after:
            guarded = self.knows and self.may(0.5)
            states += ["state After {", *self.leaf("After", ["Good", "Good", "compensate -> Bad"]), "}"]
            states += ["  # data decide", "choice C { when v -> Good  else -> compensate -> Bad }"] if guarded else []
        states += ["state Broken {", "  on cancel -> compensate -> Bad", "  after 1d -> compensate -> Bad", "}"]
        states += ["final Good", "final failure Bad"]
        lines += ["deadline 9d -> compensate -> Bad"] if self.may(0.15) else []
        promises = [f"never in {self.rng.choice(self.leaves)} and in Good"] if self.may(0.15) else []
        whole = [*lines, *self.activities, *states, *promises]
        return "\n".join(["flow R version 1 {", *(f"  {line}" for line in whole), "}", ""])

    def activity(self) -> str:
        n, rng = self.calls, self.rng
        self.calls += 1
        effects = EFFECTS if self.drops else EFFECTS[:4]
        fails = "fails bad" if self.may(0.5) else ""
        timing = rng.choice(("", "", "timeout 1m retry 1"))
        self.activities.append(f"activity act{n}() {{ {timing} {fails} {rng.choice(effects).format(n=n)} }}")
        return f"act{n}"

    def leaf(self, name: str, targets: list[str], path: str = "") -> list[str]:
        """What happens in a state: it calls, or waits for an event, a timer or somebody."""
        rng = self.rng

        def to() -> str:
            return rng.choice(targets)

        lines: list[str] = []
        kind = rng.choice(("call", "call", "call", "event", "timer", "task"))
        if kind == "call":
            activity = self.activity()
            bad = "fails bad" in self.activities[-1]
            set_ = " { v = true }" if self.knows and self.may(0.3) else ""
            guard = f" when in {rng.choice(self.leaves)}" if self.asks and self.leaves and self.may(0.3) else ""
            lines += [f"do {activity}()", f"on done{guard}{set_} -> {to()}"]
            lines += [f"on done else -> {to()}"] if guard else []
            lines += [f"on bad -> {to()}"] if bad else []
            lines += [f"on failed -> {to()}"]
        if kind == "event" or self.may(0.2):
            guard = " when not v" if self.knows and self.may(0.3) else ""
            lines += [f"on go{guard}" + (" stay" if self.may(0.2) else f" -> {to()}")]
        if kind == "event" or self.may(0.1):
            lines += (
                [f"on wake(x) when x -> {to()}", f"on wake(_) else -> {to()}"] if self.may(0.5) else ["on wake(_) stay"]
            )
        if kind in ("timer", "event") or self.may(0.1):
            lines += [f"after {rng.randrange(1, 5)}h" + (" stay" if self.may(0.1) else f" -> {to()}")]
        if kind == "task":
            lines += self.task(to)
        if self.may(0.15):
            lines += [rng.choice(("ignore on_with", "defer on_with"))]
        return [f"  {line}" for line in lines]

    def task(self, to: Callable[[], str]) -> list[str]:
        """Work for somebody, who may decide where it leads."""
        rng = self.rng
        self.tasks += 1
        name = f"t{self.tasks}"
        whom = rng.choice(("clerk", "clerk", "clerk", "clerk, boss", 'person "Ada"'))
        besides = [" escalate to boss after 2h"] if "boss" not in whom and self.may(0.3) else []
        besides += [f" except actor of t{rng.randrange(1, self.tasks)}"] if self.tasks > 1 and self.may(0.15) else []
        besides += [" remind every 3h at most 2"] if self.may(0.15) else []
        lines = [f"task {name} for {whom} {{ form {{ ok: bool, size: int 0..9 }}{''.join(besides)} }}"]
        if self.may(0.4):
            return [*lines, f"on {name}(_, _) -> {to()}"]
        first, second = rng.choice(
            (("ok", "size > 4"), ("ok and size < 3", "ok and size > 6"), ("size > 20", "not ok"))
        )
        first = "ok and not v" if self.knows and self.may(0.3) else first
        lines += [f"on {name}(ok, size) when {first} -> {to()}"]
        lines += [f"on {name}(ok, size) when not ({first}) and {second} -> {to()}"] if self.may(0.4) else []
        return [*lines, f"on {name}(_, _) else{' { v = true }' if self.knows and self.may(0.3) else ''} -> {to()}"]

    def region(self, number: int, size: int) -> list[str]:
        rng = self.rng
        names = [f"S{number}{i}" for i in range(size)]
        done, broken = f"Done{number}", f"Lost{number}"
        nested = self.may(0.15)
        lines = [f"region R{number} {{", f"  start -> {names[0]}"]
        for i, name in enumerate(names):
            onward = names[i + 1] if i + 1 < size else done
            targets = [onward, onward, onward, broken]
            targets += [names[0]] if self.may(0.1) else []
            self.leaves.append(name)
            if nested and i == 0:
                inner = f"I{number}"
                lines += [f"  state {name} {{", f"    start -> {inner}", f"    state {inner} {{"]
                lines += [f"    {line}" for line in self.leaf(inner, targets)]
                lines += ["    }", *([f"    on on_with -> {onward}"] if self.may(0.5) else []), "  }"]
            else:
                lines += [f"  state {name} {{", *(f"  {line}" for line in self.leaf(name, targets)), "  }"]
        lines += [f"  on on_with -> {rng.choice((names[0], names[-1], done))}"] if self.may(0.2) else []
        lines += [f"  final {done}", f"  final failure {broken}", "}"]
        return lines
