"""Random flows with a shoot of one kind on a stock of another: a seed in, the text of a flow `R` out.

Each of the other writers has what it is about, and much never meets: somebody who must not do two tasks and a group of
calls, a moment and a promise of a time, a task for one person and a region, negative numbers and joins. Here the flow
of any writer gets some lines more, at any depth, and some of its targets are changed. What does not make sense where it
was put is not kept. Systems of two flows get such lines, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from random import Random

from random_apart import random_apart
from random_calls import random_calls
from random_core import random_core
from random_crossings import makes_sense, random_crossing
from random_dealings import random_dealings
from random_durations import random_durations
from random_instants import random_instants
from random_mixtures import random_mixture
from random_moments import MOMENTS, random_moments
from random_savepoints import random_savepoints

STOCKS: tuple[Callable[[int], str], ...] = (
    *(random_core, random_core, random_core, random_crossing, random_mixture, random_savepoints),
    *(random_moments, random_instants, random_durations, random_calls, random_apart),
)
COMPARED = ("==", "!=", "<", "<=", ">", ">=")
COMPUTED = ("g + 1", "g - 1", "-g", "g / 2", "g % 2", "-(g % -2)", "0 - 2", "abs(g)", "min(g, 0)", "g / -2", "1", "2")
SHOOTS = 3
TRIES = 6
"""So often a shoot is put somewhere before it is given up."""


def random_grafts(seed: int) -> str:
    """The text of the flow that belongs to `seed`; the same on every machine and in every run."""
    rng = Random(f"grafts {seed}")
    text = rng.choice(STOCKS)(rng.randrange(10**9))
    start = text.index("flow R ")
    return _Graft(rng, text[:start], text[start:]).grown(rng.randint(1, SHOOTS))


def random_deals(seed: int) -> str:
    """The text of the system that belongs to `seed`, of `random_dealings` with shoots in its members; the same on every
    machine and in every run."""
    rng = Random(f"deals {seed}")
    text = random_dealings(rng.randrange(10**9))
    for _ in range(rng.randint(1, SHOOTS)):
        starts = [found.start() for found in re.finditer(r"^(flow|system) ", text, re.M)]
        begin, end = rng.choice([*pairwise(starts)])
        text = _Member(rng, text[:begin], text[begin:end], text[end:]).grown(1)
    return text


class _Graft:
    """`shared` stands before the flow, `behind` after it. Each shoot is the flow with something more, or None."""

    def __init__(self, rng: Random, shared: str, flow: str, behind: str = "") -> None:
        self.rng = rng
        self.shared = shared
        self.flow = flow
        self.behind = behind
        self.number = len(re.findall(r"^ *(?:task extra|event call)\d", flow, re.M))
        self.tasks = re.findall(r"\btask (\w+) for", flow)

    def grown(self, shoots: int) -> str:
        """The whole text with so many shoots, if they can be put somewhere."""
        kinds = self.kinds()
        self.flow = self.declared(self.flow)
        for _ in range(shoots):
            kind = self.rng.choice(kinds)
            for _ in range(TRIES):
                grown = kind()
                if grown is not None and self.makes_sense(grown):
                    self.flow = grown
                    self.tasks = re.findall(r"\btask (\w+) for", grown)
                    break
        return self.shared + self.flow + self.behind

    def kinds(self) -> tuple[Callable[[], str | None], ...]:
        return (
            *(self.timer, self.timer, self.appointment, self.task, self.task, self.event, self.event, self.deadline),
            *(self.elsewhere, self.elsewhere, self.undoes, self.undoes, self.effect, self.guard, self.guard),
            *(self.claim, self.claim, self.nothing, self.pending),
        )

    def makes_sense(self, flow: str) -> bool:
        return makes_sense(self.shared + flow + self.behind)

    def declared(self, flow: str) -> str:
        """With a role, a datum and an event that shoots may need."""
        head = flow.index("{") + 1
        roles = "" if re.search(r"^ *roles ", flow, re.M) else "  roles clerk, boss\n"
        negative = f"g: int -2..2 = {self.rng.randint(-2, 2)}"
        data = re.search(r"\bdata \{ ", flow)
        if data is None:
            return f"{flow[:head]}\n{roles}  data {{ {negative} }}{flow[head:]}"
        flow = f"{flow[: data.end()]}{negative}, {flow[data.end() :]}"
        return f"{flow[:head]}\n{roles}{flow[head:]}" if roles else flow

    # ------------------------------------------------------------ places

    def blocks(self, kinds: str = "state|parallel|region") -> list[re.Match[str]]:
        return list(re.finditer(rf"^ *(?:{kinds}) (\w+) \{{ *\n", self.flow, re.M))

    def names(self) -> list[str]:
        return self.paths("state|parallel")

    def paths(self, kinds: str) -> list[str]:
        found, around = list[str](), list[str]()
        for line in self.flow.split("\n")[1:]:
            opened = re.match(r" *(state|parallel|region|choice) (\w+) \{", line)
            if opened is not None:
                around.append(opened[2])
                if re.fullmatch(kinds, opened[1]):
                    found.append(".".join(around))
                if line.count("{") == line.count("}"):
                    around.pop()
            elif line.strip() == "}" and around:
                around.pop()
        return found

    def finals(self) -> list[str]:
        return re.findall(r"^ *final (?:failure )?(\w+)", self.flow, re.M)

    def target(self, stay: bool = False) -> str:
        rng = self.rng
        roll = rng.random()
        if stay and roll < 0.2:
            return "stay"
        if roll < 0.35:
            since = f" since {rng.choice(self.names())}" if rng.random() < 0.5 else ""
            return f"-> compensate{since} -> {rng.choice([*self.finals(), *self.finals(), *self.names()])}"
        if roll < 0.45:
            return f"-> resume {rng.choice(self.names())}"
        return f"-> {rng.choice([*self.finals(), *self.finals(), *self.names()])}"

    def updates(self) -> str:
        rng = self.rng
        if rng.random() < 0.6:
            return ""
        return f" {{ g = {rng.choice(COMPUTED)} }}"

    def asked(self) -> str:
        rng = self.rng
        number = rng.choice(
            ("g", "g", "g / 2", "g % 2", "g % -2", "-g", "abs(g)", "g * g", "(3 / (g + 3))", "max(g, -1)")
        )
        return f"{number} {rng.choice(COMPARED)} {rng.randint(-2, 2)}"

    def condition(self) -> str:
        rng = self.rng
        roll = rng.random()
        if roll < 0.25:
            return f"{rng.choice(('', 'not '))}(in {rng.choice(self.paths('state|parallel|region'))})"
        if roll < 0.35:
            return f"now {rng.choice(('<', '<=', '>', '>='))} {rng.choice(MOMENTS)}"
        return self.asked()

    def inserted(self, block: re.Match[str], *lines: str) -> str:
        more = "".join(f"    {line}\n" for line in lines)
        return f"{self.flow[: block.end()]}{more}{self.flow[block.end() :]}"

    # ------------------------------------------------------------ shoots

    def timer(self) -> str:
        rng = self.rng
        since = f" since {rng.choice(self.paths('state|parallel|region'))}" if rng.random() < 0.6 else ""
        lasts = rng.choice(
            ("1s", "1s", "2s", "0s", f"(if {self.asked()} then 1s else 2s)", "(1s * g)", "(1s + 1s * g)")
        )
        line = f"after {lasts}{since}{self.updates()} {self.target(stay=True)}"
        return self.inserted(rng.choice(self.blocks()), line)

    def appointment(self) -> str:
        rng = self.rng
        moment = rng.choice((*MOMENTS, f"{rng.choice(MOMENTS)} + 1s * g"))
        return self.inserted(rng.choice(self.blocks()), f"at {moment}{self.updates()} {self.target()}")

    def task(self) -> str:
        """A task, mostly one that asks who did what, at any depth."""
        rng = self.rng
        self.number += 1
        name = f"extra{self.number}"
        whom = rng.choice(("clerk", "clerk", "boss", "clerk, boss", f"actor of {rng.choice(('start', *self.tasks))}"))
        clauses = ['title "more"']
        clauses += [f"except actor of {rng.choice(('start', *self.tasks))}"] if rng.random() < 0.5 else []
        asks = "actor" in " ".join((whom, *clauses))
        clauses += ["escalate to boss after 1s"] if rng.random() < 0.3 and whom == "clerk" and not asks else []
        clauses += ["remind every 1s at most 1"] if rng.random() < 0.15 else []
        form = rng.random() < 0.3
        clauses += ["form { fine: bool }"] if form else []
        lines = [f"task {name} for {whom} {{ {'  '.join(clauses)} }}"]
        if form:
            lines += [
                f"on {name}(fine) when fine{self.updates()} {self.target(True)}",
                f"on {name} else {self.target()}",
            ]
        else:
            lines += [f"on {name}{self.updates()} {self.target(stay=True)}"]
        return self.inserted(rng.choice(self.blocks("state|parallel")), *lines)

    def event(self) -> str:
        """An event that some state defers or ignores, and another one handles."""
        rng = self.rng
        self.number += 1
        name = f"call{self.number}"
        flow = self.flow
        head = flow.index("{") + 1
        self.flow = f"{flow[:head]}\n  event {name}{flow[head:]}"
        for _ in range(rng.randint(1, 3)):
            guard = f" when {self.condition()}" if rng.random() < 0.3 else ""
            lines = [f"on {name}{guard}{self.updates()} {self.target(stay=True)}"]
            lines += [f"on {name} else {self.target(stay=True)}"] if guard and rng.random() < 0.7 else []
            lines = [f"{rng.choice(('ignore', 'defer', 'defer'))} {name}"] if rng.random() < 0.35 else lines
            lines = [f"{line} at most 1" if line.startswith("defer") else line for line in lines]
            grown = self.inserted(rng.choice(self.blocks()), *lines)
            if self.makes_sense(grown):
                self.flow = grown
        grown, self.flow = self.flow, flow
        return grown

    def deadline(self) -> str:
        rng = self.rng
        flow = re.sub(r"^ *deadline .*\n", "", self.flow, flags=re.M)
        lasts = rng.choice(("1s", "2s", "3s", "3s", "(2s + 1s * g)"))
        return f"{flow[: flow.rindex('}')]}  deadline {lasts}{self.updates()} {self.target()}\n}}\n"

    def elsewhere(self) -> str | None:
        """A way that leads somewhere else."""
        ways = list(re.finditer(r"(?:-> [\w.]+|\bstay)$", self.flow, re.M))
        if not ways:
            return None
        way = self.rng.choice(ways)
        return f"{self.flow[: way.start()]}{self.target(stay=True)}{self.flow[way.end() :]}"

    def undoes(self) -> str | None:
        rng = self.rng
        ways = list(re.finditer(r"(?<!compensate )-> ([\w.]+)$", self.flow, re.M))
        if not ways:
            return None
        way = rng.choice(ways)
        since = f" since {rng.choice(self.paths('state|parallel|region'))}" if rng.random() < 0.65 else ""
        return f"{self.flow[: way.start()]}-> compensate{since} {way[0]}{self.flow[way.end() :]}"

    def effect(self) -> str | None:
        """An activity that is undone otherwise, or not, or that gives up where it waited for somebody."""
        rng = self.rng
        if rng.random() < 0.3:
            parks = list(re.finditer(r" then park", self.flow))
            if parks:
                found = rng.choice(parks)
                return self.flow[: found.start()] + self.flow[found.end() :]
        lines = list(re.finditer(r"^ *activity .*$", self.flow, re.M))
        if not lines:
            return None
        found = rng.choice(lines)
        line = re.sub(
            r"\b(irreversible|readonly|compensate \w+\(\))",
            rng.choice(("irreversible", "readonly", "compensate undone()")),
            found[0],
        )
        return f"{self.flow[: found.start()]}{line}{self.flow[found.end() :]}"

    def guard(self) -> str | None:
        """A way that is taken only if something holds, with another one for the rest."""
        rng = self.rng
        ways = list(re.finditer(r"^( *on [\w]+(?:\([^)]*\))?)((?: \{[^}\n]*\})? (?:->.*|stay))$", self.flow, re.M))
        ways = [way for way in ways if " any " not in way[0] and " all " not in way[0]]
        if not ways:
            return None
        way = rng.choice(ways)
        name = re.sub(r"\(.*", "", way[1])
        rest = f"{name} else {self.target(stay=True)}\n" if rng.random() < 0.8 else ""
        return f"{self.flow[: way.start()]}{way[1]} when {self.condition()}{way[2]}\n{rest}{self.flow[way.end() + 1 :]}"

    def nothing(self) -> str | None:
        """A call becomes one for each item of a list, which may be none."""
        rng = self.rng
        calls = list(re.finditer(r"\bdo (?!for |flow )(\w+)\(", self.flow))
        if not calls:
            return None
        call = rng.choice(calls)
        items = rng.choice(("[0]", "[0, 1]", "[0, 1]"))
        until = rng.choice(("", "", " until 1 done"))
        return f"{self.flow[: call.start()]}do for it in {items} at most 2{until}: {self.flow[call.start() + 3 :]}"

    def pending(self) -> str | None:
        """The failures of a call are handled further out."""
        lines = list(re.finditer(r"^ *on (?:failed|timeout|err\d) .*\n", self.flow, re.M))
        if not lines:
            return None
        line = self.rng.choice(lines)
        flow, self.flow = self.flow, self.flow[: line.start()] + self.flow[line.end() :]
        grown = self.inserted(
            self.rng.choice(self.blocks("state|parallel")), f"on failed{self.updates()} {self.target(True)}"
        )
        self.flow = flow
        return grown

    def claim(self) -> str:
        rng = self.rng
        place = rng.choice([*self.paths("state|parallel|region"), *self.finals()])
        calls = re.findall(r"^ *activity (\w+)", self.flow, re.M)
        said = [self.asked(), f"elapsed {rng.choice(('<', '<=', '>', '>='))} {rng.randint(0, 3)}s", "compensating"]
        said += [f"count({rng.choice(calls)}) <= 1", f"done({rng.choice(calls)})"] if calls else []
        condition = rng.choice(said)
        ends = rng.sample(self.finals(), min(len(self.finals()), rng.randint(1, 2)))
        line = rng.choice(
            (
                f"always in {place} implies {condition}",
                f"never in {place} and {condition}",
                f"reach {place} when {condition}",
                f"in {place} leads to {' or '.join(f'in {end}' for end in ends)} or {rng.choice(said[:2] + said[3:])}",
                f"start leads to {' or '.join(f'in {end}' for end in ends)}",
            )
        )
        return f"{self.flow[: self.flow.rindex('}')]}  {line}\n}}\n"


class _Member(_Graft):
    """A flow of a system. Nothing is computed in it, since what may stop a step is said of the flow alone."""

    def kinds(self) -> tuple[Callable[[], str | None], ...]:
        return (
            *(self.timer, self.task, self.event, self.deadline, self.elsewhere, self.undoes, self.undoes, self.effect),
            *(self.guard, self.nothing, self.pending),
        )

    def declared(self, flow: str) -> str:
        head = flow.index("{") + 1
        return flow if re.search(r"^ *roles ", flow, re.M) else f"{flow[:head]}\n  roles clerk{flow[head:]}"

    def updates(self) -> str:
        return ""

    def asked(self) -> str:
        return self.rng.choice(("v", "not v")) if "  data { v: bool" in self.flow else "true"
