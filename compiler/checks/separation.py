"""F501: is there somebody for every task, whoever did what before, and does every `except` keep two tasks apart?

Asked of every way through the flow and every choice of people (`people`): of a staff, if one is given; else of as many
people as are needed, any of whom may have any role.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from heapq import nsmallest

from ...dsl.diagnostics import Fix, Label, Rule
from ...dsl.model import Event, Task
from ...dsl.values import replace
from ..instance import WorkItem
from .inquiry import Finding, Inquiry, Showing
from .moves import MoveKind
from .people import Casting, Opened, People, Scene
from .performing import performed
from .verdict import Answer, Witness

MOST_PLAYED = 30  # runs

RULE = Rule(
    "F501",
    "duties-not-separable",
    "Nobody is left who may do a task, or one person may do both of two tasks that were to be kept apart.",
    """\
`except actor of` keeps duties apart, and `for actor of` keeps them together. A run can get to where nobody is left for
a task, since all who might do it have done what shuts them out.

```flow
flow Payment version 1 {
  roles clerk, chief
  start -> Releasing
  state Releasing {
    task prepare for clerk { title "Prepare" }
    task release for chief {
      title "Release"
      except actor of prepare
    }
    on prepare stay
    on release -> Paid
    after 30d  -> Dropped
  }
  final Paid
  final failure Dropped
}
```

Both tasks are open at once, and a task shuts out those who had acted when it was opened. Mended:

```flow
flow Payment version 1 {
  roles clerk, chief
  start -> Preparing
  state Preparing {
    task prepare for clerk { title "Prepare" }
    on prepare -> Releasing
    after 30d  -> Dropped
  }
  state Releasing {
    task release for chief {
      title "Release"
      except actor of prepare
    }
    on release -> Paid
    after 30d  -> Dropped
  }
  final Paid
  final failure Dropped
}
```

Whether the people there are suffice is asked with `penstock check --staff staff.toml`:

```toml
outside = ["customer"]   # roles that people outside have, as many as are needed

[people]
ann  = ["clerk"]
dora = ["clerk", "chief"]
```

If `dora` prepares a payment, nobody is left to release it: two clerks and a chief do, or a rule that keeps chiefs from
preparing. Refuted is what no choice of people can avoid, and what an unlucky choice leads to; the message says which.
Without a staff there are as many people as are needed, each of whom may have any role, and so may a person that a task
names. An escalation counts if it comes before a fixed time leads away from the task; of two that fall due together
either may come first, so one at that very moment does not count, and yet somebody may do the task by it. Left aside is
delegation (who delegates answers for it); whoever does a task is taken to have a name; and a task `for person` whose
name is data to name somebody who may do it. Also refuted is an `except` that can never shut anybody out, since what it
names is never done before.
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    kernel = inquiry.kernel
    tasks = [task for task in kernel.task.values() if _asked(inquiry, task)]
    if tasks:
        casting = Casting(inquiry.graph, inquiry.explorer.clock, People(kernel, inquiry.staff))
        for task in tasks:
            if any(casting.opening(task.name)):
                yield _suffices(inquiry, casting, task)
            for moment in task.excluded:
                yield _apart(inquiry, casting, task, moment)
    if inquiry.staff is not None:
        yield from _senders(inquiry)


def _asked(inquiry: Inquiry, task: Task) -> bool:
    return inquiry.staff is not None or bool(task.excluded) or task.doer is not None


# ---------------------------------------------------------------- is there somebody


def about(task: Task) -> str:
    """What an answer about somebody for a task is about."""
    return f"the task `{task.name}`"


