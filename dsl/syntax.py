"""The tree as written: what `parse` makes of one text and `resolve` takes; names are not looked up, nothing is typed.

Every node carries the span it was written in. Blocks keep their members in the order of the text, repeated ones too:
whether something may be said twice is `resolve`'s question.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from .model import StateKind
from .source import Span
from .values import dataclass

# ---------------------------------------------------------------- names and expressions


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier where it is declared or used, or the path of a node, `Outer.Inner`; as an expression: a variable, a
    parameter, an enum member, `now`, `result`, `compensating`, `elapsed`."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Literal:
    """`true`, `3`, `1000.00`, `"text"`, `72h`, `@2026-01-31T12:00:00Z` (made UTC) or `none` (None)."""

    value: bool | int | Decimal | str | timedelta | datetime | None
    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    op: str  # not, -
    operand: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    op: str  # and or implies == != < <= > >= + - * / %
    left: Expr
    right: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Conditional:
    """`if C then A else B`."""

    condition: Expr
    then: Expr
    otherwise: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class OneOf:
    """`x in {a, b}`."""

    operand: Expr
    members: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class IsNone:
    """`x is none`; negated: `x is some`."""

    operand: Expr
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """`len(x)`, `min(a, b)`, ..; in properties and expectations also `done(activity)` and `count(activity)`."""

    function: Name
    args: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class InState:
    """`in S`, `in Outer.Inner`."""

    state: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Select:
    """`order.total`: a field of a record."""

    operand: Expr
    name: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Argument:
    """`name: E`."""

    name: Name
    value: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class NewRecord:
    """`Address(street: "Main", city: "Bern")`."""

    name: Name
    args: tuple[Argument, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class NewList:
    """`[a, b]`."""

    items: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Contains:
    """`x in items`."""

    operand: Expr
    items: Expr
    span: Span


Expr = (
    Name | Literal | Unary | Binary | Conditional | OneOf | IsNone | Call | InState
    | Select | NewRecord | NewList | Contains
)  # fmt: skip

# ---------------------------------------------------------------- types


@dataclass(frozen=True, slots=True)
class NamedType:
    """`bool`, `int`, `text`, `duration`, `instant`, or a declared enum or type."""

    name: Name
    span: Span


@dataclass(frozen=True, slots=True)
class RangedInt:
    """`int 1..100`; both ends are included. Whether low <= high is not asked here."""

    low: int
    high: int
    span: Span


@dataclass(frozen=True, slots=True)
class DecimalPlaces:
    """`decimal(2)`."""

    places: int
    span: Span


@dataclass(frozen=True, slots=True)
class InlineEnum:
    """`enum { accept, refuse }` written where a type is needed."""

    members: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Optional:
    """`T?`."""

    item: TypeExpr
    span: Span


@dataclass(frozen=True, slots=True)
class List:
    """`list<T> at most 20`; `most` is None where it is not said."""

    item: TypeExpr
    most: int | None
    span: Span


TypeExpr = NamedType | RangedInt | DecimalPlaces | InlineEnum | Optional | List


@dataclass(frozen=True, slots=True)
class Field:
    """`name: T`, or in `data`, `name: T = E`: a field of `input`, `data`, a record or a form, or a parameter."""

    name: Name
    type: TypeExpr
    initial: Expr | None
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class EnumDeclaration:
    name: Name
    members: tuple[Name, ...]
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class TypeDeclaration:
    """`type Money = decimal(2)`."""

    name: Name
    type: TypeExpr
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class RecordDeclaration:
    name: Name
    fields: tuple[Field, ...]
    doc: str
    span: Span


Declaration = EnumDeclaration | TypeDeclaration | RecordDeclaration

# ---------------------------------------------------------------- declarations of a flow


@dataclass(frozen=True, slots=True)
class Version:
    """`version 1`, in the flow's head or as a line of its own."""

    number: int
    span: Span


