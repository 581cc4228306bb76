"""F401: can a value be assigned, or handed to a call, that is out of its type's range? Asked as `duties` says.

Whether a time may be too large to represent is not asked of runs: where `magnitudes` finds no bound, it is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from ...dsl.diagnostics import Fix, Rule
from ...dsl.source import Span
from . import duties, undoing
from .inquiry import Finding, Inquiry
from .magnitudes import too_large
from .verdict import Answer

RULE = Rule(
    "F401",
    "out-of-range",
    "A value is out of the range of its type.",
    """\
`int 0..3` is a promise. An update that breaks it would stop the run with a fault at that moment.

```flow
flow Retry version 1 {
  data { tries: int 0..3 = 0 }
  event again
  event enough
  start -> Trying
  state Trying {
    on again { tries = tries + 1 } -> Trying
    on enough                      -> Done
    after 1d                       -> Done
  }
  final Done
}
```

The fourth `again` would make it 4. Mended:

```flow
flow Retry version 1 {
  data { tries: int 0..3 = 0 }
  event again
  event enough
  start -> Trying
  state Trying {
    on again when tries < 3 { tries = tries + 1 } -> Trying
    on again else                                 -> Done
    on enough                                     -> Done
    after 1d                                      -> Done
  }
  final Done
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    calls = (leaf.call for leaf in inquiry.kernel.leaves if leaf.call is not None)
    most = {call.each.items.span: call.each.most for call in calls if call.each is not None}
    said = partial(_finding, most)
    yield from duties.check(inquiry, RULE, said)
    yield from undoing.arguments(inquiry, RULE, RULE.code, said)
    source = inquiry.kernel.source
    for span in dict.fromkeys(too_large(inquiry.kernel)):
        subject = f"`{source.slice(span)}` on line {source.line(span)}"
        yield inquiry.unknown(RULE, subject, span, "it may become too large to represent", "bound what it is made from")


def _finding(items: Mapping[Span, int], text: str, span: Span) -> Finding:
    """items: so many of a list may be called for."""
    most = items.get(span)
    if most is not None:
        return Finding(
            f"`{text}` can hold more than the {most} item{'s' if most > 1 else ''} that something is done for at most",
            span,
            "too many items for some data",
            why=("the run would stop here with a fault.",),
            fixes=(Fix("allow more with `at most`, or branch on `len` before"),),
        )
    return Finding(
        f"`{text}` can be out of range",
        span,
        "out of range for some data",
        why=("the run would stop here with a fault.",),
        fixes=(Fix("guard it, or widen the range"),),
    )
