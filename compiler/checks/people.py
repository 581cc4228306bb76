"""Who may do what on a run: an explored kernel and a staff in, who has done what wherever runs lead, out.

A **cast** is what the people did as far as tasks ask for it: who did the start and each task last, and whom each open
task shuts out or is for, as it was when it was opened. Casts are searched over the edges of the graph, breadth first;
two that differ only in who is who among people with the same roles count as one. Delegation is left aside: whoever
delegates answers for it. A task `for person` whose name is data is taken to name somebody who may do it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from itertools import count, islice
from math import inf

from ...dsl.model import Literal, Task
from ...dsl.values import dataclass, replace
from ..instance import Instance
from ..kernel import Goto, Kernel, On, Target, TriggerKind, Undo
from ..staff import Staff
from .clock import Clock
from .graph import Edge, Graph
from .moves import MoveKind
from .symbols import MICRO
from .zones import Zone

MOST = 40_000  # casts
MOST_WAYS = 8  # to one cast
STRANGER = "somebody else"


@dataclass(frozen=True, slots=True)
class Opened:
    """An open task: whom it shuts out, for what they did, and whom alone it is for (None: for roles). `roles`: those it
    is for, the ones included that it is escalated to in time; `perhaps`: whose people may come to do it at all."""

    task: str
    shut: tuple[tuple[str, str], ...]  # moment -> who
    persons: frozenset[str] | None
    roles: frozenset[str]
    perhaps: frozenset[str]

    @property
    def excluded(self) -> frozenset[str]:
        return frozenset(who for _, who in self.shut)


@dataclass(frozen=True, slots=True)
class Cast:
    node: int
    done: tuple[tuple[str, str], ...]  # moment -> who, of those that some task asks for
    open: tuple[Opened, ...]

    def opened(self, task: str) -> Opened:
        return next(item for item in self.open if item.task == task)


@dataclass(frozen=True, eq=False, slots=True)
class Scene:
    """A cast, and how it came about: the edge, and who took it."""

    cast: Cast
    before: Scene | None
    edge: Edge
    who: str

    def play(self) -> tuple[Scene, ...]:
        """From the start to here."""
        scenes: list[Scene] = [self]
        while (before := scenes[-1].before) is not None:
            scenes.append(before)
        return tuple(reversed(scenes))


class Escalating:
    """To whom a task is escalated before a timer leads away from it. A timer whose moment is data is left aside."""

    def __init__(self, graph: Graph, clock: Clock) -> None:
        self.graph = graph
        self.clock = clock
        self.kernel = clock.kernel
        self._home = {task.name: place.name for place in self.kernel.place.values() for task in place.tasks}

    def roles(self, task: Task, edge: Edge) -> tuple[frozenset[str], frozenset[str]]:
        """Of a task that an edge opens: the roles that it is for in time, and those that it may ever be for.

        It counts as in time what comes first if the timer has as much left as it may have there. Of timers that fall
        due together either may come first."""
        least, most = self._ends(task, edge)
        after = {escalation: escalation.after // MICRO for escalation in task.escalations}
        surely = {each.role for each in task.escalations if after[each] < least}
        perhaps = {each.role for each in task.escalations if after[each] <= most}
        return frozenset((*task.roles, *surely)), frozenset((*task.roles, *perhaps))

    def _ends(self, task: Task, edge: Edge) -> tuple[float, float]:
        """When a timer may lead away at the earliest, if each has as much left as it may have; and when one does so in
        any case. Microseconds."""
        before = self.graph.nodes[edge.source].zone if edge.source >= 0 else Zone()
        moment = self.clock.moment(before, edge.move) or before
        around = self.kernel.above(self._home[task.name])
        least = most = inf
        for timer in self.graph.nodes[edge.target].control.timers:
            length, place = self.clock.length(timer), self.clock.place[timer]
            if length is not None and self.closes(timer, task, every=False):
                begun = timer in moment.names and place not in edge.entered
                left = moment.high(timer) if begun else length
                ends = place in around and self.closes(timer, task, every=True)  # else the task may stay open longer
                least, most = min(least, left), min(most, left) if ends else most
        return least, most

    def closes(self, timer: str, task: Task, every: bool) -> bool:
        """Whether some way, or every way, that a timer leads closes a task."""
        ends = [self._closed(timer, goal, task) for goal in self._goals(timer)]
        return bool(ends) and (all(ends) if every else any(ends))

    def _goals(self, timer: str) -> Iterator[Target]:
        """Where it may lead, choices passed."""
        commands = self.kernel.answering.get((self.clock.place[timer], On(TriggerKind.TIMER, timer)), ())
        todo: list[Target] = [command.target for command in commands]
        passed: set[str] = set()
        while todo:
            target = todo.pop()
            if isinstance(target, Goto) and target.node in self.kernel.choice:
                if target.node not in passed:
                    passed.add(target.node)
                    todo += [branch.target for branch in self.kernel.choice[target.node].branches]
            else:
                yield target

    def _closed(self, timer: str, goal: Target, task: Task) -> bool:
        """Whether a task is closed when a timer leads to a goal: its place is left then."""
        if isinstance(goal, Goto):
            return (
                self.kernel.domain(self.clock.place[timer], goal.node) in self.kernel.above(self._home[task.name])[1:]
            )
        return isinstance(goal, Undo)


class People:
    """The people there are. Without a staff: enough of them, any of whom may have any role."""

    def __init__(self, kernel: Kernel, staff: Staff | None) -> None:
        self.kernel = kernel
        self.staff = staff
        tasks = kernel.task.values()
        asked = {*(name for task in tasks for name in task.excluded), *(t.doer for t in tasks if t.doer is not None)}
        self.moments = frozenset(asked)
        enough = len(asked) + 1
        named = {t.person.value for t in tasks if isinstance(t.person, Literal) and isinstance(t.person.value, str)}
        self.roles: dict[str, frozenset[str]] = {}
        if staff is None:
            self.roles = {f"person {n}": frozenset(kernel.roles) for n in range(1, enough + 1)}
            self.roles |= {str(name): frozenset(kernel.roles) for name in named}
        else:
            most = enough + sum(len(task.excluded) + 1 for task in tasks)  # a cast names no more
            alike: dict[frozenset[str], int] = {}
            for name, roles in staff.people.items():
                known = roles & frozenset(kernel.roles)
                alike[known] = alike.get(known, 0) + 1
                if alike[known] <= most or name in named:  # of more with the same roles one is always left
                    self.roles[name] = known
            for role in sorted(staff.outside & frozenset(kernel.roles)):
                strangers = (name for n in count(1) if (name := f"{role} {n}") not in staff.people)
                self.roles |= {name: frozenset({role}) for name in islice(strangers, enough)}
        others = enough if any(map(self.free, tasks)) else 1  # without a role they do what data give them, or start
        self.roles |= {f"{STRANGER} {n}" if n > 1 else STRANGER: frozenset[str]() for n in range(1, others + 1)}
        self.kin = {name: kin(name, roles, named) for name, roles in self.roles.items()}

    def ever(self, task: Task) -> tuple[str, ...]:
        """The roles a task is for, all that it may be escalated to included."""
        return (*task.roles, *(escalation.role for escalation in task.escalations))

    def able(self, opened: Opened) -> list[str]:
        """Who can do an open task, in time."""
        return [name for name in self.entitled(opened) if name not in opened.excluded]

    def entitled(self, opened: Opened) -> list[str]:
        """Whom an open task is for, those that it shuts out included."""
        return self._having(opened.roles, opened)

    def perhaps(self, opened: Opened) -> list[str]:
        """Who may come to do it, once it is escalated as far as it may be; first those who can in any case."""
        able = self.able(opened)
        others = self._having(opened.perhaps, opened)
        return [*able, *(name for name in others if name not in opened.excluded and name not in able)]

    def _having(self, roles: frozenset[str], opened: Opened) -> list[str]:
        by_name = opened.persons or frozenset()
        return [name for name, has in self.roles.items() if has & roles or name in by_name]

    def free(self, task: Task) -> bool:
        """Whether it is for somebody whom data name."""
        return task.person is not None and not isinstance(task.person, Literal)

    def doers(self, cast: Cast, task: str) -> list[str]:
        """Who may do it, as far as it matters who."""
        opened = cast.opened(task)
        found = self.perhaps(opened)
        if self.free(self.kernel.task[task]):
            found = [name for name in self.roles if name not in opened.excluded]
        return found if task in self.moments else found[:1]


def kin(name: str, roles: Collection[str], named: Collection[str]) -> tuple[str, ...]:
    """With whom somebody is alike: with those who have the same roles; whom a task names, with nobody."""
    return (f'"{name}"',) if name in named else (*sorted(roles),)


class Casting:
    """The search. `scenes`: one to each cast, in the order found, the shortest plays first; `whole`: nothing was left
    out."""

    def __init__(self, graph: Graph, clock: Clock, people: People) -> None:
        self.graph = graph
        self.people = people
        self.escalating = Escalating(graph, clock)
        self.kernel = people.kernel
        self.scenes: list[Scene] = []
        self.whole = graph.complete
        self._ways: dict[Cast, list[Scene]] = {}
        self._search()

    def _search(self) -> None:
        todo: deque[Scene] = deque()

        def found(scene: Scene) -> None:
            ways = self._ways.setdefault(self._alike(scene.cast), [])
            if not ways:
                self.scenes.append(scene)
                todo.append(scene)
            if len(ways) < MOST_WAYS:
                ways.append(scene)

        for edge in self.graph.begin:
            for who in (*self.people.roles, "") if "start" in self.people.moments else (STRANGER,):
                done = (("start", who),) if who and "start" in self.people.moments else ()
                found(Scene(self._entered(edge, done, ()), None, edge, who))
        while todo:
            scene = todo.popleft()
            for edge in self.graph.out[scene.cast.node]:
                for who in self.takers(scene.cast, edge):
                    found(Scene(self.after(scene.cast, edge, who), scene, edge, who))
                    if len(self.scenes) > MOST:
                        self.whole = False
                        return

    def ways(self, scene: Scene) -> Sequence[Scene]:
        """Some of the scenes that lead to the same cast, itself the first: not each can be played, where a task has to
        be escalated first."""
        return self._ways[self._alike(scene.cast)]

    def takers(self, cast: Cast, edge: Edge) -> list[str]:
        """Who may take an edge, as far as it matters; `""`: nobody in particular."""
        return self.people.doers(cast, edge.move.name) if edge.move.kind is MoveKind.TASK else [""]

    def after(self, cast: Cast, edge: Edge, who: str) -> Cast:
        done = dict(cast.done)
        if edge.move.kind is MoveKind.TASK and edge.move.name in self.people.moments:
            done.pop(edge.move.name, None)
            done |= {edge.move.name: who} if who else {}
        return self._entered(edge, tuple(sorted(done.items())), cast.open)

    def _entered(self, edge: Edge, done: tuple[tuple[str, str], ...], before: tuple[Opened, ...]) -> Cast:
        kept = _keys(edge.arrival.before.instance) if edge.arrival.before is not None else frozenset[str]()
        old = {item.task: item for item in before}
        items = edge.arrival.instance.tasks
        opened = tuple(
            old[i.task] if i.key in kept and i.task in old else self._opened(i.task, dict(done), edge) for i in items
        )
        return Cast(edge.target, done, opened)

    def _opened(self, name: str, done: dict[str, str], edge: Edge) -> Opened:
        task = self.kernel.task[name]
        persons: frozenset[str] | None = None
        if task.doer is not None:
            persons = frozenset({done[task.doer]} if task.doer in done else ())
        elif isinstance(task.person, Literal):
            persons = frozenset({str(task.person.value)})
        shut = tuple((moment, done[moment]) for moment in task.excluded if moment in done)
        return Opened(name, shut, persons, *self.escalating.roles(task, edge))

    def _alike(self, cast: Cast) -> Cast:
        """The same cast for all that differ only in who is who among people with the same roles."""
        names: dict[str, str] = {}
        counts: dict[tuple[str, ...], int] = {}

        def known(name: str) -> str:
            if name not in names:
                kin = self.people.kin.get(name, (name,))
                counts[kin] = counts.get(kin, 0) + 1
                names[name] = f"{'+'.join(kin)}/{counts[kin]}"
            return names[name]

        done = tuple((moment, known(who)) for moment, who in cast.done)
        opened = tuple(
            replace(
                item,
                shut=tuple((moment, known(who)) for moment, who in item.shut),
                persons=None if item.persons is None else frozenset(map(known, sorted(item.persons))),
            )
            for item in cast.open
        )
        return Cast(cast.node, done, opened)

    def hopeless(self, task: str) -> bool:
        """Whether some way through the flow leads to where nobody can do the task, whoever did what before."""
        todo: deque[tuple[int, frozenset[Cast]]] = deque()
        seen: set[tuple[int, frozenset[Cast]]] = set()
        begun: dict[Edge, set[Cast]] = {}
        for scene in self.scenes:
            if scene.before is None:
                begun.setdefault(scene.edge, set()).add(scene.cast)
        todo.extend((edge.target, frozenset(casts)) for edge, casts in begun.items())
        while todo:
            node, casts = todo.popleft()
            if (node, casts) in seen:
                continue
            seen.add((node, casts))
            here = [self.people.able(cast.opened(task)) for cast in casts if task in {o.task for o in cast.open}]
            if here and not any(here):
                return True
            if len(seen) > MOST:
                return False
            for edge in self.graph.out[node]:
                after = frozenset(self.after(c, edge, who) for c in casts for who in self.takers(c, edge))
                if after:
                    todo.append((edge.target, after))
        return False

    def unavoidable(self, scene: Scene, task: str) -> bool:
        """Whether on the way of a scene nobody can do the task, whoever did what before."""
        first, *rest = scene.play()
        casts = {each.cast for each in self.scenes if each.before is None and each.edge is first.edge}
        for step in rest:
            casts = {self.after(cast, step.edge, who) for cast in casts for who in self.takers(cast, step.edge)}
        return not any(self.people.able(cast.opened(task)) for cast in casts)

    def opening(self, task: str) -> Iterator[Scene]:
        """Where the task is open."""
        return (scene for scene in self.scenes if any(item.task == task for item in scene.cast.open))


def _keys(at: Instance) -> frozenset[str]:
    return frozenset(item.key for item in at.tasks)
