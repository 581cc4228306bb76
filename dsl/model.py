"""Flow: the resolved, typed and frozen meaning of one spec, as `typecheck` makes it and `lower` takes it.

Every name is resolved, every expression carries its type, every implicit conversion is a node. Values are plain
Python: bool, int, Decimal, str (text and enum members alike), timedelta, datetime (aware, UTC), None (`none`), tuples
(lists and records). States, regions, choices and finals are named by their whole path: `Review.Legal.Waiting`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum

from .schedules import Moments
from .source import Source, Span
from .values import dataclass

Value = bool | int | Decimal | str | timedelta | datetime | tuple["Value", ...] | None
"""A list is the tuple of its items, a record the tuple of its fields' values, in the order written."""

# ---------------------------------------------------------------- types


@dataclass(frozen=True, slots=True)
class BoolType:
    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True, slots=True)
class IntType:
    """An integer, with inclusive bounds where they are written (None: unbounded on that side)."""

    low: int | None = None
    high: int | None = None

    def __str__(self) -> str:
        return "int" if self.low is None or self.high is None else f"int {self.low}..{self.high}"


@dataclass(frozen=True, slots=True)
class DecimalType:
    """An exact decimal with `places` digits after the point, of any magnitude."""

    places: int

    def __str__(self) -> str:
        return f"decimal({self.places})"


@dataclass(frozen=True, slots=True)
class TextType:
    def __str__(self) -> str:
        return "text"


@dataclass(frozen=True, slots=True)
class DurationType:
    def __str__(self) -> str:
        return "duration"


@dataclass(frozen=True, slots=True)
class InstantType:
    def __str__(self) -> str:
        return "instant"


@dataclass(frozen=True, slots=True)
class EnumType:
    """A named enumeration; an `enum {..}` written in a form is named after its task and field."""

    name: str
    members: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class RecordType:
    """`record Address { street: text, .. }`. Its fields may be of any type that is not the record itself."""

    name: str
    fields: tuple[Parameter, ...]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ListType:
    """`list<T> at most 20`: items of one type, never themselves optional or lists; at most `most` of them."""

    item: ItemType
    most: int

    def __str__(self) -> str:
        return f"list<{self.item}> at most {self.most}"


@dataclass(frozen=True, slots=True)
class OptionalType:
    """`T?`: a value of `item`, or `none`. Never nested."""

    item: ItemType | ListType

    def __str__(self) -> str:
        return f"{self.item}?"


@dataclass(frozen=True, slots=True)
class NoneType:
    """The type of a bare `none` before it meets an optional; only ever under a Convert or a comparison."""

    def __str__(self) -> str:
        return "none"


ScalarType = BoolType | IntType | DecimalType | TextType | DurationType | InstantType | EnumType
ItemType = ScalarType | RecordType
Type = ScalarType | RecordType | ListType | OptionalType | NoneType

# ---------------------------------------------------------------- expressions


class RefKind(StrEnum):
    INPUT = "input"
    DATA = "data"
    PARAM = "param"  # a parameter of the trigger, or of the activity inside its own clauses
    RESULT = "result"  # `result` in `ensures` (type T) and in `compensate` (type T?)


@dataclass(frozen=True, slots=True)
class Literal:
    value: Value
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Ref:
    kind: RefKind
    name: str
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    """`not` on bool; `-` on int, decimal, duration."""

    op: str
    operand: Expr
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """`and or implies` (short-circuit), `== != < <= > >=`, `+ - * / %`.

    Both operands of a comparison have one type (after Convert), but `==`/`!=` may compare optionals. Arithmetic:
    int op int; decimal(n) +,- decimal(n); decimal(n) * decimal(m) -> decimal(n+m); duration +,- duration;
    duration * int; instant +,- duration -> instant; instant - instant -> duration. `/` and `%` are on int only:
    `/` rounds toward minus infinity and `%` takes the divisor's sign, as Python's `//` and `%`.
    """

    op: str
    left: Expr
    right: Expr
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Conditional:
    condition: Expr
    then: Expr
    otherwise: Expr
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class OneOf:
    """`x in {a, b}`: equality with one of the members (each of the operand's type)."""

    operand: Expr
    members: tuple[Expr, ...]
    span: Span
    type: BoolType = BoolType()


