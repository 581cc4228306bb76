"""Which runs to test: an explored kernel in; few short runs that together take every transition out.

The runs are those of the checks' search, which are the shortest there are to each step. Of those that are not too long
to be read, the one is taken that does most of what none taken before does, then the next, until nothing is left that
some run does; then those are left out whose part others do as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...dsl.source import Span
from ...dsl.values import dataclass
from ..checks.graph import Arrival
from ..checks.inquiry import Inquiry
from ..kernel import Kernel
from .acts import acts
from .goals import Goal, made, reached, taken, wanted
from .joining import joined, rounded
from .play import Played, play
from .vivid import vivid

LONG = 16  # steps that a reader still follows
MOST_TRIED = 400  # runs that are tried before the rest is given up


@dataclass(frozen=True, slots=True)
class Example:
    """A run to test, step by step. `shows`: the steps that it is there for, counted in `played`; one or two of them."""

    played: tuple[Played, ...]
    shows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cover:
    """The runs, the one that does most first; `missed`: the written places that none of them takes."""

    examples: tuple[Example, ...]
    missed: tuple[Span, ...]


def cover(inquiry: Inquiry) -> Cover:
    """Few short runs that take every transition which the search took with a run."""
    kernel = inquiry.kernel
    edges = [edge.arrival for edge in inquiry.graph.edges() if edge.real]
    known: dict[int, set[Goal]] = {id(arrival): wanted(arrival) for arrival in edges}
    left: set[Goal] = {goal for goals in known.values() for goal in goals}
    chosen: list[tuple[Played, ...]] = []
    tried = 0
    while left and edges and tried < MOST_TRIED:
        tried += 1
        best = max(edges, key=lambda each: _worth(len(known[id(each)] & left), each.length))
        if not known[id(best)] & left:
            break
        edges.remove(best)
        played = _replayed(inquiry, best, known[id(best)])
        if played is None:
            continue
        chosen.append(played)
        left -= reached(kernel, played)
    runs = _needed(kernel, joined(kernel, _needed(kernel, chosen)))
    return Cover(tuple(_examples(kernel, runs)), tuple(_missed(kernel, runs)))


def _worth(goals: int, length: int) -> tuple[bool, bool, int, int]:
    """How well a run of this length serves that reaches so many goals that are left: long ones are for what no other
    does."""
    return goals > 0, length <= LONG, goals, -length


def _replayed(inquiry: Inquiry, arrival: Arrival, goals: set[Goal]) -> tuple[Played, ...] | None:
    """The run with telling values; None where it cannot be done so from outside."""
    kernel = inquiry.kernel
    for found in _alike(inquiry, arrival):
        script = rounded(kernel, acts(kernel, found.run()))
        for trial in (vivid(kernel, script), script):
            played = play(kernel, trial)
            if goals <= reached(kernel, played) and all(each.took for each in played):
                return played
    return None


def _alike(inquiry: Inquiry, arrival: Arrival) -> Iterator[Arrival]:
    """The run as the search found it, then with the plainest values, which are long looked for."""
    tracer, run = inquiry.tracer, arrival.run()
    times = tracer.schedule(run)
    found = None if times is None else tracer.at(run, times)
    yield from () if found is None else (found,)
    plain = tracer.replayed(arrival, lambda _: True)
    yield from () if plain is None else (plain,)


def _needed(kernel: Kernel, chosen: Sequence[tuple[Played, ...]]) -> list[tuple[Played, ...]]:
    """Without the runs all of whose goals others reach, the shortest left out first."""
    kept = list(chosen)
    for run in sorted(chosen, key=len):
        others = [reached(kernel, each) for each in kept if each is not run]
        if others and reached(kernel, run) <= set[Goal]().union(*others):
            kept.remove(run)
    return kept


def _examples(kernel: Kernel, runs: Sequence[tuple[Played, ...]]) -> Iterator[Example]:
    seen: set[Goal] = set()
    for run in runs:
        fresh = [index for index in range(len(run)) if set(made(kernel, run[index])) - seen]
        acting = [index for index in fresh if run[index].act is not None and run[index].trigger is not None]
        commanding = [index for index in acting if any(t.command is not None for t in taken(run[index]))]
        shows = commanding or acting or fresh or [len(run) - 1]
        yield Example(run, tuple(shows if len(shows) == 2 else shows[-1:]))
        seen |= reached(kernel, run)


def _missed(kernel: Kernel, runs: Sequence[tuple[Played, ...]]) -> Iterator[Span]:
    """What is written and never taken, in the order of the text."""
    done = set[Goal]().union(*(reached(kernel, run) for run in runs))
    spans = [command.span for command in kernel.commands if ("command", command.id) not in done]
    for choice in kernel.choices:
        spans += [b.span for at, b in enumerate(choice.branches) if ("branch", (choice.name, at)) not in done]
    written = {command.span for command in kernel.commands if ("command", command.id) in done}
    yield from sorted(dict.fromkeys(span for span in spans if span not in written), key=lambda span: span.start)
