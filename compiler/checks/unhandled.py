"""F007: can a trigger, or a choice, come for which none of the guards written for it is true?

Asked of Z3 for the guards together, in every configuration that comes to them, for every payload. An event that the
state also ignores or defers is covered by that.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Fix, Label, Rule
from . import forks
from .inquiry import Breach, Finding, Inquiry
from .mends import exclusive
from .solver import Term
from .verdict import Answer
from .ways import Fork

RULE = Rule(
    "F007",
    "unhandled-case",
    "A trigger or a choice is handled for some data only, and there is no `else`.",
    """\
Where guards are written, they must cover every case. For what they leave out nobody has said what happens: an event
would be rejected, an answer would be lost, a choice would have no way on.

```flow
flow Ticket version 1 {
  event rate(stars: int 1..5)
  start -> Rating
  state Rating {
    on rate(stars) when stars >= 4 -> Happy
    on rate(stars) when stars <= 2 -> Unhappy
    after 7d                       -> Silent
  }
  final Happy
  final Unhappy
  final Silent
}
```

Three stars are neither. Mended:

```flow
flow Ticket version 1 {
  event rate(stars: int 1..5)
  start -> Rating
  state Rating {
    on rate(stars) when stars >= 4 -> Happy
    on rate(stars) else            -> Unhappy
    after 7d                       -> Silent
  }
  final Happy
  final Unhappy
  final Silent
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    def bad(fork: Fork) -> Term:
        return False if fork.others or fork.covered else fork.stuck

    def finding(meeting: forks.Meeting, _: Breach) -> Finding:
        first, *others = (span for span, _ in meeting.fork.guards)
        name = forks.trigger_name(meeting)
        return Finding(
            f"nothing is written for {name} with these data",
            first,
            "not true here",
            others=tuple(Label(span, "not true here either") for span in others),
            why=("none of the guards is true, and there is no `else`.",),
            fixes=(Fix("add an `else`, or guards that cover the rest", trials=exclusive(inquiry.kernel, others)),),
        )

    yield from forks.ask(inquiry, RULE, bad, finding)
