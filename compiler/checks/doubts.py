"""What stays unknown: the check, its subject and the reason in; the question that is open, why, how far the search
came, and what would help, out.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from ...dsl.diagnostics import Diagnostic, Fix, Label, Rule
from ...dsl.model import (
    Activity,
    Assign,
    Binary,
    DecimalType,
    Expr,
    IntType,
    Literal,
    OptionalType,
    Ref,
    RefKind,
    TextType,
    Type,
    Unary,
)
from ...dsl.source import Span
from ...dsl.walk import nodes
from ..kernel import DONE, Kernel, TriggerKind
from ..trace import written
from .budget import CUT
from .clock import Clock
from .facts import refs
from .graph import Arrival, Graph
from .live import Live
from .moves import MoveKind
from .multiply import Factor, factors

QUESTIONS = {
    "F001": "any run enters {}",
    "F002": "any run takes {}",
    "F003": "a run can rest in {} where nothing can happen",
    "F004": "{} can always still finish",
    "F005": "{} can go on for ever by itself",
    "F006": "two guards can be true at once in {}",
    "F007": "{} cover every case",
    "F008": "a run that enters {} leaves an answer unhandled",
    "F009": "something can be open when a run ends in {}",
    "F101": "an effect can be left standing in {}",
    "F102": "something irreversible can have happened before {}",
    "F103": "a run can end well in {} while an effect is uncertain",
    "F104": "a compensation can be handed none as {}",
    "F105": "a call in {} can give up where there is no way back",
    "F201": "a run can wait in {} for ever",
    "F202": "{} ever fires",
    "F203": "what is called in {} has time to end",
    "F204": "{} keeps its time",
    "F206": "{} comes to a last one",
    "F301": "{} holds",
    "F401": "{} can be out of range",
    "F402": "{} can be none",
    "F403": "{} can divide by zero",
    "F501": "there is always somebody for {}",
    "F502": "{} can name nobody",
}
"""What a check asks, by its code; of the others, their name is said."""

MOST_SHOWN = 4  # values, and things that would help


class Doubts:
    """Of one kernel, as far as it was searched."""

    def __init__(self, kernel: Kernel, graph: Graph, live: Live) -> None:
        self.kernel = kernel
        self.graph = graph
        self.live = live

    @cached_property
    def factors(self) -> list[Factor]:
        return factors(self.kernel, self.live, self.graph)[:2]

    def __call__(
        self, rule: Rule, subject: str, span: Span, reason: str, help: str, doubt: Arrival | None
    ) -> Diagnostic:
        """help: what would help, if the check knows; doubt: an instance that was not ruled out, and is not reached."""
        question = QUESTIONS.get(rule.code, f"`{rule.name}` holds of {{}}").format(subject)
        helps: list[tuple[str, Span | None]] = [(help, None)] if help else []
        why = [self._searched()]
        if self.graph.open:
            why += self._budget(next(iter(self.graph.open)), helps)
        elif doubt is not None:
            why.append(self._doubted(doubt, span))
        if not helps:
            helps += self._numbers(span)
        if not helps:
            helps.append(("give the numbers involved a range, or bound what repeats", None))
        total = len(self.graph.nodes)
        return Diagnostic(
            rule,
            f"it is not known whether {question}: {reason}",
            span,
            label="could not be decided",
            others=tuple(
                Label(place, "would help here") for _, place in helps[:MOST_SHOWN] if place not in (None, span)
            ),
            why=tuple(line for line in why if line),
            fixes=tuple(Fix(text) for text in dict.fromkeys(text for text, _ in helps[:MOST_SHOWN])),
            note=f"{total} configurations examined",
        )

    def _searched(self) -> str:
        """How far the search came."""
        real = [node for node in self.graph.nodes if node.real]
        if not real:
            return "no run was found at all."
        deepest = max(node.length for node in real)
        steps = f"{deepest} step{'s' if deepest > 1 else ''}"
        part = f"{len(real)} of {len(self.graph.nodes)} configurations were come to"
        return f"no run that was looked at shows it, up to {steps} long; {part}."

    # ------------------------------------------------------------ budgets

    def _budget(self, opened: str, helps: list[tuple[str, Span | None]]) -> Iterator[str]:
        """Why the search was cut short: what makes it so large, or what Z3 does not decide."""
        if opened.startswith(("there are more than", *CUT)):
            if self.factors:
                first, *others = self.factors
                most = f"{first.what} {'multiply' if first.many else 'multiplies'} them by {first.by:.3g}"
                yield ", ".join([most, *(f"{other.what} by {other.by:.3g}" for other in others)]) + "."
            helps += [(factor.help, factor.span) for factor in self.factors]
            if opened.startswith(CUT):
                more = "memory: `--max-memory`" if "memory" in opened else "time: `--timeout`"
                helps.append((f"allow more {more}", None))
        elif "budget of questions" in opened:
            helps.append(("split the flow: a part of it as a flow of its own, done with `do flow`", None))
        elif opened.startswith("Z3 could not decide"):
            hard = list(_hard(self.kernel))
            for text, span, help in hard[:1]:
                yield f"{text}, which Z3 does not decide in general."
                helps.append((help, span))

    # ------------------------------------------------------------ data

    def _doubted(self, doubt: Arrival, span: Span) -> str:
        """An instance that was not ruled out: where, with the data that are asked of first."""
        at = doubt.instance
        asked = {ref.name for ref in self._asked(span)}
        typed = zip(self.kernel.variable.values(), at.values, strict=True)
        told = [(v.name not in asked, f"`{v.name}` = {written(value, v.type)}") for v, value in typed]
        shown = [text for _, text in sorted(told, key=lambda each: each[0])][:MOST_SHOWN]
        place = " + ".join(at.configuration) or "a compensation"
        return f"not ruled out: `{place}`{' with ' if shown else ''}{', '.join(shown)}."

    def _asked(self, span: Span) -> Iterator[Ref]:
        """The variables that a place in the text reads."""
        for part in nodes(self.kernel.commands):
            if isinstance(part, Ref) and span.start <= part.span.start and part.span.end <= span.end:
                yield part
        for part in nodes((self.kernel.choices, self.kernel.properties, self.kernel.leaves)):
            if isinstance(part, Ref) and span.start <= part.span.start and part.span.end <= span.end:
                yield part

    def _numbers(self, span: Span) -> Iterator[tuple[str, Span | None]]:
        """What would bound the numbers that are asked of; of no place, those of the whole flow."""
        asked = [ref for ref in self._asked(span) if _unbounded(ref.type)]
        if not any(True for _ in self._asked(span)):
            asked = [r for r in nodes(self.kernel.commands) if isinstance(r, Ref) and _unbounded(r.type)]
        for ref in asked:
            if ref.kind is RefKind.INPUT or (ref.kind is RefKind.DATA and ref.name in self.kernel.variable):
                yield from self._bounding(ref)
            elif ref.kind is RefKind.PARAM:
                yield f"give `{ref.name}` a range, or say with `ensures` what it can be", ref.span

    def _bounding(self, ref: Ref) -> Iterator[tuple[str, Span | None]]:
        variable = self.kernel.variable[ref.name]
        if ref.kind is RefKind.INPUT:
            yield f"give `{ref.name}` a range: `{ref.name}: int 0..1000`", variable.span
            return
        for command in self.kernel.commands:
            for update in command.updates:
                if not isinstance(update, Assign) or update.name != ref.name:
                    continue
                line = self.kernel.source.line(update.span)
                activity = self._answering(command.scope, command.on is not None and command.on.name == DONE)
                given = any(part.kind is RefKind.PARAM for part in refs(update.value))
                if given and activity is not None and command.on is not None:
                    yield f"say what `{activity.name}` answers: `ensures result > 0`", activity.span
                elif any(part.name == ref.name for part in refs(update.value)):
                    yield f"bound `{ref.name}` where it grows, on line {line}, with a guard or a range", update.span
                elif given and command.on is not None and command.on.kind is not TriggerKind.OUTCOME:
                    yield f"give what `{command.on.name}` brings a range", update.span

    def _answering(self, scope: str, done: bool) -> Activity | None:
        leaf = self.kernel.leaf.get(scope)
        return self.kernel.activity[leaf.call.activity] if done and leaf is not None and leaf.call is not None else None


def untimely(kernel: Kernel, clock: Clock, doubt: Arrival) -> tuple[str, str] | None:
    """Of what no run was found to do: that a timer on the way comes at no moment that was found, since the zones leave
    open when it, or another one, falls due; and what would help. None: it is not for that."""
    for step in doubt.run():
        before, move = step.before, step.move
        if step.real or before is None or not before.real or move is None or move.kind is not MoveKind.TIMER:
            continue
        fires, source = kernel.timer[move.name], kernel.source
        armed = [kernel.timer[each.timer] for each in before.instance.timers if clock.loose(each.timer)]
        for timer in sorted(armed, key=lambda each: (each != fires, each.span.start)):
            moment = timer.at or timer.after
            assert moment is not None, "a timer has an `after` or an `at`"
            text = f"`{'at' if timer.at else 'after'} {' '.join(source.slice(moment.span).split())}`"
            reason = f"no moment was found at which the timer on line {source.line(fires.span)} fires"
            if clock.unknown(timer.id):
                return f"{reason}: {text} depends on data", "write how long it takes, in a state for each case"
            return f"{reason}: {text} counts since `{timer.since}`, perhaps for long", "count it from its own state"
    return None


def unable(kernel: Kernel, doubt: Arrival) -> tuple[str, str] | None:
    """The same where a task on the way is for somebody who may not be there, since it asks who did what. None: it is
    not for that."""
    for step in doubt.run():
        before, move = step.before, step.move
        if step.real or before is None or not before.real or move is None or move.kind is not MoveKind.TASK:
            continue
        task = kernel.task[move.name]
        if task.doer is not None or task.excluded:
            whom = f"which is for whoever did `{task.doer}`" if task.doer is not None else "which shuts some out"
            reason = f"no run was found on which there is somebody who can do `{task.name}`, {whom}"
            return reason, f"have somebody left for `{task.name}`, of which F501 speaks: `escalate to` a role, say"
    return None


def _unbounded(type: Type) -> bool:
    item = type.item if isinstance(type, OptionalType) else type
    return isinstance(item, DecimalType) or (isinstance(item, IntType) and None in (item.low, item.high))


def _hard(kernel: Kernel) -> Iterator[tuple[str, Span, str]]:
    """Expressions that have no decision procedure: what it is, where, and what to do instead."""
    for part in nodes((kernel.commands, kernel.choices, kernel.properties, kernel.activities, kernel.leaves)):
        if not isinstance(part, Binary):
            continue
        text = " ".join(kernel.source.slice(part.span).split())
        told = f"`{text}` (line {kernel.source.line(part.span)})"
        if part.op in {"*", "/", "%"} and _varies(part.right) and (part.op != "*" or _varies(part.left)):
            name = "product of two variables" if part.op == "*" else "division by a variable"
            yield f"{told} is a {name}", part.span, "give the factors small ranges, or compare a sum"
        elif part.op in {"<", "<=", ">", ">="} and isinstance(part.left.type, TextType):
            yield f"{told} asks for the order of texts", part.span, "compare texts with `==`, or use an `enum`"


def _varies(expr: Expr) -> bool:
    inner = expr.operand if isinstance(expr, Unary) else expr
    return not isinstance(inner, Literal) and any(True for _ in refs(inner))
