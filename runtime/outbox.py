"""What follows from an attempt: a call and what its attempt came to in, an outcome for the flow or the next try out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from .core import Outcome, RetryPolicy
from .store import PendingCall

DONE, TIMEOUT, FAILED, INTERRUPTED = "done", "timeout", "failed", "interrupted"


@dataclass(frozen=True, slots=True)
class Result:
    """What one attempt came to: `done` with its value, a declared error, `timeout`, `failed` or `interrupted`.

    `error` says why, for people; `cause` is what was raised, with a traceback that begins in the activity's own code.
    All but the first two leave the effect unknown."""

    kind: str
    value: object = None
    error: str = ""
    cause: BaseException | None = field(default=None, compare=False)

    @property
    def definite(self) -> bool:
        return self.kind not in (TIMEOUT, FAILED, INTERRUPTED)


def follow(call: PendingCall, result: Result, policy: RetryPolicy, now: datetime) -> Outcome | PendingCall:
    """The call's outcome, or the call as it waits for its next attempt or, parked, for an operator (due None)."""
    if result.definite:
        return Outcome(call.key, result.kind, result.value)
    if call.interrupted:
        return Outcome(call.key, INTERRUPTED)
    released = call._replace(owner=None, began=None, error=result.error)
    if result.kind == INTERRUPTED:  # its worker stopped or was lost, which says nothing about the call
        result = replace(result, kind=FAILED)
    used = call.attempts - call.forgiven
    if policy.attempts is None or used < policy.attempts:
        return released._replace(due=now + wait(policy, used, call.idempotency_key))
    if policy.park:
        return released._replace(due=None)
    return Outcome(call.key, result.kind)


def told(error: BaseException) -> str:
    """What went wrong, for people: short, and fit to be stored, whatever it says."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 - it does not say
        said = ""
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= 500 else f"{text[:497]}..."


def wait(policy: RetryPolicy, repeat: int, key: str) -> timedelta:
    """The backoff before a repeat, with its jitter: another one for each call and repeat, the same whenever asked."""
    delay = backoff(policy, repeat)
    if not policy.jitter:
        return delay
    drawn = int.from_bytes(sha256(f"{key} {repeat}".encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64
    return delay - delay * (policy.jitter * drawn)


def backoff(policy: RetryPolicy, repeat: int) -> timedelta:
    """How long to wait before the repeat of this number, from 1: min(first * 2**(repeat-1), limit)."""
    delay = policy.first
    for _ in range(repeat - 1):
        if delay >= policy.limit:
            break
        delay *= 2
    return min(delay, policy.limit)
