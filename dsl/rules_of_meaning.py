"""The rules of meaning: E2xx names, E3xx types. Each is a page for `explain`.

In a page the first `flow` block shows the mistake and the second one mends it; a test analyses both, each inside a flow
that starts in `Done`.
"""

from __future__ import annotations

from .diagnostics import Rule

# ---------------------------------------------------------------- E2xx: names

UNKNOWN_NAME = Rule(
    "E201",
    "unknown-name",
    "A name that nothing in the flow declares.",
    """\
Every state, role, event, activity, type and variable is declared somewhere in the file; the order does not matter.

```flow
event cancel by custmer
roles customer
```

Usually it is a slip, and the message names what was probably meant.

```flow
event cancel by customer
roles customer
```
""",
)

DUPLICATE_NAME = Rule(
    "E202",
    "duplicate-name",
    "One name for two things of one kind.",
    """\
States, choices and finals of one block share their names, and so do inputs and data, events and tasks, activities and
compensations. What a handler binds may not hide a variable either, or a reader could not tell which one is meant.

```flow
data { amount: int = 0 }
event pay(amount: int)
state Waiting { on pay(amount) -> Done }
```

Give the second one a name of its own.

```flow
data { amount: int = 0 }
event pay(amount: int)
state Waiting { on pay(paid) { amount = paid } -> Done }
```
""",
)

AMBIGUOUS_NAME = Rule(
    "E203",
    "ambiguous-name",
    "A name that can mean two things where it stands.",
    """\
An enum member is written without its enum; what is expected at its place tells which one is meant. Where nothing does,
two enums with such a member leave it open.

```flow
enum Answer { yes, no, open }
enum Door { open, shut }
event asked
state Asking { on asked when open == open -> Done }
```

Compare with something that has a type.

```flow
enum Answer { yes, no, open }
enum Door { open, shut }
data { answer: Answer = open }
event asked
state Asking { on asked when answer == open -> Done }
```
""",
)

MISPLACED_NAME = Rule(
    "E204",
    "misplaced-name",
    "A name that exists, but not for this place.",
    """\
A role stands where a state is needed, an input is assigned, `result` is used outside its activity, or a handler asks
`compensating`, which only properties and expectations may.

```flow
input { total: int }
state Waiting { after 1h { total = 0 } -> Done }
```

Inputs stay as they were given at the start; what changes is `data`.

```flow
data { total: int = 1 }
state Waiting { after 1h { total = 0 } -> Done }
```
""",
)

UNACCEPTABLE = Rule(
    "E205",
    "unacceptable-code",
    "`accept` with a code that does not exist or cannot be accepted.",
    """\
Most findings can be accepted at their place, with a reason. Those that make the run itself unsafe cannot: F003, F006,
F008, F101, F102, F104, F301, F302 and F401 to F403. Warnings need no acceptance.

```flow
accept F101 "nobody will notice"
```

Mend what the finding shows, or accept one that may be.

```flow
accept F201 "a customer may take years to answer"
```
""",
)

CIRCULAR_TYPE = Rule(
    "E206",
    "circular-type",
    "A type that is declared by means of itself.",
    """\
```flow
type Money = Price
type Price = Money
```

One of them has to say what it is made of.

```flow
type Money = decimal(2)
type Price = Money
```
""",
)

# ---------------------------------------------------------------- E3xx: types and meaning

WRONG_TYPE = Rule(
    "E301",
    "wrong-type",
    "A value of one type where another is needed.",
    """\
Only what loses nothing is converted: an int to a decimal, a decimal to one with more places, a `T` to a `T?`. A `T?`
may be read where a `T` is needed; that it is not `none` there is proved by F402.

```flow
data { note: text = 3 }
```

Text is not made from numbers, nothing is rounded, and there is no truth but `true` and `false`.

```flow
data { note: text = "three" }
```
""",
)

WRONG_COUNT = Rule(
    "E302",
    "wrong-count",
    "More or fewer values than there are places for them.",
    """\
Values are passed and bound by position: each parameter of an activity takes one, each value an event brings is named
or left out with `_`. A handler without parentheses binds nothing.

```flow
event pay(amount: int, note: text)
state Waiting { on pay(amount) -> Done }
```

```flow
event pay(amount: int, note: text)
state Waiting { on pay(amount, _) -> Done }
```
""",
)

OUT_OF_RANGE = Rule(
    "E303",
    "constant-out-of-range",
    "A constant outside what its place can hold.",
    """\
A literal outside its type's range, a decimal with more digits after the point than its type holds, an empty range, no
attempts at all, a backoff that begins above its limit, a timer that counts back. What is computed is proved to stay in
its range by F401.

```flow
data { copies: int 1..100 = 0 }
```

```flow
data { copies: int 1..100 = 1 }
```
""",
)

MISSING_PART = Rule(
    "E304",
    "missing-part",
    "Something is left out that has no default.",
    """\
A flow without `start`, a variable without an initial value (only a `T?` starts by itself, as `none`), a scenario that
does not begin with `start(..)` or leaves an input out, an `accept` without a reason.

```flow
data { attempts: int }
```

```flow
data { attempts: int = 0 }
```
""",
)