@dataclass(frozen=True, slots=True)
class IsNone:
    """`x is none`, or with `negated`, `x is some`."""

    operand: Expr
    negated: bool
    span: Span
    type: BoolType = BoolType()


@dataclass(frozen=True, slots=True)
class Unwrap:
    """A `T?` read where a `T` is needed; undefined (F402) when it is none."""

    operand: Expr
    type: ItemType | ListType
    span: Span


@dataclass(frozen=True, slots=True)
class Convert:
    """A conversion that loses nothing: int to decimal, decimal to more places, T or none to T?.

    The value changes only where a decimal is made or given more places."""

    operand: Expr
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Builtin:
    """`len(text)`, `len(list)`, `abs(x)`, `min(x, ..)`, `max(x, ..)`; operands of min and max have one type."""

    name: str
    args: tuple[Expr, ...]
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Now:
    """The moment of the trigger being handled."""

    span: Span
    type: InstantType = InstantType()


@dataclass(frozen=True, slots=True)
class Field:
    """`order.total`: a field of a record."""

    operand: Expr
    name: str
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class NewRecord:
    """`Address(street: "Main", city: "Bern")`: the values in the order of the record's fields."""

    values: tuple[Expr, ...]
    type: RecordType
    span: Span


@dataclass(frozen=True, slots=True)
class NewList:
    """`[a, b]`; its type's `most` is the number of items. `+` (a Binary) joins two lists."""

    items: tuple[Expr, ...]
    type: ListType
    span: Span


@dataclass(frozen=True, slots=True)
class Contains:
    """`x in items`: whether the list has an item equal to x."""

    operand: Expr
    items: Expr
    span: Span
    type: BoolType = BoolType()


@dataclass(frozen=True, slots=True)
class InState:
    """`in S`: the instance rests in S, or in a state in it. False for every S while compensating.

    In a guard it is about the configuration the trigger came to."""

    state: str
    span: Span
    type: BoolType = BoolType()


# Only in properties and scenario expectations:


@dataclass(frozen=True, slots=True)
class Standing:
    """`done(activity)`: a completed call of it is on the compensation log (for a readonly one: it ever completed)."""

    activity: str
    span: Span
    type: BoolType = BoolType()


@dataclass(frozen=True, slots=True)
class Count:
    """`count(activity)`: how many entries of it stand on the log, `maybe` included."""

    activity: str
    span: Span
    type: IntType = IntType(0, None)


@dataclass(frozen=True, slots=True)
class Compensating:
    span: Span
    type: BoolType = BoolType()


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Time since the start of the instance."""

    span: Span
    type: DurationType = DurationType()


Expr = (
    Literal | Ref | Unary | Binary | Conditional | OneOf | IsNone | Unwrap | Convert | Builtin | Now
    | Field | NewRecord | NewList | Contains | InState | Standing | Count | Compensating | Elapsed
)  # fmt: skip

# ---------------------------------------------------------------- declarations

MOST_DEFERRED = 100
"""How many of an event wait at a time where nothing is written."""


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Variable:
    """An input (initial is None) or a data variable (initial always set; a `T?` without one starts as none)."""

    name: str
    type: Type
    initial: Expr | None
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Event:
    """An outside event. `roles` empty: anyone may send it, another flow too. At most `most` of it wait at a time, in
    states that defer it or while it compensates."""

    name: str
    params: tuple[Parameter, ...]
    roles: tuple[str, ...]
    doc: str
    span: Span
    most: int = MOST_DEFERRED


@dataclass(frozen=True, slots=True)
class Retry:
    """At most `attempts` attempts in all (None: for ever); before the k-th repeat wait min(first * 2**(k-1), limit).

    `park`: when they are used up, the dead-letter queue instead of an answer."""

    attempts: int | None
    first: timedelta
    limit: timedelta
    park: bool
    jitter: Decimal = Decimal(0)  # 0..1: each wait is shortened by a random part of up to so much of it


@dataclass(frozen=True, slots=True)
class Compensation:
    """`compensate name(args) [{ timeout .. retry .. }]`. Args see the forward call's parameters (their values then),
    `result` (a `T?`), and the flow's inputs. It always parks when its retries are used up (K6)."""

    name: str
    args: tuple[Parameter, ...]  # how each argument is named and typed in the generated signature
    values: tuple[Expr, ...]
    timeout: timedelta
    retry: Retry
    span: Span


