"""Schedules of a flow: the minutes, hours and days that are meant, and a moment in; the next moment out. All in UTC."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

FARTHEST = 366 * 8 + 2
"""Days until a 29 February at the latest (1896 to 1904 had none between)."""


class Schedule(NamedTuple):
    """`every <text>`: an instance with these inputs is started at each of its moments. The numbers ascend; days are of
    the month; Monday is 0; None: every day. Days of both kinds: either will do."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...] | None
    months: tuple[int, ...]
    weekdays: tuple[int, ...] | None
    inputs: object

    def after(self, moment: datetime) -> datetime:
        """The first moment later than this one."""
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        for _ in range(FARTHEST):
            if self._includes(day):
                for hour in self.hours:
                    for minute in self.minutes:
                        if (found := day.replace(hour=hour, minute=minute)) > moment:
                            return found
            day += timedelta(days=1)
        raise ValueError(f"{self.text} never comes")

    def _includes(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        if self.days is None or self.weekdays is None:
            return (self.days is None or day.day in self.days) and (
                self.weekdays is None or day.weekday() in self.weekdays
            )
        return day.day in self.days or day.weekday() in self.weekdays
