"""A decision process with exact probabilities in; how likely it comes to some of its ends, at the least and the most,
and how often something happens on the way, out.

Whoever decides (customers, clocks, data) picks an action of each state, knowing all that came before; then chance picks
where it leads. First the end components, in which the decider could stay for ever (de Alfaro 1997), become one state
each, so that every way of deciding comes to an end. Then every strongly connected component, the last first, is solved
by policy iteration (Howard 1960): linear equations in fractions, so what comes out is exact, not approached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property

from ...dsl.values import dataclass, field
from .components import strongly

ONE, NONE = Fraction(1), Fraction(0)


@dataclass(frozen=True, eq=False, slots=True)
class Action:
    """`to`: where chance leads, in all 1. `gains`: how often what happens, on average, by taking it."""

    to: Mapping[int, Fraction]
    gains: Mapping[str, Fraction] = field(default_factory=dict[str, Fraction])


@dataclass(frozen=True, slots=True)
class Process:
    """The actions of each state; none: an end. It begins in state 0. `lingers`: where all that follows need never be,
    so that staying in an end component with it is a way to end too; from elsewhere it is left, some time."""

    actions: Sequence[Sequence[Action]]
    lingers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the most that can be decided. `most` None: without bound."""

    least: Fraction
    most: Fraction | None

    @property
    def exact(self) -> bool:
        return self.least == self.most


