"""A proved answer in, what the invariant of the model has to rule out for it, over the state variables, out.

Each is a formula that may be true of no instance in the invariant; or of none at which a step begins to compensate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ...dsl.model import (
    Always,
    Binary,
    BoolType,
    Count,
    Effect,
    Elapsed,
    Expr,
    IntType,
    Literal,
    Standing,
)
from ...dsl.source import NOWHERE
from ..checks import (
    claims,
    compensation,
    completion,
    deadlock,
    division,
    overlap,
    pivot,
    ranges,
    recursion,
    separation,
    unassigned,
    unhandled,
    unset,
    unsettled,
    waits,
)
from ..checks.encode import Env, Facts
from ..checks.inquiry import Inquiry
from ..checks.ledger import Proof
from ..checks.moves import OUTSIDE, MoveKind
from ..checks.rewrite import inside, replaced
from ..checks.solver import Term
from ..formats.smtlib import both, either, no
from ..kernel import DONE, Leaf, On, TriggerKind
from .formulas import Formulas
from .inductive import INVARIANT
from .machine import FLY, LOG, MAYBE, OVER, Machine, total
from .relation import AT, Relation, Where

DATA = (overlap, unhandled, ranges, unset, division, unassigned, recursion)
"""Checks whose claims are about data at a configuration, whatever else is so there."""

NOTHING = Literal(0, IntType(0, 0), NOWHERE)


ABOUT_PEOPLE = {completion.RULE.code, unsettled.RULE.code}
"""What is proved of the nodes that somebody can come to: who did what is not in the invariant of these claims."""


@dataclass(frozen=True, slots=True)
class Claim:
    """`given` implies `then`, for all states before and after a step, all payloads and moments."""

    given: tuple[str, ...]
    then: str


def never(*parts: str) -> Claim:
    """What is so of no instance in the invariant: all of it together."""
    return Claim((INVARIANT,), no(both(parts)))


class Assertions:
    """Makes them. `bads` are terms that got a name."""

    def __init__(self, inquiry: Inquiry, formulas: Formulas, relation: Relation) -> None:
        self.inquiry = inquiry
        self.kernel = inquiry.kernel
        self.formulas = formulas
        self.relation = relation
        self.machine: Machine = relation.machine
        self.codes = {rule.RULE.code for rule in DATA}

    def of(self, proof: Proof) -> Iterator[Claim]:
        """What a proof claims of the model; nothing for those that are no invariants."""
        code, span = proof.answer.rule.code, proof.answer.span
        leaf = next((leaf for leaf in self.kernel.leaves if leaf.span == span), None)
        if code in self.codes:
            yield from self._data(proof)
        elif code == claims.RULE.code:
            property = next((each for each in self.kernel.properties if each.span == span), None)
            if isinstance(property, Always):
                yield from self._always(property)
        elif code == pivot.RULE.code and leaf is None:
            yield from self._passed_over(proof)
        elif code == deadlock.RULE.code:
            yield from self._deadlock(proof)
        elif code == waits.RULE.code:
            yield from self._waits(proof)
        elif code == separation.RULE.code:
            yield from self._apart(proof)
        elif leaf is not None and leaf.final:
            bad = self._at_the_end(code, leaf)
            nodes = self.inquiry.nodes(leaf.name)
            if bad and (code not in ABOUT_PEOPLE or all(map(self.inquiry.doable.comes, nodes))):
                yield never(self._in(leaf.name), bad)

    # ------------------------------------------------------------ where

    def _somewhere(self) -> Claim:
        """An instance is at one of the places that claims are about, one by one."""
        return Claim((INVARIANT,), self._among(self.relation.places))

    def _in(self, name: str) -> str:
        """That an instance is in a place."""
        return self._among(where for where in self.relation.places if name in self._active(where))

    def _among(self, places: Iterable[Where]) -> str:
        return either([f"(= {AT} {self.relation.places[where]})" for where in places])

    def _active(self, where: Where) -> frozenset[str]:
        kind, names = where[0]
        return self.kernel.active(names) if kind == "at" else frozenset()

    # ------------------------------------------------------------ ends

    def _at_the_end(self, code: str, leaf: Leaf) -> str:
        """What may not be so in a final state of the flow."""
        machine = self.machine
        everything = [f"{LOG}/{status}/{sort}" for sort in machine.logged for status in (FLY, MAYBE, DONE)]

        def some(wanted: Callable[[str], bool]) -> str:
            return either([f"(> {name} 0)" for name in everything if wanted(name.split("/", 2)[2])])

        match code:
            case compensation.RULE.code:
                return some(machine.undoable)
            case pivot.RULE.code:
                return some(lambda sort: self.kernel.activity[sort].effect is Effect.IRREVERSIBLE)
            case unsettled.RULE.code:
                return either([f"(> {LOG}/{MAYBE}/{sort} 0)" for sort in machine.logged])
            case completion.RULE.code:
                runs = [f"(> runs/{each} 0)" for each in machine.calls]
                flies = [f"(> {LOG}/{FLY}/{sort} 0)" for sort in machine.logged]
                tasks = [f"open/{task}" for task in self.kernel.task]
                return either([*runs, *flies, *tasks, *(f"armed/{timer}" for timer in machine.timers)])
            case _:
                return ""

    def _passed_over(self, proof: Proof) -> Iterator[Claim]:
        """F102 of an activity: no compensation begins with it above the mark."""
        activity = next((each for each in self.kernel.activities if each.span == proof.answer.span), None)
        if activity is None or activity.effect is not Effect.IRREVERSIBLE:
            return
        if not pivot.of_its_sort(self.inquiry, activity):
            return
        sort = self.machine.sorts[activity.name]
        found = [both([*each.given, f"(> {each.change.standing([sort])} 0)"]) for each in self.relation.begun]
        yield never(either(list(dict.fromkeys(found))))

    def _deadlock(self, proof: Proof) -> Iterator[Claim]:
        """F003 of a place: nothing runs, is armed, or is sure to be accepted."""
        name = next((name for name, place in self.kernel.place.items() if place.span == proof.answer.span), None)
        if name is None:
            return
        yield self._somewhere()
        for where in self.relation.places:
            if where[0][0] != "at" or self.inquiry.blamed(where[0][1]) != name:
                continue
            configuration = where[0][1]
            on = {e.name: self.kernel.written(configuration, On(TriggerKind.EVENT, e.name)) for e in self.kernel.events}
            if any(command.guard is None and not command.otherwise for each in on.values() for command in each):
                continue
            sure = [
                f"open/{task}"
                for task in self.kernel.task
                if any(c.guard is None for c in self.kernel.written(configuration, On(TriggerKind.TASK, task)))
            ]
            runs = [f"(> runs/{each} 0)" for each in self.machine.calls]
            armed = [f"armed/{timer}" for timer in self.machine.timers]
            yield never(self._among([where]), *map(no, (*runs, *armed, *sure)))

    def _waits(self, proof: Proof) -> Iterator[Claim]:
        """F201 of a place: nothing runs, no timer is armed that leaves it, and somebody could do something."""
        name = next((name for name, place in self.kernel.place.items() if place.span == proof.answer.span), None)
        yield self._somewhere()
        for where in self.relation.places:
            if where[0][0] != "at" or self.relation.final(where) or waits.blamed(self.inquiry, where[0][1]) != name:
                continue
            here = [step for step in self.relation.steps if step.source == where]
            somebody = [step for step in here if step.move.kind in OUTSIDE]
            timers = [step for step in here if step.move.kind is MoveKind.TIMER and step.passage and step.passage.left]
            accepted = either([both(self.relation.taken(step)) for step in somebody])
            taken = [[part for part in self.relation.taken(s) if not part.startswith("(= left/")] for s in timers]
            runs = [f"(> runs/{each} 0)" for each in self.machine.calls]
            yield never(self._among([where]), accepted, *map(no, (*runs, *map(both, taken))))

    def _apart(self, proof: Proof) -> Iterator[Claim]:
        """F501 of a task and a moment: what it names is not done while it stays open."""
        for task in self.kernel.task.values():
            for moment in task.excluded:
                if proof.answer.subject == separation.apart(task, moment):
                    opened = f"open/{task.name}"
                    done = [s for s in self.relation.steps if s.move.kind is MoveKind.TASK and s.move.name == moment]
                    stays = [step for step in done if step.change.terms[opened] == opened]
                    yield never(opened, either([both(self.relation.taken(step)) for step in stays]))

    # ------------------------------------------------------------ data and properties

    def _data(self, proof: Proof) -> Iterator[Claim]:
        """What the check ruled out of nodes, of all nodes that are where these are."""
        found: dict[str, dict[str, None]] = {}
        for claim in proof.claims:
            if claim.node is None:
                yield Claim((), no(self.formulas.text(claim.bad)))
            else:
                where = claim.node.control.place, claim.node.control.history
                found.setdefault(self.formulas.text(claim.bad), {})[self._among([where])] = None
        for bad, places in found.items():
            yield never(either(list(places)), bad)

    def _always(self, claim: Always) -> Iterator[Claim]:
        """F301: that a property is not so where an instance rests or compensates."""
        if any(isinstance(part, Elapsed) for part in inside(claim.condition)):
            return
        yield self._somewhere()
        for where in self.relation.places:
            condition, numbers = self._counted(claim.condition, where)
            facts = Facts(self._active(where), frozenset(), numbers, where[0][0] != "at", 0)
            passages = self.inquiry.states.passages
            env = Env(passages.variables, passages.now, facts=facts)
            symbol, needs = self.formulas.encoder.expression(condition, env)
            encoder = self.formulas.encoder
            broken = symbol.term if claim.negated else encoder.no(symbol.term)
            bad = self.formulas.text(encoder.all(*(need.term for need in needs), broken))
            if bad != "false":
                named = ((self.formulas.text(term), self._number(name, where)) for name, term in numbers.items())
                yield never(self._among([where]), *(f"(= {name} {number})" for name, number in named), bad)

    def _counted(self, condition: Expr, where: Where) -> tuple[Expr, Mapping[str, Term]]:
        """The condition with `done` as a number like `count`, and an unknown for each of them."""
        numbers: dict[str, Term] = {}

        def number(name: str) -> Count:
            if name not in numbers:
                numbers[name] = self.formulas.encoder.variable(name, IntType(0, None)).term
            return Count(name, NOWHERE)

        def change(expr: Expr) -> Expr | None:
            match expr:
                case Standing():
                    return Binary(">", number(f"done/{expr.activity}"), NOTHING, BoolType(), NOWHERE)
                case Count():
                    return number(f"count/{expr.activity}")
                case _:
                    return None

        return replaced(condition, change), numbers

    def _number(self, name: str, where: Where) -> str:
        """How many entries of an activity are on the log, or how many of these are done."""
        what, _, activity = name.partition("/")
        machine = self.machine
        if activity in machine.completed:
            return f"(ite completed/{activity} 1 0)"
        if not machine.in_log(activity):
            return "0"
        parts = [LOG] if where[0][0] == "at" else [LOG, OVER]
        statuses = (DONE,) if what == "done" else (FLY, MAYBE, DONE)
        found = [f"{part}/{status}/{machine.sorts[activity]}" for part in parts for status in statuses]
        runs = [f"runs/{leaf}" for leaf, call in machine.calls.items() if call.activity == activity]
        return total([*found, *(runs if what == "count" else [])])
