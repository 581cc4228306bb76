"""A kernel in; its transition relation as SMT-LIB, over the state before and after a step, out.

It is written down from the text: for each configuration, each trigger it may meet, and each way through guards,
choices, starts and joins, one disjunct of `step`. The search has no part in it but to say for which configurations it
is wanted; of the others the invariant says that no run comes there. What a trigger leaves as it is, is no step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..checks.atoms import Place
from ..checks.inquiry import Inquiry
from ..checks.moves import INTERRUPTED, STARTING, Move, MoveKind
from ..checks.passages import Fan, Passage, Rest
from ..checks.ways import History, left
from ..formats.smtlib import BOOL, INT, Definition, both, either, no, number
from ..instance import Taken
from ..kernel import DONE, LeafKind, On, Stay, TriggerKind, Undo
from . import words as said
from .formulas import Formulas
from .machine import ELAPSED, LOG, OVER, Change, Machine, next_

Where = tuple[Place, History]
"""Where an instance is: in its leaves, or on the way to the target of a compensation; and what `resume` remembers."""

AT = "at"


@dataclass(frozen=True, eq=False, slots=True)
class Begun:
    """A compensation that begins in a step: what must be true for it, and the rules' result until there."""

    given: tuple[str, ...]
    change: Change


@dataclass(frozen=True, slots=True)
class _Course:
    """A step under way: what must be true, what it has done, where it is, and from where it came."""

    given: tuple[str, ...]
    change: Change
    configuration: tuple[str, ...]
    source: Where | None
    entered: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """One disjunct. there, here: where it leads, by its name; None: nowhere else. passage: what it does to data.
    source: where it is taken; None: in several places. needed: of an answer after which a group of calls goes on, how
    many it needs."""

    move: Move
    source: Where | None
    trail: tuple[Taken, ...]
    given: tuple[str, ...]
    change: Change
    there: str | None
    here: Where | None
    passage: Passage | None
    needed: int = 0