class Fate:
    """What becomes of a process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.inner = end_components(process.actions, lambda _: True)
        self.quotient, self.place, self.stays = _merged(process, self.inner)
        self._order = ordered(self.quotient)

    def chance(self, ends: frozenset[int]) -> Range:
        """How likely it ends in one of some ends."""
        values = {self.place[end]: ONE for end in ends}
        return Range(self._best(values, None, min), self._best(values, None, max))

    def never(self) -> Range:
        """How likely it never ends."""
        values = {self.stays: ONE}
        return Range(self._best(values, None, min), self._best(values, None, max))

    def count(self, gain: str) -> Range:
        """How often something happens, on average."""
        again = [action for component in self.inner for state in component for action in self._inside(state, component)]
        if not any(action.gains.get(gain) for action in again):
            return Range(self._best({}, gain, min), self._best({}, gain, max))
        return Range(NONE if self.trapped else self._fewest(gain), None)

    @cached_property
    def trapped(self) -> bool:
        """Whether some end component is never left once it has been come to."""
        actions = self.process.actions
        return any(all(c.issuperset(action.to) for state in c for action in actions[state]) for c in self.inner)

    def _inside(self, state: int, component: frozenset[int]) -> Iterator[Action]:
        return (action for action in self.process.actions[state] if component.issuperset(action.to))

    def _best(self, values: Mapping[int, Fraction], gain: str | None, best: Callable[..., Fraction]) -> Fraction:
        return solved(self.quotient.actions, self._order, values, gain, best)[self.place[0]]

    def _fewest(self, gain: str) -> Fraction:
        """The least that a gain comes to where a cycle has it: staying in one would not be the least."""
        free = end_components(self.process.actions, lambda action: not action.gains.get(gain))
        quotient, place, _ = _merged(self.process, free)
        return solved(quotient.actions, ordered(quotient), {}, gain, min)[place[0]]


def _merged(process: Process, components: Sequence[frozenset[int]]) -> tuple[Process, Sequence[int], int]:
    """The process with each of some end components as one state, from which all actions lead out; the new number of
    each old state; and the end that stands for staying in one where it lingers."""
    first = {state: min(component) for component in components for state in component}
    kept = [state for state in range(len(process.actions)) if first.get(state, state) == state]
    number = {state: index for index, state in enumerate(kept)}
    place = [number[first.get(state, state)] for state in range(len(process.actions))]
    stays = len(kept)
    found: list[list[Action]] = [[] for _ in (*kept, stays)]
    for state, actions in enumerate(process.actions):
        for action in actions:
            to: dict[int, Fraction] = {}
            for target, chance in action.to.items():
                to[place[target]] = to.get(place[target], NONE) + chance
            if to != {place[state]: ONE}:
                found[place[state]].append(Action(to, action.gains))
    for component in components:
        merged = found[place[min(component)]]
        if component & process.lingers or not merged:
            merged.append(Action({stays: ONE}))
    return Process(found), place, stays


# ---------------------------------------------------------------- components


def end_components(actions: Sequence[Sequence[Action]], usable: Callable[[Action], bool]) -> list[frozenset[int]]:
    """The greatest sets of states in which one can stay for ever by some usable actions, and get from each to each."""
    found: list[frozenset[int]] = []
    todo = [frozenset(range(len(actions)))]
    while todo:
        states = todo.pop()
        inside = {
            state: [action for action in actions[state] if usable(action) and states.issuperset(action.to)]
            for state in sorted(states)
        }
        targets = {state: [to for action in kept for to in action.to] for state, kept in inside.items()}
        parts = [frozenset(part) for part in strongly(targets)]
        for part in parts:
            if not all(any(part.issuperset(action.to) for action in inside[state]) for state in part):
                left = frozenset(s for s in part if any(part.issuperset(action.to) for action in inside[s]))
                todo += [left] if left else []
            elif part == states or all(part.issuperset(a.to) for state in part for a in inside[state]):
                found.append(part)
            else:
                todo.append(part)
    return sorted(found, key=min)


# ---------------------------------------------------------------- equations


def ordered(process: Process) -> list[list[int]]:
    """The components of the states of a process, each after those it leads to."""
    targets = {state: [to for action in each for to in action.to] for state, each in enumerate(process.actions)}
    return list(strongly(targets))


def solved(
    actions: Sequence[Sequence[Action]],
    order: Sequence[Sequence[int]],
    ends: Mapping[int, Fraction],
    gain: str | None,
    best: Callable[..., Fraction],
) -> dict[int, Fraction]:
    """The best value of every state: of an end as given, else 0. Without end components, or to be as small as can be
    with gains in all of them."""
    values: dict[int, Fraction] = {}
    for component in order:
        inner = frozenset(component)
        if len(inner) == 1 and not actions[component[0]]:
            values[component[0]] = ends.get(component[0], NONE)
        else:
            values.update(_component(component, inner, actions, values, gain, best))
    return values


def _component(
    states: Sequence[int],
    inner: frozenset[int],
    actions: Sequence[Sequence[Action]],
    known: Mapping[int, Fraction],
    gain: str | None,
    best: Callable[..., Fraction],
) -> dict[int, Fraction]:
    """Policy iteration over one component, those behind it being known, from a policy that leaves it for sure."""

    def outside(action: Action) -> Fraction:
        away = sum((chance * known[to] for to, chance in action.to.items() if to not in inner), NONE)
        return away + (action.gains.get(gain, NONE) if gain is not None else NONE)

    policy = _leaving(inner, actions)
    constants = {id(action): outside(action) for state in states for action in actions[state]}
    while True:
        chosen = {state: (constants[id(policy[state])], policy[state]) for state in states}
        values = _linear(chosen, inner)
        changed = False
        for state in states:
            now = values[state]
            for action in actions[state]:
                value = constants[id(action)] + sum(
                    (chance * values[to] for to, chance in action.to.items() if to in inner), NONE
                )
                if value != now and best(value, now) == value:
                    policy[state], now, changed = action, value, True
        if not changed:
            return values


def _leaving(inner: frozenset[int], actions: Sequence[Sequence[Action]]) -> dict[int, Action]:
    """For each state an action by which the component is left, some time, for sure."""
    policy: dict[int, Action] = {}
    while len(policy) < len(inner):
        layer = {
            state: action
            for state in sorted(inner - policy.keys())
            for action in actions[state]
            if any(to not in inner or to in policy for to in action.to)
        }
        assert layer, "a component without end components can be left"
        policy.update(layer)
    return policy


def _linear(chosen: Mapping[int, tuple[Fraction, Action]], inner: frozenset[int]) -> dict[int, Fraction]:
    """x = constant + sum of chance * x, for each state: solved by elimination."""
    rows: dict[int, tuple[dict[int, Fraction], Fraction]] = {}
    for state, (constant, action) in chosen.items():
        row = {to: chance for to, chance in action.to.items() if to in inner}
        for other in [other for other in row if other in rows and other != state]:
            part = row.pop(other, NONE)
            below, fixed = rows[other]
            constant += part * fixed
            for to, chance in below.items():
                row[to] = row.get(to, NONE) + part * chance
        own = ONE - row.pop(state, NONE)
        row = {to: chance / own for to, chance in row.items()}
        rows = {**rows, state: (row, constant / own)}
        rows = {other: _put(each, state, rows[state]) if other != state else each for other, each in rows.items()}
    return {state: constant for state, (_, constant) in rows.items()}


def _put(
    row: tuple[dict[int, Fraction], Fraction], state: int, known: tuple[dict[int, Fraction], Fraction]
) -> tuple[dict[int, Fraction], Fraction]:
    """An equation with another put into it."""
    if state not in row[0]:
        return row
    terms, constant = dict(row[0]), row[1]
    part = terms.pop(state)
    for to, chance in known[0].items():
        terms[to] = terms.get(to, NONE) + part * chance
    return terms, constant + part * known[1]
