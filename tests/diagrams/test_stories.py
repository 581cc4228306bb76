"""Runs of findings as swim-lane diagrams, in text and SVG: who takes part, in what order, and never more than text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.compiler import pipeline, report
from penstock.compiler.diagrams import lifelines
from penstock.compiler.diagrams.story import Arrow, Look, Pause, Stop, Story, story
from penstock.compiler.formats.finding import Finding, findings
from penstock.compiler.formats.sequence import WIDEST, rows
from penstock.compiler.formats.style import PLAIN, clean, width
from penstock.dsl.diagnostics import Lane, LaneKind, Rest, Signal, SignalKind, TraceStep
from penstock.dsl.source import Source, Span

SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
ROOT = Path(__file__).parents[2]
BROKEN = ROOT / "tests" / "broken"
SOURCE = Source("test.flow", "start -> Here\non go -> There\n")
OUT, CLERK, CLOCK = Lane(LaneKind.OUTSIDE, "customer"), Lane(LaneKind.PEOPLE, "clerk"), Lane(LaneKind.CLOCK)
PAY, SHIP = Lane(LaneKind.SERVICES, "pay"), Lane(LaneKind.SERVICES, "ship")
NASTY = [
    "</text></svg><script>alert(1)</script>",
    "&lt; &amp; &#65; ]]> <!-- -->",
    '" onload="alert(1)',
    "\x00\x1b[31m\u202e\ud800\ufffe",
    "two\nlines\ttab",
    "日本語の長い名前がここに続きます 🎉 é",
    "x" * 300,
    "a b " * 80,
    "",
]
texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=30))
STEPS = (
    TraceStep("start by customer(n: 1)", "Paying", by=OUT, flow="Shop", sent=(Signal(SignalKind.CALL, PAY, "pay"),)),
    TraceStep('pay done("p")', "Asking", ('receipt = "p"',), Span(0, 5), by=PAY, flow="Shop",
              sent=(Signal(SignalKind.TASK, CLERK, "decide"),)),
    TraceStep("after 2d", "compensating", (), Span(14, 20), "+2d", CLOCK, "Shop",
              (Signal(SignalKind.UNDO, PAY, "refund"),), Rest.UNDOING),
    TraceStep("refund done", "Lost", by=PAY, flow="Shop", rest=Rest.FAILURE),
)  # fmt: skip


def of_broken(name: str) -> list[Finding]:
    """The findings of a broken flow that have a run."""
    text = (BROKEN / f"{name}.flow").read_text(encoding="utf-8")
    file = pipeline.check(pipeline.meaning(Source(f"{name}.flow", text)))
    return [finding for finding in findings([file]) if finding.diagnostic.trace]


def told(finding: Finding, most: int = lifelines.MOST_TRACKS) -> Story:
    said = finding.diagnostic
    return story(said.trace, finding.source, most, f"{said.rule.code} · {finding.flow}", said.message, "order.flow")


# ---------------------------------------------------------------- the story


def test_everybody_who_takes_part_has_a_track_and_the_arrows_lead_between_them() -> None:
    shown = story(STEPS, SOURCE, 9)
    assert [track.title for track in shown.tracks] == ["customer", "clerk", "time", "Shop", "pay"]
    arrows = [(row.source, row.target, row.text, row.look) for row in shown.rows if isinstance(row, Arrow)]
    assert arrows == [
        (0, 3, "start(n: 1)", Look.MOVE),
        (3, 4, "call", Look.CALL),
        (4, 3, 'done("p")', Look.MOVE),
        (3, 1, "decide", Look.TASK),
        (2, 3, "◷ after 2d", Look.TIMER),
        (3, 4, "refund", Look.UNDO),
        (4, 3, "refund done", Look.UNDO),
    ]
    assert [row.text for row in shown.rows if isinstance(row, Pause)] == ["+2d"]
    assert [row.failed for row in shown.rows if isinstance(row, Stop)] == [False, False, False, True]


def test_of_many_tracks_those_of_services_become_one_and_then_those_of_people() -> None:
    many = tuple(
        TraceStep(f"a{n} done", "S", by=Lane(LaneKind.SERVICES, f"a{n}"), flow="F",
                  sent=(Signal(SignalKind.TASK, Lane(LaneKind.PEOPLE, f"p{n}"), "t"),))
        for n in range(8)
    )  # fmt: skip
    assert [track.title for track in story(many, SOURCE, 10).tracks] == [*(f"p{n}" for n in range(8)), "F", "services"]
    few = story(many, SOURCE, 6)
    assert [track.title for track in few.tracks] == ["people", "F", "services"]
    assert next(row.text for row in few.rows if isinstance(row, Arrow)) == "a0 done"


def test_a_run_that_is_no_refutation_has_no_failed_step() -> None:
    shown = story(STEPS, SOURCE, 9, refuted=False)
    assert not any(row.failed for row in shown.rows if isinstance(row, Arrow | Stop))


# ---------------------------------------------------------------- text and SVG


@pytest.mark.parametrize("name", ["order_forgotten_compensation", "shop_cancel_overtakes_the_invoice"])
def test_the_diagrams_are_as_they_were(name: str, golden: Callable[[str, str], None]) -> None:
    first = of_broken(name)[0]
    golden(f"story_{name}.txt", "".join(f"{row}\n" for row in rows(told(first, 6))))
    golden(f"story_{name}.svg", lifelines.render(told(first)))


def test_every_kind_of_step_is_drawn_as_it_was(golden: Callable[[str, str], None]) -> None:
    shown = story(STEPS, SOURCE, 9, "F999 test · Shop", "it is lost", "test.flow")
    golden("story_kinds.txt", "".join(f"{row}\n" for row in rows(shown)))
    golden("story_kinds.svg", lifelines.render(shown))


def test_the_svg_links_each_step_to_its_line_and_says_the_finding() -> None:
    finding = of_broken("order_forgotten_compensation")[0]
    root = ElementTree.fromstring(lifelines.render(told(finding)))
    links = {anchor.get(f"{XLINK}href") for anchor in root.iter(f"{SVG}a")}
    lines = {finding.source.line(step.span) for step in finding.diagnostic.trace if step.span is not None}
    assert links == {f"order.flow#L{line}" for line in lines}
    words = " ".join(text.text or "" for text in root.iter(f"{SVG}text"))
    assert finding.diagnostic.message in words


def test_a_file_is_drawn_for_each_finding_with_a_run(tmp_path: Path) -> None:
    file = pipeline.check(pipeline.read(BROKEN / "order_forgotten_compensation.flow"))
    drawn = report.stories([file], tmp_path)
    assert [output.name for output in drawn] == ["Order-F101-1.svg", "Order-F301-1.svg"]
    assert all(ElementTree.fromstring(output.text).tag == f"{SVG}svg" for output in drawn)


def test_the_sequence_format_shows_the_diagram_in_place_of_the_trace() -> None:
    file = pipeline.check(pipeline.read(BROKEN / "order_forgotten_compensation.flow"))
    text = report.render("sequence", [file], PLAIN, "0.0.0")
    assert "⚙ reserve_stock" in text and "✗ Cancelled" in text and "●" not in text


def test_the_documentation_shows_the_pictures_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    file = pipeline.check(pipeline.read(Path("tests/broken/order_forgotten_compensation.flow")))
    drawn = {output.name: output.text for output in report.stories([file], Path("docs/images"))}
    assert Path("docs/images/Order-F101-1.svg").read_text(encoding="utf-8") == drawn["Order-F101-1.svg"]
    page = Path("docs/counterexamples.md").read_text(encoding="utf-8")
    for form in ("full", "sequence"):
        shown = report.render(form, pipeline.mend([file]), PLAIN, "0.0.0").split("\n\n")[0]
        assert (shown if form == "full" else shown[shown.index("  trace") : shown.index("  help")]) in page


# ---------------------------------------------------------------- hostile text


def hostile(text: str) -> tuple[TraceStep, ...]:
    lanes = [Lane(kind, f"{text}{n}") for kind in LaneKind for n in range(2)]
    signals = tuple(Signal(kind, lane, text) for kind, lane in zip(SignalKind, lanes[3:], strict=False))
    return tuple(
        TraceStep(text, text, (text, text), Span(0, 3), text, lane, f"flow {text}", signals, rest)
        for lane, rest in zip(lanes, (*Rest, *Rest), strict=True)
    )


@settings(max_examples=40)
@given(texts)
def test_whatever_a_spec_says_is_only_text_in_the_svg(text: str) -> None:
    shown = story(hostile(text), SOURCE, lifelines.MOST_TRACKS, text, text, "test.flow")
    root = ElementTree.fromstring(lifelines.render(shown))
    allowed = {"svg", "style", "g", "rect", "path", "polygon", "circle", "text", "title", "a"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= allowed
    assert not any(name.startswith("on") for element in root.iter() for name in element.attrib)
    assert {anchor.get(f"{XLINK}href") for anchor in root.iter(f"{SVG}a")} == {"test.flow#L1"}


@settings(max_examples=40)
@given(texts, st.integers(1, 9))
def test_whatever_a_spec_says_the_text_stays_in_its_columns(text: str, most: int) -> None:
    lines = rows(story(hostile(text), SOURCE, most))
    assert all(width(line) <= WIDEST for line in lines)
    assert all(clean(line) == line for line in lines)
