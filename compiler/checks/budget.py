"""What checking one flow may take, and how far it has come: seconds and megabytes in; why no more may be spent, out.

The search may take three quarters of the time and of the memory, so that what it has found can still be looked at. When
all is spent, whatever asks next is given up (`Spent`), and what was not answered by then is unknown. No verdict but
unknown depends on it. Time is the processor's, so that a machine which others keep busy knows as much as an idle one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

from .native import Z3Error

SEARCH = 0.75  # of everything
LOOK = 0.02  # seconds between two looks at the memory
LATE = 2.0  # seconds before anybody is told how far it has come
AGAIN = 0.2  # seconds between two tellings

MEGABYTE = 1 << 20
CUT = ("it took more", "the search took more")
"""How a reason begins that says which limit was met."""

Tell = Callable[[str], None]
"""Takes one line about how far it has come."""


class Spent(Exception):
    """Nothing more may be asked; the text says why."""


class Budget:
    """Of one flow, from now on. seconds: of a processor. memory: megabytes of the whole process; None: all there is."""

    def __init__(self, flow: str, seconds: float, memory: int | None = None, tell: Tell | None = None) -> None:
        self.flow = flow
        self.seconds = seconds
        self.memory = memory
        self.met = ""  # the limit that was met first
        self._tell = tell
        self._doing = "search"
        self._count: Callable[[], int] = lambda: 0
        self._begun = process_time()
        self._looked = self._told = self._begun
        self._held = 0.0

    @property
    def left(self) -> float:
        """Seconds."""
        return self._begun + self.seconds - process_time()

    def search_over(self, count: Callable[[], int]) -> str:
        """Why the search may not go on; empty: it may. count: of the configurations found so far."""
        self._count = count
        return self._over(SEARCH)

    def over(self) -> str:
        """Why nothing more may be asked; empty: it may."""
        return self._over(1.0)

    def check(self) -> None:
        """Raises Spent where nothing more may be asked."""
        if why := self.over():
            raise Spent(why)

    def asks(self, rule: str) -> None:
        """What is asked from now on, by the name of its rule. Raises Spent."""
        self._doing = rule
        self.check()

    def ran_out(self, error: BaseException) -> str:
        """Why an error means that a limit was met; empty: it means something else."""
        if isinstance(error, Spent):
            return str(error)
        if isinstance(error, MemoryError) or (isinstance(error, Z3Error) and "out of memory" in str(error)):
            most = "there is" if self.memory is None else f"{self.memory} MB"
            self.met = self.met or f"it took more memory than {most}"
            return self.met
        return ""

    def _over(self, share: float) -> str:
        now = process_time()
        if self._tell is not None and now - self._begun > LATE and now - self._told > AGAIN:
            self._told = now
            found = self._count()
            many = f"{found} configuration{'' if found == 1 else 's'}"
            self._tell(f"{self.flow}: {many}, {self._doing}, {now - self._begun:.0f} s")
        why = ""
        if now - self._begun > self.seconds * share:
            why = _took(self.seconds, share, "seconds of processor time")
        elif self.memory is not None:
            if now - self._looked > LOOK or not self._held:
                self._looked, self._held = now, held()
            if self._held > self.memory * share:
                why = _took(self.memory, share, "MB of memory")
        self.met = self.met or why
        return why


def _took(limit: float, share: float, unit: str) -> str:
    whole, search = CUT
    if share == 1.0:
        return f"{whole} than {limit:g} {unit}"
    return f"{search} than {limit * share:g} of the {limit:g} {unit} that a flow may take"


def held() -> float:
    """The megabytes this process holds now; where the system does not say, the most it ever held."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MEGABYTE
    except (OSError, ValueError, IndexError):
        return _peak()


def _peak() -> float:
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:  # not a Unix: there `--max-memory` is Z3's limit alone
        return 0.0
    return getrusage(RUSAGE_SELF).ru_maxrss / (MEGABYTE if sys.platform == "darwin" else 1024)
