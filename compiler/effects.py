"""What a step of the reference interpreter asks of the world: the same effects as `runtime.core`, as values.

Names and fields are those of `runtime/core.py` (the compiler does not import the runtime); a test holds them together.
"""

from __future__ import annotations

from datetime import datetime

from ..dsl.model import Value
from ..dsl.values import dataclass


@dataclass(frozen=True, slots=True)
class StartActivity:
    key: str
    activity: str
    args: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class InterruptActivity:
    key: str


@dataclass(frozen=True, slots=True)
class StartCompensation:
    key: str  # `<forward key>/undo`
    compensation: str
    args: tuple[Value, ...]
    forward: str


@dataclass(frozen=True, slots=True)
class ArmTimer:
    timer: str
    due: datetime


@dataclass(frozen=True, slots=True)
class CancelTimer:
    timer: str


@dataclass(frozen=True, slots=True)
class OpenTask:
    key: str
    task: str
    roles: tuple[str, ...]
    title: str
    due: datetime | None
    excluded: tuple[str, ...]
    persons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EscalateTask:
    key: str
    role: str


@dataclass(frozen=True, slots=True)
class RemindTask:
    key: str


@dataclass(frozen=True, slots=True)
class DelegateTask:
    key: str
    to: str


@dataclass(frozen=True, slots=True)
class CloseTask:
    key: str


@dataclass(frozen=True, slots=True)
class DropEvent:
    event: str


@dataclass(frozen=True, slots=True)
class EmitEvent:
    event: str
    payload: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class SendEvent:
    flow: str
    event: str
    payload: tuple[Value, ...]
    to: str


@dataclass(frozen=True, slots=True)
class Finish:
    state: str
    failure: bool


Effect = (
    StartActivity | InterruptActivity | StartCompensation | ArmTimer | CancelTimer
    | OpenTask | EscalateTask | RemindTask | DelegateTask | CloseTask
    | DropEvent | EmitEvent | SendEvent | Finish
)  # fmt: skip