def _suffices(inquiry: Inquiry, casting: Casting, task: Task) -> Answer:
    """Whether somebody can do a task wherever it is open."""
    people = casting.people
    subject = about(task)
    blocked = [scene for scene in casting.opening(task.name) if not people.able(scene.cast.opened(task.name))]
    if blocked and people.free(task):
        if not any(scene.cast.opened(task.name).excluded for scene in blocked):
            return _settled(
                inquiry, casting, task, subject, partial(_opens, inquiry, task, "and it is done by whoever it names")
            )
        reason = "it is for somebody whom data name, who may be one of those it shuts out"
        return inquiry.unknown(RULE, subject, task.span, reason, "add `escalate to` a role that others have")
    ways = (way for scene in blocked for way in casting.ways(scene))
    tried = nsmallest(MOST_PLAYED, ways, key=lambda way: len(way.play()))
    least = len(tried[0].play()) if tried else 0
    if tried and casting.hopeless(task.name):  # rather a way that no choice of people makes good
        tried.sort(key=lambda way: not casting.unavoidable(way, task.name))
    for passed_over, scene in enumerate(tried):
        arrival = performed(inquiry, people, scene)
        if arrival is not None and _nobody(people, scene.cast.opened(task.name), arrival.instance.tasks):
            finding = _nobody_left(casting, task, scene, casting.unavoidable(scene, task.name))
            shortest = not passed_over and len(scene.play()) == least
            trace = inquiry.tracer.tell(arrival)
            return inquiry.refuted(RULE, subject, task.span, finding, trace, shortest=shortest)
    if blocked:
        return inquiry.unknown(RULE, subject, task.span, "that nobody is left was not ruled out, nor seen on a run")
    return _settled(
        inquiry,
        casting,
        task,
        subject,
        partial(_opens, inquiry, task, "and somebody is left for it, delegation left aside"),
    )


def _settled(inquiry: Inquiry, casting: Casting, task: Task, subject: str, witness: Showing) -> Answer:
    if not casting.whole:
        return inquiry.unknown(RULE, subject, task.span, "there are too many ways to choose people")
    return inquiry.proved(RULE, subject, task.span, witness)


def _opens(inquiry: Inquiry, task: Task, so: str) -> Witness:
    """A run that opens a task; so: what is so then."""
    nodes = inquiry.graph.nodes
    runs = [edge for edge in inquiry.graph.edges() if task.name in nodes[edge.target].control.tasks]
    return inquiry.seen(runs, f"opens `{task.name}`, {so}", f"no run that opens `{task.name}` was found")


def _nobody(people: People, opened: Opened, items: tuple[WorkItem, ...]) -> bool:
    """Whether nobody can do an open task, as the run left it."""
    task, item = people.kernel.task[opened.task], next(item for item in items if item.task == opened.task)
    persons = None if task.doer is None and task.person is None else frozenset(item.persons)
    return set(item.excluded).issuperset(people.entitled(replace(opened, persons=persons)))


def _nobody_left(casting: Casting, task: Task, scene: Scene, always: bool) -> Finding:
    people, opened = casting.people, scene.cast.opened(task.name)
    staffed = people.staff is not None
    shut = people.entitled(opened)
    counted = [role for role in people.ever(task) if role in opened.roles]
    roles = " or ".join(f"`{role}`" for role in counted)
    if not shut:
        whom = f"whoever did `{task.doer}`" if task.doer is not None else roles
        message = f"there is nobody who can do `{task.name}`, which is for {whom}"
    elif always:
        message = f"nobody can do `{task.name}` here, whoever did what before"
    else:
        message = f"nobody is left who may do `{task.name}`, after what was done by whom"
    did = {who: [m for m, other in scene.cast.done if other == who and m in task.excluded] for who in shut}
    why = [f"`{who}` may not: did {' and '.join(f'`{m}`' for m in found)}." for who, found in did.items() if found]
    if not shut and task.doer is not None:
        why = [f"on this run nobody known has done `{task.doer}`, and the task is not escalated in time."]
    if shut and not always:
        why.append("other people could have done these, but nothing makes sure of it.")
    role = next(iter(counted), None)
    helps = [f"give somebody else the role `{role}`"] if staffed and role is not None else []
    if staffed and role is not None and not shut:
        helps = [f'give somebody the role `{role}`, or say that people outside have it: outside = ["{role}"]']
    helps.append("`escalate to` a role that others have, before a timer leads away")
    return Finding(message, task.span, "nobody for it", why=tuple(why), fixes=tuple(map(Fix, helps)))


# ---------------------------------------------------------------- are they kept apart


def apart(task: Task, moment: str) -> str:
    """What an answer about a task and a moment is about."""
    return f"`{task.name}` apart from `{moment}`"