@dataclass(frozen=True, slots=True)
class Input:
    fields: tuple[Field, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Data:
    fields: tuple[Field, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Roles:
    names: tuple[Name, ...]
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class EventDeclaration:
    """`event approve(limit: Money) by manager, lead`. No roles: anyone."""

    name: Name
    params: tuple[Field, ...]
    roles: tuple[Name, ...]
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Emits:
    """`emits shipped(tracking: text)`."""

    name: Name
    params: tuple[Field, ...]
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Timeout:
    """`timeout 10s`; the literal's value is a timedelta."""

    duration: Literal
    span: Span


@dataclass(frozen=True, slots=True)
class Retry:
    """`retry 3 backoff 1s..30s [jitter 20%] [then park]`, or `retry forever ..` (attempts None). No `backoff`: first
    and limit are None. The literals' values are an int and timedeltas; jitter is a fraction (`0.2`)."""

    attempts: Literal | None
    first: Literal | None
    limit: Literal | None
    jitter: Decimal
    park: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`heartbeat 30s`; the literal's value is a timedelta."""

    duration: Literal
    span: Span


@dataclass(frozen=True, slots=True)
class Breaker:
    """`breaker 5 in 1m cool 30s`; the literals' values are an int and timedeltas."""

    failures: Literal
    window: Literal
    cool: Literal
    span: Span


@dataclass(frozen=True, slots=True)
class Limit:
    """`limit 10 per 1s`; the literals' values are an int and a timedelta."""

    attempts: Literal
    per: Literal
    span: Span


@dataclass(frozen=True, slots=True)
class Fails:
    """One of `fails out_of_stock, declined 2%`; the rate is a fraction (`0.02`), None where none is stated."""

    name: Name
    rate: Decimal | None
    span: Span


@dataclass(frozen=True, slots=True)
class Attempt:
    """`attempt fails 1%`: how often one attempt times out or fails, as a fraction (`0.01`)."""

    rate: Decimal
    span: Span


@dataclass(frozen=True, slots=True)
class Ensures:
    condition: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Compensate:
    """`compensate release_stock(result) [{ timeout 10s retry 5 backoff 1s..1m }]`."""

    name: Name
    args: tuple[Expr, ...]
    clauses: tuple[Timeout | Retry, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Readonly:
    span: Span


@dataclass(frozen=True, slots=True)
class Irreversible:
    span: Span


Guarding = Heartbeat | Breaker | Limit
ActivityClause = Timeout | Retry | Guarding | Fails | Attempt | Ensures | Compensate | Readonly | Irreversible


@dataclass(frozen=True, slots=True)
class ActivityDeclaration:
    name: Name
    params: tuple[Field, ...]
    result: TypeExpr | None
    clauses: tuple[ActivityClause, ...]
    doc: str
    span: Span


# ---------------------------------------------------------------- behaviour


@dataclass(frozen=True, slots=True)
class Assign:
    """`name = E` in an update block."""

    name: Name
    value: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Emit:
    """`emit shipped(tracking)`."""

    message: Name
    args: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Send:
    """`send Billing.invoice(total) to key`."""

    flow: Name
    event: Name
    args: tuple[Expr, ...]
    key: Expr
    span: Span


Update = Assign | Emit | Send


@dataclass(frozen=True, slots=True)
class Goto:
    """`-> S`, `-> resume S`; the name may be a path, `Outer.Inner`."""

    node: Name
    span: Span
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Undo:
    """`-> compensate [since M] -> S`."""

    since: Name | None
    node: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Stay:
    """`stay`."""

    span: Span


Target = Goto | Undo | Stay


@dataclass(frozen=True, slots=True)
class On:
    """`on NAME(a, _, c)`; params None: written without parentheses, nothing is bound."""

    name: Name
    params: tuple[Name, ...] | None
    span: Span


@dataclass(frozen=True, slots=True)
class Join:
    """`on all done`, `on 2 done`, `on any done`, `on any failure`; the name is what stands after `on`."""

    name: str
    count: int | None
    span: Span


@dataclass(frozen=True, slots=True)
class After:
    """`after 72h [since S]`, any expression."""

    duration: Expr
    since: Name | None
    span: Span


@dataclass(frozen=True, slots=True)
class At:
    """`at E`."""

    moment: Expr
    span: Span


Occasion = On | Join | After | At


@dataclass(frozen=True, slots=True)
class Handler:
    """`TRIGGER [when GUARD | else] [{ updates }] TARGET`."""

    trigger: Occasion
    guard: Expr | None
    otherwise: bool
    updates: tuple[Update, ...]
    target: Target
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Each:
    """`for item in items [at most 5] [until 2 done]`."""

    name: Name
    items: Expr
    most: int | None
    quota: int | None
    span: Span


@dataclass(frozen=True, slots=True)
class Do:
    """`do activity(args)`, `do for ..: activity(args)`; or `do flow NAME(name: value)`, whose arguments are `named`
    (else None)."""

    activity: Name
    args: tuple[Expr, ...]
    span: Span
    named: tuple[Argument, ...] | None = None
    each: Each | None = None


@dataclass(frozen=True, slots=True)
class Title:
    """`title "Approve {total}"`: text and the expressions in braces, as written; `{{` and `}}` are plain braces."""

    parts: tuple[str | Expr, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Form:
    fields: tuple[Field, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Due:
    duration: Literal
    span: Span


@dataclass(frozen=True, slots=True)
class Escalate:
    """`escalate to director after 24h`."""

    role: Name
    after: Literal
    span: Span


@dataclass(frozen=True, slots=True)
class Except:
    """One of `except actor of start, review`: the moment (`start`, an event or a task) whose actor is shut out."""

    moment: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Remind:
    """`remind every 8h [at most 3]`."""

    every: Literal
    most: Literal | None
    span: Span


TaskClause = Title | Form | Due | Escalate | Remind | Except


@dataclass(frozen=True, slots=True)
class Person:
    """`for person owner`: whom the text names."""

    id: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Doer:
    """`for actor of draft`: who did that task last (or `start`)."""

    moment: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Task:
    """`task review for manager, lead [{ .. }]`, `for person owner`, `for actor of draft`."""

    name: Name
    whom: tuple[Name, ...] | Person | Doer
    clauses: tuple[TaskClause, ...]
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Ignore:
    names: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Defer:
    """`defer cancel [at most 3]`."""

    names: tuple[Name, ...]
    most: int | None
    span: Span


@dataclass(frozen=True, slots=True)
class WaitForever:
    reason: str
    span: Span


@dataclass(frozen=True, slots=True)
class Accept:
    """`accept F202 "reason"`, in a state or in the flow."""

    code: Name
    reason: str
    span: Span


@dataclass(frozen=True, slots=True)
class State:
    """`state S { .. }`, `parallel P { .. }` or `region R { .. }`."""

    name: Name
    members: tuple[StateMember, ...]
    doc: str
    span: Span
    kind: StateKind = StateKind.PLAIN


@dataclass(frozen=True, slots=True)
class Branch:
    """`when GUARD [{ updates }] -> S`, or `else [{ updates }] -> S` (guard None)."""

    guard: Expr | None
    updates: tuple[Update, ...]
    target: Goto | Undo
    span: Span


@dataclass(frozen=True, slots=True)
class Choice:
    name: Name
    branches: tuple[Branch, ...]
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Final:
    name: Name
    failure: bool
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Start:
    """`start [{ updates }] -> S`."""

    updates: tuple[Update, ...]
    target: Goto
    doc: str
    span: Span


StateMember = Do | Task | Handler | Ignore | Defer | WaitForever | Accept | Start | State | Choice | Final


@dataclass(frozen=True, slots=True)
class Deadline:
    """`deadline 5d [{ updates }] -> compensate -> Expired`."""

    duration: Expr
    updates: tuple[Update, ...]
    target: Goto | Undo
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of the day, `02:00 UTC`."""

    hour: int
    minute: int
    span: Span


@dataclass(frozen=True, slots=True)
class Schedule:
    """`every day at 02:00 UTC`, `every monday at 09:30 UTC`, `every "*/5 * * * *"`, each perhaps with inputs in
    parentheses. `day`: the name of a weekday (None: every day); `at`: the time of the day, or the text of all."""

    day: Name | None
    at: Clock | Literal
    inputs: tuple[Argument, ...]
    span: Span


# ---------------------------------------------------------------- properties and scenarios


@dataclass(frozen=True, slots=True)
class Always:
    """`always E`; negated: `never E`."""

    condition: Expr
    negated: bool
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Reach:
    """`reach S [when E]`."""

    state: Name
    condition: Expr | None
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class LeadsTo:
    """`A leads to B [within D]`; trigger None: `start leads to B`."""

    trigger: Expr | None
    goal: Expr
    within: Literal | None
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Actor:
    """`by manager ["ann"]`, `by "ann"`."""

    role: Name | None
    person: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class GivenStart:
    """`start [by role ["name"]] (a: 1, ..)`."""

    actor: Actor | None
    args: tuple[Argument, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class GivenOutcome:
    """`charge_card done("p")`, `charge_card declined`."""

    activity: Name
    outcome: Name
    values: tuple[Expr, ...] | None  # None: no parentheses
    span: Span


@dataclass(frozen=True, slots=True)
class GivenEvent:
    """`cancel [by role ["name"]] [(a: 1, ..)]`, an event or a task; rejected: written after `expect rejected`."""

    name: Name
    actor: Actor | None
    args: tuple[Argument, ...]
    rejected: bool
    span: Span


@dataclass(frozen=True, slots=True)
class GivenWait:
    """`after 72h` in a scenario."""

    duration: Literal
    span: Span


@dataclass(frozen=True, slots=True)
class Expect:
    condition: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class ExpectCompensated:
    """`expect compensated refund, release_stock`; no names: `expect compensated none`."""

    names: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class GivenDelegation:
    """`delegate review [by role ["name"]] to "bob"`; rejected: written after `expect rejected`."""

    task: Name
    actor: Actor | None
    to: str
    rejected: bool
    span: Span


@dataclass(frozen=True, slots=True)
class ExpectMessage:
    """`expect emitted shipped(tracking: "t")`; with a flow: `expect sent Billing.invoice(total: 1.00) [to "b-1"]`."""

    flow: Name | None
    name: Name
    args: tuple[Argument, ...]
    to: str | None
    span: Span


ScenarioStep = (
    GivenStart | GivenOutcome | GivenEvent | GivenDelegation | GivenWait | Expect | ExpectCompensated | ExpectMessage
)


@dataclass(frozen=True, slots=True)
class Scenario:
    title: str
    steps: tuple[ScenarioStep, ...]
    doc: str
    span: Span


# ---------------------------------------------------------------- the file


@dataclass(frozen=True, slots=True)
class Output:
    """`output tracking, cost`: the inputs and data that whoever does this flow receives."""

    names: tuple[Name, ...]
    span: Span


FlowMember = (
    Version | Input | Data | Output | Declaration | Roles | EventDeclaration | Emits | ActivityDeclaration
    | Start | State | Choice | Final | Deadline | Schedule | Always | Reach | LeadsTo | Scenario | Accept
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flow:
    """`flow NAME [version N] { .. }`; the version of the head is its first member."""

    name: Name
    members: tuple[FlowMember, ...]
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Part:
    """`order: Order`: a member of a system."""

    name: Name
    flow: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Mailbox:
    """`mailbox fifo at most 4`."""

    fifo: bool
    most: int | None
    span: Span


@dataclass(frozen=True, slots=True)
class System:
    """`system NAME { order: Order  billing: Billing  mailbox fifo }`."""

    name: Name
    members: tuple[Part | Mailbox | Accept, ...]
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Import:
    """`import "common.flow"`: everything that file declares, under the same names. The path is as written."""

    path: str
    span: Span


FileMember = Import | Declaration | Roles | ActivityDeclaration | Flow | System


@dataclass(frozen=True, slots=True)
class File:
    """Everything one text declares; `complete` is False where parts were skipped because of a reported error, so
    that what is missing need not be reported again. `imported`: the files of its source, in their order."""

    members: tuple[FileMember, ...]
    complete: bool
    span: Span
    imported: tuple[File, ...] = ()
