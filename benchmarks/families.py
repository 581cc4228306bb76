"""Families of flows of any size, each also as a finite model that other checkers read: what the benchmarks measure.

A model leaves out what only penstock looks at (payloads, retries, timers, tasks, times): that favours the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

Atom = tuple[str, str, int | str]
"""(variable, one of == != < <= > >=, a number or a variable)."""

Change = tuple[str, str, int | str]
"""(variable, `=` or `+`, a number or a variable)."""


@dataclass(frozen=True)
class Edge:
    source: int
    target: int
    guard: tuple[Atom, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Model:
    """Locations 0.. (the start is 0), integer variables with bounds and a first value (None: any), and what must never
    hold in a location. `finals`: where nothing needs to happen any more."""

    locations: int
    finals: frozenset[int]
    variables: Mapping[str, tuple[int, int, int | None]]
    edges: tuple[Edge, ...]
    bad: tuple[tuple[int, Atom], ...] = field(default=())


@dataclass(frozen=True)
class Problem:
    """One flow (or system), under the name of its family and size, and its model, if it has one that is small."""

    family: str
    size: int
    text: str
    model: Model | None


def flow(name: str, lines: list[str]) -> str:
    return "\n".join([f"flow {name} version 1 {{", *(f"  {line}" for line in lines), "}", ""])


def saga(size: int) -> Problem:
    """Half of the locations are calls, half their compensations; each call may fail, time out or be cancelled."""
    calls = max(2, size // 2)
    lines = ["input { total: int 0..1000 }", "event cancel"]
    lines += [f"activity a{i}(n: int) -> text {{ fails bad  compensate u{i}(result) }}" for i in range(calls)]
    lines += ["start -> S0"]
    for i in range(calls):
        onward = f"S{i + 1}" if i + 1 < calls else "Done"
        lines += [f"state S{i} {{", f"  do a{i}(total)", f"  on done(_) -> {onward}"]
        lines += [f"  on {what} -> compensate -> Undone" for what in ("bad", "failed", "cancel")] + ["}"]
    lines += ["final Done", "final failure Undone"]
    done, undone, undo = 2 * calls + 1, 2 * calls + 2, calls
    edges = [Edge(undo, undone)]
    for i in range(calls):
        edges += [Edge(i, i + 1 if i + 1 < calls else done, changes=(("e", "+", 1),)), Edge(i, undo + i)]
        edges += [Edge(i, undo + i + 1, changes=(("e", "+", 1),)), Edge(undo + i + 1, undo + i, (), (("e", "+", -1),))]
    variables = {"e": (0, calls, 0)}
    bad = ((undone, ("e", ">", 0)),)
    model = Model(2 * calls + 3, frozenset({done, undone}), variables, tuple(edges), bad)
    return Problem("saga", size, flow("Saga", lines), model)


def gates(size: int, flags: int = 3) -> Problem:
    """Approvals in a row: each is asked for or not by an amount, and by what an earlier one was answered."""
    number = max(2, size // 3)
    lines = ["input { amount: int 0..100000 }"]
    lines += ["data {", *(f"  f{i}: bool = false" for i in range(flags)), "}", "roles clerk", "event cancel"]
    lines += ["start -> C0"]
    edges: list[Edge] = []
    done, refused = 3 * number, 3 * number + 1
    for i in range(number):
        onward, after = (f"C{i + 1}", 3 * i + 3) if i + 1 < number else ("Done", done)
        flag, limit = f"f{i % flags}", i % 7
        lines += [f"choice C{i} {{", f"  when amount > {100 * limit} and not {flag} -> T{i}"]
        lines += [f"  else {{ {flag} = false }} -> W{i}", "}"]
        lines += [f"state W{i} {{ after 1h -> {onward}  on cancel -> Refused }}"]
        lines += [f"state T{i} {{", f"  task t{i} for clerk {{ form {{ verdict: enum {{ yes, later, no }} }} }}"]
        lines += [f"  on t{i}(verdict) when verdict == yes {{ {flag} = true }} -> {onward}"]
        lines += [f"  on t{i}(verdict) when verdict == later -> {onward}", f"  on t{i}(verdict) else -> Refused"]
        lines += ["  on cancel -> Refused", "  after 3d -> Refused", "}"]
        ask = (("amount", ">", limit), (flag, "==", 0))
        edges += [Edge(3 * i, 3 * i + 1, ask), Edge(3 * i + 1, refused), Edge(3 * i + 1, after)]
        edges += [Edge(3 * i + 1, after, (), ((flag, "=", 1),)), Edge(3 * i + 2, after), Edge(3 * i + 2, refused)]
        otherwise: tuple[Atom, ...] = (("amount", "<=", limit), (flag, "!=", 0))
        edges += [Edge(3 * i, 3 * i + 2, (other,), ((flag, "=", 0),)) for other in otherwise]
    lines += ["final Done", "final failure Refused"]
    variables: dict[str, tuple[int, int, int | None]] = {f"f{i}": (0, 1, 0) for i in range(flags)}
    variables["amount"] = (0, 7, None)
    model = Model(3 * number + 2, frozenset({done, refused}), variables, tuple(edges))
    return Problem("gates", size, flow("Gates", lines), model)


def loops(size: int) -> Problem:
    """Purchases in a row, each tried again up to three times, from one budget: variables are related to each other."""
    lines = ["input { budget: int 0..1000 }", "data { spent: int 0..2000 = 0, tries: int 0..3 = 0 }", "start -> S0"]
    lines += ["event buy(cost: int 1..9)", "event again"]
    edges: list[Edge] = []
    for i in range(size):
        onward = f"S{i + 1}" if i + 1 < size else "Done"
        lines += [f"state S{i} {{", "  on buy(cost) when spent + cost <= budget { spent = spent + cost, tries = 0 }"]
        lines[-1] += f" -> {onward}"
        lines += [f"  on buy(cost) else {{ tries = 0 }} -> {onward}"]
        lines += [
            f"  on again when tries < 3 {{ tries = tries + 1 }} -> S{i}",
            f"  on again else {{ tries = 0 }} -> {onward}",
        ]
        lines += [f"  after 1d {{ tries = 0 }} -> {onward}", "}"]
        edges += [Edge(i, i, (("tries", "<", 3),), (("tries", "+", 1),)), Edge(i, i + 1, (), (("tries", "=", 0),))]
        for cost in (1, 2, 3):
            buys = (("spent", "+", cost), ("tries", "=", 0))
            edges += [Edge(i, i + 1, (("left", ">=", cost),), (*buys, ("left", "+", -cost)))]
    lines += ["final Done", "always spent <= budget"]
    variables = {"spent": (0, 20, 0), "left": (0, 20, 20), "tries": (0, 3, 0)}
    bad = tuple((i, ("spent", ">", 20)) for i in range(size + 1))
    return Problem(
        "loops", size, flow("Loops", lines), Model(size + 1, frozenset({size}), variables, tuple(edges), bad)
    )


def sparse(size: int, data: int = 3) -> Problem:
    """A random graph: a way through all states, and as many jumps again under random guards over a few variables."""
    random = Random(size)
    lines = ["data {", *(f"  v{i}: int 0..3 = 0" for i in range(data)), "}", "event go", "event stop"]
    lines += [f"event jump{k}(to: int 0..3)" for k in range(2)]
    lines += ["start -> S0"]
    edges: list[Edge] = []
    for i in range(size):
        onward, after = (f"S{i + 1}", i + 1) if i + 1 < size else ("Done", size)
        lines += [f"state S{i} {{", f"  on go -> {onward}", "  on stop -> Done", f"  after 1d -> {onward}"]
        edges += [Edge(i, after), Edge(i, size)]
        for k in range(2):
            variable, limit, target = f"v{random.randrange(data)}", random.randrange(3), random.randrange(size)
            changed = f"v{random.randrange(data)}"
            lines += [f"  on jump{k}(to) when {variable} <= {limit} {{ {changed} = to }} -> S{target}"]
            lines += [f"  on jump{k}(to) else -> {onward}"]
            for value in range(4):
                edges += [Edge(i, target, ((variable, "<=", limit),), ((changed, "=", value),))]
            edges += [Edge(i, after, ((variable, ">", limit),))]
        lines += ["}"]
    lines += ["final Done"]
    variables: dict[str, tuple[int, int, int | None]] = {f"v{i}": (0, 3, 0) for i in range(data)}
    return Problem("sparse", size, flow("Sparse", lines), Model(size + 1, frozenset({size}), variables, tuple(edges)))


def regions(size: int, states: int = 5) -> Problem:
    """So many regions side by side, each of five calls in a row that are undone together."""
    calls = [f"a{r}_{i}" for r in range(size) for i in range(states)]
    lines = ["event cancel", *(f"activity {a}() -> text {{ fails bad  compensate u{a[1:]}(result) }}" for a in calls)]
    onward = [*(f"S{i}" for i in range(1, states)), "Well"]
    bodies = [
        [f"state S{i} {{ do a{r}_{i}() on done(_) -> {onward[i]} on failed -> Badly }}" for i in range(states)]
        for r in range(size)
    ]
    return Problem("regions", size, _parallel("Regions", lines, bodies), _side_by_side(size, states, states))


def desks(size: int) -> Problem:
    """So many regions side by side, each with a call that is tried again, and then somebody who looks at it within a
    week, or a chief."""
    lines = ["roles clerk, chief", "event cancel by clerk"]
    lines += [
        f"activity a{r}() -> text {{ timeout 30s  retry 3 backoff 1s..10s  fails bad  compensate u{r}(result) }}"
        for r in range(size)
    ]
    bodies = [
        [
            f"state S0 {{ do a{r}()  on done(_) -> S1  on failed -> Badly }}",
            "state S1 {",
            f"  task look{r} for clerk {{ form {{ right: bool }} escalate to chief after 2d }}",
            f"  on look{r}(right) when right -> Well",
            f"  on look{r}(_) else -> Badly",
            "  after 7d -> Badly",
            "}",
        ]
        for r in range(size)
    ]
    return Problem("desks", size, _parallel("Desks", lines, bodies), _side_by_side(size, 2, 1))


def _parallel(name: str, lines: list[str], bodies: list[list[str]]) -> str:
    """A flow of regions that are undone together, each of which begins in `S0` and ends `Well` or `Badly`."""
    lines = [*lines, "start -> P", "parallel P {"]
    for r, body in enumerate(bodies):
        inner = ["start -> S0", *body, "final Well", "final failure Badly"]
        lines += [f"  region R{r} {{", *(f"    {line}" for line in inner), "  }"]
    ends = ["on all done -> Done", "on any failure -> compensate -> Undone", "on cancel -> compensate -> Undone"]
    return flow(name, [*lines, *(f"  {end}" for end in ends), "}", "final Done", "final failure Undone"])


def _side_by_side(size: int, states: int, calls: int) -> Model:
    """So many regions of so many states in a row, the first of which are calls."""
    edges: list[Edge] = []
    for r in range(size):
        for i in range(states):
            here, on, made = ((f"p{r}", "==", i),), (f"p{r}", "=", i + 1), (("e", "+", 1),)
            edges += [Edge(0, 0, here, (on, *made) if i < calls else (on,)), Edge(0, 1, here)]
            edges += [Edge(0, 1, here, made)] if i < calls else []
    all_done = tuple((f"p{r}", "==", states) for r in range(size))
    edges += [
        Edge(0, 2, all_done),
        Edge(0, 1),
        Edge(1, 1, (("e", ">", 0),), (("e", "+", -1),)),
        Edge(1, 3, (("e", "==", 0),)),
    ]
    variables: dict[str, tuple[int, int, int | None]] = {f"p{r}": (0, states, 0) for r in range(size)}
    variables["e"] = (0, size * calls + 1, 0)
    return Model(4, frozenset({2, 3}), variables, tuple(edges), ((3, ("e", ">", 0)),))


def systems(size: int) -> Problem:
    """A ring of flows: each hears from the one before, works, and tells the next; the first one waits for the last."""
    texts: list[str] = []
    for i in range(size):
        onward = (i + 1) % size
        lines = ["input { next: text }", "event token", f"activity work{i}() {{ readonly }}"]
        tell = f"send F{onward}.token to next"
        if i == 0:
            lines += [f"start {{ {tell} }} -> Waiting", "state Waiting { on token -> Done  after 30d -> Late }"]
            lines += ["final Done", "final Late"]
        else:
            lines += [
                "start -> Waiting",
                'state Waiting { on token -> Working  wait forever "the first one starts it" }',
            ]
            lines += ["state Working {", f"  do work{i}()", f"  on done {{ {tell} }} -> Done"]
            lines += [f"  on failed {{ {tell} }} -> Done", "  ignore token", "}", "final Done"]
        texts.append(flow(f"F{i}", lines))
    members = "\n".join(f"  f{i}: F{i}" for i in range(size))
    ring = (
        f'system Ring {{\n{members}\n  mailbox unordered at most 2\n  accept F313 "a late token may find nobody"\n}}\n'
    )
    edges: list[Edge] = []
    for i in range(1, size):
        edges += [Edge(0, 0, ((f"p{i}", "==", 0), (f"m{i}", ">", 0)), ((f"p{i}", "=", 1), (f"m{i}", "+", -1)))]
        told = f"m{(i + 1) % size}"
        edges += [Edge(0, 0, ((f"p{i}", "==", 1),), ((f"p{i}", "=", 2), (told, "+", 1)))]
    edges += [Edge(0, 1, (("m0", ">", 0),)), Edge(0, 1)]
    variables: dict[str, tuple[int, int, int | None]] = {f"p{i}": (0, 2, 0) for i in range(1, size)}
    variables |= {f"m{i}": (0, 2, int(i == 1)) for i in range(size)}
    return Problem("systems", size, "\n".join([*texts, ring]), Model(2, frozenset({1}), variables, tuple(edges)))


FAMILIES: dict[str, tuple[Callable[[int], Problem], tuple[int, ...]]] = {
    "saga": (saga, (10, 50, 200, 1000, 5000)),
    "gates": (gates, (10, 50, 200, 1000)),
    "loops": (loops, (10, 50, 200, 1000)),
    "sparse": (sparse, (10, 50, 200)),
    "regions": (regions, (2, 3, 4, 5, 6)),
    "desks": (desks, (2, 3, 4, 5, 6)),
    "systems": (systems, (2, 3, 4)),
}
"""Each family, and the sizes that are measured."""
