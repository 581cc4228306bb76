"""Every operator of mutation, one row each: its name, what it does, an example before and after, the function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import contracts, guards, lines, targets, values
from .site import Mutant, Site


@dataclass(frozen=True, slots=True)
class Operator:
    """`find` makes its mutants of a flow, each of which bears its name."""

    name: str
    summary: str
    before: str
    after: str
    find: Callable[[Site], Iterator[Mutant]]


def _row(name: str, summary: str, before: str, after: str, find: Callable[[Site], Iterator[Mutant]]) -> Operator:
    return Operator(name, summary, before, after, find)


OPERATORS = (
    _row(
        "drop-compensation",
        "goes on without undoing what was done",
        "on failed -> compensate -> Cancelled",
        "on failed -> Cancelled",
        targets.without_compensation,
    ),
    _row(
        "undo-everything",
        "undoes to the bottom, and not to the savepoint",
        "on stop -> compensate since Asking -> Asked",
        "on stop -> compensate -> Asked",
        targets.undo_everything,
    ),
    _row(
        "undo-less",
        "undoes only what was done since the state was entered",
        "on failed -> compensate -> Cancelled",
        "on failed -> compensate since Charging -> Cancelled",
        targets.undo_less,
    ),
    _row("other-target", "leads to the place written next", "on done -> Paid", "on done -> Sent", targets.elsewhere),
    _row(
        "swap-targets",
        "two neighbouring lines lead where the other should",
        "on yes -> Paid  on no -> Lost",
        "on yes -> Lost  on no -> Paid",
        targets.exchanged,
    ),
    _row(
        "enter-again",
        "leaves and enters a state that it should stay in",
        "on note stay",
        "on note -> Open",
        targets.enter_again,
    ),
    _row("drop-resume", "starts anew where it should resume", "-> resume Work", "-> Work", targets.from_the_start),
    _row(
        "other-end",
        "a failure that is a success, or a success that is a failure",
        "final failure Lost",
        "final Lost",
        targets.other_end,
    ),
    _row("negate-guard", "the guard says the contrary", "when paid -> Sent", "when not (paid) -> Sent", guards.negate),
    _row(
        "drop-guard",
        "the guard of a transition is not asked",
        "on pay(n) when n > 0 -> Paid",
        "on pay(n) -> Paid",
        guards.drop,
    ),
    _row(
        "swap-guards",
        "two neighbouring guards for one trigger change places",
        "when n < 3 -> Few  when n > 9 -> Many",
        "when n > 9 -> Few  when n < 3 -> Many",
        guards.swap,
    ),
    _row("compare-otherwise", "`<` for `<=`, `!=` for `==`, and so on", "when n < 3", "when n <= 3", guards.compare),
    _row("and-for-or", "`and` for `or`, `or` for `and`", "when a and b", "when a or b", guards.connect),
    _row(
        "forget-else",
        "the `else` is not written",
        "when n > 3 -> Many  else -> Few",
        "when n > 3 -> Many",
        guards.forget,
    ),
    _row(
        "drop-transition",
        "a line for an event, an outcome, a task or a join is not written",
        "on cancel -> Lost",
        "",
        lines.transition,
    ),
    _row("drop-timer", "an `after` or `at` is not written", "after 3d -> Expired", "", lines.timer),
    _row("longer-timer", "waits twice as long", "after 3d -> Expired", "after 6d -> Expired", lines.longer),
    _row("drop-deadline", "the flow has no deadline", "deadline 5d -> Expired", "", lines.deadline),
    _row("drop-ignore", "an event is not ignored any more", "ignore cancel", "", lines.ignore),
    _row("drop-defer", "an event is not deferred any more", "defer cancel", "", lines.defer),
    _row(
        "other-join",
        "goes on when any is done, and not all, or the other way round",
        "on all done",
        "on any done",
        lines.join,
    ),
    _row(
        "drop-update",
        "a value is not set, a message not sent",
        "on done(id) { payment = id } -> Paid",
        "on done(id) -> Paid",
        values.drop_update,
    ),
    _row("swap-updates", "two updates in the other order", "{ a = 1, b = a }", "{ b = a, a = 1 }", values.swap_updates),
    _row("off-by-one", "a number is one more, or one less", "when n < 3", "when n < 4", values.off_by_one),
    _row(
        "other-truth",
        "`true` for `false`, or the other way round",
        "{ paid = true }",
        "{ paid = false }",
        values.other_truth,
    ),
    _row("widen-range", "a number may be one more than it may", "qty: int 1..100", "qty: int 1..101", values.wider),
    _row("narrow-range", "a number may be one less than it may", "qty: int 1..100", "qty: int 1..99", values.narrower),
    _row(
        "readonly",
        "an activity with an effect is taken for one without",
        "compensate refund(result)",
        "readonly",
        contracts.readonly,
    ),
    _row(
        "irreversible",
        "an effect that can be undone is taken for one that cannot",
        "compensate refund(result)",
        "irreversible",
        contracts.irreversible,
    ),
    _row(
        "forget-effect",
        "nothing is said of how an activity is undone",
        "compensate refund(result)",
        "",
        contracts.no_compensation,
    ),
    _row(
        "park-or-answer",
        "parks for an operator, and does not answer, or the other way round",
        "retry 3 then park",
        "retry 3",
        contracts.park,
    ),
    _row("drop-ensures", "a contract is not known", "ensures result > 0", "", contracts.ensures),
    _row("drop-except", "the same person may do both", "except actor of start", "", contracts.excepted),
    _row("drop-escalation", "a task is not escalated", "escalate to director after 24h", "", contracts.escalation),
)


def mutants(site: Site) -> tuple[Mutant, ...]:
    """Every mutant of a flow, in the order of the table; of two with the same text the first."""
    own = len(site.source.text)
    found: dict[tuple[object, ...], Mutant] = {}
    for operator in OPERATORS:
        for mutant in operator.find(site):
            if all(span.end <= own for span, _ in mutant.edits):
                found.setdefault(mutant.edits, mutant)
    return tuple(found.values())


def table() -> str:
    """The operators in Markdown, as `docs/mutation.md` shows them."""
    rows = (
        f"| `{each.name}` | {each.summary} | `{each.before}` | {f'`{each.after}`' if each.after else '(nothing)'} |\n"
        for each in OPERATORS
    )
    return f"| operator | the mutant | instead of | it has |\n|---|---|---|---|\n{''.join(rows)}"
