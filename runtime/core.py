"""The pure core that generated modules import: triggers in, the next record and effects out (K1 to K8).

Nothing here does I/O, reads a clock or draws a random number. Standard library only.
A generated module defines one immutable record per flow; `step` on it answers with a `Step`: the next record, and
the effects a host must carry out, as values, in order.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

ABI = 1
"""The contract between generated modules and this package; a module built for another ABI refuses to import."""


class Actor(NamedTuple):
    """Who sends an event or completes a task. The default actor is nobody in particular and has no role."""

    id: str = ""
    roles: frozenset[str] = frozenset()


NOBODY = Actor()


# ---------------------------------------------------------------- triggers (events and tasks are generated classes)


class Outcome(NamedTuple):
    """What became of a call. `key` is the call's (a compensation's is `<forward key>/undo`).

    kind: `done`, a declared error's name, `timeout` or `failed` (attempts used up; the effect is unknown), or, for a
    call that was interrupted, `interrupted` (cancelled; the effect is unknown). value: the result, for `done`."""

    key: str
    kind: str
    value: object = None


class Fired(NamedTuple):
    """A timer fell due."""

    timer: str


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
    """Show the work to people who have one of `roles` and are not among `excluded` (actor ids)."""

    key: str
    task: str
    roles: tuple[str, ...]
    title: str
    due: datetime | None
    excluded: tuple[str, ...]


class EscalateTask(NamedTuple):
    key: str
    role: str


class CloseTask(NamedTuple):
    key: str


class DropEvent(NamedTuple):
    """A deferred event that the instance finished without handling."""

    event: str


class Finish(NamedTuple):
    state: str
    failure: bool


Effect = (
    StartActivity | InterruptActivity | StartCompensation | ArmTimer | CancelTimer
    | OpenTask | EscalateTask | CloseTask | DropEvent | Finish
)  # fmt: skip

F = TypeVar("F")


class Step(NamedTuple, Generic[F]):
    """The record after one trigger, and the effects to carry out in order. No effects and an equal record: nothing
    happened (a stale or ignored trigger)."""

    after: F
    effects: tuple[Effect, ...]


class RetryPolicy(NamedTuple):
    """At most `attempts` attempts (None: for ever); before the k-th repeat wait min(first * 2**(k-1), limit)."""

    attempts: int | None
    first: timedelta
    limit: timedelta
    park: bool
