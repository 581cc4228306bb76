"""What validation has to say of a module: rules with their pages, and findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...dsl.diagnostics import Rule
from ...dsl.model import Value
from ...dsl.source import Span

OTHERWISE = Rule(
    "F901",
    "does-otherwise",
    "A function of a generated module does not do what the flow says.",
    """\
`penstock verify` reads the Python of a generated module, without running it, and has Z3 prove of each function that it
ends as the flow says: with the same data, move, messages, calls, timers and tasks, or in the same Fault, for all values
there are. For this one there are values for which it does not. The finding names them, and what each side does then:

```
error[F901]: `review` in Approval does not do what the flow says
  with  verdict = refuse
  flow  (OrderData(..), rules.Undo(Cancelled))
  code  (OrderData(..), rules.Goto(Charging))
```

Somebody has edited the module, or it was generated from another flow, or the generator has a fault. `penstock build`
writes it anew; if it still says so then, report it. `docs/translation.md` says what is proved and what is trusted.
""",
)
DECLARES = Rule(
    "F902",
    "declares-otherwise",
    "A table or a class of a generated module is not what the flow says.",
    """\
Classes, tables and methods of a generated module are compared with what the flow demands of them: states, events and
their fields, which function answers which trigger, what an activity is called with, how often it is tried, who may send
an event. Here they differ, or importing the module would fail. A module that is older than its flow says so as well:

```
error[F902]: it was generated from another text of the flow
error[F902]: states, Approval, timers lacks "Approval.after1"
```

`penstock build` writes it anew; `penstock build --check` shows all that has changed.
""",
)
FOREIGN = Rule(
    "F903",
    "not-as-generated",
    "A module has something in it that penstock does not write.",
    """\
`penstock verify` reads what generated modules are made of, and no more of Python than that. What it cannot read it does
not guess at: an import, a decorator, a loop, a name that is bound twice, a function that nothing asks.

```
error[F903]: `While` is not what penstock writes
```

What a flow does not say belongs beside its module, not in it: in the implementation of its activities, for instance.
`penstock build` writes the module anew.
""",
)

RULES = (OTHERWISE, DECLARES, FOREIGN)


@dataclass(frozen=True, slots=True)
class Witness:
    """Values for which the two differ, and what each then does. values: those that matter, as text; given: all."""

    values: tuple[tuple[str, str], ...]
    spec: str
    module: str
    given: Mapping[str, Value] = field(default_factory=dict[str, Value], compare=False)
    active: tuple[str, ...] = ()  # places, where a guard asks for them


@dataclass(frozen=True, slots=True)
class Finding:
    """line: of the module. span: the place in the flow that says otherwise. function: of the module, if it is one."""

    rule: Rule
    line: int
    message: str
    span: Span | None = None
    witness: Witness | None = None
    function: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """Something that was neither proved nor refuted: the line of the function, and why."""

    line: int
    what: str
    why: str
