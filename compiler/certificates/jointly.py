"""The members of a system in; all joint states that they may come to together, numbered by their way to the end, out.

This is not the search of `checks/joint`, whose answers it is to support: steps are smaller (a mailbox that nobody will
read any more is emptied by a step of its own), and nothing is decided on the way. What is wrong is read off the states.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...dsl.model import System
from ..checks.joint import Events
from .locally import BEGIN, Local, Locally, Turn

MOST = 3000  # joint states


@dataclass(frozen=True, slots=True)
class State:
    """Of each member where it is, and what lies in its mailbox: oldest first, or sorted where any order will do."""

    locals: tuple[Local, ...]
    boxes: tuple[Events, ...]


class Jointly:
    """`states`: by number; `onward`: for each that is not an end the number of a lower one that a step leads to.

    `overflown`: the members whose mailbox a step would fill over its bound; such steps are left out."""

    def __init__(self, system: System, members: Sequence[Locally]) -> None:
        self.system = system
        self.members = members
        self.index = {member.flow: place for place, member in enumerate(system.members)}
        self.overflown: set[int] = set()
        self.complete = True
        after = self._search()
        self.states, self.onward, self.ends = self._ranked(after)

    def _search(self) -> dict[State, tuple[State, ...]]:
        first = State((BEGIN,) * len(self.members), ((),) * len(self.members))
        after: dict[State, tuple[State, ...]] = {}
        todo = deque([first])
        known = {first}
        while todo:
            state = todo.popleft()
            after[state] = tuple(dict.fromkeys(self._after(state)))
            for other in after[state]:
                if other not in known:
                    known.add(other)
                    todo.append(other)
            if len(known) > MOST:
                self.complete = False
                break
        return after

    def finished(self, state: State) -> bool:
        """Whether all have, and nothing is left to clear away."""
        done = all(member.finished(local) for member, local in zip(self.members, state.locals, strict=True))
        return done and not any(map(self.left_over, range(len(self.members)), (state,) * len(self.members)))

    def left_over(self, index: int, state: State) -> bool:
        """Whether a member has finished and messages are left that it will not take."""
        local = state.locals[index]
        return self.members[index].finished(local) and bool(local.deferred or state.boxes[index])

    def _after(self, state: State) -> Iterator[State]:
        left = [index for index in range(len(self.members)) if self.left_over(index, state)]
        if left:
            for index in left:
                yield _put(state, index, Local(state.locals[index].key), ())
            return
        for index, member in enumerate(self.members):
            local, box = state.locals[index], state.boxes[index]
            for turn in member.turns(local):
                yield from self._posted(_put(state, index, turn.to, box), turn)
            for place in self._next(box):
                for turn in member.turns(local, box[place]):
                    yield from self._posted(_put(state, index, turn.to, box[:place] + box[place + 1 :]), turn)

    def _next(self, box: Events) -> Sequence[int]:
        """The messages that can come next."""
        if self.system.fifo:
            return range(min(len(box), 1))
        return [place for place, event in enumerate(box) if event not in box[:place]]

    def _posted(self, state: State, turn: Turn) -> Iterator[State]:
        for flow, event in turn.sent:
            if flow in self.index:
                index = self.index[flow]
                box = (*state.boxes[index], event)
                state = _put(state, index, state.locals[index], box if self.system.fifo else tuple(sorted(box)))
        over = [
            index
            for index, box in enumerate(state.boxes)
            if len(box) + len(state.locals[index].deferred) > self.system.most
        ]
        self.overflown.update(over)
        if not over:
            yield state

    def _ranked(self, after: dict[State, tuple[State, ...]]) -> tuple[list[State], dict[int, int], int]:
        """The states by their distance to an end, those without a way last."""
        into: dict[State, list[State]] = {}
        for state, others in after.items():
            for other in others:
                into.setdefault(other, []).append(state)
        order = [state for state in after if self.finished(state)]
        ends = len(order)
        onward: dict[State, State] = {}
        for state in order:  # it grows on the way
            for before in into.get(state, ()):
                if before not in onward and not self.finished(before):
                    onward[before] = state
                    order.append(before)
        known = set(order)
        order += [state for state in after if state not in known]
        number = {state: place for place, state in enumerate(order)}
        return order, {number[state]: number[other] for state, other in onward.items()}, ends


def _put(state: State, index: int, local: Local, box: Events) -> State:
    return State(
        (*state.locals[:index], local, *state.locals[index + 1 :]),
        (*state.boxes[:index], box, *state.boxes[index + 1 :]),
    )
