"""What a kernel demands of the `FlowSpec` of its module, what a host knows of the flow; as things and demands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...dsl.model import (
    Activity,
    BoolType,
    Compensation,
    DecimalType,
    DurationType,
    Effect,
    EnumType,
    InstantType,
    IntType,
    ListType,
    NoneType,
    OptionalType,
    Parameter,
    RecordType,
    Retry,
    Schedule,
    TextType,
    Type,
    Variable,
)
from .meaning import Meaning, Seen
from .tables import Items, Maker, Rows, Tables, Wanted
from .things import NONE, Known, Made, Thing
from .trail import Trail

PLAIN = {
    BoolType: "codec.BOOL",
    TextType: "codec.TEXT",
    DurationType: "codec.DURATION",
    InstantType: "codec.INSTANT",
    NoneType: "codec.NOTHING",
}


class Specs:
    """Makes it."""

    def __init__(self, tables: Tables, digest: str) -> None:
        self.tables = tables
        self.kernel = tables.kernel
        self.names = tables.names
        self.digest = digest

    def spec(self) -> Maker:
        kernel, tables, names = self.kernel, self.tables, self.names
        return Maker(
            "spec.FlowSpec",
            (
                ("name", tables.text(kernel.name)),
                ("version", tables.whole(kernel.version)),
                ("digest", tables.text(self.digest)),
                ("inputs", self.record(names.inputs, kernel.inputs)),
                ("data", self.record(names.data, kernel.data)),
                ("events", tables.by_name(list(self.events()))),
                ("activities", tables.by_name([(a.name, self.activity(a)) for a in kernel.activities])),
                ("compensations", tables.by_name([(c.name, self.compensation(c)) for c in kernel.compensations])),
                ("schedules", Items(tuple(map(self.schedule, kernel.schedules)))),
                ("messages", tables.by_name([(m.name, self.arguments(m.params)) for m in kernel.messages])),
                ("sends", self.sends()),
                ("outputs", tables.texts([output.name for output in kernel.outputs])),
            ),
        )

    # ------------------------------------------------------------ codecs

    def codec(self, type: Type) -> Wanted:
        tables = self.tables
        match type:
            case IntType(low, high):
                bounds = (("low", tables.whole(low)), ("high", tables.whole(high)))
                return self.constant("codec.INT") if low is None and high is None else Maker("codec.integer", bounds)
            case DecimalType(places):
                return Maker("codec.decimal", (("places", tables.whole(places)),))
            case EnumType(name):
                return Maker("codec.enum", (("members", Known("class", self.names.enum[name])),))
            case RecordType(name):
                return self.record(self.names.record[name], type.fields)
            case ListType(item, most):
                return Maker("records.sequence", (("item", self.codec(item)), ("most", tables.whole(most))))
            case OptionalType(item):
                return Maker("codec.optional", (("item", self.codec(item)),))
            case _:
                return self.constant(PLAIN[type.__class__])

    def constant(self, name: str) -> Known:
        return Known("runtime", name)

    def fields(self, fields: Sequence[Parameter | Variable]) -> Items:
        return Items(tuple(Items((self.tables.text(each.name), self.codec(each.type))) for each in fields))

    def record(self, cls: str, fields: Sequence[Parameter | Variable]) -> Maker:
        return Maker("records.record", (("type", Known("class", cls)), ("fields", self.fields(fields))))

    def arguments(self, params: Sequence[Parameter]) -> Maker:
        return Maker("records.arguments", (("params", self.fields(params)),))

    # ------------------------------------------------------------ events and messages

    def events(self) -> Iterator[tuple[str, Wanted]]:
        """Events and tasks."""
        for event in self.kernel.events:
            yield event.name, self.event(event.name, event.params, event.roles, False, event.most)
        for task in self.kernel.task.values():
            yield task.name, self.event(task.name, task.form, task.roles, True, 100)

    def event(self, name: str, params: Sequence[Parameter], roles: Sequence[str], task: bool, most: int) -> Maker:
        return Maker(
            "spec.EventSpec",
            (
                ("name", self.tables.text(name)),
                ("record", self.record(self.names.event[name], params)),
                ("roles", self.tables.texts(roles)),
                ("task", self.tables.logic.truth(task)),
                ("most", self.tables.whole(most)),
            ),
        )

    def sends(self) -> Rows:
        flows = dict.fromkeys(flow for flow, _ in self.kernel.sends)
        return self.tables.by_name([(flow, self.sent(flow)) for flow in flows])

    def sent(self, flow: str) -> Rows:
        sends = self.kernel.sends.items()
        return self.tables.by_name([(event, self.arguments(ps)) for (other, event), ps in sends if other == flow])

    def schedule(self, schedule: Schedule) -> Maker:
        tables, moments = self.tables, schedule.moments
        numbers: list[Wanted] = [
            NONE if each is None else Items(tuple(map(tables.whole, each)))
            for each in (moments.minutes, moments.hours, moments.days, moments.months, moments.weekdays)
        ]
        trail = Trail(tables.logic)
        meaning = Meaning(trail, tables.demands.place)
        nothing = Seen({}, {}, NONE)
        pairs = zip(schedule.inputs, self.kernel.inputs, strict=True)
        values = tuple(meaning.stored(value, each.type, value.span, nothing) for value, each in pairs)
        made: Thing = Made(self.names.inputs, values)
        names = ("minutes", "hours", "days", "months", "weekdays")
        fields: list[tuple[str, Wanted]] = [("text", tables.text(schedule.text)), *zip(names, numbers, strict=True)]
        return Maker("schedules.Schedule", (*fields, ("inputs", made)))

    # ------------------------------------------------------------ calls

    def activity(self, activity: Activity) -> Maker:
        tables, effect = self.tables, activity.effect
        undone = activity.name if activity.flow else effect.name if isinstance(effect, Compensation) else ""
        ensures: Wanted = tables.demands.promise(activity) if activity.ensures and not activity.flow else NONE
        return Maker(
            "spec.ActivitySpec",
            (
                ("name", tables.text(activity.name)),
                ("method", tables.text("" if activity.flow else self.names.call[activity.name])),
                ("params", self.arguments(activity.params)),
                ("result", self.codec(NoneType() if activity.result is None else activity.result)),
                ("timeout", tables.duration(activity.timeout)),
                ("retry", self.retry(activity.retry)),
                ("kind", self.constant(f"spec.ActivityKind.{_kind(activity)}")),
                ("errors", self.errors(activity)),
                ("ensures", ensures),
                ("compensation", tables.text(undone) if isinstance(effect, Compensation) else NONE),
                ("heartbeat", tables.duration(activity.heartbeat)),
                ("breaker", self.breaker(activity)),
                ("limit", self.limit(activity)),
                ("flow", tables.text(activity.name if activity.flow else "")),
            ),
        )

    def errors(self, activity: Activity) -> Rows:
        """The class of each declared error; of a flow that has failed there is one for all."""

        def cls(name: str) -> Known:
            return self.constant("core.SubFlowFailed") if activity.flow else Known("class", self.names.error[name])

        return self.tables.by_name([(failure.name, cls(failure.name)) for failure in activity.fails])

    def breaker(self, activity: Activity) -> Wanted:
        if (breaker := activity.breaker) is None:
            return NONE
        window, cool = self.tables.duration(breaker.window), self.tables.duration(breaker.cool)
        fields = (("failures", self.tables.whole(breaker.failures)), ("window", window), ("cool", cool))
        return Maker("gates.Breaker", fields)

    def limit(self, activity: Activity) -> Wanted:
        if (limit := activity.limit) is None:
            return NONE
        attempts, per = self.tables.whole(limit.attempts), self.tables.duration(limit.per)
        return Maker("gates.Limit", (("attempts", attempts), ("per", per)))

    def retry(self, retry: Retry) -> Maker:
        tables = self.tables
        return Maker(
            "core.RetryPolicy",
            (
                ("attempts", tables.whole(retry.attempts)),
                ("first", tables.duration(retry.first)),
                ("limit", tables.duration(retry.limit)),
                ("park", tables.logic.truth(retry.park)),
                ("jitter", Known("float", repr(float(retry.jitter)))),
            ),
        )

    def compensation(self, compensation: Compensation) -> Maker:
        """Of a flow that is undone, there is nothing to be called: it knows how."""
        activity = self.kernel.activity.get(compensation.name)
        of_flow = activity is not None and activity.flow
        return Maker(
            "spec.CompensationSpec",
            (
                ("name", self.tables.text(compensation.name)),
                ("method", self.tables.text("" if of_flow else self.names.call[compensation.name])),
                ("params", self.arguments(() if of_flow else compensation.args)),
                ("timeout", self.tables.duration(compensation.timeout)),
                ("retry", self.retry(compensation.retry)),
            ),
        )


def _kind(activity: Activity) -> str:
    match activity.effect:
        case Compensation():
            return "COMPENSATED"
        case Effect.READONLY:
            return "READONLY"
        case _:
            return "IRREVERSIBLE"
