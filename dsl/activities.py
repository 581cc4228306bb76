"""Types activities and their compensations: declarations as written in, `model.Activity`s out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal

from . import rules_of_meaning as rules
from . import syntax
from .diagnostics import Label
from .expressions import Typing
from .findings import Findings
from .model import (
    Activity,
    Breaker,
    Compensation,
    Effect,
    Failure,
    Limit,
    NoneType,
    OptionalType,
    Parameter,
    RecordType,
    Ref,
    RefKind,
    Retry,
    Type,
)
from .resolve import BROKEN, Names, Types
from .scope import Scope
from .values import dataclass, replace

TIMEOUT = timedelta(seconds=30)
RETRY = Retry(3, timedelta(seconds=1), timedelta(seconds=30), park=False)
UNDO_RETRY = Retry(12, timedelta(seconds=1), timedelta(hours=1), park=True)

MOST_COUNTED = 10_000
"""What a breaker or a limit may count to: the host remembers the moment of each."""

BUILT_IN_OUTCOMES = ("done", "timeout", "failed")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a call of an activity takes and may answer."""

    params: tuple[Parameter, ...]
    result: Type | None
    fails: tuple[str, ...]
    parks: bool
    flow: bool = False

    @property
    def never(self) -> str:
        """Why an outcome that others have is none of it, as the end of a sentence."""
        return "a flow takes the time it takes" if self.flow else "it is parked when its attempts are used up"

    @property
    def answer(self) -> tuple[Type, ...]:
        """The types of what `done` brings: of a flow its outputs, each by itself."""
        if self.flow and isinstance(self.result, RecordType):
            return tuple(each.type for each in self.result.fields)
        return () if self.result is None else (self.result,)


def signature(tree: syntax.ActivityDeclaration, types: Types) -> Signature:
    """The signature of an activity, from its declaration alone."""
    params = types.parameters(tree.params, tree.name.text)
    result = types.resolve(tree.result, f"{tree.name.text}_result") if tree.result else None
    fails = tuple(each.name.text for each in tree.clauses if isinstance(each, syntax.Fails))
    retry = [each for each in tree.clauses if isinstance(each, syntax.Retry)]
    return Signature(params, result, fails, any(each.park or each.attempts is None for each in retry))


