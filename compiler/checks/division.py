"""F403: can a divisor be zero? Asked as `duties` says."""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Fix, Rule
from ...dsl.source import Span
from . import duties, undoing
from .inquiry import Finding, Inquiry
from .verdict import Answer

RULE = Rule(
    "F403",
    "division-by-zero",
    "A divisor can be zero.",
    """\
Nothing can be divided by zero; the run would stop with a fault at that moment.

```flow
flow Share version 1 {
  input { cost: int 0..1000 }
  data  { people: int 0..9 = 0, each: int = 0 }
  event join
  event close
  start -> Open
  state Open {
    on join when people < 9 { people = people + 1 } -> Open
    on join else                                    -> Open
    on close { each = cost / people }               -> Closed
    after 7d                                        -> Closed
  }
  final Closed
}
```

Nobody may have joined. Mended:

```flow
flow Share version 1 {
  input { cost: int 0..1000 }
  data  { people: int 0..9 = 0, each: int = 0 }
  event join
  event close
  start -> Open
  state Open {
    on join when people < 9 { people = people + 1 }   -> Open
    on join else                                      -> Open
    on close when people > 0 { each = cost / people } -> Closed
    on close else                                     -> Closed
    after 7d                                          -> Closed
  }
  final Closed
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    yield from duties.check(inquiry, RULE, _finding)
    yield from undoing.arguments(inquiry, RULE, RULE.code, _finding)


def _finding(text: str, span: Span) -> Finding:
    return Finding(
        f"`{text}` can divide by zero",
        span,
        "the divisor can be zero",
        why=("the run would stop here with a fault.",),
        fixes=(Fix("test the divisor before"),),
    )
