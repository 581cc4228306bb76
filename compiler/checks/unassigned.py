"""F502: can a task `for person` be opened for the empty text, which names nobody? Asked as `duties` says."""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Fix, Rule
from ...dsl.source import Span
from . import duties
from .inquiry import Finding, Inquiry
from .verdict import Answer

RULE = Rule(
    "F502",
    "task-for-nobody",
    "A task is for the person that a text names, and the text may be empty.",
    """\
`task review for person owner` is for whoever `owner` names when the task is opened. The empty text names nobody, and a
task that nobody may do is not opened: the run would stop there with a fault.

```flow
flow Contract version 1 {
  input { owner: text }
  start -> Reviewing
  state Reviewing {
    task review for person owner { title "Review the contract" }
    on review -> Reviewed
    after 7d  -> Reviewed
  }
  final Reviewed
}
```

Mended: say what happens without an owner.

```flow
flow Contract version 1 {
  input { owner: text }
  roles lawyer
  start -> Owned
  choice Owned {
    when owner == "" -> Pool
    else             -> Reviewing
  }
  state Reviewing {
    task review for person owner { title "Review the contract" }
    on review -> Reviewed
    after 7d  -> Reviewed
  }
  state Pool {
    task take for lawyer { title "Review a contract that has no owner" }
    on take  -> Reviewed
    after 7d -> Reviewed
  }
  final Reviewed
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    return duties.check(inquiry, RULE, _finding)


def _finding(text: str, span: Span) -> Finding:
    return Finding(
        f"`{text}` can be empty here, and the task would be for nobody",
        span,
        "empty for some runs",
        why=("the run would stop here with a fault.",),
        fixes=(Fix(f'test it before, `{text} == ""`, and say what happens then'),),
    )
