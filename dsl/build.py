"""One method for each rule of `grammar.lark`: from its children and their place in the text to a node of `syntax`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from . import syntax as s
from .literals import value_of
from .model import StateKind
from .source import Span
from .title import TitleReader
from .tokens import Token
from .values import replace


class Guard(NamedTuple):
    """`when E`, `else`, or neither."""

    condition: s.Expr | None
    otherwise: bool


class Retrying(NamedTuple):
    """`backoff 1s..30s`, or nothing."""

    first: s.Literal | None
    limit: s.Literal | None


class Builder:
    """Makes nodes. `docs` gives the doc comment that stands before the token at an offset."""

    def __init__(self, docs: Mapping[int, str], read_title: TitleReader) -> None:
        self._docs = docs
        self.described: set[int] = set()  # the offsets at which something asked for its doc comment
        self._read_title = read_title

    def __call__(self, rule: str, children: list[Any], span: Span) -> Any:
        return getattr(self, rule)(span, *children)

    def _doc(self, span: Span) -> str:
        self.described.add(span.start)
        return self._docs.get(span.start, "")

    # ------------------------------------------------------------ names and expressions

    def name(self, span: Span, token: Token) -> s.Name:
        return s.Name(token.text, span)

    def path(self, span: Span, *names: s.Name) -> s.Name:
        return s.Name(".".join(name.text for name in names), span)

    def literal(self, span: Span, token: Token) -> s.Literal:
        return s.Literal(value_of(token), span)

    def unary(self, span: Span, op: Token, operand: s.Expr) -> s.Unary:
        return s.Unary(op.text, operand, span)

    def binary(self, span: Span, left: s.Expr, op: Token, right: s.Expr) -> s.Binary:
        return s.Binary(op.text, left, right, span)

    def conditional(self, span: Span, condition: s.Expr, then: s.Expr, otherwise: s.Expr) -> s.Conditional:
        return s.Conditional(condition, then, otherwise, span)

    def one_of(self, span: Span, operand: s.Expr, *members: s.Expr) -> s.OneOf:
        return s.OneOf(operand, members, span)

    def is_none(self, span: Span, operand: s.Expr, _none: Token) -> s.IsNone:
        return s.IsNone(operand, False, span)

    def is_some(self, span: Span, operand: s.Expr) -> s.IsNone:
        return s.IsNone(operand, True, span)

    def in_state(self, span: Span, state: s.Name) -> s.InState:
        return s.InState(state, span)

    def contains(self, span: Span, operand: s.Expr, items: s.Expr) -> s.Contains:
        return s.Contains(operand, items, span)

    def select(self, span: Span, operand: s.Expr, name: s.Name) -> s.Select:
        return s.Select(operand, name, span)

    def made(self, span: Span, record: s.Name, *args: s.Argument) -> s.NewRecord:
        return s.NewRecord(record, args, span)

    def listed(self, span: Span, *items: s.Expr) -> s.NewList:
        return s.NewList(items, span)

    def call(self, span: Span, function: s.Name, args: tuple[s.Expr, ...]) -> s.Call:
        return s.Call(function, args, span)

    def args(self, _span: Span, *args: s.Expr) -> tuple[s.Expr, ...]:
        return args

    def expression(self, _span: Span, expr: s.Expr) -> s.Expr:
        return expr

    # ------------------------------------------------------------ types

    def named(self, span: Span, name: s.Name) -> s.NamedType:
        return s.NamedType(name, span)

    def plain_int(self, span: Span, _int: Token) -> s.NamedType:
        return s.NamedType(s.Name("int", span), span)

    def ranged(self, span: Span, _int: Token, low: int, high: int) -> s.RangedInt:
        return s.RangedInt(low, high, span)

    def integer(self, _span: Span, *tokens: Token) -> int:
        return int("".join(token.text for token in tokens))

    def places(self, span: Span, places: Token) -> s.DecimalPlaces:
        return s.DecimalPlaces(int(places.text), span)

    def inline_enum(self, span: Span, *members: s.Name) -> s.InlineEnum:
        return s.InlineEnum(members, span)

    def list(self, span: Span, item: s.TypeExpr, most: int | None) -> s.List:
        return s.List(item, most, span)

    def most(self, _span: Span, number: Token | None = None) -> int | None:
        return None if number is None else int(number.text)

    def optional(self, span: Span, item: s.TypeExpr) -> s.Optional:
        return s.Optional(item, span)

    def enum(self, span: Span, name: s.Name, *members: s.Name) -> s.EnumDeclaration:
        return s.EnumDeclaration(name, members, self._doc(span), span)

    def alias(self, span: Span, name: s.Name, type: s.TypeExpr) -> s.TypeDeclaration:
        return s.TypeDeclaration(name, type, self._doc(span), span)

    def record(self, span: Span, name: s.Name, fields: tuple[s.Field, ...]) -> s.RecordDeclaration:
        return s.RecordDeclaration(name, fields, self._doc(span), span)

    def fields(self, _span: Span, *fields: s.Field) -> tuple[s.Field, ...]:
        return fields

    def field(self, span: Span, name: s.Name, type: s.TypeExpr, initial: s.Expr | None) -> s.Field:
        return s.Field(name, type, initial, self._doc(span), span)

    def initial(self, _span: Span, value: s.Expr | None = None) -> s.Expr | None:
        return value

    def params(self, _span: Span, *params: s.Field) -> tuple[s.Field, ...]:
        return params

    def param(self, span: Span, name: s.Name, type: s.TypeExpr) -> s.Field:
        return s.Field(name, type, None, self._doc(span), span)

    # ------------------------------------------------------------ declarations

    def file(self, span: Span, *members: s.FileMember) -> s.File:
        return s.File(members, True, span)

    def imports(self, span: Span, path: s.Literal) -> s.Import:
        return s.Import(str(path.value), span)

    def flow(self, span: Span, name: s.Name, *members: s.FlowMember) -> s.Flow:
        return s.Flow(name, members, self._doc(span), span)

    def version(self, span: Span, number: Token) -> s.Version:
        return s.Version(int(number.text), span)

    def input(self, span: Span, fields: tuple[s.Field, ...]) -> s.Input:
        return s.Input(fields, span)

    def data(self, span: Span, fields: tuple[s.Field, ...]) -> s.Data:
        return s.Data(fields, span)

    def output(self, span: Span, *names: s.Name) -> s.Output:
        return s.Output(names, span)

    def roles(self, span: Span, *names: s.Name) -> s.Roles:
        return s.Roles(names, self._doc(span), span)

    def event(
        self, span: Span, name: s.Name, params: tuple[s.Field, ...], roles: tuple[s.Name, ...]
    ) -> s.EventDeclaration:
        return s.EventDeclaration(name, params, roles, self._doc(span), span)

    def emits(self, span: Span, name: s.Name, params: tuple[s.Field, ...]) -> s.Emits:
        return s.Emits(name, params, self._doc(span), span)

    def by(self, _span: Span, *roles: s.Name) -> tuple[s.Name, ...]:
        return roles

    def activity(
        self,
        span: Span,
        name: s.Name,
        params: tuple[s.Field, ...],
        result: s.TypeExpr | None,
        clauses: tuple[s.ActivityClause, ...],
    ) -> s.ActivityDeclaration:
        return s.ActivityDeclaration(name, params, result, clauses, self._doc(span), span)

    def result(self, _span: Span, type: s.TypeExpr | None = None) -> s.TypeExpr | None:
        return type

    def clauses(self, _span: Span, *clauses: s.ActivityClause) -> tuple[s.ActivityClause, ...]:
        return clauses

    def timeout(self, span: Span, duration: s.Literal) -> s.Timeout:
        return s.Timeout(duration, span)

    def retry(self, span: Span, attempts: s.Literal | None, backoff: Retrying, jitter: Decimal, park: bool) -> s.Retry:
        return s.Retry(attempts, backoff.first, backoff.limit, jitter, park, span)

    def attempts(self, span: Span, token: Token) -> s.Literal | None:
        return None if token.kind == "name" else self.literal(span, token)

    def backoff(self, _span: Span, first: s.Literal | None = None, limit: s.Literal | None = None) -> Retrying:
        return Retrying(first, limit)

    def jitter(self, _span: Span, share: Token | None = None, _percent: Token | None = None) -> Decimal:
        return Decimal(0) if share is None else Decimal(share.text).scaleb(-2)

    def count(self, span: Span, token: Token) -> s.Literal:
        return self.literal(span, token)

    def heartbeat(self, span: Span, duration: s.Literal) -> s.Heartbeat:
        return s.Heartbeat(duration, span)

    def breaker(self, span: Span, failures: s.Literal, window: s.Literal, cool: s.Literal) -> s.Breaker:
        return s.Breaker(failures, window, cool, span)

    def limit(self, span: Span, attempts: s.Literal, per: s.Literal) -> s.Limit:
        return s.Limit(attempts, per, span)

    def park(self, _span: Span, word: Token | None = None) -> bool:
        return word is not None

    def time(self, span: Span, token: Token) -> s.Literal:
        return self.literal(span, token)

    def string(self, span: Span, token: Token) -> s.Literal:
        return self.literal(span, token)

    def failure(self, span: Span, name: s.Name, rate: Token | None = None, _percent: Token | None = None) -> s.Fails:
        return s.Fails(name, None if rate is None else Decimal(rate.text).scaleb(-2), span)

    def attempt(self, span: Span, rate: Token, _percent: Token) -> s.Attempt:
        return s.Attempt(Decimal(rate.text).scaleb(-2), span)

    def ensures(self, span: Span, condition: s.Expr) -> s.Ensures:
        return s.Ensures(condition, span)

    def compensate(
        self, span: Span, name: s.Name, args: tuple[s.Expr, ...], *clauses: s.Timeout | s.Retry
    ) -> s.Compensate:
        return s.Compensate(name, args, clauses, span)

    def readonly(self, span: Span) -> s.Readonly:
        return s.Readonly(span)

    def irreversible(self, span: Span) -> s.Irreversible:
        return s.Irreversible(span)

    # ------------------------------------------------------------ behaviour

    def start(self, span: Span, updates: tuple[s.Update, ...], target: s.Goto) -> s.Start:
        return s.Start(updates, target, self._doc(span), span)

    def state(self, span: Span, name: s.Name, *members: s.StateMember) -> s.State:
        return s.State(name, members, self._doc(span), span)

    def parallel(self, span: Span, name: s.Name, *members: s.StateMember) -> s.State:
        return s.State(name, members, self._doc(span), span, StateKind.PARALLEL)

    def region(self, span: Span, name: s.Name, *members: s.StateMember) -> s.State:
        return s.State(name, members, self._doc(span), span, StateKind.REGION)

    def do(self, span: Span, activity: s.Name, args: tuple[s.Expr, ...]) -> s.Do:
        return s.Do(activity, args, span)

    def do_flow(self, span: Span, flow: s.Name, args: tuple[s.Argument, ...]) -> s.Do:
        return s.Do(flow, (), span, args)

    def do_each(self, span: Span, each: s.Each, activity: s.Name, args: tuple[s.Expr, ...]) -> s.Do:
        return s.Do(activity, args, span, None, each)

    def do_each_flow(self, span: Span, each: s.Each, flow: s.Name, args: tuple[s.Argument, ...]) -> s.Do:
        return s.Do(flow, (), span, args, each)

    def each(self, span: Span, name: s.Name, items: s.Expr, most: int | None, quota: int | None) -> s.Each:
        return s.Each(name, items, most, quota, span)

    def quota(self, _span: Span, number: Token | None = None) -> int | None:
        return None if number is None else int(number.text)

    def handler(
        self, span: Span, trigger: s.Occasion, guard: Guard, updates: tuple[s.Update, ...], target: s.Target
    ) -> s.Handler:
        return s.Handler(trigger, guard.condition, guard.otherwise, updates, target, self._doc(span), span)

    def on(self, span: Span, name: s.Name, params: tuple[s.Name, ...] | None) -> s.On:
        return s.On(name, params, span)

    def join(self, span: Span, what: Token, how: Token) -> s.Join:
        count = int(what.text) if what.kind == "int" else None
        return s.Join(f"{what.text if count is None else count} {how.text}", count, span)

    def unbound(self, _span: Span) -> None:
        return None

    def bound(self, _span: Span, *names: s.Name) -> tuple[s.Name, ...]:
        return names

    def after(self, span: Span, duration: s.Expr, since: s.Name | None = None) -> s.After:
        return s.After(duration, since, span)

    def at(self, span: Span, moment: s.Expr) -> s.At:
        return s.At(moment, span)

    def always_taken(self, _span: Span) -> Guard:
        return Guard(None, False)

    def when(self, _span: Span, condition: s.Expr) -> Guard:
        return Guard(condition, False)

    def otherwise(self, _span: Span) -> Guard:
        return Guard(None, True)

    def updates(self, _span: Span, *updates: s.Update) -> tuple[s.Update, ...]:
        return updates

    def emit(self, span: Span, message: s.Name, args: tuple[s.Expr, ...]) -> s.Emit:
        return s.Emit(message, args, span)

    def send(self, span: Span, flow: s.Name, event: s.Name, args: tuple[s.Expr, ...], key: s.Expr) -> s.Send:
        return s.Send(flow, event, args, key, span)

    def given_args(self, _span: Span, args: tuple[s.Expr, ...]) -> tuple[s.Expr, ...]:
        return args

    def assign(self, span: Span, name: s.Name, value: s.Expr) -> s.Assign:
        return s.Assign(name, value, span)

    def goto(self, span: Span, node: s.Name) -> s.Goto:
        return s.Goto(node, span)

    def resume(self, span: Span, state: s.Name) -> s.Goto:
        return s.Goto(state, span, resume=True)

    def undo(self, span: Span, since: s.Name | None, node: s.Name) -> s.Undo:
        return s.Undo(since, node, span)

    def since(self, _span: Span, name: s.Name | None = None) -> s.Name | None:
        return name

    def stay(self, span: Span) -> s.Stay:
        return s.Stay(span)

    def ignore(self, span: Span, *names: s.Name) -> s.Ignore:
        return s.Ignore(names, span)

    def defer(self, span: Span, *parts: Any) -> s.Defer:
        *names, most = parts
        return s.Defer(tuple(names), most, span)

    def wait(self, span: Span, reason: s.Literal) -> s.WaitForever:
        return s.WaitForever(str(reason.value), span)

    def accept(self, span: Span, code: s.Name, reason: s.Literal) -> s.Accept:
        return s.Accept(code, str(reason.value), span)

    def task(
        self,
        span: Span,
        name: s.Name,
        whom: tuple[s.Name, ...] | s.Person | s.Doer,
        clauses: tuple[s.TaskClause, ...],
    ) -> s.Task:
        return s.Task(name, whom, clauses, self._doc(span), span)

    def person(self, span: Span, id: s.Expr) -> s.Person:
        return s.Person(id, span)

    def doer(self, span: Span, moment: s.Name) -> s.Doer:
        return s.Doer(moment, span)

    def title(self, span: Span, text: Token) -> s.Title:
        return s.Title(self._read_title(text), span)

    def form(self, span: Span, fields: tuple[s.Field, ...]) -> s.Form:
        return s.Form(fields, span)

    def due(self, span: Span, duration: s.Literal) -> s.Due:
        return s.Due(duration, span)

    def escalate(self, span: Span, role: s.Name, after: s.Literal) -> s.Escalate:
        return s.Escalate(role, after, span)

    def remind(self, span: Span, every: s.Literal, most: s.Literal | None) -> s.Remind:
        return s.Remind(every, most, span)

    def at_most(self, span: Span, number: Token | None = None) -> s.Literal | None:
        return None if number is None else s.Literal(value_of(number), span)

    def moment(self, span: Span, name: s.Name) -> s.Except:
        return s.Except(name, span)

    def choice(self, span: Span, name: s.Name, *branches: s.Branch) -> s.Choice:
        return s.Choice(name, branches, self._doc(span), span)

    def branch(self, span: Span, guard: Guard, updates: tuple[s.Update, ...], target: s.Goto | s.Undo) -> s.Branch:
        return s.Branch(guard.condition, updates, target, span)

    def final(self, span: Span, name: s.Name) -> s.Final:
        return s.Final(name, False, self._doc(span), span)

    def final_failure(self, span: Span, name: s.Name) -> s.Final:
        return s.Final(name, True, self._doc(span), span)

    def deadline(
        self, span: Span, duration: s.Expr, updates: tuple[s.Update, ...], target: s.Goto | s.Undo
    ) -> s.Deadline:
        return s.Deadline(duration, updates, target, self._doc(span), span)

    def schedule(self, span: Span, at: s.Clock | s.Literal, inputs: tuple[s.Argument, ...]) -> s.Schedule:
        return s.Schedule(None, at, inputs, span)

    def weekly(self, span: Span, day: s.Name, at: s.Clock, inputs: tuple[s.Argument, ...]) -> s.Schedule:
        return s.Schedule(day, at, inputs, span)

    def clock(self, span: Span, hour: Token, minute: Token) -> s.Clock:
        return s.Clock(int(hour.text), int(minute.text), span)

    # ------------------------------------------------------------ systems

    def system(self, span: Span, name: s.Name, *members: s.Part | s.Mailbox | s.Accept) -> s.System:
        return s.System(name, members, self._doc(span), span)

    def part(self, span: Span, name: s.Name, flow: s.Name) -> s.Part:
        return s.Part(name, flow, span)

    def mailbox(self, span: Span, fifo: bool, most: int | None) -> s.Mailbox:
        return s.Mailbox(fifo, most, span)

    def unordered(self, _span: Span) -> bool:
        return False

    def fifo(self, _span: Span) -> bool:
        return True

    # ------------------------------------------------------------ properties and scenarios

    def always(self, span: Span, condition: s.Expr) -> s.Always:
        return s.Always(condition, False, self._doc(span), span)

    def never(self, span: Span, condition: s.Expr) -> s.Always:
        return s.Always(condition, True, self._doc(span), span)

    def reach(self, span: Span, state: s.Name, guard: Guard) -> s.Reach:
        return s.Reach(state, guard.condition, self._doc(span), span)

    def leads_from(self, span: Span, trigger: s.Expr, goal: s.Expr, within: s.Literal | None) -> s.LeadsTo:
        return s.LeadsTo(trigger, goal, within, self._doc(span), span)

    def leads_from_start(self, span: Span, goal: s.Expr, within: s.Literal | None) -> s.LeadsTo:
        return s.LeadsTo(None, goal, within, self._doc(span), span)

    def within(self, _span: Span, duration: s.Literal | None = None) -> s.Literal | None:
        return duration

    def scenario(self, span: Span, title: s.Literal, *steps: s.ScenarioStep) -> s.Scenario:
        return s.Scenario(str(title.value), steps, self._doc(span), span)

    def given_start(self, span: Span, actor: s.Actor | None, args: tuple[s.Argument, ...]) -> s.GivenStart:
        return s.GivenStart(actor, args, span)

    def given_outcome(
        self, span: Span, activity: s.Name, outcome: s.Name, values: tuple[s.Expr, ...] | None
    ) -> s.GivenOutcome:
        return s.GivenOutcome(activity, outcome, values, span)

    def given_event(
        self, span: Span, name: s.Name, actor: s.Actor | None, args: tuple[s.Argument, ...]
    ) -> s.GivenEvent:
        return s.GivenEvent(name, actor, args, False, span)

    def given_delegation(self, span: Span, task: s.Name, actor: s.Actor | None, to: s.Literal) -> s.GivenDelegation:
        return s.GivenDelegation(task, actor, str(to.value), False, span)

    def given_wait(self, span: Span, duration: s.Literal) -> s.GivenWait:
        return s.GivenWait(duration, span)

    def expect(self, span: Span, condition: s.Expr) -> s.Expect:
        return s.Expect(condition, span)

    def expect_compensated(self, span: Span, *names: s.Name) -> s.ExpectCompensated:
        return s.ExpectCompensated(names, span)

    def expect_nothing_compensated(self, span: Span, _none: Token) -> s.ExpectCompensated:
        return s.ExpectCompensated((), span)

    def expect_rejected(self, span: Span, tried: s.GivenEvent | s.GivenDelegation) -> s.GivenEvent | s.GivenDelegation:
        return replace(tried, rejected=True, span=span)

    def by_person(self, span: Span, person: s.Literal) -> s.Actor:
        return s.Actor(None, str(person.value), span)

    def expect_emitted(self, span: Span, name: s.Name, args: tuple[s.Argument, ...]) -> s.ExpectMessage:
        return s.ExpectMessage(None, name, args, None, span)

    def expect_sent(
        self, span: Span, flow: s.Name, event: s.Name, args: tuple[s.Argument, ...], to: s.Literal | None
    ) -> s.ExpectMessage:
        return s.ExpectMessage(flow, event, args, None if to is None else str(to.value), span)

    def recipient(self, _span: Span, to: s.Literal | None = None) -> s.Literal | None:
        return to

    def actor(self, span: Span, role: s.Name | None = None, person: s.Literal | None = None) -> s.Actor | None:
        return None if role is None else s.Actor(role, None if person is None else str(person.value), span)

    def outcome_value(self, _span: Span, values: tuple[s.Expr, ...] | None = None) -> tuple[s.Expr, ...] | None:
        return values

    def arguments(self, _span: Span, *arguments: s.Argument) -> tuple[s.Argument, ...]:
        return arguments

    def argument(self, span: Span, name: s.Name, value: s.Expr) -> s.Argument:
        return s.Argument(name, value, span)
