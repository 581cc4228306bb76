"""The write-ahead log that an earlier process has left: what the system shows of it in, what the disk has of it out.

A log says which transactions were committed, and whoever opens the file believes what it reads. But if a sync failed
and the process died of it, the system goes on showing what never came to the disk, and no later sync says so (Rebello
et al. 2020, *Can applications recover from fsync failures?*). Whatever is committed behind that would be lost with it.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ..errors import DiskFull, NotWritable, StoreError

ERRORS: Mapping[int | None, type[StoreError]] = {
    errno.ENOSPC: DiskFull,
    errno.EDQUOT: DiskFull,
    errno.EACCES: NotWritable,
    errno.EPERM: NotWritable,
    errno.EROFS: NotWritable,
}


def reread(log: Path) -> None:
    """Have the log read from the disk from now on. Where a system cannot be asked for that, nothing happens. It does no
    harm to other processes that use the log. Raises StoreError."""
    if sys.platform == "linux" and log.exists():
        try:
            file = os.open(log, os.O_RDONLY)
            try:
                os.fsync(file)  # what is not on the disk yet, and may still come there, is not forgotten
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)
        except FileNotFoundError:
            return  # its last user has just closed it
        except OSError as error:
            raise ERRORS.get(error.errno, StoreError)(f"{log} cannot be read again: {error.strerror}") from error
