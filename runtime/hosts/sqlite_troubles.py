"""Which instances somebody should look at: one statement over what waits, and the leases of workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ..timers import micros, moment
from .sqlite_rows import SqliteRows

TROUBLED = """
SELECT instance FROM (
SELECT instance FROM call WHERE due IS NULL
UNION SELECT instance FROM call WHERE owner IS NULL AND (due < ?3 OR error <> '')
UNION SELECT instance FROM call WHERE owner IS NOT NULL AND owner NOT IN (SELECT id FROM worker WHERE lease > ?4)
UNION SELECT timer.instance FROM timer JOIN instance ON instance.id = timer.instance
  WHERE due < ?3 AND status <> 'compensating'
UNION SELECT instance FROM task WHERE due < ?4
UNION SELECT sender FROM letter WHERE reason <> ''
) WHERE instance > ?1 ORDER BY instance LIMIT ?2
"""


class SqliteTroubles(SqliteRows):
    """The part of `store.Transaction` that only operators ask for."""

    def troubled(self, after: str, limit: int, now: datetime, patience: timedelta) -> Sequence[str]:
        return [id for (id,) in self._all(TROUBLED, after, limit, micros(now - patience), micros(now))]

    def leases(self) -> Mapping[str, datetime]:
        return {id: moment(lease) for id, lease in self._all("SELECT id, lease FROM worker")}