class Activities:
    """Types the activities of one flow."""

    def __init__(self, names: Names, typing: Typing, inputs: Scope) -> None:
        self.names = names
        self.typing = typing
        self.inputs = inputs
        self.findings = names.findings
        self._compensations: dict[str, Compensation] = {}

    def agree_with(self, others: Iterable[Activity]) -> None:
        """Has the compensations of activities declared elsewhere count as used."""
        for each in others:
            if isinstance(each.effect, Compensation):
                self._agree(each.effect, self._compensations.setdefault(each.effect.name, each.effect))

    def activity(self, tree: syntax.ActivityDeclaration, known: Signature) -> Activity:
        """One activity, with the defaults of what its declaration leaves open."""
        name = tree.name.text
        params = {each.name: (RefKind.PARAM, each.type) for each in known.params}
        result: Mapping[str, tuple[RefKind, Type]] = {}
        undone: Mapping[str, tuple[RefKind, Type]] = {}
        if known.result is not None:
            result = {"result": (RefKind.RESULT, known.result)}
            undone = {"result": (RefKind.RESULT, _optional(known.result))}
        effects = [
            each for each in tree.clauses if isinstance(each, syntax.Compensate | syntax.Readonly | syntax.Irreversible)
        ]
        for extra in effects[1:]:
            self.findings.error(
                rules.CONTRADICTION,
                extra.span,
                f"`{name}` can be only one of `compensate`, `readonly` and `irreversible`.",
                "says something else",
                others=(Label(effects[0].span, "already said here"),),
            )
        effect: Compensation | Effect = Effect.UNDECLARED
        for each in reversed(effects):
            match each:
                case syntax.Compensate():
                    effect = self._compensation(each, self.inputs.adding(params).adding(undone))
                case syntax.Readonly():
                    effect = Effect.READONLY
                case syntax.Irreversible():
                    effect = Effect.IRREVERSIBLE
        timeout, retry = self._limits(tree.clauses, name, RETRY)
        breaker, limit, heartbeat = self._guards(tree.clauses, name, timeout)
        ensures = tuple(
            self.typing.condition(each.condition, Scope(params).adding(result))
            for each in tree.clauses
            if isinstance(each, syntax.Ensures)
        )
        return Activity(
            name=name,
            params=known.params,
            result=known.result,
            timeout=timeout,
            retry=retry,
            fails=self._fails(tree),
            ensures=ensures,
            effect=effect,
            doc=tree.doc,
            span=tree.name.span,
            breaker=breaker,
            limit=limit,
            heartbeat=heartbeat,
            attempt_fails=self._attempt(tree),
        )

    def _guards(
        self, clauses: tuple[syntax.ActivityClause, ...], owner: str, timeout: timedelta
    ) -> tuple[Breaker | None, Limit | None, timedelta | None]:
        """What else the host keeps an eye on: how often attempts fail, how often they are made, whether they live."""
        findings, said = self.findings, f"of `{owner}` is said"
        breakers = findings.only([each for each in clauses if isinstance(each, syntax.Breaker)], f"The breaker {said}")
        limits = findings.only([each for each in clauses if isinstance(each, syntax.Limit)], f"The limit {said}")
        beats = findings.only([each for each in clauses if isinstance(each, syntax.Heartbeat)], f"The heartbeat {said}")
        breaker = limit = None
        if breakers is not None:
            breaker = Breaker(
                self._count(breakers.failures, "A breaker opens after failed attempts"),
                positive(breakers.window, "The window of a breaker", findings),
                positive(breakers.cool, "The pause of a breaker", findings),
            )
        if limits is not None:
            limit = Limit(
                self._count(limits.attempts, "A limit allows attempts"),
                positive(limits.per, "The time of a limit", findings),
            )
        heartbeat = None if beats is None else positive(beats.duration, "A heartbeat", findings)
        if beats is not None and heartbeat is not None and heartbeat >= timeout:
            message = f"The heartbeat of `{owner}` has to be shorter than its timeout, or it never says anything."
            written = any(isinstance(each, syntax.Timeout) for each in clauses)
            note = "" if written else "Where nothing is said, the timeout is 30s."
            findings.error(rules.OUT_OF_RANGE, beats.span, message, "not shorter than the timeout", note=note)
        return breaker, limit, heartbeat

    def _count(self, tree: syntax.Literal, what: str) -> int:
        number = tree.value if isinstance(tree.value, int) else 0
        if not 1 <= number <= MOST_COUNTED:
            message = f"{what}: between 1 and {MOST_COUNTED}."
            self.findings.error(rules.OUT_OF_RANGE, tree.span, message, "how many?")
        return number

    def _fails(self, tree: syntax.ActivityDeclaration) -> tuple[Failure, ...]:
        found: dict[str, Failure] = {}
        for each in tree.clauses:
            if not isinstance(each, syntax.Fails):
                continue
            name = each.name
            if name.text in BUILT_IN_OUTCOMES:
                message = f"`{name.text}` is an outcome that every activity has already."
                self.findings.error(rules.DUPLICATE_NAME, name.span, message, "choose another name")
            elif name.text in found:
                self.names.already(name, f"is twice among the errors of `{tree.name.text}`", found[name.text].span)
            if each.rate is not None and not 0 <= each.rate <= 1:
                message = "A rate lies between 0% and 100%."
                self.findings.error(rules.OUT_OF_RANGE, each.span, message, "not a share of all calls")
            found.setdefault(name.text, Failure(name.text, each.rate, name.span))
        rates = sum((each.rate for each in found.values() if each.rate is not None), Decimal(0))
        if rates > 1 and all(each.rate is None or each.rate <= 1 for each in found.values()):
            message = f"The rates of the errors of `{tree.name.text}` add up to more than 100%."
            self.findings.error(rules.OUT_OF_RANGE, tree.name.span, message, "more than all calls")
        return tuple(found.values())

    def _attempt(self, tree: syntax.ActivityDeclaration) -> Decimal | None:
        said = [each for each in tree.clauses if isinstance(each, syntax.Attempt)]
        found = self.findings.only(said, f"How often an attempt of `{tree.name.text}` fails is said")
        if found is not None and not 0 <= found.rate < 1:
            message = (
                "Attempts fail between 0% and less than 100% of the time: one that always fails is never answered."
            )
            self.findings.error(rules.OUT_OF_RANGE, found.span, message, "no attempt is left that succeeds")
        return None if found is None else found.rate

    def _compensation(self, tree: syntax.Compensate, scope: Scope) -> Compensation:
        values = tuple(self.typing.infer(each, scope) for each in tree.args)
        names: list[str] = []
        for place, each in enumerate(values, 1):
            free = isinstance(each, Ref) and each.name not in names
            names.append(each.name if isinstance(each, Ref) and free else f"arg{place}")
        for each in values:
            if isinstance(each.type, NoneType):
                message = "`none` says nothing about what to compensate."
                self.findings.error(rules.WRONG_TYPE, each.span, message, "no value")
        args = tuple(Parameter(name, each.type, each.span) for name, each in zip(names, values, strict=True))
        timeout, retry = self._limits(tree.clauses, tree.name.text, UNDO_RETRY)
        found = Compensation(tree.name.text, args, values, timeout, replace(retry, park=True), tree.name.span)
        self._agree(found, self._compensations.setdefault(found.name, found))
        return found

    def _agree(self, found: Compensation, first: Compensation) -> None:
        """A compensation is declared by its uses, so all of them have to say the same."""
        same_args = [(each.name, each.type) for each in found.args] == [(each.name, each.type) for each in first.args]
        broken = any(each.type == BROKEN for each in (*found.args, *first.args))
        if broken or (same_args and (found.timeout, found.retry) == (first.timeout, first.retry)):
            return
        what = "timeout or retry" if same_args else "arguments"
        self.findings.error(
            rules.CONTRADICTION,
            found.span,
            f"`{found.name}` is used twice, with different {what}.",
            "differs" if same_args else _shown(found),
            others=(Label(first.span, "first used here" if same_args else _shown(first)),),
            note="One compensation may serve two activities when both call it alike.",
        )

    # ------------------------------------------------------------ timeout and retry

    def _limits(
        self, clauses: tuple[syntax.ActivityClause, ...], owner: str, default: Retry
    ) -> tuple[timedelta, Retry]:
        said = f"of `{owner}` is said"
        timeout = self.findings.only(
            [each for each in clauses if isinstance(each, syntax.Timeout)], f"The timeout {said}"
        )
        retry = self.findings.only([each for each in clauses if isinstance(each, syntax.Retry)], f"The retry {said}")
        length = positive(timeout.duration, "A timeout", self.findings) if timeout else TIMEOUT
        return length, self._retry(retry, default) if retry else default

    def _retry(self, tree: syntax.Retry, default: Retry) -> Retry:
        attempts = None
        if not 0 <= tree.jitter <= 1:
            message = "A jitter is a share of the wait: between 0% and 100%."
            self.findings.error(rules.OUT_OF_RANGE, tree.span, message, "not a share of the wait")
        if tree.attempts is not None:
            attempts = tree.attempts.value if isinstance(tree.attempts.value, int) else 1
            if not 1 <= attempts <= 1_000_000:
                message = "`retry` counts all attempts, the first one too: between 1 and 1000000."
                self.findings.error(rules.OUT_OF_RANGE, tree.attempts.span, message, "how many attempts?")
        if tree.first is None or tree.limit is None:
            return Retry(attempts, default.first, default.limit, tree.park, tree.jitter)
        first = positive(tree.first, "A backoff", self.findings)
        limit = positive(tree.limit, "A backoff", self.findings)
        if first > limit:
            message = "A backoff grows, so it cannot begin above its limit."
            self.findings.error(
                rules.OUT_OF_RANGE, tree.first.span.to(tree.limit.span), message, "begins above its limit"
            )
        return Retry(attempts, first, limit, tree.park, tree.jitter)


def positive(tree: syntax.Literal, what: str, findings: Findings) -> timedelta:
    """The duration of a literal, which has to be longer than nothing."""
    length = tree.value if isinstance(tree.value, timedelta) else timedelta(0)
    if length <= timedelta(0):
        findings.error(rules.OUT_OF_RANGE, tree.span, f"{what} has to be longer than nothing.", "no time at all")
    return length


def _optional(type_: Type) -> Type:
    return type_ if type_ == BROKEN or isinstance(type_, OptionalType | NoneType) else OptionalType(type_)


def _shown(compensation: Compensation) -> str:
    return f"takes ({', '.join(f'{each.name}: {each.type}' for each in compensation.args)})"
