"""F201: is there a state in which a run may wait for ever for somebody to do something?

A configuration that only events and tasks can leave: no call runs, no timer that leaves it is armed, there is no
deadline, and the text does not say `wait forever`. It must accept something, else it is F003's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from ...dsl.diagnostics import Fix, Rule
from ..kernel import On, Stay, TriggerKind
from .deadlock import accepts_nothing, quiet
from .graph import Arrival, Node
from .inquiry import Finding, Inquiry, always
from .solver import Term
from .verdict import Answer

RULE = Rule(
    "F201",
    "waits-forever",
    "Only an outside event or a person gets a run out of the state.",
    """\
People forget, and messages get lost. A state that nothing but an event or a task leaves may be the last an instance
ever sees, and nobody is told.

```flow
flow Leave version 1 {
  roles employee, manager
  event withdraw by employee
  start -> Asked
  state Asked {
    task decide for manager {
      title "Decide"
      form  { granted: bool }
    }
    on decide(granted) when granted -> Granted
    on decide(granted) else         -> Refused
    on withdraw                     -> Withdrawn
  }
  final Granted
  final Refused
  final Withdrawn
}
```

Mended: give it a time, a flow-wide `deadline`, or say that the wait is meant, `wait forever "why"`.

```flow
flow Leave version 1 {
  roles employee, manager
  event withdraw by employee
  start -> Asked
  state Asked {
    task decide for manager {
      title "Decide"
      form  { granted: bool }
    }
    on decide(granted) when granted -> Granted
    on decide(granted) else         -> Refused
    on withdraw                     -> Withdrawn
    after 30d                       -> Refused
  }
  final Granted
  final Refused
  final Withdrawn
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    for leaf in inquiry.kernel.leaves:
        if leaf.final or leaf.waits is not None or not inquiry.entered[leaf.name]:
            continue
        waiting: list[Arrival] = []
        for node in inquiry.nodes(leaf.name):
            if quiet(node):
                waiting += _waits(inquiry, node)
        finding = Finding(
            f"a run can wait in `{leaf.name}` for ever",
            leaf.span,
            "only somebody outside ends this wait",
            why=("no call runs, no timer that leaves it is armed, and the flow has no deadline.",),
            fixes=(Fix('add `after …`, a `deadline`, or `wait forever "why"`'),),
        )
        yield inquiry.by_run(RULE, f"`{leaf.name}`", leaf.span, waiting, partial(_rests, inquiry), always(finding))


def _waits(inquiry: Inquiry, node: Node) -> list[Arrival]:
    """Evidence that a node waits for somebody: nothing leaves it in time, and something is accepted (else it is F003)."""
    leaves = _leaves_in_time(inquiry, node.name, node.control.timers)
    found = inquiry.lacking(node, leaves, leaves)
    return [arrival for arrival in found if not arrival.real or not accepts_nothing(inquiry, arrival)]


def _leaves_in_time(inquiry: Inquiry, leaf: str, timers: Iterable[str]) -> Term:
    """That a timer which is armed leaves the state, when it falls due."""
    fans = inquiry.explorer.passages
    ons = (On(TriggerKind.TIMER, timer) for timer in sorted(timers))
    passages = [passage for on in ons for passage in fans.of(leaf, on).passages]
    return inquiry.encoder.any(*(p.condition for p in passages if not isinstance(p.target, Stay)))


def _rests(inquiry: Inquiry, arrival: Arrival) -> bool:
    at = arrival.instance
    if at.finished or at.calls or at.compensating or accepts_nothing(inquiry, arrival):
        return False
    timers = inquiry.abstraction.control(at).timers
    leaves = _leaves_in_time(inquiry, at.configuration[0], timers)
    return inquiry.states.ask(inquiry.states.exactly(at), leaves).impossible
