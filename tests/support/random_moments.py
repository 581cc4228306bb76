"""Random flows about moments: a seed in, the text of a flow `R` out, a small one of the core that asks for the time.

What was written by `random_core` is changed here and there, and nothing of it is written otherwise: properties ask how
long ago the start was, or promise something within a time; guards ask for `now`, and states are left `at` a moment. To
keep the seconds few that a promise is about, calls are answered within three then, and wait for nobody else.
"""

from __future__ import annotations

import re
from random import Random

from random_core import random_core

MOMENTS = tuple(f"@2026-01-01T00:00:0{second}Z" for second in range(4))
PROMPT = "timeout 3s retry 1 backoff 1s..1s"
COMPARED = ("<", "<=", ">", ">=")


def random_moments(seed: int) -> str:
    """The text of the flow that belongs to `seed`; the same on every machine and in every run."""
    return about_moments(Random(f"moments {seed}"), random_core(seed))


def about_moments(rng: Random, text: str) -> str:
    """A small flow `R`, changed so that it asks for the time."""
    start = text.index("flow R ")
    shared, flow = text[:start], text[start:]
    kind = rng.choice(("elapsed", "within", "within", "now", "at"))
    if kind == "within" and "do flow" not in flow and ".flow" not in flow and "flow Child" not in shared:
        return shared + _promising(rng, flow)
    if kind == "now" and " when " in flow:
        return shared + _asking(rng, flow)
    if kind == "at" and re.search(r"^ {0,2}state ", flow, re.M):
        return shared + _appointed(rng, flow)
    return shared + _with(flow, [_elapsed(rng, flow) for _ in range(rng.randint(1, 2))])


def places(flow: str) -> tuple[list[str], list[str]]:
    """The states of a flow, and its finals."""
    states = re.findall(r"^ {0,2}(?:state|parallel) (\w+)", flow, re.M)
    return states, re.findall(r"^ {0,2}final (?:failure )?(Good|Bad\d*)$", flow, re.M)


def _with(flow: str, lines: list[str]) -> str:
    """With more properties at its end."""
    end = flow.rindex("}")
    return flow[:end] + "".join(f"  {line}\n" for line in lines) + flow[end:]


def _elapsed(rng: Random, flow: str) -> str:
    states, finals = places(flow)
    place = rng.choice([*states, *finals])
    long = f"elapsed {rng.choice(COMPARED)} {rng.randint(0, 3)}s"
    return rng.choice(
        (f"always in {place} implies {long}", f"never in {place} and {long}", f"reach {place} when {long}")
    )


def _promising(rng: Random, flow: str) -> str:
    states, finals = places(flow)
    lines: list[str] = []
    for _ in range(rng.randint(1, 2)):
        begin = "start" if rng.random() < 0.5 else f"in {rng.choice(states)}"
        some = rng.sample([*states, *finals], min(2, len(states) + len(finals)))
        ends = finals if rng.random() < 0.75 else some
        lines.append(f"{begin} leads to {' or '.join(f'in {end}' for end in ends)} within {rng.randint(1, 9)}s")
    return _with(re.sub(r"^  activity .*$", lambda found: _prompt(found[0]), flow, flags=re.M), lines)


def _prompt(activity: str) -> str:
    """An activity of which each call, and what undoes it, is answered within three seconds."""
    activity = re.sub(r"(breaker \d+ in \w+ cool \w+|limit \d+ per \w+|timeout \w+(  heartbeat \w+)?) *", "", activity)
    activity = re.sub(r"retry \d+ backoff \w+\.\.\w+( jitter \d+%)?( then park)?", PROMPT, activity)
    found = re.search(r"compensate \w+\(", activity)
    if found is None:
        return activity
    end, depth = found.end(), 1
    while depth:
        depth += {"(": 1, ")": -1}.get(activity[end], 0)
        end += 1
    rest = re.sub(r"^ \{[^{}]*\}", "", activity[end:])
    return f"{activity[:end]} {{ {PROMPT} }}{rest}"


def _asking(rng: Random, flow: str) -> str:
    """With a guard that asks for the moment."""
    guards = list(re.finditer(r" when ([^{}\n]*?)(?=( \{ \w+ = [^\n]*?\})? (->|stay))", flow))
    if not guards:
        return _with(flow, [_elapsed(rng, flow)])
    found = rng.choice(guards)
    asked = f"now {rng.choice(COMPARED)} {rng.choice(MOMENTS)}"
    said = rng.choice((asked, asked, f"({found[1]}) and {asked}", f"({found[1]}) or {asked}"))
    return f"{flow[: found.start(1)]}{said}{flow[found.end(1) :]}"


def _appointed(rng: Random, flow: str) -> str:
    """With a state that is left at a moment."""
    found = rng.choice(list(re.finditer(r"^ {0,2}state \w+ \{\n", flow, re.M)))
    target = rng.choice(places(flow)[1])
    return f"{flow[: found.end()]}    at {rng.choice(MOMENTS)} -> {target}\n{flow[found.end() :]}"
