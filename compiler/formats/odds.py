"""How likely runs end where, for people: the chance of each final, and how many calls and attempts there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from ..checks.fate import Range
from ..checks.verdict import Odds, Report
from ..pipeline import Examined
from .page import summary
from .style import Style, clean, pad, width

DIGITS = 6


def odds(files: Sequence[Examined], style: Style) -> str:
    """A summary line for each flow, then its finals with their chances, then its activities."""
    lines: list[str] = []
    for file in files:
        lines += summary([file], style)
        for report in file.reports:
            lines += _flow(report, style, len(file.reports) > 1)
    return "".join(f"{line}\n" for line in lines)


def _flow(report: Report, style: Style, several: bool) -> Iterator[str]:
    if several and report.odds is not None:
        yield f"  {style.strong(clean(report.flow))}"
    if report.odds is not None and not report.odds.reason:
        yield from _odds(report.odds, style)
    elif report.answers:
        yield style.faint(f"  {_unknown(report)}")


def _unknown(report: Report) -> str:
    if report.odds is not None:
        return clean(f"how likely it ends where is not known: {report.odds.reason}")
    if not report.horizons:
        return "how likely it ends where is only told of a flow that is proved"
    return "no rates are stated, such as `fails declined 2%`: how likely it ends where is not known"


def _odds(odds: Odds, style: Style) -> Iterator[str]:
    rows = [(end.final, chance(end.chance)) for end in odds.ends]
    if odds.never is not None and odds.never.most != 0:
        rows.append(("no end", chance(odds.never)))
    wide = max((width(clean(name)) for name, _ in rows), default=0)
    for name, said in rows:
        yield f"    {pad(clean(name), wide)}  {said}"
    efforts = [(each.name, number(each.calls), number(each.attempts)) for each in odds.efforts]
    if efforts:
        yield f"  {style.strong('on average')}"
    columns = [max((width(clean(row[column])) for row in efforts), default=0) for column in range(2)]
    for name, calls, attempts in efforts:
        several = f", attempts: {attempts}" if attempts != calls else ""
        yield f"    {pad(clean(name), columns[0])}  calls: {calls}{several}"
    if odds.left:
        yield style.faint(clean(f"  left open: {', '.join(odds.left)}"))
    if odds.unrated:
        yield style.faint(clean(f"  taken not to happen, for no rate is stated: {', '.join(odds.unrated)}"))


def chance(range: Range) -> str:
    """`98%`, `between 2% and 100%`."""
    return _between(range, lambda part: f"{_decimal(part * 100)}%")


def number(range: Range) -> str:
    """`1.02`, `between 0 and 1`, `at least 1`: no most is known."""
    return f"at least {_decimal(range.least)}" if range.most is None else _between(range, _decimal)


def _between(range: Range, said: Callable[[Fraction], str]) -> str:
    least = said(range.least)
    return least if range.most is None or range.exact else f"between {least} and {said(range.most)}"


def _decimal(part: Fraction) -> str:
    """A number in decimals; with `~`, where it has more than are shown."""
    shown = round(part, DIGITS)
    if shown == 0 and part:
        shown = Fraction(f"{float(part):.3g}")
    whole = (
        f"{float(shown):.{max(DIGITS, 0)}f}".rstrip("0").rstrip(".")
        if shown == round(part, DIGITS)
        else f"{float(shown):g}"
    )
    return whole if shown == part else f"~{whole}"