class Effect(Enum):
    """The kind of an activity that has no compensation clause with a call in it."""

    READONLY = "readonly"
    IRREVERSIBLE = "irreversible"
    UNDECLARED = "undeclared"  # F101: refused by check


@dataclass(frozen=True, slots=True)
class Failure:
    """A declared business error and, where stated, its rate (0..1)."""

    name: str
    rate: Decimal | None
    span: Span


@dataclass(frozen=True, slots=True)
class Breaker:
    """`breaker 5 in 1m cool 30s`: after so many failed attempts (of any instance) within a time, no attempt is made
    until it has cooled; then one is tried."""

    failures: int
    window: timedelta
    cool: timedelta


@dataclass(frozen=True, slots=True)
class Limit:
    """`limit 10 per 1s`: at most so many attempts (of all instances) in any such time."""

    attempts: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Activity:
    """`attempt_fails`: how often an attempt times out or fails, where stated (0..1).

    `flow`: a sub-flow, named after it, as `do flow` sees it: its params are the inputs of the flow, its result a
    record of the outputs (None: none), its one declared failure `failed` (it has undone itself), parked for ever rather
    than out of time; its effect what those of its own activities come to."""

    name: str
    params: tuple[Parameter, ...]
    result: Type | None
    timeout: timedelta
    retry: Retry
    fails: tuple[Failure, ...]
    ensures: tuple[Expr, ...]
    effect: Compensation | Effect
    doc: str
    span: Span
    breaker: Breaker | None = None
    limit: Limit | None = None
    heartbeat: timedelta | None = None
    flow: bool = False
    attempt_fails: Decimal | None = None


# ---------------------------------------------------------------- behaviour


@dataclass(frozen=True, slots=True)
class OnDone:
    """The state's own activity answered."""


@dataclass(frozen=True, slots=True)
class OnFailure:
    """`on NAME` with NAME a declared error, `timeout`, or `failed` (everything not named more closely)."""

    name: str


@dataclass(frozen=True, slots=True)
class OnEvent:
    event: str


@dataclass(frozen=True, slots=True)
class OnTask:
    task: str


@dataclass(frozen=True, slots=True)
class OnJoin:
    """`on any failure`, `on all done`, `on 2 done`, `on any done` of a parallel state, as written after `on`."""

    name: str


@dataclass(frozen=True, slots=True)
class After:
    """A duration after entering the state the handler is written in (or, on the flow, after the start), or, with
    `since S`, after the last entry to S (that of the handler's state, if S was never entered)."""

    duration: Expr
    since: str | None = None


@dataclass(frozen=True, slots=True)
class At:
    """An absolute moment; at once if it is past."""

    moment: Expr


Trigger = OnDone | OnFailure | OnEvent | OnTask | OnJoin | After | At


@dataclass(frozen=True, slots=True)
class Assign:
    """`name = value`; the value's type fits the variable's but for its range (F401)."""

    name: str
    value: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Emit:
    """`emit shipped(tracking)`: a message to whoever listens."""

    message: str
    args: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Send:
    """`send Billing.invoice(total) to key`: an event for the instance of another flow whose id is `key` (text).
    `params` are those of the event."""

    flow: str
    event: str
    args: tuple[Expr, ...]
    key: Expr
    span: Span
    params: tuple[Parameter, ...] = ()


Update = Assign | Emit | Send


@dataclass(frozen=True, slots=True)
class Goto:
    node: str  # a state, a choice or a final
    resume: bool = False  # `-> resume S`: where S was last left


@dataclass(frozen=True, slots=True)
class Undo:
    """`-> compensate [since M] -> S`."""

    since: str | None
    node: str


