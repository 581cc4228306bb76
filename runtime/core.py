"""The values of the pure core: triggers go in, the next record and effects come out (K1 to K8).

Nothing here does I/O, reads a clock or draws a random number. Standard library only.
A generated module defines one immutable record per flow, a `flow.Flow`; `step` on it answers with a `Step`: the next
record, and the effects a host must carry out, as values, in order.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from types import ModuleType
from typing import ClassVar, Generic, NamedTuple, TypeAlias, TypeVar
from weakref import WeakValueDictionary

ABI = 4
"""The contract between generated modules and this package; a module built for another ABI refuses to import."""


GENERATED: WeakValueDictionary[str, ModuleType] = WeakValueDictionary()
"""The generated modules that have been imported, by name: one may be pushed aside (`compiled`)."""


class AbiMismatch(ImportError):
    """A generated module and this package do not fit together."""


def require_abi(built_for: int, module: str) -> None:
    """Called first by every generated module. Raises AbiMismatch when it was generated for another ABI than this."""
    if built_for != ABI:
        raise AbiMismatch(
            f"{module} was generated for ABI {built_for} and this penstock.runtime has ABI {ABI}: "
            f"{'regenerate it with `penstock build`' if built_for < ABI else 'install a newer penstock'}",
            name=module,
        )
    if module in sys.modules:
        GENERATED[module] = sys.modules[module]


class Actor(NamedTuple):
    """Who sends an event or completes a task. The default actor is nobody in particular and has no role."""

    id: str = ""
    roles: frozenset[str] = frozenset()


NOBODY = Actor()

WITHDRAWN = ""
"""Where an instance ends that its parent withdrew: in no state."""

DEADLINE = "deadline"
"""The id of the flow's own timer, which outlives its states."""


# ---------------------------------------------------------------- triggers (events and tasks are generated classes)


class Outcome(NamedTuple):
    """What became of a call. `key` is the call's (a compensation's is `<forward key>/undo`).

    kind: `done`, a declared error's name, `timeout` or `failed` (attempts used up; the effect is unknown), or, for a
    call that was interrupted, `interrupted` (cancelled; the effect is unknown). value: the result, for `done`."""

    key: str
    kind: str
    value: object = None


class Delegation(NamedTuple):
    """Somebody entitled to the open task of this name hands it on to the person `to` (an actor's id)."""

    task: str
    to: str


class Fired(NamedTuple):
    """A timer fell due."""

    timer: str


class Withdraw(NamedTuple):
    """The parent that started the instance wants it undone."""


# ---------------------------------------------------------------- effects


class StartActivity(NamedTuple):
    """Call the activity, retrying as its spec says, and answer with an `Outcome` of this key."""

    key: str
    activity: str
    args: tuple[object, ...]


class InterruptActivity(NamedTuple):
    """The call is no longer wanted: cancel it if it can be, and answer with an `Outcome` in any case."""

    key: str


class StartCompensation(NamedTuple):
    """Undo the call `forward`: call the compensation with its args and the forward key; retry; when it gives up, park.
    Answer with `Outcome(key, "done")`."""

    key: str
    compensation: str
    args: tuple[object, ...]
    forward: str


class ArmTimer(NamedTuple):
    """Answer with `Fired(timer)` at `due`, not before. Arming a timer again replaces it."""

    timer: str
    due: datetime


class CancelTimer(NamedTuple):
    timer: str


class OpenTask(NamedTuple):
    """Show the work to `persons` (actor ids) and to people who have one of `roles`, but to none of `excluded`."""

    key: str
    task: str
    roles: tuple[str, ...]
    title: str
    due: datetime | None
    excluded: tuple[str, ...]
    persons: tuple[str, ...] = ()


class EscalateTask(NamedTuple):
    key: str
    role: str


class RemindTask(NamedTuple):
    """The work is still open: remind the people who see it."""

    key: str


class DelegateTask(NamedTuple):
    """Show the work to `to` only."""

    key: str
    to: str


class CloseTask(NamedTuple):
    key: str


class DropEvent(NamedTuple):
    """A deferred event that the instance finished without handling."""

    event: str


class EmitEvent(NamedTuple):
    """A message to whoever listens, exactly one for each time it is asked for."""

    event: str
    payload: tuple[object, ...]


class SendEvent(NamedTuple):
    """An event for the instance `to` of another flow."""

    flow: str
    event: str
    payload: tuple[object, ...]
    to: str


class Finish(NamedTuple):
    state: str
    failure: bool


Effect = (
    StartActivity | InterruptActivity | StartCompensation | ArmTimer | CancelTimer
    | OpenTask | EscalateTask | RemindTask | DelegateTask | CloseTask
    | DropEvent | EmitEvent | SendEvent | Finish
)  # fmt: skip

