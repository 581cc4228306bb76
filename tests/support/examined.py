"""Findings made by hand: a small order flow and what a checker might say about it."""

from __future__ import annotations

from penstock.compiler.checks.verdict import Answer, Report, Verdict
from penstock.compiler.pipeline import Examined
from penstock.dsl.diagnostics import (
    Diagnostic,
    Fix,
    Label,
    Lane,
    LaneKind,
    Rest,
    Rule,
    Severity,
    Signal,
    SignalKind,
    TraceStep,
)
from penstock.dsl.source import Source, Span

TEXT = """\
flow Order version 1 {
  activity charge_card(total: decimal(2)) -> text {
    fails declined
  }
  state Charging {
    do charge_card(total)
    on done(id) { payment = id } -> Shipping
    on refused -> Cancelled
  }
}
"""
SOURCE = Source("specs/order.flow", TEXT)

MISSING = Rule("F101", "missing-compensation", "An effect is left standing.", "# F101\n\nUndo it.")
WAITS = Rule("F201", "waits-forever", "Nothing but an outside event leaves the state.")
UNSET = Rule("F402", "unset-read", "A value is read that may be none.")
UNREAD = Rule("F701", "unread-variable", "A variable is never read.")
SPELLING = Rule("E201", "unknown-name", "A name that nothing declares.")


def span(text: str, source: Source = SOURCE) -> Span:
    start = source.text.index(text)
    return Span(start, start + len(text))


OUTSIDE = Lane(LaneKind.OUTSIDE, "outside")
CALL = Signal(SignalKind.CALL, Lane(LaneKind.SERVICES, "charge_card"), "charge_card")
REFUTED = Diagnostic(
    rule=MISSING,
    message="the card stays charged after the order is cancelled",
    span=span("on refused -> Cancelled"),
    label="leaves without compensating",
    others=(Label(span("charge_card"), "its effect still stands here"),),
    why=("`charge_card` is done in `Charging`, and this way out enters", "`final failure Cancelled` with it standing."),
    trace=(
        TraceStep("start(total: 1.00)", "Charging", by=OUTSIDE, flow="Order", sent=(CALL,)),
        TraceStep(
            'charge_card done("p")', "Shipping", ('payment = "p"',), span("on done(id)"), by=CALL.to, flow="Order"
        ),
        TraceStep(
            "refused",
            "Cancelled",
            ("standing: charge_card",),
            span("on refused"),
            at="+1h",
            by=Lane(LaneKind.PEOPLE, "clerk"),
            flow="Order",
            rest=Rest.FAILURE,
        ),
    ),
    fixes=(Fix("compensate on the way out:  `on refused -> compensate -> Cancelled`", ((span("-> Cancelled"), "x"),)),),
    note="all 23 configurations examined; no shorter run shows it.",
)
OPEN = Diagnostic(UNSET, "`payment` may be none here", span("payment"), "read here", note="to depth 12.")
ACCEPTED = Diagnostic(WAITS, "`Charging` may wait for ever", span("Charging"), "nothing else leaves it")
WARNING = Diagnostic(UNREAD, "`payment` is never read", span("payment"), "written here", Severity.WARNING)
MISSPELT = Diagnostic(
    SPELLING, "nothing is called `Canceled`", span("Cancelled"), "unknown", fixes=(Fix("did you mean `Cancelled`?"),)
)

REPORT = Report(
    "Order",
    (
        Answer(MISSING, "Charging", Verdict.REFUTED, span("Charging"), REFUTED, scope="all 23 configurations"),
        Answer(UNSET, "payment", Verdict.UNKNOWN, span("payment"), OPEN, scope="to depth 12"),
        Answer(WAITS, "Charging", Verdict.REFUTED, span("Charging"), ACCEPTED, accepted="people are slow"),
        Answer(WAITS, "Shipping", Verdict.PROVED, span("Charging"), scope="all 23 configurations", witness="start"),
    ),
    (WARNING,),
    configurations=23,
)
CHECKED = Examined(SOURCE, (), reports=(REPORT,))
BROKEN = Examined(SOURCE, (MISSPELT,))
SOUND = Examined(SOURCE, (), reports=(Report("Order", REPORT.answers[3:], configurations=23),))
INCONCLUSIVE = Examined(SOURCE, (), reports=(Report("Order", REPORT.answers[1:2]),))
UNREADABLE = Examined(Source("gone.flow", ""), (Diagnostic(SPELLING, "the file is not there", None),))