@dataclass(frozen=True, slots=True)
class Stay:
    pass


Target = Goto | Undo | Stay


@dataclass(frozen=True, slots=True)
class Transition:
    """`on TRIGGER(params) [when GUARD | else] [{ updates }] TARGET`. A `_` parameter is not in `params`' use, but
    keeps its place: `binds` names each payload field in order, None for `_`."""

    trigger: Trigger
    binds: tuple[str | None, ...]
    guard: Expr | None
    otherwise: bool
    updates: tuple[Update, ...]
    target: Target
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Each:
    """`for item in items at most 5 until 2 done`: `param` stands for the item (RefKind.PARAM) in the arguments."""

    param: Parameter
    items: Expr
    most: int
    quota: int | None
    span: Span


@dataclass(frozen=True, slots=True)
class ActivityCall:
    """With `each`: a call for every item; `done` then brings the list of their results (None without a result)."""

    activity: str
    args: tuple[Expr, ...]
    span: Span
    each: Each | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    role: str
    after: timedelta
    span: Span


@dataclass(frozen=True, slots=True)
class Task:
    """Work for a person. `roles` may complete it, or the one `person` (an actor's id, text, evaluated on entry), or who
    acted last at `doer` (`start` or a task's name); `escalations` add roles; who acted at `excluded` (as `doer`) may
    not. `title` alternates text and expressions. `remind`: a reminder each such time while it is open, at most so many
    in all."""

    name: str
    roles: tuple[str, ...]
    title: tuple[str | Expr, ...]
    form: tuple[Parameter, ...]
    due: timedelta | None
    escalations: tuple[Escalation, ...]
    excluded: tuple[str, ...]
    doc: str
    span: Span
    person: Expr | None = None
    doer: str | None = None
    remind: timedelta | None = None
    most_reminders: int | None = None


@dataclass(frozen=True, slots=True)
class Accept:
    """`accept F201 "reason"`, concerning the state (or, on the flow, the flow) it is written in."""

    code: str
    reason: str
    span: Span


class StateKind(StrEnum):
    PLAIN = "state"  # with a `start`: a state with states in it
    PARALLEL = "parallel"
    REGION = "region"


@dataclass(frozen=True, slots=True)
class State:
    """A parallel state has regions in it, and a region, or a plain state with a `start`, has states in it: those whose
    `parent` it is. Outer ones come before inner ones."""

    name: str
    parent: str | None  # the enclosing state; None at the top
    call: ActivityCall | None
    tasks: tuple[Task, ...]
    transitions: tuple[Transition, ...]
    ignores: tuple[str, ...]
    defers: tuple[str, ...]
    waits: str | None  # the reason of `wait forever "reason"`
    accepts: tuple[Accept, ...]
    doc: str
    span: Span  # of the name
    kind: StateKind = StateKind.PLAIN
    start: Start | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """`when GUARD [{ updates }] -> S`, or `else -> S` (guard None)."""

    guard: Expr | None
    updates: tuple[Update, ...]
    target: Goto | Undo
    span: Span


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    branches: tuple[Branch, ...]
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Final:
    """Of the flow, or of the region `parent`."""

    name: str
    failure: bool
    doc: str
    span: Span
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """`start [{ updates }] -> S`."""

    updates: tuple[Update, ...]
    target: Goto
    span: Span


# ---------------------------------------------------------------- properties and scenarios


@dataclass(frozen=True, slots=True)
class Always:
    """`always E`, or with `negated`, `never E`. The condition is E as written."""

    condition: Expr
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Reach:
    """`reach S [when E]`: some run enters (or rests in) S with E."""

    state: str
    condition: Expr | None
    span: Span


@dataclass(frozen=True, slots=True)
class LeadsTo:
    """`A leads to B [within D]`; `trigger` None means from the start."""

    trigger: Expr | None
    goal: Expr
    within: timedelta | None
    span: Span


