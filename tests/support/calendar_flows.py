"""Flows that live by the calendar: a round every day that nobody makes, and a watch through one night a week."""

from __future__ import annotations

from pathlib import Path

from kernels import kernels
from plans import Subject
from twins import generated

CALENDAR_FLOWS = """
flow Round version 1 {
  input { site: text }
  roles guard, chief
  activity report(site: text) -> int { timeout 10m retry 3 backoff 1m..1h readonly }
  every day at 08:00 UTC (site: "north")
  start -> Open
  state Open {
    task walk for guard {
      title "Walk around {site}"
      form { calm: bool }
      due 4h
      remind every 12h
      escalate to chief after 8h
    }
    on walk(calm) when calm -> Made
    on walk(_) else -> Reporting
    after 20h -> Missed
  }
  state Reporting {
    do report(site)
    on done(_) -> Made
    on failed -> Missed
  }
  final Made
  final Missed
}

flow Night version 1 {
  input { rounds: int 0..9 }
  data { left: int 0..9 = 9 }
  event noise
  every "0 21 * * 0" (rounds: 9)
  start { left = rounds } -> Looking
  state Looking {
    on noise stay
    after 1h { left = left - 1 } -> Again
  }
  choice Again {
    when left > 0 -> Looking
    else -> Over
  }
  final Over
}
"""


def calendar() -> tuple[Subject, ...]:
    return tuple(
        Subject(Path("calendar.flow"), kernel, generated(kernel)) for kernel in kernels(CALENDAR_FLOWS).values()
    )
