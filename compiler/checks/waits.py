"""F201: is there a state in which a run may wait for ever for somebody to do something?

A configuration that only events and tasks can leave: no call runs, no timer that leaves it is armed, there is no
deadline, and the text does not say `wait forever`. It must accept something, else it is F003's.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Fix, Rule
from ..kernel import On, Stay, TriggerKind
from .deadlock import accepting, accepts, quiet
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
        yield inquiry.by_run(RULE, f"`{leaf.name}`", leaf.span, waiting, _rests, always(finding))


def _waits(inquiry: Inquiry, node: Node) -> list[Arrival]:
    leaves = _leaves_in_time(inquiry, node)
    found = inquiry.lacking(node, leaves, leaves)
    if not found:
        return []
    if not inquiry.possible(node, accepts(inquiry, node)):
        return []  # nothing is ever accepted: F003
    if not inquiry.possible(node, inquiry.encoder.no(accepting(inquiry, node))):
        return found
    return [arrival for arrival in found if _accepts_something(inquiry, node, arrival)]


def _accepts_something(inquiry: Inquiry, node: Node, arrival: Arrival) -> bool:
    known = inquiry.states.exactly(arrival.instance)
    return not arrival.real or not inquiry.states.ask(known, accepts(inquiry, node)).impossible


def _leaves_in_time(inquiry: Inquiry, node: Node) -> Term:
    """That a timer which is armed leaves the state, when it falls due."""
    fans = inquiry.explorer.passages
    ons = (On(TriggerKind.TIMER, timer) for timer in sorted(node.control.timers))
    passages = [passage for on in ons for passage in fans.of(node.name, on).passages]
    leaving = [passage.condition for passage in passages if not isinstance(passage.target, Stay)]
    return inquiry.encoder.any(*leaving)


def _rests(arrival: Arrival) -> bool:
    at = arrival.instance
    return not (at.finished or at.calls or at.compensating)
