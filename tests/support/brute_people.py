"""The enumeration of a flow whose tasks ask who did what: a Kernel in; what `brute_force` finds, and F501, out.

There are as many people as matter, and all have every role; whoever starts is one of them, or nobody in particular.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from brute_calls import spent
from brute_force import Search, Verdicts
from brute_promises import STOPS, broken
from brute_values import SECOND, TooLarge
from penstock.compiler.instance import Actor, Completion, Instance, Trigger, WorkItem
from penstock.compiler.kernel import Kernel
from penstock.dsl.model import Literal
from penstock.dsl.walk import nodes


class Performances(Search):
    """Breadth-first over the instances, with who did what in them."""

    def __init__(self, kernel: Kernel, limit: int, waiting: int, tick: timedelta) -> None:
        super().__init__(kernel, limit, waiting, tick)
        tasks = kernel.task.values()
        self.moments = {*(m for task in tasks for m in task.excluded), *(t.doer for t in tasks if t.doer is not None)}
        self.opened: set[str] = set()
        self.shut: set[tuple[str, str]] = set()  # task and moment, where somebody was shut out for that

    def starters(self) -> tuple[Actor, ...]:
        return (self.person("person 1"), Actor())

    def person(self, name: str) -> Actor:
        return Actor(name, frozenset(self.kernel.roles))

    def actors(self, instance: Instance, trigger: Trigger) -> tuple[Actor, ...]:
        if not isinstance(trigger, Completion):
            return (self.person("somebody"),)
        item = next(item for item in instance.tasks if item.task == trigger.task)
        able = self.able(instance, item)
        return able if trigger.task in self.moments else able[:1]

    def able(self, instance: Instance, item: WorkItem) -> tuple[Actor, ...]:
        """Who may do a task: of those who have done nothing yet, one stands for all."""
        known = {who for moment, who in instance.actors if who and moment in self.moments}
        known |= {who for each in instance.tasks for who in (*each.excluded, *each.persons)}
        fresh = next(name for n in range(1, len(known) + 2) if (name := f"person {n}") not in known)
        people = map(self.person, (*sorted(known), fresh))
        return tuple(who for who in people if item.entitles(who) and who.id not in item.excluded)

    def canonical(self, instance: Instance, now: datetime) -> object:
        """Also up to the names of people."""
        names: dict[str, int] = {"": 0}
        did = [(moment, who) for moment, who in instance.actors if moment in self.moments]
        for who in (*(who for _, who in did), *(w for item in instance.tasks for w in (*item.excluded, *item.persons))):
            names.setdefault(who, len(names))
        return (
            super().canonical(instance, now),
            tuple((moment, names[who]) for moment, who in did),
            tuple((tuple(names[w] for w in i.excluded), tuple(names[w] for w in i.persons)) for i in instance.tasks),
        )

    def perform(self, before: Instance | None, trigger: Trigger | None, after: Instance, depth: int) -> None:
        """Nobody is left for a task, or one person has done what was to be kept apart."""
        old = {item.key for item in before.tasks} if before is not None else set[str]()
        for item in after.tasks:
            task = self.kernel.task[item.task]
            if not self.asked_about(item.task):
                continue
            self.opened.add(item.task)
            did = dict(after.actors)
            if item.key not in old:
                self.shut |= {(item.task, m) for m in task.excluded if did.get(m) and did[m] in item.excluded}
            elif isinstance(trigger, Completion) and self.may_do_both(trigger.task, item):
                self.found.add("F501", task.span.start, depth)
            if not self.able(after, item):
                self.found.blocked = True
                self.found.add("F501", task.span.start, depth)

    def may_do_both(self, done: str, item: WorkItem) -> bool:
        """Whether who has just done one task may do another that is open, and was to be kept apart from it."""
        apart = done != item.task and done in self.kernel.task[item.task].excluded
        return apart and item.entitles(self.actor) and self.actor.id not in item.excluded

    def asked_about(self, name: str) -> bool:
        task = self.kernel.task[name]
        return bool(task.excluded) or task.doer is not None

    def conclude(self) -> None:
        super().conclude()
        for name in self.opened:
            for moment in self.kernel.task[name].excluded:
                if (name, moment) not in self.shut:
                    self.found.uncounted.add(self.kernel.task[name].span.start)
                    self.found.add("F501", self.kernel.task[name].span.start, 0)


def hurried(kernel: Kernel) -> bool:
    """Whether a timer of a state never comes, since the call of the state is always answered by then."""
    for leaf in kernel.leaves:
        activity = None if leaf.call is None else kernel.activity[leaf.call.activity]
        if activity is not None and not activity.retry.park and activity.retry.attempts is not None:
            lengths = [part.value for timer in leaf.timers for part in nodes(timer.after) if isinstance(part, Literal)]
            longest = [each for each in lengths if isinstance(each, timedelta)]
            if max(longest, default=timedelta(0)) > spent(activity.timeout, activity.retry):
                return True
    return False


def enumerate_flow(kernel: Kernel, limit: int = 4000, tick: timedelta = SECOND, waiting: int = 1) -> Verdicts:
    """Every check decided by enumeration, at moments that are a tick apart; of equal events so many wait at a time.

    Raises TooLarge when the flow has more than `limit` instances, or is about
    when calls are answered, which only promises of a time are here."""
    if hurried(kernel):
        raise TooLarge("a call is answered before a timer of its state")
    asks = any(task.excluded or task.doer is not None for task in kernel.task.values())
    found = (Performances if asks else Search)(kernel, limit, waiting, tick).run()
    if STOPS & {code for code, _ in found.refuted}:
        found.undecided = True
        return found
    try:
        for place in broken(kernel):
            if ("F301", place) not in found.refuted:
                found.add("F204", place, 0)
    except TooLarge:
        found.undecided = True
    return found
