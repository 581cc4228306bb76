"""F008: is there an answer of a call, or a task, that the state it belongs to says nothing about?

Read off the text, for every state that a run enters and rests in. Whether guards cover all data is F007's question.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial

from ...dsl.diagnostics import Fix, Label, Rule
from ..kernel import FAILED, TIMEOUT, Leaf, On, Place, TriggerKind
from .control import Control
from .inquiry import Finding, Inquiry
from .mends import leaving
from .verdict import Answer

RULE = Rule(
    "F008",
    "unhandled-outcome",
    "Nothing handles an answer of a call, or the completion of a task.",
    """\
An event may be rejected, with an error to its sender. The answer of a call has no sender to tell, and neither has a
task that a person has completed: each must be handled in the state that asked for it.

```flow
flow Print version 1 {
  activity print_label() -> text { retry 2 backoff 1s..2s fails no_paper readonly }
  start -> Printing
  state Printing {
    do print_label()
    on done(_)  -> Printed
    on no_paper -> Stopped
  }
  final Printed
  final failure Stopped
}
```

`print_label` may also time out, or fail otherwise. Mended:

```flow
flow Print version 1 {
  activity print_label() -> text { retry 2 backoff 1s..2s fails no_paper readonly }
  start -> Printing
  state Printing {
    do print_label()
    on done(_)  -> Printed
    on no_paper -> Stopped
    on failed   -> Stopped
  }
  final Printed
  final failure Stopped
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    for place in inquiry.kernel.place.values():
        if inquiry.entered[place.name] and (place.tasks or (isinstance(place, Leaf) and place.call is not None)):
            yield _of(inquiry, place)


def _of(inquiry: Inquiry, place: Place) -> Answer:
    kernel = inquiry.kernel
    subject = f"`{place.name}`"
    missing: list[str] = []
    tasks: set[str] = set()
    others: list[Label] = []
    if isinstance(place, Leaf) and place.call is not None:
        activity = kernel.activity[place.call.activity]
        outcomes = [(outcome, On(TriggerKind.OUTCOME, outcome)) for outcome in kernel.outcomes(activity)]
        missing += [f"`{outcome}`" for outcome, on in outcomes if (place.name, on) not in kernel.answering]
        if missing:
            others.append(Label(place.call.span, f"may answer {_listed(missing)}"[:60]))
    for task in place.tasks:
        if (place.name, On(TriggerKind.TASK, task.name)) not in kernel.answering:
            missing.append(f"the task `{task.name}`")
            tasks.add(task.name)
            others.append(Label(task.span, "may be completed"))
    seen = partial(inquiry.enters, place.name, f"enters `{place.name}`, which handles every answer")
    if not missing:
        return inquiry.proved(RULE, subject, place.span, seen)
    finding = Finding(
        f"nothing in `{place.name}` handles {_listed(missing)}",
        place.span,
        "says nothing about it",
        others=tuple(others),
        why=("an answer that nothing handles would leave the instance waiting for ever.",),
        fixes=(
            Fix(
                f"add `on {_first(missing)} -> …`",
                trials=leaving(kernel, place.name, f"on {_first(missing)}"),
            ),
        ),
    )
    calls = {place.name} if len(tasks) < len(missing) else set[str]()
    controls = ((edge, inquiry.graph.nodes[edge.target].control) for edge in inquiry.entered[place.name])
    arrivals = [edge.arrival for edge, control in controls if _waits(control, calls, tasks)]
    left = partial(inquiry.enters, place.name, f"enters `{place.name}`, and leaves it in the same step")
    return inquiry.by_run(RULE, subject, place.span, arrivals, lambda _: True, lambda _: finding, left)


def _waits(control: Control, calls: Collection[str], tasks: Collection[str]) -> bool:
    """Whether a run rests with a call of one of these leaves, or one of these tasks: of a state that it has entered, it
    does not where a join follows in the same step."""
    called = any(leaf in calls for leaf, *_ in control.running)
    return control.resting and (called or any(task in tasks for task in control.tasks))


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _first(missing: list[str]) -> str:
    """`failed` covers the failures that are not named."""
    name = missing[0].removeprefix("the task ").strip("`")
    return FAILED if name == TIMEOUT else name
