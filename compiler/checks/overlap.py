"""F006: can two transitions, or two branches of a choice, be enabled for one trigger?

Asked of Z3 for every pair of guards, in every configuration that comes to them, for every payload.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from ...dsl.diagnostics import Fix, Label, Rule
from . import forks
from .inquiry import Breach, Finding, Inquiry
from .mends import exclusive
from .solver import Term
from .verdict import Answer
from .ways import Fork

RULE = Rule(
    "F006",
    "overlapping-guards",
    "Two transitions, or two branches of a choice, are enabled for one trigger.",
    """\
The order of lines decides nothing in a flow, so for each trigger at most one transition may be enabled. Two guards
that can be true together leave it open what happens.

```flow
flow Refund version 1 {
  event ask(amount: int 0..100)
  start -> Open
  state Open {
    on ask(amount) when amount <= 50 -> Paid
    on ask(amount) when amount >= 50 -> Review
    after 30d                        -> Closed
  }
  final Paid
  final Review
  final Closed
}
```

For an amount of 50 both are enabled. Mended:

```flow
flow Refund version 1 {
  event ask(amount: int 0..100)
  start -> Open
  state Open {
    on ask(amount) when amount <= 50 -> Paid
    on ask(amount) when amount > 50  -> Review
    after 30d                        -> Closed
  }
  final Paid
  final Review
  final Closed
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    encoder = inquiry.encoder
    made: dict[int, Term] = {}

    def bad(fork: Fork) -> Term:
        if id(fork) not in made:
            pairs = combinations([guard for _, guard in fork.guards], 2)
            several = encoder.any(*(encoder.all(a, b) for a, b in pairs))
            made[id(fork)] = encoder.any(encoder.all(fork.premise, several), fork.stuck if fork.others > 1 else False)
        return made[id(fork)]

    def finding(meeting: forks.Meeting, _: Breach) -> Finding:
        first, *others = (span for span, _ in meeting.fork.guards)
        name = forks.trigger_name(meeting)
        return Finding(
            f"more than one way is open for {name}, and nothing says which one is taken",
            first,
            "enabled",
            others=tuple(Label(span, "can be enabled at the same time") for span in others),
            why=("the order of lines decides nothing, so at most one guard may be true.",),
            fixes=(
                Fix(
                    "make the guards exclude each other, or write one as `else`",
                    trials=exclusive(inquiry.kernel, [first, *others]),
                ),
            ),
        )

    yield from forks.ask(inquiry, RULE, bad, finding)
