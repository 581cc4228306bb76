"""Which features of docs/language.md a flow has: the text of a file in, the names of what its last flow uses out.

Read off the syntax tree, so that what a random writer means to write counts only where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator

from penstock.dsl import syntax
from penstock.dsl.model import StateKind
from penstock.dsl.parse import parse
from penstock.dsl.source import Source
from penstock.dsl.walk import nodes

TYPES = (
    *("bool", "int", "int 0..n", "decimal", "text", "duration", "instant", "enum", "record", "list"),
    *("optional (`T?`)", "input", "data", "data without a range"),
)
EXPRESSIONS = (
    *(
        "`and`, `or`, `implies`",
        "`not`",
        "`==`, `!=`",
        "`<`, `<=`, `>`, `>=`",
        "`+`, `-`",
        "`*`",
        "`/`",
        "`%`",
        "unary `-`",
    ),
    *(
        "`if .. then .. else`",
        "`x in {a, b}`",
        "`x in items`",
        "`is none`, `is some`",
        "`len`",
        "`abs`",
        "`min`, `max`",
    ),
    *("a field of a record", "a record made", "a list made", "`in S` in a guard", "`now`"),
)
ACTIVITIES = (
    *("parameter", "result", "`retry .. backoff`", "`then park`", "`fails`", "`ensures`", "`compensate`"),
    *(
        "what a compensation is handed is computed",
        "`readonly`",
        "`irreversible`",
        "no effect declared",
        "`limit`, `breaker`",
    ),
    *("`timeout`, `heartbeat`, `jitter`, rates", "an effect undone in so many attempts"),
)
STATES = (
    *("`do`", "`on done`", "`on` a declared error", "`on timeout`", "`on failed`", "an outcome handled further out"),
    *(
        "`on` an event",
        "an event with a payload",
        "an event `by` a role",
        "`when` of a transition",
        "`else` of a transition",
    ),
    *(
        "updates of a transition",
        "`stay`",
        "`ignore`",
        "`defer`",
        "`defer .. at most`",
        "`ignore` or `defer` beside guards",
    ),
    *("`after`", "`after .. since`", "`after` as long as data say", "`at`", "`wait forever`", "`accept`"),
)
STRUCTURE = (
    *(
        "a state with states in it",
        "an event handled further out",
        "a choice in a state",
        "`parallel`",
        "`on all done`",
    ),
    *("`on any done`", "`on 2 done`", "`on any failure`", "a failure of a region", "`resume`", "`compensate`"),
    *("`compensate since`", "`do for`", "`do for .. at most`", "`do for .. until`", "`do flow`", "`do for .. flow`"),
)
AROUND = (
    *("a choice", "a choice without `else`", "a choice that leads to a choice", "a choice that compensates"),
    *("updates of a choice", "updates of the start", "start in a choice", "`deadline`", "updates of the deadline"),
    *("`emit`", "`send`", "`every ..`"),
)
TASKS = (
    *("`task`", "form", "a title that shows a value", "`due`", "`escalate`", "two escalations", "`remind`", "`except`"),
    *("`for actor of`", "`for person`", "two roles", "a task further out"),
)
PROMISES = (
    *("`always`, `never`", "`reach`", "`reach .. when`", "`leads to`", "`leads to .. within`", "`done(activity)`"),
    *("`count(activity)`", "`compensating`", "`elapsed`"),
)
FEATURES = {
    "types and data": TYPES,
    "expressions": EXPRESSIONS,
    "activities": ACTIVITIES,
    "states": STATES,
    "structure": STRUCTURE,
    "choices, ends, messages": AROUND,
    "tasks": TASKS,
    "properties": PROMISES,
}

OPERATORS = {
    **dict.fromkeys(("and", "or", "implies"), "`and`, `or`, `implies`"),
    **dict.fromkeys(("==", "!="), "`==`, `!=`"),
    **dict.fromkeys(("<", "<=", ">", ">="), "`<`, `<=`, `>`, `>=`"),
    **dict.fromkeys(("+", "-"), "`+`, `-`"),
    **{op: f"`{op}`" for op in ("*", "/", "%")},
}
CALLS = {
    **{name: f"`{name}`" for name in ("len", "abs")},
    **dict.fromkeys(("min", "max"), "`min`, `max`"),
    **{name: f"`{name}(activity)`" for name in ("done", "count")},
}
SIMPLE: dict[type[object], str] = {
    syntax.DecimalPlaces: "decimal",
    syntax.RangedInt: "int 0..n",
    syntax.InlineEnum: "enum",
    syntax.Optional: "optional (`T?`)",
    syntax.List: "list",
    syntax.Input: "input",
    syntax.Data: "data",
    syntax.Conditional: "`if .. then .. else`",
    syntax.OneOf: "`x in {a, b}`",
    syntax.Contains: "`x in items`",
    syntax.IsNone: "`is none`, `is some`",
    syntax.Select: "a field of a record",
    syntax.NewRecord: "a record made",
    syntax.NewList: "a list made",
    syntax.Fails: "`fails`",
    syntax.Ensures: "`ensures`",
    syntax.Compensate: "`compensate`",
    syntax.Readonly: "`readonly`",
    syntax.Irreversible: "`irreversible`",
    syntax.Limit: "`limit`, `breaker`",
    syntax.Breaker: "`limit`, `breaker`",
    syntax.Timeout: "`timeout`, `heartbeat`, `jitter`, rates",
    syntax.Heartbeat: "`timeout`, `heartbeat`, `jitter`, rates",
    syntax.Attempt: "`timeout`, `heartbeat`, `jitter`, rates",
    syntax.Ignore: "`ignore`",
    syntax.Defer: "`defer`",
    syntax.Stay: "`stay`",
    syntax.At: "`at`",
    syntax.WaitForever: "`wait forever`",
    syntax.Accept: "`accept`",
    syntax.Choice: "a choice",
    syntax.Deadline: "`deadline`",
    syntax.Emit: "`emit`",
    syntax.Send: "`send`",
    syntax.Schedule: "`every ..`",
    syntax.Task: "`task`",
    syntax.Form: "form",
    syntax.Due: "`due`",
    syntax.Escalate: "`escalate`",
    syntax.Remind: "`remind`",
    syntax.Except: "`except`",
    syntax.Person: "`for person`",
    syntax.Doer: "`for actor of`",
    syntax.Always: "`always`, `never`",
    syntax.LeadsTo: "`leads to`",
}


def features(text: str) -> set[str]:
    """The names, as in FEATURES, of what the last flow of a text uses, and of what is declared before it."""
    tree = parse(Source("features.flow", text)).tree
    last = [member for member in tree.members if isinstance(member, syntax.Flow)][-1]
    kinds = {each.name.text: each for each in tree.members if isinstance(each, syntax.EnumDeclaration)}
    records = {each.name.text for each in tree.members if isinstance(each, syntax.RecordDeclaration)}
    found: set[str] = set()
    for part in nodes(last):
        if (name := SIMPLE.get(type(part))) is not None:
            found.add(name)
        found.update(_typed(part, {*kinds}, records), _computed(part), _called(part), _handled(part), _asked(part))
        if isinstance(part, syntax.State):
            found.update(_state(part, outermost=part in last.members))
        if isinstance(part, syntax.Choice):
            found.update(_choice(part))
    found.update(_of_flow(last))
    return found


def _typed(part: object, enums: set[str], records: set[str]) -> Iterator[str]:
    match part:
        case syntax.NamedType(name=name):
            yield "enum" if name.text in enums else "record" if name.text in records else name.text
        case syntax.Data(fields=fields):
            for field in fields:
                if isinstance(field.type, syntax.NamedType) and field.type.name.text in {"int", "duration"}:
                    yield "data without a range"
        case _:
            pass


def _computed(part: object) -> Iterator[str]:
    match part:
        case syntax.Binary(op=op):
            yield OPERATORS[op]
        case syntax.Unary(op=op):
            yield "`not`" if op == "not" else "unary `-`"
        case syntax.Call(function=name):
            yield CALLS[name.text]
        case syntax.Name(text="now" | "compensating" | "elapsed"):
            yield f"`{part.text}`"
        case syntax.Handler(guard=guard) | syntax.Branch(guard=guard) if guard is not None:
            yield from ("`in S` in a guard" for each in nodes(guard) if isinstance(each, syntax.InState))
        case _:
            pass


def _called(part: object) -> Iterator[str]:
    match part:
        case syntax.ActivityDeclaration(params=params, result=result, clauses=clauses):
            yield from (name for name, there in (("parameter", params), ("result", result)) if there)
            effects = (syntax.Compensate, syntax.Readonly, syntax.Irreversible)
            if not any(isinstance(clause, effects) for clause in clauses):
                yield "no effect declared"
        case syntax.Retry():
            yield "`retry .. backoff`"
            yield from ["`then park`"] if part.park else []
            yield from ["`timeout`, `heartbeat`, `jitter`, rates"] if part.jitter else []
        case syntax.Fails(rate=rate) if rate is not None:
            yield "`timeout`, `heartbeat`, `jitter`, rates"
        case syntax.Compensate(args=args, clauses=clauses):
            yield from ["an effect undone in so many attempts"] if clauses else []
            if not all(isinstance(arg, syntax.Name) for arg in args):
                yield "what a compensation is handed is computed"
        case syntax.Do(each=each, named=named):
            yield (
                "`do for`"
                if each and named is None
                else "`do for .. flow`"
                if each
                else "`do flow`"
                if named
                else "`do`"
            )
            yield from ["`do for .. at most`"] if each and each.most is not None else []
            yield from ["`do for .. until`"] if each and each.quota is not None else []
        case _:
            pass


def _handled(part: object) -> Iterator[str]:
    match part:
        case syntax.Handler(trigger=trigger):
            yield from ["`when` of a transition"] if part.guard is not None else []
            yield from ["`else` of a transition"] if part.otherwise else []
            yield from ["updates of a transition"] if part.updates else []
            if isinstance(trigger, syntax.After):
                yield "`after .. since`" if trigger.since is not None else "`after`"
                yield from [] if isinstance(trigger.duration, syntax.Literal) else ["`after` as long as data say"]
            if isinstance(trigger, syntax.Join):
                yield "`on 2 done`" if trigger.count else f"`on {trigger.name}`"
        case syntax.Goto(resume=True):
            yield "`resume`"
        case syntax.Undo(since=since):
            yield "`compensate`" if since is None else "`compensate since`"
        case syntax.Defer(most=most) if most is not None:
            yield "`defer .. at most`"
        case syntax.EventDeclaration():
            yield from ["an event with a payload"] if part.params else []
            yield from ["an event `by` a role"] if part.roles else []
        case syntax.Start(updates=updates) if updates:
            yield "updates of the start"
        case syntax.Deadline(updates=updates) if updates:
            yield "updates of the deadline"
        case _:
            pass


def _asked(part: object) -> Iterator[str]:
    match part:
        case syntax.Task(whom=whom, clauses=clauses):
            yield from ["two roles"] if isinstance(whom, tuple) and len(whom) > 1 else []
            escalations = [clause for clause in clauses if isinstance(clause, syntax.Escalate)]
            yield from ["two escalations"] if len(escalations) > 1 else []
        case syntax.Title(parts=parts) if not all(isinstance(each, str) for each in parts):
            yield "a title that shows a value"
        case syntax.Reach(condition=condition):
            yield "`reach`" if condition is None else "`reach .. when`"
        case syntax.LeadsTo(within=within) if within is not None:
            yield "`leads to .. within`"
        case _:
            pass


def _state(state: syntax.State, outermost: bool) -> Iterator[str]:
    inner = [member for member in state.members if isinstance(member, syntax.State)]
    handlers = [member for member in state.members if isinstance(member, syntax.Handler)]
    named = [each for each in handlers if isinstance(each.trigger, syntax.On)]
    tasks = {member.name.text for member in state.members if isinstance(member, syntax.Task)}
    names = {each.trigger.name.text for each in named if isinstance(each.trigger, syntax.On)}
    if state.kind is StateKind.PARALLEL:
        yield "`parallel`"
    elif inner and state.kind is StateKind.PLAIN:
        yield "a state with states in it"
    if not outermost and any(isinstance(member, syntax.Choice) for member in state.members):
        yield "a choice in a state"
    if any(isinstance(member, syntax.Final) and member.failure for member in state.members):
        yield "a failure of a region"
    if inner:
        yield from ["a task further out"] if tasks else []
        yield from ["an outcome handled further out"] if names & {"failed", "timeout", "done"} else []
        yield from ["an event handled further out"] if names - tasks - {"failed", "timeout", "done"} else []
    for name in names & {"done", "timeout", "failed"}:
        yield f"`on {name}`"
    quiet = [member.names for member in state.members if isinstance(member, syntax.Ignore | syntax.Defer)]
    if names & {name.text for each in quiet for name in each}:
        yield "`ignore` or `defer` beside guards"


def _choice(choice: syntax.Choice) -> Iterator[str]:
    yield from [] if any(branch.guard is None for branch in choice.branches) else ["a choice without `else`"]
    yield from ["updates of a choice"] if any(branch.updates for branch in choice.branches) else []
    yield from ["a choice that compensates"] if any(isinstance(b.target, syntax.Undo) for b in choice.branches) else []


def _of_flow(flow: syntax.Flow) -> Iterator[str]:
    """What can only be told of all of it: what its names are the names of."""
    parts = tuple(nodes(flow))
    choices = {part.name.text for part in parts if isinstance(part, syntax.Choice)}
    errors = {part.name.text for part in parts if isinstance(part, syntax.Fails)}
    events = {part.name.text for part in parts if isinstance(part, syntax.EventDeclaration)}
    for part in parts:
        match part:
            case syntax.On(name=name):
                yield from ["`on` a declared error"] if name.text in errors else []
                yield from ["`on` an event"] if name.text in events else []
            case syntax.Start(target=target) if target.node.text in choices:
                yield "start in a choice"
            case syntax.Branch(target=target) if target.node.text in choices:
                yield "a choice that leads to a choice"
            case _:
                pass
