"""The rules of what is never used: F7xx warnings. Each is a page for `explain`; its blocks are tested as in
`rules_of_meaning`.
"""

from __future__ import annotations

from .diagnostics import Rule

UNUSED_VARIABLE = Rule(
    "F701",
    "unused-variable",
    "An input that is never read, or a variable that is neither read nor assigned.",
    """\
A variable that is assigned and never read is no mistake: it stands in the record of each instance, for people to see.

```flow
data { attempts: int = 0 }
```

Use it, or leave it out.

```flow
data { attempts: int = 0 }
state Trying { after 1h { attempts = attempts + 1 } -> Done }
```
""",
)

UNHEARD_EVENT = Rule(
    "F702",
    "unheard-event",
    "An event that no state handles, ignores or defers.",
    """\
Whoever sends it is always told that it was rejected.

```flow
event cancel
state Waiting { after 1h -> Done }
```

```flow
event cancel
state Waiting { on cancel -> Done }
```
""",
)

IDLE_ROLE = Rule(
    "F703",
    "idle-role",
    "A role that may send nothing and do nothing.",
    """\
```flow
roles customer, manager
event cancel by customer
state Waiting { on cancel -> Done }
```

```flow
roles customer
event cancel by customer
state Waiting { on cancel -> Done }
```
""",
)

UNCALLED_ACTIVITY = Rule(
    "F704",
    "uncalled-activity",
    "An activity that no state does.",
    """\
Whoever runs the flow would have to implement it for nothing.

```flow
activity look() { readonly }
```

```flow
activity look() { readonly }
state Looking { do look()  on done -> Done  on failed -> Done }
```
""",
)

UNUSED_IMPORT = Rule(
    "F705",
    "unused-import",
    "An import nothing of which is used.",
    """\
Whoever reads the file has to look into the imported one for nothing, and changes of it have this file checked anew.

Leave the line out.
""",
)

UNSENT_MESSAGE = Rule(
    "F706",
    "unsent-message",
    "A message that no update emits.",
    """\
Whoever listens for it would wait in vain.

```flow
emits shipped(tracking: text)
state Waiting { after 1h -> Done }
```

```flow
emits shipped(tracking: text)
state Waiting { after 1h { emit shipped("t-1") } -> Done }
```
""",
)

USE_RULES: tuple[Rule, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
"""Every rule above, in the order of the codes. Keep this the last line."""
