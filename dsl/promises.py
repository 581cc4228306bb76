"""Types what a flow promises: properties and scenarios as written in, those of the model out."""

from __future__ import annotations

from collections.abc import Mapping

from . import model, syntax
from . import rules_of_meaning as rules
from .activities import Signature, positive
from .arguments import in_order
from .diagnostics import Label
from .expressions import Typing
from .findings import did_you_mean, listed
from .handlers import Vocabulary, values_of
from .messages import Messages
from .model import NOBODY, Expr, Parameter, RefKind, Type
from .nodes import PLACES, place
from .resolve import BROKEN, Kind, Names
from .schedules import WEEKDAYS, Moments, Unreadable, cron, daily
from .scope import Scope
from .source import Span
from .walk import nodes


class Promises:
    """Types the properties and scenarios of one flow."""

    def __init__(self, names: Names, typing: Typing, known: Vocabulary) -> None:
        self.names = names
        self.findings = names.findings
        self.typing = typing
        self.known = known
        self.scope = Scope(known.variables, asks=True, here="")

    def property(self, tree: syntax.Always | syntax.Reach | syntax.LeadsTo) -> model.Property:
        match tree:
            case syntax.Always():
                return model.Always(self._condition(tree.condition), tree.negated, tree.span)
            case syntax.Reach():
                state = place(self.names, tree.state, "", *PLACES)
                condition = self._condition(tree.condition) if tree.condition else None
                return model.Reach(state or "", condition, tree.span)
            case syntax.LeadsTo():
                trigger = self._condition(tree.trigger) if tree.trigger else None
                within = positive(tree.within, "The time after `within`", self.findings) if tree.within else None
                return model.LeadsTo(trigger, self._condition(tree.goal), within, tree.span)

    def scenario(self, tree: syntax.Scenario) -> model.Scenario:
        starts = [each for each in tree.steps if isinstance(each, syntax.GivenStart)]
        self.findings.only(starts, "A scenario follows one run, but `start` is said")
        if tree.steps and not isinstance(tree.steps[0], syntax.GivenStart):
            message = "A scenario begins with `start(..)`."
            self.findings.error(rules.MISSING_PART, tree.steps[0].span, message, "not started yet")
        return model.Scenario(tree.title, tuple(self._step(each) for each in tree.steps), tree.span)

    def _condition(self, tree: syntax.Expr) -> Expr:
        return self.typing.condition(tree, self.scope)

    def _step(self, tree: syntax.ScenarioStep) -> model.ScenarioStep:
        match tree:
            case syntax.GivenStart():
                inputs = {name: type_ for name, (kind, type_) in self.known.variables.items() if kind is RefKind.INPUT}
                return model.GivenStart(
                    self._named(tree.args, inputs, "start", tree), self._actor(tree.actor), tree.span
                )
            case syntax.GivenOutcome():
                return self._outcome(tree)
            case syntax.GivenEvent():
                kind = self.names.find(tree.name, Kind.EVENT, Kind.TASK)
                name = tree.name.text
                known: tuple[Parameter, ...] | None = None
                if kind:
                    known = self.known.events[name] if kind is Kind.EVENT else self.known.tasks[name]
                params = None if known is None else {each.name: each.type for each in known}
                payload = self._named(tree.args, params, name, tree)
                return model.GivenEvent(name, payload, self._actor(tree.actor), tree.rejected, tree.span)
            case syntax.GivenDelegation():
                self.names.find(tree.task, Kind.TASK)
                return model.GivenDelegation(tree.task.text, tree.to, self._actor(tree.actor), tree.rejected, tree.span)
            case syntax.GivenWait():
                length = positive(tree.duration, "A wait", self.findings)
                return model.GivenWait(length, tree.span)
            case syntax.Expect():
                return model.Expect(self._condition(tree.condition), tree.span)
            case syntax.ExpectMessage():
                return self._message(tree)
            case syntax.ExpectCompensated():
                for each in tree.names:
                    self.names.find(each, Kind.COMPENSATION)
                return model.ExpectUndone(tuple(each.text for each in tree.names), tree.span)

    def _named(
        self,
        args: tuple[syntax.Argument, ...],
        params: Mapping[str, Type] | None,
        owner: str,
        tree: syntax.GivenStart | syntax.GivenEvent | syntax.ExpectMessage | syntax.Schedule,
    ) -> tuple[Expr, ...]:
        """The arguments in the order of the parameters (None: unknown), each a constant."""
        given = in_order(args, params, owner, tree.span, self.names)
        return tuple(constant(each, type_, self.typing, self.scope) for each, type_ in given)

    def schedule(self, tree: syntax.Schedule) -> model.Schedule:
        """`every ..`, with the inputs of the instances it starts."""
        params = {n: t for n, (kind, t) in self.known.variables.items() if kind is RefKind.INPUT}
        inputs = self._named(tree.inputs, params, "start", tree)
        text, moments = self._moments(tree)
        return model.Schedule(text, moments, inputs, tree.span)

    def _moments(self, tree: syntax.Schedule) -> tuple[str, Moments]:
        """What is written after `every`, and what it means."""
        day, at = tree.day, tree.at
        if day is not None and day.text not in WEEKDAYS:
            fix = did_you_mean(day.text, day.span, (*WEEKDAYS, "day"))
            message = f"`{day.text}` is no day of the week."
            self.findings.error(rules.UNKNOWN_NAME, day.span, message, "not a day", fix=fix)
            day = None
        try:
            if isinstance(at, syntax.Literal):
                return str(at.value), cron(str(at.value))
            text = f"{day.text if day else 'day'} at {at.hour:02}:{at.minute:02} UTC"
            return text, daily(at.hour, at.minute, WEEKDAYS.index(day.text) if day else None)
        except Unreadable as unreadable:
            self.findings.error(rules.OUT_OF_RANGE, at.span, f"{unreadable}.", "not a time")
            return "", daily(0, 0)

    def _message(self, tree: syntax.ExpectMessage) -> model.ExpectMessage:
        """An expected message, with values for those of its parameters that are named."""
        name = tree.name.text
        known: tuple[Parameter, ...] | None = None
        if tree.flow is not None:
            messages = Messages(self.names, self.typing, self.known.messages, self.known.flows)
            heard = messages.hearing(tree.flow, tree.name)
            known = heard.params if heard else None
        elif self.names.find(tree.name, Kind.MESSAGE):
            known = self.known.messages[name]
        given = {each.name.text for each in tree.args}
        params = None if known is None else {each.name: each.type for each in known if each.name in given}
        values = self._named(tree.args, params, name, tree)
        places = [place for place, each in enumerate(known or ()) if each.name in given]
        flow = None if tree.flow is None else tree.flow.text
        return model.ExpectMessage(flow, name, tuple(zip(places, values, strict=False)), tree.to, tree.span)

    def _outcome(self, tree: syntax.GivenOutcome) -> model.GivenOutcome:
        outcome, span = tree.outcome.text, tree.outcome.span
        kind = self.names.find(tree.activity, Kind.ACTIVITY, Kind.COMPENSATION)
        called = tree.activity.text
        if kind is Kind.COMPENSATION and outcome != "done":
            message = f"`{called}` is a compensation, which is retried until it is `done`."
            self.findings.error(rules.NO_SUCH_TRIGGER, span, message, "never answered")
        activity = self.known.activities.get(called) if kind is Kind.ACTIVITY else None
        result: Type | None = activity.result if activity and outcome == "done" else None
        if activity:
            self._check_outcome(tree, activity)
        value: Expr | None = None
        if activity and activity.flow and isinstance(result, model.RecordType) and tree.values is not None:
            value = self._outputs(tree, tree.values, result)
        elif tree.values is not None:
            if kind and result is None:
                message = f"`{called} {outcome}` brings no value."
                self.findings.error(rules.WRONG_COUNT, span_of(tree), message, "no value comes along")
            elif len(tree.values) != 1:
                message = f"`{called} {outcome}` brings one value, and here are {len(tree.values) or 'none'}."
                self.findings.error(rules.WRONG_COUNT, tree.span, message, "one value comes along")
            for each in tree.values:
                value = constant(each, result or BROKEN, self.typing, self.scope)
        elif result is not None:
            what = "its outputs" if activity and activity.flow else f"a value of type `{result}`"
            message = f"`{called} done` brings {what}, as in `{called} done(..)`."
            self.findings.error(rules.MISSING_PART, tree.span, message, "which value?")
        return model.GivenOutcome(called, outcome, value, tree.span)

    def _outputs(self, tree: syntax.GivenOutcome, values: tuple[syntax.Expr, ...], result: model.RecordType) -> Expr:
        """What a flow that is done gives, one value for each output."""
        if len(values) != len(result.fields):
            brought = values_of(len(result.fields))
            message = f"`{tree.activity.text} done` brings {brought}, and here is {values_of(len(values))}."
            note = f"Its outputs are {listed(each.name for each in result.fields)}."
            self.findings.error(rules.WRONG_COUNT, tree.span, message, values_of(len(values)), note=note)
        pairs = zip(values, result.fields, strict=False)
        given = tuple(constant(each, field.type, self.typing, self.scope) for each, field in pairs)
        return model.NewRecord(given, result, tree.span)

    def _check_outcome(self, tree: syntax.GivenOutcome, activity: Signature) -> None:
        outcome, span, called = tree.outcome.text, tree.outcome.span, tree.activity.text
        possible = ["done", *activity.fails, *([] if activity.parks else ["timeout", "failed"])]
        if outcome in possible:
            return
        label = Label(self.names.place(Kind.ACTIVITY, called), "declared here")
        if outcome in ("timeout", "failed"):
            message = f"`{called}` never answers `{outcome}`, for {activity.never}."
            self.findings.error(rules.NO_SUCH_TRIGGER, span, message, "never answered", others=(label,))
        else:
            fix = did_you_mean(outcome, span, possible)
            note = "" if fix else f"It can answer {listed(possible, 'or')}."
            message = f"`{called}` never answers `{outcome}`."
            self.findings.error(
                rules.UNKNOWN_NAME, span, message, "not an outcome of it", others=(label,), fix=fix, note=note
            )

    def _actor(self, tree: syntax.Actor | None) -> model.Actor:
        if tree is None:
            return NOBODY
        if tree.role is None:
            return model.Actor(tree.person or "", "")
        self.names.find(tree.role, Kind.ROLE)
        return model.Actor(tree.person or tree.role.text, tree.role.text)


def span_of(tree: syntax.GivenOutcome) -> Span:
    """Where the values of an answer are, or it all."""
    return tree.values[0].span.to(tree.values[-1].span) if tree.values else tree.span


def constant(tree: syntax.Expr, expected: Type, typing: Typing, scope: Scope) -> Expr:
    """The expression as a value of the expected type, which nothing that happens may change."""
    value = typing.value(tree, expected, scope)
    for each in nodes(value):
        if isinstance(
            each,
            model.Ref | model.Now | model.InState | model.Standing | model.Count | model.Compensating | model.Elapsed,
        ):
            message = "A constant is needed here, and this changes from run to run."
            typing.findings.error(rules.NOT_CONSTANT, each.span, message, "not a constant")
            break
    return value
