"""The plan of a generated module: a Kernel in, every decision about its text out; `render` only lays it out.

Whatever is code in the plan (a type, a codec, an expression) is finished text; whatever is free text of the flow (docs,
paths, titles) is not yet quoted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from ...dsl.model import (
    MOST_DEFERRED,
    Activity,
    ActivityCall,
    BoolType,
    Compensation,
    DecimalType,
    Effect,
    EnumType,
    IntType,
    ListType,
    OptionalType,
    Parameter,
    Retry,
    Schedule,
    Task,
    TextType,
    Type,
    Variable,
)
from ..kernel import Kernel, Leaf, Scope, ScopeKind, TriggerKind
from .behaviour import Behaviour
from .expressions import Printer
from .inplace import Maker
from .literals import AND, codec, duration, quoted, type_name
from .names import Names
from .parts import Call, Choice, Enum, Field, Formula, Join, Letter, Module, Record, State, Trigger


def plan(kernel: Kernel, digest: str, path: str, mutable: bool = False) -> Module:
    """Every decision about the module of a kernel. `path` is how the module calls its spec; mutable: whether it
    has a class that changes in place, if there is anything that one would do by itself."""
    planner = _Planner(kernel, path)
    module = planner.module(digest)
    if not mutable:
        return module
    quick = frozenset(trigger.type for trigger in module.triggers if trigger.quick)
    return replace(module, mutable=Maker(kernel, planner.names, planner.behaviour, quick).mutable())


class _Planner:
    def __init__(self, kernel: Kernel, path: str) -> None:
        self.kernel = kernel
        self.path = path
        self.names = Names(kernel)
        self.behaviour = Behaviour(kernel, self.names, path)
        self.quick = frozenset(
            self.names.event[event.name] for event in kernel.events if self.behaviour.quick(event.name)
        )
        self.undone: dict[str, list[str]] = {}  # by the compensation, the activities that it undoes
        for activity in kernel.activities:
            self.undone.setdefault(_undo_name(activity), []).append(activity.name)

    def module(self, digest: str) -> Module:
        kernel, names, behaviour = self.kernel, self.names, self.behaviour
        activities = kernel.activities
        return Module(
            names=names,
            source=kernel.name,
            version=kernel.version,
            doc=kernel.doc,
            path=self.path,
            digest=digest,
            enums=tuple(self.enums()),
            records=tuple(self.records()),
            inputs=tuple(self.variable(variable) for variable in kernel.inputs),
            arguments=tuple(names.argument.values()),
            data=tuple(self.variable(variable) for variable in kernel.data),
            triggers=tuple(self.triggers()),
            messages=tuple(self.letter(message.name, message.params) for message in kernel.messages),
            sends=tuple(self.sends()),
            calls=(*map(self.activity, activities), *map(self.compensation, kernel.compensations)),
            errors=tuple(names.error.items()),
            states=tuple(map(self.state, sorted(_inner(kernel), key=lambda place: place.span.start))),
            choices=tuple(self.choices()),
            undos=tuple(
                self.undo(a, a.effect) for a in activities if isinstance(a.effect, Compensation) and not a.flow
            ),
            promises=tuple(self.promise(activity) for activity in activities if activity.ensures),
            start=behaviour.start(),
            deadline="" if kernel.deadline is None else behaviour.due(kernel.deadline),
            expire=next((behaviour.taken(c) for c in kernel.commands[1:] if not c.scope), None),
            located=behaviour.located,
            escalations=tuple(
                (quoted(timer.id), quoted(timer.escalates[0]), quoted(timer.escalates[1].role))
                for timer in kernel.timers()
                if timer.escalates is not None
            ),
            reminders=tuple(self.reminders()),
            schedules=tuple(map(self.schedule, kernel.schedules)),
            outputs=tuple(quoted(each.name) for each in kernel.outputs),
            savepoints=self.members(kernel.savepoints),
            resumed=self.members(kernel.resumed),
            counted=self.members(kernel.counted),
            moves=tuple((name, code) for code, name in behaviour.moves.items()),  # all else is decided by now
            inlined=behaviour.inlined,
            waiting=kernel.waiting,
        )

    def schedule(self, schedule: Schedule) -> tuple[str, ...]:
        """The arguments of a `schedules.Schedule`."""
        given = zip(schedule.inputs, self.kernel.inputs, strict=True)
        inputs = ", ".join(self.behaviour.printer.stored(value, v.type, value.span).text for value, v in given)
        return (quoted(schedule.text), *map(repr, schedule.moments), f"{self.names.inputs}({inputs})")

    def reminders(self) -> Iterable[tuple[str, str, str, str]]:
        for timer in self.kernel.timers():
            if timer.reminds is not None:
                task = self.kernel.task[timer.reminds]
                assert task.remind is not None, "only a task that says `remind` has such a timer"
                yield quoted(timer.id), quoted(task.name), duration(task.remind), str(task.most_reminders)

    # ------------------------------------------------------------ declarations

    def enums(self) -> Iterable[Enum]:
        for enum in self.kernel.enums:
            members = self.names.member[enum.name]
            yield Enum(self.names.enum[enum.name], enum.name, tuple((members[m], quoted(m)) for m in enum.members))

    def records(self) -> Iterable[Record]:
        for record in self.kernel.records:
            parts = self.names.part[record.name]
            fields = tuple(self.field(each, parts[each.name]) for each in record.fields)
            yield Record(self.names.record[record.name], record.name, self.names.codec[record.name], fields)

    def field(self, parameter: Parameter | Variable, name: str) -> Field:
        names = self.names
        return Field(
            name,
            type_name(parameter.type, names),
            parameter.name,
            codec(parameter.type, names),
            _note(parameter.type),
        )

    def variable(self, variable: Variable) -> Field:
        field = self.field(variable, self.names.variable[variable.name])
        if variable.initial is None:
            return field
        initial = self.behaviour.printer.stored(variable.initial, variable.type, variable.span)
        return replace(field, default=initial.text)

    def triggers(self) -> Iterable[Trigger]:
        for event in self.kernel.events:
            made = self.trigger(event.name, event.roles, event.params, event.doc, self.behaviour.place(event.span))
            yield made if event.most == MOST_DEFERRED else replace(made, most=str(event.most))
        for place in self.kernel.place.values():
            for task in place.tasks:
                yield self.trigger(task.name, task.roles, task.form, task.doc, self.behaviour.place(task.span), task)

    def letter(self, name: str, params: Sequence[Parameter]) -> Letter:
        return Letter(quoted(name), tuple(self.field(param, param.name) for param in params))

    def sends(self) -> Iterable[tuple[str, tuple[Letter, ...]]]:
        for flow in dict.fromkeys(flow for flow, _ in self.kernel.sends):
            events = [(event, params) for (other, event), params in self.kernel.sends.items() if other == flow]
            yield quoted(flow), tuple(self.letter(event, params) for event, params in events)

    def trigger(
        self,
        name: str,
        roles: tuple[str, ...],
        params: Sequence[Parameter],
        doc: str,
        place: str,
        task: Task | None = None,
    ) -> Trigger:
        names = self.names
        fields = tuple(self.field(param, names.field[name][param.name]) for param in params)
        fits = _fits([(field.name, param.type) for field, param in zip(fields, params, strict=True)], names)
        quick = "" if task or fits is None or names.event[name] not in self.quick else names.quick[name]
        return Trigger(
            type=names.event[name],
            method=names.method[name],
            source=name,
            task=task is not None,
            roles=roles,
            fields=fields,
            doc=doc,
            place=place,
            may=names.may[name],
            quick=quick,
            fits=fits or "",
        )

    # ------------------------------------------------------------ calls

    def params(self, call: str, params: Sequence[Parameter]) -> tuple[Field, ...]:
        return tuple(self.field(param, self.names.parameter[call][param.name]) for param in params)

    def activity(self, activity: Activity) -> Call:
        names, effect = self.names, activity.effect
        if activity.flow:
            return self.sub_flow(activity)
        return Call(
            source=activity.name,
            method=names.call[activity.name],
            params=self.params(activity.name, activity.params),
            result="None" if activity.result is None else type_name(activity.result, names),
            codec="codec.NOTHING" if activity.result is None else codec(activity.result, names),
            kind=_kind(activity),
            undone_by=effect.name if isinstance(effect, Compensation) else "",
            undoes=(),
            errors=tuple((failure.name, names.error[failure.name]) for failure in activity.fails),
            ensures=names.ensures[activity.name] if activity.ensures else "",
            timeout=duration(activity.timeout),
            retry=_retry(activity.retry),
            doc=activity.doc,
            place=self.behaviour.place(activity.span),
            guards=tuple(_guards(activity)),
        )

    def sub_flow(self, activity: Activity) -> Call:
        """A flow that this one does: no method is called for it, and its answer is the record of its outputs."""
        return Call(
            source=activity.name,
            method="",
            params=self.params(activity.name, activity.params),
            result="None",
            codec="codec.NOTHING" if activity.result is None else codec(activity.result, self.names),
            kind=_kind(activity),
            undone_by=activity.name if isinstance(activity.effect, Compensation) else "",
            undoes=(),
            errors=tuple((failure.name, "core.SubFlowFailed") for failure in activity.fails),
            ensures="",
            timeout=duration(activity.timeout),
            retry=_retry(activity.retry),
            doc="",
            place=self.behaviour.place(activity.span),
            guards=(("flow", quoted(activity.name)),),
        )

    def compensation(self, compensation: Compensation) -> Call:
        undoes = self.undone.get(compensation.name, [])
        activity = self.kernel.activity.get(compensation.name)
        of_flow = activity is not None and activity.flow
        return Call(
            source=compensation.name,
            method="" if of_flow else self.names.call[compensation.name],
            params=() if of_flow else self.params(compensation.name, compensation.args),
            result="None",
            codec="codec.NOTHING",
            kind="",
            undone_by="",
            undoes=tuple(undoes),
            errors=(),
            ensures="",
            timeout=duration(compensation.timeout),
            retry=_retry(compensation.retry),
            doc="",
            place=self.behaviour.place(compensation.span),
        )

    def undo(self, activity: Activity, compensation: Compensation) -> Formula:
        printer = self.printer(activity)
        values = self.behaviour.arguments(printer, compensation.values, compensation.args)
        return self.formula(
            activity, self.names.undo[activity.name], values, self.behaviour.place(compensation.span), False
        )

    def promise(self, activity: Activity) -> Formula:
        printer = self.printer(activity)
        conditions = [printer.code(condition) for condition in activity.ensures]
        place = self.behaviour.place(activity.ensures[0].span)
        single = len(conditions) == 1
        values = tuple(code.text if single else code.at(AND + 1) for code in conditions)
        return self.formula(activity, self.names.ensures[activity.name], values, place, True)

    def printer(self, activity: Activity) -> Printer:
        return replace(self.behaviour.printer, params=self.names.parameter[activity.name])

    def formula(self, activity: Activity, function: str, values: tuple[str, ...], place: str, promise: bool) -> Formula:
        result = "None" if activity.result is None else type_name(activity.result, self.names)
        return Formula(
            activity.name, function, self.params(activity.name, activity.params), result, values, place, promise
        )

    # ------------------------------------------------------------ states

    def members(self, names: Collection[str]) -> tuple[str, ...]:
        """The members of these places, in the order of the text."""
        places = sorted((place for place in _inner(self.kernel) if place.name in names), key=lambda p: p.span.start)
        return tuple(self.behaviour.node(place.name) for place in places)

    def state(self, place: Leaf | Scope) -> State:
        names, name = self.names, place.name
        call = place.call if isinstance(place, Leaf) else None
        begins = [timer.id for timer in place.timers] + [task.name for task in place.tasks]
        return State(
            member=self.behaviour.node(name),
            source=name,
            doc=place.doc,
            place=self.behaviour.place(place.span),
            kind=_kind_of(place),
            answers=self.behaviour.answers(place),
            enter=names.enter[name],
            entry=self.behaviour.entry(place),
            quick=self.quick if self.behaviour.calm(name) else frozenset(),
            begins=tuple(map(quoted, begins if call is None else (*begins, call.activity))),
            group=() if call is None or call.each is None else self.group(name, call),
            begin=names.start[name],
            start=self.behaviour.taken(place.start) if isinstance(place, Scope) and place.start is not None else None,
            joins=tuple(self.joins(name)),
        )

    def group(self, leaf: str, call: ActivityCall) -> tuple[str, ...]:
        outcomes = [on.name for scope, on in self.kernel.answering if scope == leaf and on.kind is TriggerKind.OUTCOME]
        quota = None if call.each is None else call.each.quota
        answers = f"frozenset({{{', '.join(map(quoted, outcomes))}}})" if outcomes else "frozenset()"
        return quoted(call.activity), answers, repr(quota), quoted(self.behaviour.place(call.span))

    def joins(self, name: str) -> Iterator[Join]:
        found: set[str] = set()
        for command in self.kernel.scoped.get(name, ()):
            on = command.on
            if on is not None and on.kind is TriggerKind.JOIN and on.name not in found:
                found.add(on.name)
                yield Join(on.name, self.names.join[name, on.name], self.behaviour.taken(command))

    def choices(self) -> Iterable[Choice]:
        for choice in self.kernel.choices:
            member, function = self.behaviour.node(choice.name), self.names.choose[choice.name]
            place = self.behaviour.place(choice.span)
            yield Choice(member, choice.name, choice.doc, place, function, self.behaviour.branches(choice))


def _inner(kernel: Kernel) -> list[Leaf | Scope]:
    """Every place but the flow itself."""
    return [*kernel.scopes[1:], *kernel.leaves]


def _kind_of(place: Leaf | Scope) -> str:
    return "outer" if place.kind is ScopeKind.STATE else place.kind


def _note(type: Type) -> str:
    item = type.item if isinstance(type, OptionalType) else type
    bounded = isinstance(item, IntType) and item != IntType()
    return str(type) if bounded or isinstance(item, DecimalType | ListType) else ""


def _undo_name(activity: Activity) -> str:
    return activity.effect.name if isinstance(activity.effect, Compensation) else ""


def _fits(fields: Sequence[tuple[str, Type]], names: Names) -> str | None:
    """The test that fields are in normal form, where a look at each shows it; None where one has to be converted."""
    tests: list[str] = []
    for name, type in fields:
        item = type.item if isinstance(type, OptionalType) else type
        if not isinstance(item, BoolType | IntType | TextType | EnumType):
            return None
        test = f"type({name}) is {type_name(item, names)}"
        if isinstance(item, IntType):
            if item.low is None or item.high is None:
                return None
            test += f" and {item.low} <= {name} <= {item.high}"
        if isinstance(item, TextType):
            test += f" and {name}.isascii()"  # which shows that it can be written down; most texts are
        tests.append(f"({name} is None or {test})" if isinstance(type, OptionalType) else test)
    return " and ".join(tests)


def _kind(activity: Activity) -> str:
    match activity.effect:
        case Compensation():
            return "COMPENSATED"
        case Effect.READONLY:
            return "READONLY"
        case _:
            return "IRREVERSIBLE"


def _retry(retry: Retry) -> str:
    first, limit = duration(retry.first), duration(retry.limit)
    jitter = f", jitter={float(retry.jitter)}" if retry.jitter else ""
    return f"core.RetryPolicy(attempts={retry.attempts}, first={first}, limit={limit}, park={retry.park}{jitter})"


def _guards(activity: Activity) -> Iterator[tuple[str, str]]:
    if activity.heartbeat is not None:
        yield "heartbeat", duration(activity.heartbeat)
    if (breaker := activity.breaker) is not None:
        window, cool = duration(breaker.window), duration(breaker.cool)
        yield "breaker", f"gates.Breaker(failures={breaker.failures}, window={window}, cool={cool})"
    if (limit := activity.limit) is not None:
        yield "limit", f"gates.Limit(attempts={limit.attempts}, per={duration(limit.per)})"
