"""The rule of what nothing notices, with its page."""

from __future__ import annotations

from ...dsl.diagnostics import Rule

SURVIVES = Rule(
    "F710",
    "unnoticed-change",
    "The flow could be changed here, and no check, property or scenario would notice.",
    """\
`penstock check --mutate` changes a sound flow in one place at a time, as a slip of the pen would, and asks the checks,
then the properties, then the scenarios whether they notice. What none of them notices, and what is not proved to do
the same, is shown. It is no mistake: it says that the text alone says so, and nobody would be told if it were lost.

```flow
flow Door version 1 {
  event knock
  start -> Closed
  state Closed {
    on knock -> Open
    after 1d -> Left
  }
  final Open
  final Left
}
```

Whether one waits a day or two, nothing here says. Said, so that a check fails when it is lost:

```flow
flow Door version 1 {
  event knock
  start -> Closed
  state Closed {
    on knock -> Open
    after 1d -> Left
  }
  final Open
  final Left
  start leads to Open or Left within 1d
  scenario "a knock opens it" {
    start()
    knock
    expect in Open
  }
}
```

`docs/mutation.md` lists what is tried.
""",
)
