"""What a durable host refuses, and why: its callers' mistakes (`HostError`) and its storage's (`StoreError`).

Whatever raises one of these has not happened. The core's own refusals are `core.Rejected` and `core.Fault`.
"""

from __future__ import annotations


class HostError(Exception):
    """What was asked for cannot be done, and nothing has changed."""


class Unknown(HostError):
    """There is no such flow, instance or call."""


class Unfit(HostError):
    """What is stored of the instance is nothing that this code has written: a row was touched, or the flow was changed
    and kept its version. Other instances go on."""


class Conflict(HostError):
    """The id was used before, for something else."""


class NotParked(HostError):
    """The call is a worker's: it is under way, or due. Or the letter is not dead."""


class TooLate(HostError):
    """The instance cannot be withdrawn any more: it has ended, or done what cannot be undone."""


class StoreError(Exception):
    """The storage refused. What was acknowledged before is kept; what raised this has not happened."""


class NotAStore(StoreError):
    """The file is not a database, or another program's."""


class TooNew(StoreError):
    """The file was written by a later version of this package."""


class TooOld(StoreError):
    """The file was written by an earlier version of this package, whose tables this one does not know."""


class Corrupt(StoreError):
    """The file is damaged."""


class NotWritable(StoreError):
    """The file or its folder cannot be written, or does not exist."""


class DiskFull(StoreError):
    """There is no room; the host goes on when there is."""


class Busy(StoreError):
    """Another process held the file for too long."""


class Unreadable(StoreError):
    """Payloads are sealed with a key that this host does not have, or were changed, or sealed where none should be."""