class Relation:
    """The relation of one flow. `starts` and `steps` are its disjuncts; `begun`: the compensations that they begin."""

    def __init__(self, inquiry: Inquiry, formulas: Formulas, wanted: Sequence[Where]) -> None:
        self.kernel = inquiry.kernel
        self.passages = inquiry.states.passages
        self.formulas = formulas
        self.machine = Machine(inquiry)
        self.places: dict[Where, str] = {}
        self.starts: list[Step] = []
        self.steps: list[Step] = []
        self.begun: list[Begun] = []
        self.shared: dict[str, Definition] = {}
        self._named: dict[str, str] = {}
        for where in wanted:
            self.place(where)
        self._start()
        for where in wanted:
            if where[0][0] != "at":
                self._compensating(where)
            elif not self.final(where):
                self._resting(where)
        self._settling()
        self._dropping()

    @property
    def at_once(self) -> tuple[str, ...]:
        """That no time passes before the next step."""
        return (f"(= {ELAPSED} 0)",) if self.machine.clocks else ()

    @property
    def last(self) -> str:
        """That a compensation has no more than one entry to undo."""
        left = f"(+ {' '.join(self.machine.to_undo(OVER))} 0)"
        return f"(<= {self.named('to-undo', left, INT)} 1)"

    # ------------------------------------------------------------ places

    def place(self, where: Where) -> str:
        """The name of the number of a place."""
        if where not in self.places:
            name = f"in/{said.named(where[0])}"
            alike = sum(known[0] == where[0] for known in self.places)
            self.places[where] = f"{name}.{alike + 1}" if alike else name
        return self.places[where]

    def final(self, where: Where) -> bool:
        kind, names = where[0]
        return kind == "at" and any(self.kernel.leaf[name].final for name in names)

    def failing(self, where: Where) -> bool:
        return self.final(where) and any(self.kernel.leaf[name].kind is LeafKind.FAILURE for name in where[0][1])

    def numbers(self) -> list[Definition]:
        """Places as numbers, and which of them are final, or on the way out of a compensation."""
        finals = [f"(= {AT} {name})" for where, name in self.places.items() if self.final(where)]
        made = [Definition(name, (), INT, number(index)) for index, name in enumerate(self.places.values())]
        undoing = [f"(= {AT} {name})" for (place, _), name in self.places.items() if place[0] != "at"]
        told = (("finished", finals), ("compensating", undoing))
        return [*made, *(Definition(name, ((AT, INT),), BOOL, either(places)) for name, places in told)]

    # ------------------------------------------------------------ what may happen

    def _start(self) -> None:
        made = _Course((), self.machine.start(), (), None)
        if self.kernel.deadline is not None:
            made.change.arm(self.kernel.deadline.id, lambda timer: self._lasts(timer, None))
        self._through(self.passages.start(), made, STARTING, self.starts)

    def _resting(self, where: Where) -> None:
        """Every trigger that a configuration answers."""
        configuration = where[0][1]
        rest = Rest(configuration, where[1])
        here = f"(= {AT} {self.place(where)})"
        for leaf in configuration:
            self._answers(rest, here, leaf)
        for event in self.kernel.events:
            self._triggered(rest, (here,), self.machine.now(), Move(MoveKind.EVENT, event.name))
        active = self.kernel.active(configuration)
        for task in (task for task in self.kernel.task if self.kernel.home[task] in active):
            change = self.machine.now()
            change.completed(task)
            self._triggered(rest, (here, f"open/{task}"), change, Move(MoveKind.TASK, task))
        for timer in (timer for timer in self.machine.timers if self.kernel.home[timer] in active):
            change = self.machine.now()
            change.fired(timer)
            due = (f"(= left/{timer} 0)",) if timer in self.machine.clocks else ()
            turn = [no(f"armed/{other}") for other in sorted(self.machine.clock.dues.first.get(timer, ()))]
            self._triggered(rest, (here, f"armed/{timer}", *due, *turn), change, Move(MoveKind.TIMER, timer))

    def _triggered(self, rest: Rest, given: tuple[str, ...], change: Change, move: Move, needed: int = 1) -> None:
        if self.kernel.written(rest.configuration, move.on, move.leaf):
            fan = self.passages.of(rest, move.on, move.leaf, needed)
            where: Where = ("at", rest.configuration), rest.history
            self._through(fan, _Course(given, change, rest.configuration, where), move, self.steps)

    def _answers(self, rest: Rest, here: str, leaf: str) -> None:
        """What the call of a leaf, or one of its calls for each item, may answer."""
        call = self.machine.calls.get(leaf)
        if call is None:
            return
        activity = self.kernel.activity[call.activity]
        running = f"(> runs/{leaf} 0)"
        for outcome in self.kernel.outcomes(activity):
            move = Move(MoveKind.ANSWER, call.activity, outcome, leaf=leaf)
            if not self.kernel.written(rest.configuration, On(TriggerKind.OUTCOME, outcome), leaf):
                continue
            if call.each is None:
                change = self.machine.now()
                change.answered(leaf, outcome, ends=True)
                self._triggered(rest, (here, running), change, move)
                continue
            size = f"(+ runs/{leaf} answered/{leaf} gone/{leaf})"
            waiting = self.machine.now()
            waiting.answered(leaf, outcome, ends=False)
            quota = call.each.quota
            for needed in range(1, call.each.most + 1):
                least = f"(= {size} {needed})" if quota is None or needed < quota else f"(>= {size} {needed})"
                if quota is not None and needed > quota:
                    break
                enough = f"(>= {waiting.terms[f'answered/{leaf}']} {needed})"
                lacking = f"(< (- {size} {waiting.terms[f'gone/{leaf}']}) {needed})"
                met = enough if outcome == DONE else lacking
                ended = self.machine.now()
                ended.answered(leaf, outcome, ends=True)
                self._triggered(rest, (here, running, least, met), ended, move, needed)
                still = (here, running, least, no(enough), no(lacking))
                where: Where = ("at", rest.configuration), rest.history
                self._step(self.steps, move, (), still, waiting.copy(), None, source=where, needed=needed)

    def _compensating(self, where: Where) -> None:
        """A compensation goes on: something is undone; after the last of it, the target is entered."""
        (_, names), history = where
        here = f"(= {AT} {self.place(where)})"
        for sort in (sort for sort in self.machine.logged if self.machine.undoable(sort)):
            for entry in (f"{OVER}/maybe/{sort}", f"{OVER}/{DONE}/{sort}"):
                change = self.machine.now()
                change.terms[entry] = f"(- {entry} 1)"
                given = (here, f"(> {entry} 0)")
                self._step(self.steps, Move(MoveKind.UNDONE, sort, DONE), (), given, change, here=None, source=where)
        move = Move(MoveKind.UNDONE, "the last entry", DONE)
        course = _Course((here, self.last), self.machine.now(), (), where)
        self._through(self.passages.exit(names[0], history), course, move, self.steps)

    def _settling(self) -> None:
        """An interrupted call is settled: anywhere, and nothing else happens."""
        for activity in self.kernel.activities:
            if not self.machine.in_log(activity.name):
                continue
            failures = [failure.name for failure in activity.fails]
            for outcome in (DONE, *failures, *(() if activity.flow else (INTERRUPTED,))):
                for where in (LOG, OVER):
                    here = no(f"(finished {AT})") if where == LOG else f"(compensating {AT})"
                    for given, change in self.machine.now().settled(where, activity.name, outcome):
                        move = Move(MoveKind.SETTLE, activity.name, outcome)
                        self._step(self.steps, move, (), (here, given), change, here=None)

    def _dropping(self) -> None:
        """A compensation drops what is irreversible when it comes to it (F102 refuses flows in which it does)."""
        for sort in (sort for sort in self.machine.logged if not self.machine.undoable(sort)):
            for entry in (f"{OVER}/maybe/{sort}", f"{OVER}/{DONE}/{sort}"):
                change = self.machine.now()
                change.terms[entry] = f"(- {entry} 1)"
                move = Move(MoveKind.UNDONE, sort, DONE)
                self._step(self.steps, move, (), (f"(compensating {AT})", f"(> {entry} 0)"), change, here=None)

    # ------------------------------------------------------------ ways through a step

    def _through(self, fan: Fan, course: _Course, move: Move, into: list[Step]) -> None:
        for passage in fan.passages:
            self._along(passage, course, move, into)

    def _along(self, passage: Passage, course: _Course, move: Move, into: list[Step]) -> None:
        """One way: places are left, others entered; then the step ends, or goes on."""
        change = course.change.copy()
        scope = "" if passage.command is None else passage.command.scope
        if not isinstance(passage.target, Stay):
            change.leave(left(self.kernel, course.configuration, scope, passage.target))
        sizes = dict(passage.sizes)
        for name in passage.entered[course.entered :]:
            calls = 0 if name in passage.vacant else sizes.get(name, 1)
            change.arrive(self.kernel.place[name], calls, lambda timer: self._lasts(timer, passage))
        entered = len(passage.entered)
        if isinstance(passage.target, Undo):
            change.begin(passage.target)
            self.begun.append(Begun((*course.given, self._way(passage, move)), change))
            waits = change.waits if change.waits == "false" else self.named("waits", change.waits)
            there: Where = (("undo", (passage.target.node,)), passage.rest.history)
            self._step(into, move, passage.trail, (*course.given, waits), change, there, passage, course.source)
            on = _Course((*course.given, no(waits)), change, (), course.source, entered)
            self._through(self.passages.after(passage), on, move, into)
        elif self.passages.goes_on(passage):
            on = _Course(course.given, change, passage.rest.configuration, course.source, entered)
            self._through(self.passages.after(passage), on, move, into)
        else:
            there = ("at", passage.rest.configuration), passage.rest.history
            self._step(into, move, passage.trail, course.given, change, there, passage, course.source)

    def _lasts(self, timer: str, passage: Passage | None) -> str:
        """How long a timer takes that is armed on a way (None: before the first one)."""
        length = self.machine.clock.length(timer)
        return self.formulas.lasts(timer, passage) if length is None else number(length)

    def _way(self, passage: Passage, move: Move) -> str:
        says = f"{said.move(self.kernel, move)}, {said.way(self.kernel, passage.trail)}"
        return self.formulas.condition(passage, says)

    def _step(
        self,
        into: list[Step],
        move: Move,
        trail: tuple[Taken, ...],
        given: tuple[str, ...],
        change: Change,
        here: Where | None,
        passage: Passage | None = None,
        source: Where | None = None,
        needed: int = 0,
    ) -> None:
        """Note one disjunct. here: where it leads; None: nowhere else."""
        if "false" not in given:
            there = None if here is None else self.place(here)
            into.append(Step(move, source, trail, given, change, there, here, passage, needed))

    # ------------------------------------------------------------ as text

    def written(self, steps: Sequence[Step], kind: str, data: Sequence[str]) -> list[Definition]:
        """The disjuncts as definitions, two for each: every variable after it; that it is taken. data: the unknowns."""
        numbered = ((step, f"{kind}/{index + 1}") for index, step in enumerate(steps))
        return [made for step, name in numbered for made in self._written(step, name, data)]

    def numbered(self) -> Iterator[tuple[str, Step]]:
        """The steps, each with its name."""
        return ((f"step/{index + 1}", step) for index, step in enumerate(self.steps))

    def grouped(self) -> dict[str, dict[str, Step]]:
        """The steps, by name, by where they are taken, or else by what is settled or undone."""
        found: dict[str, dict[str, Step]] = {}
        for name, step in self.numbered():
            alone = not step.trail and step.move.kind in {MoveKind.SETTLE, MoveKind.UNDONE}
            place = "" if step.source is None else self.place(step.source).removeprefix("in/")
            kind = f"{step.move.kind}/{step.move.name}" if alone else f"from/{place}"
            found.setdefault(kind, {})[name] = step
        return found

    def kinds(self) -> list[Definition]:
        """The disjunctions of these."""
        kinds = self.grouped().items()
        return [Definition(kind, (), BOOL, f"(or {' '.join(names)} false)") for kind, names in kinds]

    def taken(self, step: Step) -> list[str]:
        """What must be true for a step, but that its time passes."""
        way = [] if step.passage is None else [self._way(step.passage, step.move)]
        return [*step.given, *way]

    def _written(self, step: Step, name: str, data: Sequence[str]) -> tuple[Definition, Definition]:
        if_taken = self.taken(step)
        parts = [f"(= {next_(AT)} {step.there or AT})"]
        after = {each: each if step.passage is None else self.formulas.new(step.passage, each) for each in data}
        parts += self._group("data", after)
        for group, variables in self.machine.variables.items():
            if group == "timers":
                parts += self._clocks(step.change)
                if_taken += self._in_time(step.change)
            elif group != "over" or step.here is None or step.here[0][0] != "at":  # at rest it has no meaning
                parts += self._group(group, {each: step.change.terms[each] for each in variables})
        says = [said.move(self.kernel, step.move), *([said.way(self.kernel, step.trail)] if step.trail else [])]
        leads = Definition(leading(name), (), BOOL, both(parts))
        return leads, Definition(name, (), BOOL, both([*if_taken, leads.name]), ", ".join(says))

    def _group(self, group: str, after: Mapping[str, str]) -> list[str]:
        """What the variables of a group are after a step. That they are what they were has a name, and so has what
        becomes of the entries of one activity, since many steps have that in common."""
        if all(name == term for name, term in after.items()):
            return [self._same(group, after)] if after else []
        parts: dict[str, dict[str, str]] = {}
        for name, term in after.items():
            parts.setdefault(name.rpartition("/")[2] if group in {"log", "over"} else name, {})[name] = term
        return [self._part(f"{group}/{part}", terms) for part, terms in parts.items()]

    def _part(self, name: str, after: Mapping[str, str]) -> str:
        equal = [f"(= {next_(each)} {term})" for each, term in after.items()]
        if len(equal) == 1:
            return equal[0]
        if all(each == term for each, term in after.items()):
            return self._same(name, after)
        return self.named(f"to/{name}", both(equal))

    def _same(self, name: str, after: Mapping[str, str]) -> str:
        said = f"same/{name}"
        self.shared[said] = Definition(said, (), BOOL, both([f"(= {next_(each)} {each})" for each in after]))
        return said

    def named(self, kind: str, body: str, sort: str = BOOL) -> str:
        """A name for a term that several steps have in common."""
        if body not in self._named:
            self._named[body] = f"{kind}.{len(self._named) + 1}"
            self.shared[self._named[body]] = Definition(self._named[body], (), sort, body)
        return self._named[body]

    def _clocks(self, change: Change) -> list[str]:
        """Timers after a step, at the moment of the next one."""
        parts: list[str] = []
        for timer in self.machine.timers:
            armed = change.terms[f"armed/{timer}"]
            parts.append(f"(= {next_(f'armed/{timer}')} {armed})")
            if timer in self.machine.clocks and armed != "false":
                if timer in change.fresh:
                    least, most = change.fresh[timer]
                    parts.append(f"(<= {least} fresh/{timer} {most})")
                parts.append(f"(= {next_(f'left/{timer}')} (- {change.terms[f'left/{timer}']} {ELAPSED}))")
        return parts

    def _in_time(self, change: Change) -> list[str]:
        """That no time passes in which something armed would be overdue."""
        parts = [f"(>= {ELAPSED} 0)"] if self.machine.clocks else []
        for timer in self.machine.clocks:
            armed, runs = change.terms[f"armed/{timer}"], f"(>= {next_(f'left/{timer}')} 0)"
            parts += [] if armed == "false" else [runs if armed == "true" else f"(=> {armed} {runs})"]
        return parts


def leading(step: str) -> str:
    """The name of what is after a step: an equation for each variable."""
    return f"{step}.to"