WRONG_OPERAND = Rule(
    "E305",
    "wrong-operand",
    "An operator between values it is not defined for.",
    """\
Numbers, durations and instants have an order; only numbers and times are computed with. `/` and `%` are for whole
numbers, because most decimals cannot be divided exactly and nothing is rounded silently.

```flow
data { total: decimal(2) = 10.00, share: decimal(2) = 0.00 }
state Sharing { after 1h { share = total / 4 } -> Done }
```

Multiply by a fraction, or let an activity do the rounding.

```flow
data { total: decimal(2) = 10.00, share: decimal(4) = 0.00 }
state Sharing { after 1h { share = total * 0.25 } -> Done }
```
""",
)

NOT_CONSTANT = Rule(
    "E306",
    "not-constant",
    "Something that changes where a constant is needed.",
    """\
Initial values of data, and the values given in a scenario, are the same in every run.

```flow
input { limit: int }
data { left: int = limit }
```

What depends on an input is assigned where the flow starts.

```flow
input { limit: int }
data { left: int = 0 }
state Counting { after 1h { left = limit } -> Done }
```
""",
)

NO_SUCH_TRIGGER = Rule(
    "E307",
    "no-such-trigger",
    "A handler for something that can never happen in its state.",
    """\
A state sees the outcomes of its own `do` and the completion of its own tasks. An activity that is parked when its
attempts are used up never answers `timeout` or `failed`.

```flow
state Waiting {
  on failed -> Done
  after 1h  -> Done
}
```

Handle an outcome in the state that starts the activity.

```flow
activity look() { readonly }
state Looking {
  do look()
  on done   -> Done
  on failed -> Done
}
```
""",
)

CONTRADICTION = Rule(
    "E308",
    "contradiction",
    "Two lines that cannot both hold, or one thing said twice.",
    """\
Two timeouts of one activity, `readonly` beside `compensate`, an event that is ignored and handled without condition, an
`else` without a `when` before it, one compensation called in two ways, a role that is named twice for one task.

```flow
activity pay(amount: int) { timeout 10s readonly timeout 20s }
```

No order of lines decides anything, so neither of them wins.

```flow
activity pay(amount: int) { timeout 10s readonly }
```
""",
)

TOO_MANY_STATES = Rule(
    "E309",
    "too-many-states",
    "More states than a flow may have.",
    """\
A flow may have 10,000 states. Nobody can review more than that; such a flow is several flows, one file each.
""",
)

SUB_FLOW = Rule(
    "E310",
    "sub-flow-refused",
    "A flow that another one cannot do.",
    """\
A flow may do itself, and F206 asks whether that ends; but flows that do each other in a circle are refused. A flow
whose inputs or outputs have mistakes, or a type that is declared inside it, cannot be called from outside.

```flow
input { speed: enum { slow, fast } }          # wrong: a type that only this flow knows
state Again { do flow Example(speed: speed)  on done -> Done  on failed -> Done }
```

Declare the type outside the flow; and let one of the circle do an activity instead.

```flow
activity look() { readonly }
state Looking { do look()  on done -> Done  on failed -> Done }
```
""",
)

INTO_REGION = Rule(
    "E311",
    "into-region",
    "A way that leads into a region from outside it.",
    """\
A parallel state is always in one state of each of its regions, so all of them are entered together, each at its start,
and only a region itself moves on within it. A compensation leaves every state, so it cannot end in a region either.

```flow
parallel Checks {
  region Legal   { start -> Reading   state Reading { after 1h -> Agreed }  final Agreed }
  region Finance { start -> Counting  state Counting { after 1h -> Legal.Agreed }  final Paid }
  on all done -> Done
}
```

Lead to the parallel state, or to what follows it; what one region waits for in another is asked with `in`.

```flow
parallel Checks {
  region Legal   { start -> Reading   state Reading { after 1h -> Agreed }  final Agreed }
  region Finance { start -> Counting  state Counting { after 1h -> Paid }  final Paid }
  on all done -> Done
}
```
""",
)

MISPLACED_PART = Rule(
    "E312",
    "misplaced-part",
    "A line that this kind of state cannot have.",
    """\
Activities are done in the states that have no states in them; a final ends the flow, or a region. `on all done` and its
like belong to a parallel state: they are taken as soon as they hold, so they have no condition and do not `stay`. A
timer comes once, so it has no condition either: lead it to a choice. `-> resume S` needs states in S.

```flow
activity look() { readonly }
state Outer {
  start -> Inner
  do look()
  on done   -> Done
  on failed -> Done
  state Inner { after 1h -> Done }
}
```

```flow
activity look() { readonly }
state Outer {
  start -> Inner
  state Inner { do look() }
  on done   -> Done
  on failed -> Done
}
```
""",
)

START_LEADS_OUT = Rule(
    "E313",
    "start-leads-out",
    "A state or region whose start leads out of it.",
    """\
Whoever enters a state that has states in it comes to rest in one of them, whatever choices lie on the way.

```flow
state Outer {
  start -> Done
  state Inner { after 1h -> Done }
}
```

```flow
state Outer {
  start -> Inner
  state Inner { after 1h -> Done }
}
```
""",
)

RESERVED_EVENT = Rule(
    "E321",
    "reserved-event",
    "A flow sends an event that only people of some role may send.",
    """\
A flow has no role, so the event would always be rejected.

```flow
roles customer
event cancel by customer
state Waiting { after 1h { send Example.cancel() to "e-1" } -> Done }
```

Leave out `by`, and anyone may send it, flows and people.

```flow
event cancel
state Waiting { after 1h { send Example.cancel() to "e-1" } -> Done }
```
""",
)

MEANING_RULES: tuple[Rule, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
"""Every rule above, in the order of the codes. Keep this the last line."""
