"""F402: can a `T?` be read, where a `T` is needed, while it is none? Asked as `duties` says."""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Fix, Rule
from ...dsl.source import Span
from . import duties
from .inquiry import Finding, Inquiry
from .verdict import Answer

RULE = Rule(
    "F402",
    "unset-read",
    "A value that may be none is read where there must be one.",
    """\
`text?` may be `none`. Where a `text` is needed, the compiler must know that it is there.

```flow
flow Greeting version 1 {
  data { name: text? }
  event introduce(who: text)
  activity greet(name: text) { retry 2 backoff 1s..2s readonly }
  start -> Waiting
  state Waiting {
    on introduce(who) { name = who } -> Greeting
    after 1h                         -> Greeting
  }
  state Greeting {
    do greet(name)
    on done   -> Met
    on failed -> Met
  }
  final Met
}
```

After an hour nobody has said a name. Mended:

```flow
flow Greeting version 1 {
  data { name: text? }
  event introduce(who: text)
  activity greet(name: text) { retry 2 backoff 1s..2s readonly }
  start -> Waiting
  state Waiting {
    on introduce(who) { name = who } -> Greeting
    after 1h                         -> Met
  }
  state Greeting {
    do greet(name)
    on done   -> Met
    on failed -> Met
  }
  final Met
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    return duties.check(inquiry, RULE, _finding)


def _finding(text: str, span: Span) -> Finding:
    return Finding(
        f"`{text}` can be none here, where a value is needed",
        span,
        "none for some runs",
        why=("the run would stop here with a fault.",),
        fixes=(Fix(f"test it before, `{text} is some`, or set it on every way here"),),
    )
