"""F201: is there a state in which a run may wait for ever for somebody to do something?

A configuration that only events and tasks can leave: no call runs, no timer that leaves it is armed, there is no
deadline, and the text does not say `wait forever`. It must accept something, else it is F003's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ...dsl.diagnostics import Fix, Rule
from ..kernel import Configuration, Kernel, LeafKind, On, Place, TriggerKind, Undo
from .deadlock import accepts, accepts_nothing, rests
from .graph import Arrival, Node
from .holdups import held_up, holdups, mend
from .inquiry import Finding, Inquiry, quiet
from .mends import A_WHILE, leaving
from .moves import MoveKind
from .passages import Fan
from .solver import Term
from .undoing import BALKS, MENDED, stoppable
from .verdict import HELD_UP, Answer

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
    blocked = holdups(inquiry)
    for place in inquiry.kernel.place.values():
        if not rests(inquiry.kernel, place) or _meant(inquiry, place.name) or not inquiry.entered[place.name]:
            continue
        waiting: list[Arrival] = []
        balks = False
        for node in inquiry.quiet(place.name):
            if blamed(inquiry, node.control.configuration) == place.name:
                balks = balks or stoppable(inquiry, node, _passed_over(inquiry, node))
                waiting += _waits(inquiry, node)
        if balks or (not waiting and held_up(inquiry, place.name, blocked)):
            reason, help = (BALKS, MENDED) if balks else (HELD_UP, mend(blocked))
            yield inquiry.unknown(RULE, f"`{place.name}`", place.span, reason, help)
            continue
        seen = partial(inquiry.comes, place.name, f"rests in `{place.name}`, which something else always ends")
        found = partial(_finding, inquiry.kernel, place)
        yield inquiry.by_run(RULE, f"`{place.name}`", place.span, waiting, partial(_rests, inquiry), found, seen)


def _finding(kernel: Kernel, place: Place, _: Arrival) -> Finding:
    edits = leaving(kernel, place.name, f"after {A_WHILE}")
    return Finding(
        f"a run can wait in `{place.name}` for ever",
        place.span,
        "only somebody outside ends this wait",
        why=("no call runs, no timer that leaves it is armed, and the flow has no deadline.",),
        fixes=(Fix('add `after …`, a `deadline`, or `wait forever "why"`', trials=edits),),
    )


def _meant(inquiry: Inquiry, name: str) -> bool:
    """Whether the text says that a wait is meant, there or around it."""
    return any(inquiry.kernel.place[around].waits is not None for around in inquiry.kernel.above(name))


def blamed(inquiry: Inquiry, configuration: Configuration) -> str:
    """Of the states that wait, the first that is not meant to."""
    blamed = inquiry.blamed(configuration)
    leaves = [leaf for leaf in configuration if inquiry.kernel.leaf[leaf].kind is LeafKind.STATE]
    return next((leaf for leaf in leaves if not _meant(inquiry, leaf)), blamed)


def _waits(inquiry: Inquiry, node: Node) -> list[Arrival]:
    """Evidence that a node waits for somebody: no timer leaves it, and something is accepted (else it is F003)."""
    if not inquiry.possible(node, inquiry.encoder.any(*(term for _, term in accepts(inquiry, node)))):
        return []
    leaves = _leaves_in_time(inquiry, node)
    found = inquiry.lacking(node, leaves, leaves)
    return [arrival for arrival in found if not arrival.real or not accepts_nothing(inquiry, node, arrival)]


def _leaves_in_time(inquiry: Inquiry, node: Node) -> Term:
    """That a timer which is armed leaves the state when it falls due, to the end of its step (where it may stay)."""
    known = _known(node)
    parts = [known[timer] if timer in known else _fired(inquiry, node, timer) for timer in sorted(node.control.timers)]
    ends = (end for each in parts for end in inquiry.ends(each))
    return inquiry.encoder.any(*(end.condition for end in ends if end.left))


def _known(node: Node) -> dict[str, Sequence[Fan]]:
    """What the timers do that may come first."""
    return {reaction.move.name: reaction.parts for reaction in node.reactions if reaction.move.kind is MoveKind.TIMER}


def _passed_over(inquiry: Inquiry, node: Node) -> Iterator[Fan]:
    """What the others would do, that something always comes before, where there is something to undo."""
    stands = any(segment.kinds for segment in node.control.log)
    for timer in sorted(node.control.timers - _known(node).keys()) if stands else ():
        yield from _fired(inquiry, node, timer)


def _fired(inquiry: Inquiry, node: Node, timer: str) -> list[Fan]:
    """What a timer would do that others always come before: also behind a compensation that has nothing to undo."""
    passages = inquiry.states.passages
    parts = [passages.of(node.control.rest, On(TriggerKind.TIMER, timer))]
    nothing = not any(segment.kinds for segment in node.control.log)
    for part in parts:
        undoing = (each for each in part.passages if isinstance(each.target, Undo) and nothing)
        parts += [fan for fan in map(passages.after, undoing) if fan not in parts]
    return parts


def _rests(inquiry: Inquiry, arrival: Arrival) -> bool:
    at, node = arrival.instance, inquiry.node(arrival)
    if node is None or not quiet(node) or accepts_nothing(inquiry, node, arrival):
        return False
    leaves = _leaves_in_time(inquiry, node)
    return inquiry.states.ask(inquiry.states.exactly(at), leaves).impossible
