"""Who may do what: the relation of a model and a staff in; people beside it, and that there are some, as SMT-LIB, out.

People are numbers, 0 is nobody; those with the same roles are next to each other. Beside the state stand who did the
start and each task last (`did/M`), and, of each task that asks for it, whom it shut out for what they had done when it
was opened (`shut/T/M`), and whom it was opened for (`for/T`). A step by which a task is done is done by `who`, whom it
is for and does not shut out. The invariant is what the search found of who did what at each node (`checks/people`), up
to who is who among people with the same roles; like that of the model, it is kept by every step.

A task is taken to be for everybody it is ever escalated to, unless a timer of its own state closes it before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...dsl.model import Event, Expr, Literal, Task
from ..checks.inquiry import Inquiry
from ..checks.latest import MICRO
from ..checks.moves import MoveKind
from ..checks.people import Cast, Casting, Escalating, People, kin
from ..formats.smtlib import BOOL, INT, Definition, both, comment, either, no, number
from ..kernel import Kernel
from ..staff import Staff
from .assertions import Claim
from .inductive import Inductive
from .machine import ELAPSED, next_
from .relation import Relation, Step

MOST = 4_000  # of who did what, at different nodes
WHO, KNOWN = "who", "people"
CROWD = 1_000_000  # as many people as are needed
SAID = 20  # names of those alike


class Crowd:
    """The people there are, as numbers: `ranges` from a first one to a last, by whom they are alike."""

    def __init__(self, kernel: Kernel, staff: Staff | None, named: frozenset[str]) -> None:
        self.kernel = kernel
        self.staff = staff
        sizes: dict[tuple[str, ...], int] = {kin(name, (), named): 1 for name in sorted(named)}
        self.names: dict[tuple[str, ...], list[str]] = {kin(name, (), named): [name] for name in sorted(named)}
        self.roles: dict[tuple[str, ...], frozenset[str]] = {}
        there = staff or Staff({})
        for name, has in there.people.items():
            known = has & frozenset(kernel.roles)
            sort = kin(name, known, named)
            self.roles[sort] = known
            sizes[sort] = 1 if name in named else sizes.get(sort, 0) + 1
            self.names.setdefault(sort, []).extend([] if name in named else [name])
        for role in sorted(there.outside & frozenset(kernel.roles)):
            self.roles[(role,)], sizes[(role,)] = frozenset({role}), CROWD
        sizes.pop((), None)
        self.ranges: dict[tuple[str, ...], tuple[int, int]] = {}
        for sort, size in sizes.items():
            self.ranges[sort] = self.last + 1, self.last + size

    @property
    def last(self) -> int:
        """The last number of somebody who has a role, or a name that matters."""
        return max((high for _, high in self.ranges.values()), default=0)

    def among(self, sort: tuple[str, ...], person: str) -> str:
        """That somebody is one of those who are alike."""
        if sort not in self.ranges:  # of those without a role; without a staff, whoever may have any
            return f"(> {person} {self.last})"
        low, high = self.ranges[sort]
        return f"(= {person} {low})" if low == high else f"(<= {low} {person} {high})"

    def has(self, person: Expr | None) -> bool:
        """Whether there is somebody whom a task names."""
        return isinstance(person, Literal) and (self.staff is None or person.value in self.staff.people)

    def named(self, name: str) -> int:
        """The number of somebody whom a task names."""
        return self.ranges[kin(name, (), {name})][0]

    def having(self, role: str, person: str) -> str:
        """That somebody has a role."""
        return f"(has/{role} {person})"

    def definitions(self) -> Iterator[str | Definition]:
        """Who is which number, and has which role; without a staff, whoever it is may have any."""
        for sort, (low, high) in self.ranges.items():
            names = self.names.get(sort, [])
            said = [
                *names[:SAID],
                *(["..."] if len(names) > SAID else []),
                *(["people outside"] if high - low >= CROWD - 1 else []),
            ]
            yield comment(f"{low} to {high}: {', '.join(said)}").rstrip()
        for role in self.kernel.roles:
            having = [self.among(sort, "person") for sort, has in self.roles.items() if role in has]
            body = "(> person 0)" if self.staff is None else either(having)
            yield Definition(f"has/{role}", (("person", INT),), BOOL, body)

    def some(self, role: str, many: int) -> Iterator[int]:
        """So many who have a role, of each sort, or all there are."""
        if self.staff is None:
            yield from range(self.last + 1, self.last + many + 1)
        for sort, has in self.roles.items():
            if role in has:
                low, high = self.ranges[sort]
                yield from range(low, min(high, low + many - 1) + 1)


class Performers:
    """The people of one flow, and the steps of its relation with them. `definitions`: by name; `whole`: the search left
    nothing out, and found no more than `MOST`."""

    def __init__(self, inquiry: Inquiry, relation: Relation, inductive: Inductive) -> None:
        self.kernel = inquiry.kernel
        self.relation = relation
        self.machine = relation.machine
        self.inductive = inductive
        people = People(inquiry.kernel, inquiry.staff)
        casting = Casting(inquiry.graph, inquiry.explorer.clock, people)
        self.people = people
        self.escalating: Escalating = casting.escalating
        self.whole = casting.whole and len(casting.scenes) <= MOST
        self.moments = sorted(people.moments)
        self.tasks = [task for task in self.kernel.task.values() if task.excluded or task.doer is not None]
        names = (task.person.value for task in self.kernel.task.values() if isinstance(task.person, Literal))
        self.crowd = Crowd(inquiry.kernel, inquiry.staff, frozenset(map(str, names)))
        self.variables = [did(moment) for moment in self.moments]
        self.variables += [shut(task, moment) for task in self.tasks for moment in task.excluded]
        self.variables += [given_to(task) for task in self.tasks if task.doer is not None]
        self.definitions: dict[str, Definition] = {}
        self._acts: dict[str, str] = {}
        self._patterns: dict[str, str] = {}
        inductive.know(self.variables)
        if self.whole:
            self._invariant([scene.cast for scene in casting.scenes])
            self.starts = [self._acted(f"start/{index + 1}", step) for index, step in enumerate(relation.starts)]
            for name, step in relation.numbered():
                self._acted(name, step)

    def declared(self) -> list[str | Definition]:
        names = (WHO, *self.variables, *map(next_, self.variables))
        return [*(f"(declare-fun {name} () Int)" for name in names), *self.crowd.definitions()]

    def _define(self, name: str, body: str, comment: str = "", after: bool = False) -> str:
        """after: also of the state after a step."""
        self.definitions[name] = Definition(name, (), BOOL, body, comment)
        if after:
            self.inductive.know([name])
            self.definitions[next_(name)] = self.inductive.afterwards(name, BOOL, body)
        return name

    # ------------------------------------------------------------ what is known of people at each node

    def _invariant(self, casts: list[Cast]) -> None:
        found: dict[str, dict[str, None]] = {}
        for cast in casts:
            body = self._pattern(cast)
            if body not in self._patterns:
                self._patterns[body] = self._define(f"cast/{len(self._patterns) + 1}", body, "", after=True)
            found.setdefault(self.inductive.node(cast.node), {})[self._patterns[body]] = None
        nodes = [both([node, either([*patterns])]) for node, patterns in found.items()]
        self._define(KNOWN, either(nodes), "who may have done what, at each node", after=True)

    def _pattern(self, cast: Cast) -> str:
        """Who did what, up to who is who among people with the same roles."""
        done, values = dict(cast.done), dict[str, str]()
        values |= {did(moment): done.get(moment, "") for moment in self.moments}
        for task in (task for task in self.tasks if any(item.task == task.name for item in cast.open)):
            opened = cast.opened(task.name)
            out = dict(opened.shut)
            values |= {shut(task, moment): out.get(moment, "") for moment in task.excluded}
            if task.doer is not None:
                values[given_to(task)] = next(iter(opened.persons or ()), "")
        first: dict[str, str] = {}
        parts: list[str] = []
        for variable, who in values.items():
            if not who:
                parts.append(f"(= {variable} 0)")
            elif who in first:
                parts.append(f"(= {variable} {first[who]})")
            else:
                sort = self.people.kin[who]
                parts.append(self.crowd.among(sort, variable))
                alike = (o for o in first if self.crowd.staff is None or self.people.kin[o] == sort)
                parts += [no(f"(= {variable} {first[other]})") for other in alike]
                first[who] = variable
        return both(parts)

    # ------------------------------------------------------------ steps

    def _acted(self, name: str, step: Step) -> str:
        """The name of a step with who did it, and what is remembered of that."""
        after = {did(moment): did(moment) for moment in self.moments}
        parts: list[str] = []
        if step.move.kind is MoveKind.TASK:
            task = self.kernel.task[step.move.name]
            parts += self._may(task)
            if task.name in self.people.moments:
                after[did(task.name)] = WHO
        elif step.move.kind is MoveKind.START:
            parts.append(f"(>= {WHO} 0)")
            after = {did(moment): WHO if moment == "start" else "0" for moment in self.moments}
        for task in self.tasks:
            opened = step.change.terms[f"open/{task.name}"] == "true"
            kept = {shut(task, moment): after[did(moment)] for moment in task.excluded}
            if task.doer is not None:
                kept[given_to(task)] = after[did(task.doer)]
            after |= kept if opened else {name: name for name in kept}
        body = both([*parts, *(f"(= {next_(name)} {value})" for name, value in after.items())])
        if body not in self._acts:
            self._acts[body] = self._define(f"acts/{len(self._acts) + 1}", body)
        return self._define(f"by/{name}", both([name, self._acts[body]]))

    def _may(self, task: Task) -> Iterator[str]:
        """That somebody may do a task: it is for them, and does not shut them out."""
        yield f"(> {WHO} 0)"
        if not self.people.free(task):
            in_time = (each.role for each in task.escalations if not self._too_late(task, each.after // MICRO))
            having = [self.crowd.having(role, WHO) for role in (*task.roles, *in_time)]
            yield either([*dict.fromkeys(having), *(f"(= {WHO} {person})" for person in self._named(task))])
        yield from (no(f"(= {WHO} {shut(task, moment)})") for moment in task.excluded)

    def _named(self, task: Task, after: Callable[[str], str] = str) -> list[str]:
        """Whom a task is for beside those with a role."""
        if task.doer is not None:
            return [after(given_to(task))]
        if isinstance(task.person, Literal):
            return [number(self.crowd.named(str(task.person.value)))]
        return []

    def _too_late(self, task: Task, after: int) -> bool:
        """Whether a timer of its own state closes a task before, in any case."""
        clock = self.machine.clock
        own = [t for t in self.machine.clocks if clock.place[t] == self.kernel.home[task.name] and not clock.counts(t)]
        lengths = ((timer, clock.length(timer)) for timer in own)
        shorter = [timer for timer, length in lengths if length is not None and length < after]
        return any(self.escalating.closes(timer, task, every=True) for timer in shorter)

    # ------------------------------------------------------------ claims

    def kept(self) -> Iterator[Claim]:
        """What is known of people holds at the start, and is kept."""
        yield Claim((either(self.starts),), next_(KNOWN))
        for kind, steps in self.relation.grouped().items():
            yield Claim((self.inductive.source(kind), KNOWN, either([f"by/{name}" for name in steps])), next_(KNOWN))

    def left(self, task: Task) -> Iterator[Claim]:
        """Whatever opens a task, somebody may do it then."""
        then = either([*self._candidates(task)])
        opened = f"open/{task.name}"
        for name, step in zip(self.starts, self.relation.starts, strict=True):
            if step.change.terms[opened] == "true":
                yield Claim((name,), then)
        for name, step in self.relation.numbered():
            if step.change.terms[opened] == "true":
                yield Claim((KNOWN, f"by/{name}"), then)

    def sendable(self, event: Event) -> Claim:
        """Somebody has a role that may send an event."""
        return Claim((), either([self.crowd.having(r, number(p)) for r in event.roles for p in self.crowd.some(r, 1)]))

    def apart(self, task: Task, moment: str) -> Iterator[Claim]:
        """Whoever does a task has not acted at a moment."""
        done = [
            f"by/{n}" for n, s in self.relation.numbered() if s.move.kind is MoveKind.TASK and s.move.name == task.name
        ]
        yield Claim((KNOWN, either(done)), no(f"(= {WHO} {did(moment)})"))

    def _candidates(self, task: Task) -> Iterator[str]:
        """Somebody who is not shut out: of each sort of people one more than may be. Whom data name may do a task if
        nobody is."""
        many = len(task.excluded) + 1
        if self.people.free(task):
            yield both([f"(= {next_(shut(task, moment))} 0)" for moment in task.excluded])
        there = self._named(task, next_) if task.doer is not None or self.crowd.has(task.person) else []
        found = [(person, [f"(> {person} 0)"]) for person in there]
        found += [(number(person), []) for role in task.roles for person in self.crowd.some(role, many)]
        for each in task.escalations:
            in_time = [*self._in_time(task, each.after // MICRO)]
            found += [(number(person), in_time) for person in self.crowd.some(each.role, many)]
        for person, given in found:
            yield both([*given, *(no(f"(= {person} {next_(shut(task, moment))})") for moment in task.excluded)])

    def _in_time(self, task: Task, after: int) -> Iterator[str]:
        """That no timer closes a task that is opened so soon."""
        for timer in self.machine.clocks:
            if self.escalating.closes(timer, task, every=False):
                yield f"(=> {next_(f'armed/{timer}')} (< {after} (+ {next_(f'left/{timer}')} {ELAPSED})))"


def did(moment: str) -> str:
    return f"did/{moment}"


def shut(task: Task, moment: str) -> str:
    return f"shut/{task.name}/{moment}"


def given_to(task: Task) -> str:
    return f"for/{task.name}"
