"""Random small flows in which time passes and calls fail: a seed in, the text of a flow `R` out.

Calls with attempts and backoff, timers on states and around them, people with escalations, a deadline, regions side by
side, rounds with a counter, data that exclude each other, compensations; all of a few seconds. Everything is handled,
and all but the rounds leads onward.
"""

from __future__ import annotations

import re
from random import Random


class Writer:
    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.activities: list[str] = []
        self.names = 0

    def text(self) -> str:
        rng = self.rng
        count = rng.choice((1, 2, 2, 3))
        names = [f"S{k}" for k in range(count)]
        states = [self.state(name, [*names[k + 1 :], "Good"]) for k, name in enumerate(names)]
        deadline = f"  deadline {rng.randint(2, 9)}s -> {rng.choice(('Late', 'compensate -> Late'))}\n"
        parts = [
            "flow R version 1 {\n  input { big: bool }\n  data { n: int 0..2 = 0 }\n  roles clerk, boss\n",
            "  event go\n  event cancel\n",
            *self.activities,
            "  start -> S0\n",
            *states,
            deadline if rng.random() < 0.35 else "",
            "  final Good\n  final failure Bad\n  final failure Late\n}\n",
        ]
        return "".join(parts)

    def fresh(self, letter: str) -> str:
        self.names += 1
        return f"{letter}{self.names}"

    def activity(self) -> tuple[str, bool]:
        """A new one: its name, and whether it may fail."""
        rng, name = self.rng, self.fresh("a")
        error = f"bad{self.names}" if rng.random() < 0.4 else ""
        fails = f"fails {error}{rng.choice(('', ' 25%', ' 50%'))}" if error else ""
        attempt = rng.choice(("", "", "attempt fails 50%", "attempt fails 20%"))
        undo = f"compensate undo_{name}() {{ timeout {rng.randint(1, 2)}s retry {rng.randint(1, 2)} backoff 1s..1s }}"
        park = " then park" if rng.random() < 0.15 else ""
        self.activities.append(
            f"  activity {name}() -> bool {{ timeout {rng.randint(1, 2)}s retry {rng.randint(1, 3)}"
            f" backoff 1s..2s{park} {fails} {attempt} {rng.choice((undo, undo, 'readonly'))} }}\n"
        )
        return name, bool(error) or not park

    def state(self, name: str, onward: list[str]) -> str:
        kinds = (self.call, self.call, self.call, self.wait, self.task, self.outer, self.regions, self.round)
        return self.rng.choice(kinds)(name, onward)

    def to(self, onward: list[str]) -> str:
        return self.rng.choice((onward[0], onward[0], onward[-1], "compensate -> Bad", f"compensate -> {onward[-1]}"))

    def call(self, name: str, onward: list[str]) -> str:
        rng = self.rng
        activity, fails = self.activity()
        done = f"on done(_) -> {self.to(onward)}"
        if rng.random() < 0.4:
            guard = rng.choice(("big", "not big", "v", "v and big", "n == 0"))
            done = f"on done(v) when {guard} -> {self.to(onward)}  on done(_) else -> {self.to(onward)}"
        failed = f"on failed -> {self.to(onward)}" if fails else ""
        more = f"after {rng.randint(1, 6)}s -> {self.to(onward)}" if rng.random() < 0.35 else ""
        cancel = f"on cancel -> {self.to(onward)}" if rng.random() < 0.3 else ""
        return f"  state {name} {{ do {activity}()  {done}  {failed}  {more}  {cancel} }}\n"

    def wait(self, name: str, onward: list[str]) -> str:
        return (
            f"  state {name} {{ on go -> {self.to(onward)}  after {self.rng.randint(1, 5)}s -> {self.to(onward)} }}\n"
        )

    def task(self, name: str, onward: list[str]) -> str:
        task = self.fresh("t")
        return (
            f"  state {name} {{ task {task} for clerk {{ form {{ ok: bool }} escalate to boss after 1s }}\n"
            f"    on {task}(ok) when ok -> {self.to(onward)}  on {task}(_) else -> {self.to(onward)}\n"
            f"    after {self.rng.randint(2, 5)}s -> {self.to(onward)} }}\n"
        )

    def outer(self, name: str, onward: list[str]) -> str:
        inner = self.fresh("I")
        last = self.fresh("I")
        first = self.call(inner, [last])
        second = self.rng.choice((self.call, self.wait))(last, onward)
        after = f"after {self.rng.randint(2, 7)}s -> {self.to(onward)}"
        return f"  state {name} {{ start -> {inner}\n{first}{second}    {after} }}\n"

    def regions(self, name: str, onward: list[str]) -> str:
        made: list[str] = []
        for _ in range(2):
            inner, ok, bad = self.fresh("P"), self.fresh("F"), self.fresh("F")
            activity, fails = self.activity()
            failed = f"on failed -> {bad}" if fails else f"after 9s -> {bad}"
            made.append(
                f"    region {self.fresh('Q')} {{ start -> {inner}\n      state {inner} {{ do {activity}()"
                f"  on done(_) -> {ok}  {failed} }}\n      final {ok}\n      final failure {bad} }}\n"
            )
        joins = f"    on all done -> {self.to(onward)}  on any failure -> compensate -> Bad"
        return f"  parallel {name} {{\n{''.join(made)}{joins} }}\n"

    def round(self, name: str, onward: list[str]) -> str:
        activity, fails = self.activity()
        failed = f"on failed -> {self.to(onward)}" if fails else ""
        return (
            f"  state {name} {{ do {activity}()  on done(v) when v and n < 2 {{ n = n + 1 }} -> {name}\n"
            f"    on done(_) else -> {self.to(onward)}  {failed} }}\n"
        )


def random_waits(seed: int) -> str:
    return Writer(seed).text()


def random_measures(seed: int) -> str:
    """The same with timers that take as long as data say: an input, or how often something went round."""
    rng = Random(seed)

    def measured(written: re.Match[str]) -> str:
        length = int(written[1])
        by = rng.choice(
            (f"1s * (m + {length - 1})", f"1s * ({length} - m)", f"{length}s * m", f"1s * (n + {length})", "")
        )
        return f"after {by or f'{length}s'} ->"

    text = Writer(seed).text().replace("{ big: bool }", "{ big: bool, m: int 0..2 }")
    return re.sub(r"after (\d+)s ->", measured, text)
