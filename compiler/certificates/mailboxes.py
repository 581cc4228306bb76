"""The joint states of a system in; members and their mailboxes as SMT-LIB, and how they step together, out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..checks.component import Letter
from ..formats.smtlib import BOOL, INT, Definition, both, either, no
from .jointly import Jointly, State
from .locally import Local
from .machine import next_


@dataclass(frozen=True, eq=False, slots=True)
class Moves:
    """What a member does with a message ("": without one) that sends the same: from which local states to which."""

    index: int
    event: str
    sent: tuple[Letter, ...]
    pairs: list[tuple[Local, Local]]


@dataclass(eq=False, slots=True)
class Numbers:
    """The local states of a member as numbers, in the order they are met."""

    known: dict[Local, int] = field(default_factory=dict[Local, int])

    def __call__(self, local: Local) -> int:
        return self.known.setdefault(local, len(self.known))


class Mailboxes:
    """Of each member `loc`, where it is; `size`, how many messages wait for it; and `box`, which: in the order of
    their slots (0: none), or, if any order will do, how many of each."""

    def __init__(self, joint: Jointly) -> None:
        self.joint = joint
        self.members = joint.members
        self.fifo, self.most = joint.system.fifo, joint.system.most
        self.names = [member.name for member in joint.system.members]
        self.numbers = [Numbers() for _ in self.names]
        heard = (event for member in self.members for event in sorted(member.component.hears))
        self.events = {event: place + 1 for place, event in enumerate(dict.fromkeys(heard))}
        for state in joint.states:
            for numbers, local in zip(self.numbers, state.locals, strict=True):
                numbers(local)

    def variables(self) -> list[str]:
        slots: Iterable[object] = range(1, self.most + 1) if self.fifo else self.events
        each = ["loc/{}", "size/{}", *(f"box/{{}}/{slot}" for slot in slots)]
        return [text.format(name) for name in self.names for text in each]

    def equal(self, state: State) -> str:
        """That the variables are those of a state."""
        parts: list[str] = []
        for name, numbers, local, box in zip(self.names, self.numbers, state.locals, state.boxes, strict=True):
            parts += [f"(= loc/{name} {numbers(local)})", f"(= size/{name} {len(box)})"]
            if self.fifo:
                slots = [*(self.events[event] for event in box), *(0 for _ in range(self.most - len(box)))]
                parts += [f"(= box/{name}/{place + 1} {slot})" for place, slot in enumerate(slots)]
            else:
                parts += [f"(= box/{name}/{event} {box.count(event)})" for event in self.events]
        return both(parts)

    # ------------------------------------------------------------ steps

    def steps(self) -> list[Definition]:
        """Of all members, those that hear and send the same together; then what is cleared away."""
        moves = [*self._moves()]
        found = [self._step(f"step/{place + 1}", each) for place, each in enumerate(moves)]
        return [*found, *(self._cleared(f"step/{len(found) + 1 + index}", index) for index in range(len(self.names)))]

    def _moves(self) -> Iterator[Moves]:
        for index, member in enumerate(self.members):
            found: dict[tuple[str, tuple[Letter, ...]], list[tuple[Local, Local]]] = {}
            heard = [event for event in self.events if event in member.component.hears]
            for local in [each for each in self.numbers[index].known if not member.finished(each)]:
                for event in ("", *heard):
                    for turn in member.turns(local, event):
                        sent = tuple(letter for letter in turn.sent if letter[0] in self.joint.index)
                        found.setdefault((event, sent), []).append((local, turn.to))
            yield from (Moves(index, event, sent, pairs) for (event, sent), pairs in found.items())

    def _step(self, name: str, moves: Moves) -> Definition:
        member, event = self.names[moves.index], moves.event
        terms = {each: each for each in self.variables()}
        given = ["quiet"]
        if event:
            given.append(self.head(member, event))
            self._take(terms, member, event)
        for flow, letter in moves.sent:
            self._post(terms, self.names[self.joint.index[flow]], letter)
        does = f"hears {event}" if event else "goes on by itself"
        says = f"{member} {does}" + "".join(f", sends {letter} to {flow}" for flow, letter in moves.sent)
        return self._defined(name, moves.index, given, moves.pairs, terms, says)

    def _cleared(self, name: str, index: int) -> Definition:
        """What a finished member will not take is cleared away."""
        member = self.names[index]
        ended = [local for local in self.numbers[index].known if self.members[index].finished(local)]
        pairs = [(local, Local(local.key)) for local in ended]
        terms = {each: "0" if each.split("/")[1] == member else each for each in self.variables()}
        given = [f"(left/{member} loc/{member} size/{member})"]
        return self._defined(name, index, given, pairs, terms, f"what {member} will not take is cleared away")

    def _defined(
        self,
        name: str,
        index: int,
        given: Sequence[str],
        pairs: Sequence[tuple[Local, Local]],
        terms: dict[str, str],
        says: str,
    ) -> Definition:
        loc, numbers = f"loc/{self.names[index]}", self.numbers[index]
        moved = [f"(and (= {loc} {numbers(source)}) (= {next_(loc)} {numbers(to)}))" for source, to in pairs]
        rest = [f"(= {next_(each)} {term})" for each, term in terms.items() if each != loc]
        return Definition(name, (), BOOL, both([*given, either(moved), *rest]), says)

    # ------------------------------------------------------------ messages

    def head(self, member: str, event: str) -> str:
        """That a message is the next one, or one of those that may be."""
        return f"(= box/{member}/1 {self.events[event]})" if self.fifo else f"(> box/{member}/{event} 0)"

    def holds(self, member: str, event: str) -> str:
        """That a message lies in a mailbox."""
        if not self.fifo:
            return f"(> box/{member}/{event} 0)"
        return either([f"(= box/{member}/{place} {self.events[event]})" for place in range(1, self.most + 1)])

    def _take(self, terms: dict[str, str], member: str, event: str) -> None:
        """The next message is taken out of a mailbox."""
        terms[f"size/{member}"] = f"(- size/{member} 1)"
        if self.fifo:
            for place in range(1, self.most):
                terms[f"box/{member}/{place}"] = f"box/{member}/{place + 1}"
            terms[f"box/{member}/{self.most}"] = "0"
        else:
            terms[f"box/{member}/{event}"] = f"(- box/{member}/{event} 1)"

    def _post(self, terms: dict[str, str], member: str, event: str) -> None:
        """A message is put behind the last one of a mailbox."""
        size = terms[f"size/{member}"]
        if self.fifo:
            for place in range(1, self.most + 1):
                slot = f"box/{member}/{place}"
                terms[slot] = f"(ite (= {size} {place - 1}) {self.events[event]} {terms[slot]})"
        else:
            terms[f"box/{member}/{event}"] = f"(+ {terms[f'box/{member}/{event}']} 1)"
        terms[f"size/{member}"] = f"(+ {size} 1)"

    # ------------------------------------------------------------ of local states

    def among(self, index: int, wanted: Iterable[Local], loc: str = "loc") -> str:
        """That a member is in one of some local states."""
        return either([f"(= {loc} {number})" for number in sorted(map(self.numbers[index], wanted))])

    def full(self, name: str) -> str:
        """That after a step more messages wait for a member than its mailbox holds."""
        return f"(> (+ {next_(f'size/{name}')} (kept/{name} {next_(f'loc/{name}')})) {self.most})"

    def predicates(self) -> Iterator[Definition]:
        """What is known of local states: finished, sure to go on, and how many messages are deferred in them."""
        loc, size = ("loc", INT), ("size", INT)
        for index, (name, member) in enumerate(zip(self.names, self.members, strict=True)):
            locals = list(self.numbers[index].known)
            yield Definition(f"finished/{name}", (loc,), BOOL, self.among(index, filter(member.finished, locals)))
            yield Definition(f"goes/{name}", (loc,), BOOL, self.among(index, filter(member.alive, locals)))
            body = "0"
            for number in range(1, max((len(local.deferred) for local in locals), default=0) + 1):
                those = [local for local in locals if len(local.deferred) == number]
                body = f"(ite {self.among(index, those)} {number} {body})" if those else body
            yield Definition(f"kept/{name}", (loc,), INT, body, "messages deferred")
            left = f"(and (finished/{name} loc) (> (+ size (kept/{name} loc)) 0))"
            yield Definition(f"left/{name}", (loc, size), BOOL, left, "it has finished, and there are messages for it")
        quiet = [no(f"(left/{name} loc/{name} size/{name})") for name in self.names]
        yield Definition("quiet", (), BOOL, both(quiet))
        ended = [f"(finished/{name} loc/{name})" for name in self.names]
        yield Definition("ended", (), BOOL, both(["quiet", *ended]), "all members have")
        yield Definition("overflows", (), BOOL, either([*map(self.full, self.names)]), "a mailbox is too small")