def _apart(inquiry: Inquiry, casting: Casting, task: Task, moment: str) -> Answer:
    """Whether who acted at the moment cannot do the task as well."""
    subject = apart(task, moment)
    scenes = list(casting.opening(task.name))
    doubted = False
    for scene in scenes:
        both = _both(inquiry, casting, scene, task, moment)
        if both is not None:
            arrival = performed(inquiry, casting.people, both)
            if arrival is not None:
                others = (Label(inquiry.kernel.task[moment].span, "may be done while it is open"),)
                finding = Finding(
                    f"one person may do both `{moment}` and `{task.name}`, for both can be open at the same time",
                    task.span,
                    "does not shut them out",
                    others,
                    (f"`{both.who}` did `{moment}` when `{task.name}` was already open, and may do it too.",),
                    (Fix(f"open `{task.name}` after `{moment}`, in a state of its own"),),
                )
                return inquiry.refuted(RULE, subject, task.span, finding, inquiry.tracer.tell(arrival))
            doubted = True
    if doubted:
        return inquiry.unknown(
            RULE, subject, task.span, "both may be open at the same time, but no run to it was found"
        )
    shuts = [each for each in scenes if dict(each.cast.done).get(moment) in each.cast.opened(task.name).excluded]
    if scenes and casting.whole and not shuts:
        return _idle(inquiry, task, moment, subject)
    if shuts and not any(performed(inquiry, casting.people, scene) for scene in shuts[:MOST_PLAYED]):
        return inquiry.unknown(RULE, subject, task.span, "no run on which it shuts anybody out was found")
    done = [any(moment == name for name, _ in scene.cast.done) for scene in scenes]
    so = f"and whoever did `{moment}` is shut out"
    if not all(done):
        so += "; a start by nobody shuts nobody out" if moment == "start" else ", where it was done"
    return _settled(inquiry, casting, task, subject, partial(_opens, inquiry, task, so))


def _idle(inquiry: Inquiry, task: Task, moment: str, subject: str) -> Answer:
    """The rule never matters; where nothing ever opens the task, that is another question."""
    opens = _opens(inquiry, task, "")
    if opens.vacuous:
        return inquiry.unknown(RULE, subject, task.span, opens.text)
    finding = Finding(
        f"`except actor of {moment}` shuts nobody out: `{moment}` is never done before `{task.name}` is opened",
        task.span,
        "opened before that",
        why=("a task shuts out those who had acted when it was opened.",),
        fixes=(Fix("leave it out, or name a task that comes before"),),
    )
    return inquiry.refuted(RULE, subject, task.span, finding)


def _both(inquiry: Inquiry, casting: Casting, scene: Scene, task: Task, moment: str) -> Scene | None:
    """The scene in which somebody does the other task while this one stays open, and may do it too."""
    if moment == task.name:
        return None
    opened = scene.cast.opened(task.name)
    for edge in inquiry.graph.out[scene.cast.node]:
        if edge.move.kind is MoveKind.TASK and edge.move.name == moment:
            for who in casting.takers(scene.cast, edge):
                after = casting.after(scene.cast, edge, who)
                if who in casting.people.perhaps(opened) and opened in after.open:
                    return Scene(after, scene, edge, who)
    return None


# ---------------------------------------------------------------- events


def sent(event: Event) -> str:
    """What an answer about somebody who may send an event is about."""
    return f"the event `{event.name}`"


def _senders(inquiry: Inquiry) -> Iterator[Answer]:
    """Whether there is somebody for every event that asks for a role."""
    kernel, staff = inquiry.kernel, inquiry.staff
    assert staff is not None, "only asked of a staff"
    for event in kernel.events:
        if not event.roles:
            continue
        subject = sent(event)
        if staff.roles.isdisjoint(event.roles):
            finding = Finding(
                f"there is nobody who may send `{event.name}`, which is for {_listed(event.roles)}",
                event.span,
                "nobody may send it",
                fixes=(
                    Fix(f'give somebody the role, or say that people outside have it: outside = ["{event.roles[0]}"]'),
                ),
            )
            yield inquiry.refuted(RULE, subject, event.span, finding)
        else:
            able = next(role for role in event.roles if role in staff.roles)
            yield inquiry.proved(RULE, subject, event.span, Witness(f"somebody has the role `{able}`"))


def _listed(roles: tuple[str, ...]) -> str:
    return " or ".join(f"`{role}`" for role in roles)