Property = Always | Reach | LeadsTo


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts in a scenario: `by manager` is `Actor("manager", "manager")`, `by manager "ann"` is
    `Actor("ann", "manager")`; nobody in particular is `Actor("", "")`."""

    id: str
    role: str


NOBODY = Actor("", "")


@dataclass(frozen=True, slots=True)
class GivenStart:
    inputs: tuple[Expr, ...]  # constants, in the order of the inputs
    actor: Actor
    span: Span


@dataclass(frozen=True, slots=True)
class GivenOutcome:
    """`charge_card done("p")`, `charge_card declined`, `charge_card timeout`, `refund done`."""

    activity: str
    outcome: str  # done, timeout, failed or a declared error
    value: Expr | None
    span: Span


@dataclass(frozen=True, slots=True)
class GivenEvent:
    """An event or a task completion. `rejected`: written `expect rejected cancel by customer`."""

    name: str
    payload: tuple[Expr, ...]
    actor: Actor
    rejected: bool
    span: Span


@dataclass(frozen=True, slots=True)
class GivenDelegation:
    """`delegate review by manager "ann" to "bob"`. `rejected`: written after `expect rejected`."""

    task: str
    to: str
    actor: Actor
    rejected: bool
    span: Span


@dataclass(frozen=True, slots=True)
class GivenWait:
    """`after 72h`: let that much time pass; timers that fall due fire in order."""

    duration: timedelta
    span: Span


@dataclass(frozen=True, slots=True)
class Expect:
    condition: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class ExpectUndone:
    """`expect compensated refund, release_stock`: exactly these compensations ran so far, in this order."""

    names: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ExpectMessage:
    """`expect emitted shipped(tracking: "t")`, `expect sent Billing.invoice(total: 1.00) to "b-1"`: such a message went
    out so far, with these values of those parameters that are named (by their places). flow None: emitted."""

    flow: str | None
    name: str
    values: tuple[tuple[int, Expr], ...]
    to: str | None
    span: Span


ScenarioStep = (
    GivenStart | GivenOutcome | GivenEvent | GivenDelegation | GivenWait | Expect | ExpectUndone | ExpectMessage
)


@dataclass(frozen=True, slots=True)
class Scenario:
    title: str
    steps: tuple[ScenarioStep, ...]
    span: Span


# ---------------------------------------------------------------- the flow


@dataclass(frozen=True, slots=True)
class Deadline:
    """`deadline D -> TARGET`: counted from the start, in force in every state that is not final."""

    transition: Transition  # its trigger is After
    span: Span


@dataclass(frozen=True, slots=True)
class Message:
    """`emits shipped(tracking: text)`: what `emit` may send out."""

    name: str
    params: tuple[Parameter, ...]
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Schedule:
    """`every day at 02:00 UTC`, `every "*/5 * * * *"`: starts an instance with these inputs (constants)."""

    text: str  # as written after `every`
    moments: Moments  # in UTC
    inputs: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Flow:
    name: str
    version: int
    doc: str
    enums: tuple[EnumType, ...]  # every enumeration used, those of forms included
    inputs: tuple[Variable, ...]
    data: tuple[Variable, ...]
    roles: tuple[str, ...]
    events: tuple[Event, ...]
    activities: tuple[Activity, ...]
    start: Start
    states: tuple[State, ...]
    choices: tuple[Choice, ...]
    finals: tuple[Final, ...]
    deadline: Deadline | None
    properties: tuple[Property, ...]
    scenarios: tuple[Scenario, ...]
    accepts: tuple[Accept, ...]
    source: Source
    span: Span
    records: tuple[RecordType, ...] = ()  # every record used
    messages: tuple[Message, ...] = ()
    outputs: tuple[Variable, ...] = ()  # inputs and data, as they are when a final that is no failure is reached
    schedules: tuple[Schedule, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """`order: Order`: one instance of a flow in a system."""

    name: str
    flow: str
    span: Span


@dataclass(frozen=True, slots=True)
class System:
    """Flows that are checked together: one instance of each, with a mailbox of at most `most` messages. They come in
    the order they were sent if it is `fifo`, else in any order."""

    name: str
    members: tuple[Member, ...]
    fifo: bool
    most: int
    accepts: tuple[Accept, ...]
    doc: str
    source: Source
    span: Span