F = TypeVar("F")
E = TypeVar("E")


Step: TypeAlias = tuple[F, tuple[Effect, ...]]
"""The record after one trigger, and the effects to carry out in order. No effects and an equal record: nothing happened
(a stale or ignored trigger)."""


# ---------------------------------------------------------------- refusals


class Rejected(Exception):
    """The trigger is refused and nothing has changed.

    state: where the instance rests (of several regions, joined by commas), "" while it compensates or before it starts.
    reason: `finished`, `payload`, `closed` (no such task is open), `role`, `excluded` (somebody else must do this),
    `full` (too many of these wait already), `unhandled`. detail: of `payload`, what is wrong."""

    def __init__(self, state: str, trigger: object, reason: str, detail: str = "") -> None:
        super().__init__(state, trigger, reason, detail)
        self.state = state
        self.trigger = trigger
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        place = f" in {self.state}" if self.state else ""
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.trigger!r} is rejected{place} ({self.reason}){detail}"


class Fault(Exception):
    """The flow itself is at fault at `place` (`specs/order.flow:71`), and nothing has changed.

    code: the check that refutes such a flow, so one that passed `penstock check` never raises this."""

    def __init__(self, code: str, place: str, problem: str = "") -> None:
        super().__init__(code, place, problem)
        self.code = code
        self.place = place
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.place}: {self.code}" + (f": {self.problem}" if self.problem else "")


class ActivityError(Exception):
    """A declared business error of an activity: definite, without effect, never retried.

    A generated module has a subclass for each name that a flow declares after `fails`."""

    name: ClassVar[str]


# ---------------------------------------------------------------- bookkeeping


class Entry(NamedTuple):
    """A call on the compensation log. Not `done`: it may have had its effect (`maybe`). In flight: not settled yet."""

    serial: int  # the number in the key; grows along the log
    activity: str
    args: tuple[object, ...]
    done: bool = False
    in_flight: bool = True
    result: object = None

    @property
    def key(self) -> str:
        """The idempotency key of the forward call."""
        return f"{self.activity}#{self.serial}"


class Call(NamedTuple):
    """A current call of a leaf, a readonly one too. Of a group, a call for each `item`, also those stay that have
    answered: `done` with a result, or `gone`."""

    key: str
    activity: str
    args: tuple[object, ...]
    leaf: str
    item: int | None = None  # of a group: which, from 0
    answer: str = ""
    result: object = None


class Work(NamedTuple):
    """An open task. `roles` grow by escalation; `excluded` and `persons` are actor ids."""

    key: str
    task: str
    roles: tuple[str, ...]
    excluded: tuple[str, ...]
    persons: tuple[str, ...] = ()
    reminders: int = 0  # so many until now

    def entitles(self, actor: Actor) -> bool:
        """Whether it is for the actor, who may be excluded all the same."""
        return (bool(actor.id) and actor.id in self.persons) or not actor.roles.isdisjoint(self.roles)


class Undoing(NamedTuple):
    """A compensation under way: entries younger than `since` are undone, then `node` is entered. `running` is the key
    of the compensation that is awaited, None while the newest entry's own call has still to settle."""

    since: int
    node: str
    running: str | None = None


class Ledger(NamedTuple, Generic[E]):
    """What every instance keeps besides its inputs, its data and where it is."""

    started: datetime
    counter: int = 0  # calls and tasks so far
    log: tuple[Entry, ...] = ()  # oldest first
    calls: tuple[Call, ...] = ()
    tasks: tuple[Work, ...] = ()
    timers: tuple[ArmTimer, ...] = ()  # in the order they were armed
    deferred: tuple[E, ...] = ()  # in the order they arrived
    undoing: Undoing | None = None
    marks: tuple[tuple[str, int], ...] = ()  # a savepoint, and the counter when it was last entered
    actors: tuple[tuple[str, str], ...] = ()  # `start` or a task, and the id of who did it last
    completed: tuple[str, ...] = ()  # readonly activities that have ever completed
    history: tuple[tuple[str, tuple[str, ...]], ...] = ()  # what is resumed, and the leaves where it was last left
    moments: tuple[tuple[str, datetime], ...] = ()  # what some timer counts from, and when it was last entered


class SubFlowFailed(ActivityError):
    """A flow that another one does has ended in failure, and has undone itself."""

    name = "failed"


class RetryPolicy(NamedTuple):
    """At most `attempts` attempts (None: for ever); before the k-th repeat wait min(first * 2**(k-1), limit), less a
    random part of it of up to `jitter` (0..1)."""

    attempts: int | None
    first: timedelta
    limit: timedelta
    park: bool
    jitter: float = 0.0
