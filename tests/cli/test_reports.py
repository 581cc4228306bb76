"""One set of findings in every format: the text of each, pinned, and the structure that its readers rely on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

import examined
from kernels import kernel
from penstock.compiler import report
from penstock.compiler.checks.suite import Limits, check
from penstock.compiler.checks.verdict import Horizon, Leg, Verdict
from penstock.compiler.formats.finding import findings
from penstock.compiler.formats.style import PLAIN, Style
from penstock.compiler.pipeline import Examined
from penstock.dsl.diagnostics import TraceStep
from penstock.dsl.source import Source

FILES = [examined.CHECKED, examined.BROKEN]
ENDINGS = {
    "full": "txt",
    "sequence": "txt",
    "concise": "txt",
    "times": "txt",
    "odds": "txt",
    "github": "txt",
    "junit": "xml",
}


def rendered(form: str, *files: Examined) -> str:
    return report.render(form, files or FILES, PLAIN, "0.0.0")


@pytest.mark.parametrize("form", report.FORMS)
def test_each_format_says_what_its_golden_says(form: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{form}.{ENDINGS.get(form, 'json')}", rendered(form))


@pytest.mark.parametrize("form", report.FORMS)
def test_a_sound_flow_and_an_unreadable_file_are_reported_in_every_format(form: str) -> None:
    assert rendered(form, examined.SOUND, examined.UNREADABLE)


def test_what_has_no_place_in_a_text_has_no_frame() -> None:
    assert "╭" not in rendered("full", examined.UNREADABLE)


def test_what_is_unknown_for_one_reason_has_one_page() -> None:
    body = """flow Test version 1 {
      event go
      data { n: int = 0 }
      start -> First
      state First { on go { n = n + 1 } -> Second  after 1h -> Done }
      state Second { on go -> First  after 1h -> Done }
      final Done
      always n < 100
    }"""
    flow = kernel(body)
    open_ = check(flow, Limits(nodes=2))
    told = rendered("full", Examined(flow.source, (), (flow,), (open_,)))
    unknown = [answer for answer in open_.answers if answer.verdict is Verdict.UNKNOWN]
    assert len(unknown) > 5
    assert (told.count("unknown["), told.count("also for the same reason")) == (1, 1)
    assert all(f":{flow.source.line(answer.span)}  {answer.rule.code}  " in told for answer in unknown[1:])


def test_what_follows_from_a_finding_is_told_on_its_page() -> None:
    body = """flow Test version 1 {
      input { guests: int 1..4 }
      data { n: int 0..3 = 3 }
      event bump
      start -> Table
      choice Table { when guests > 6 -> Banquet  else -> First }
      state Banquet { after 1h -> Done }
      state First { defer bump  after 1h -> Second }
      state Second { on bump { n = n + 1 } -> Done  after 1h -> Done }
      final Done
    }"""
    flow = kernel(body)
    found = check(flow)
    told = rendered("full", Examined(flow.source, (), (flow,), (found,)))
    assert {a.rule.code for a in found.answers if a.verdict is Verdict.REFUTED} == {"F001", "F002", "F401"}
    assert (told.count("error["), told.count("unknown[")) == (2, 0)
    lines = [line.strip() for line in told.splitlines()]
    assert ":6  F002  no run ever takes `when guests > 6 -> Banquet`" in lines
    assert ":9  F002  no run ever takes `on bump { n = n + 1 } -> Done`" in lines
    assert "also until this is mended it is not known whether" in lines
    assert ":1  F004  the flow `Test` can always still finish" in lines


def test_colours_change_nothing_but_colours() -> None:
    colored = report.render("full", FILES, Style(colored=True), "0.0.0")
    assert "\x1b[1;31m" in colored
    for code in ("\x1b[1;31m", "\x1b[1;33m", "\x1b[1;35m", "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[3", "2m", "4m", "6m"):
        colored = colored.replace(code, "")
    assert colored == rendered("full")


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (examined.SOUND, report.CLEAN),
        (examined.CHECKED, report.FINDINGS),
        (examined.BROKEN, report.FINDINGS),
        (examined.UNREADABLE, report.TROUBLE),
        (examined.INCONCLUSIVE, report.INCONCLUSIVE),
    ],
)
def test_the_exit_code_tells_the_worst(file: Examined, code: int) -> None:
    assert report.exit_code([examined.SOUND, file]) == code


def test_an_unreadable_file_outweighs_findings_and_findings_outweigh_doubt() -> None:
    assert report.worst([0, 3, 1]) == report.FINDINGS
    assert report.worst([3, 2, 1]) == report.TROUBLE
    assert report.worst([]) == report.CLEAN


# ---------------------------------------------------------------- fingerprints


def test_fingerprints_differ_between_findings_and_survive_new_lines_elsewhere() -> None:
    before = [finding.fingerprint for finding in findings(FILES)]
    assert len(set(before)) == len(before) == 5
    moved = Source(examined.SOURCE.name, "# a new first line\n" + examined.TEXT)
    shift = len("# a new first line\n")
    said = examined.MISSPELT.span
    assert said is not None
    later = replace(examined.MISSPELT, span=replace(said, start=said.start + shift, end=said.end + shift))
    (after,) = findings([Examined(moved, (later,))])
    assert after.fingerprint == before[-1]
    assert after.place.line == findings(FILES)[-1].place.line + 1


# ---------------------------------------------------------------- what programs read


def test_json_names_every_answer_and_finding_with_its_place() -> None:
    run = json.loads(rendered("json"))
    assert (run["schema"], run["exit"], run["error"]) == (1, 1, None)
    checked, broken = run["files"]
    assert [answer["verdict"] for answer in checked["flows"][0]["answers"]] == [
        "refuted", "unknown", "refuted", "proved"
    ]  # fmt: skip
    assert [finding["level"] for finding in checked["findings"]] == ["error", "unknown", "accepted", "warning"]
    assert broken["flows"] == []
    place = checked["findings"][0]["place"]
    assert examined.TEXT[place["start"] : place["end"]] == "on refused -> Cancelled"
    assert (place["line"], place["column"]) == (8, 5)
    assert checked["findings"][0]["trace"][2]["at"] == "+1h"


def test_json_says_whose_step_each_is_and_what_it_asked_of_whom() -> None:
    (finding, *_) = json.loads(rendered("json"))["files"][0]["findings"]
    first, second, last = finding["trace"]
    called = {"kind": "services", "name": "charge_card"}
    assert first["lane"] == {"kind": "outside", "name": "outside"}
    assert first["sent"] == [{"kind": "call", "to": called, "text": "charge_card"}]
    assert (second["lane"], last["lane"]) == (called, {"kind": "people", "name": "clerk"})
    assert [step["rest"] for step in (first, second, last)] == ["state", "state", "failure"]
    assert {step["flow"] for step in finding["trace"]} == {"Order"}


def test_sarif_is_well_formed_and_its_code_flow_is_the_trace() -> None:
    log: dict[str, Any] = json.loads(rendered("sarif"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert result.get("kind", "fail") == "fail" or result["level"] == "none"
        for location in result["locations"]:
            region = location["physicalLocation"]["region"]
            assert 1 <= region["startLine"] <= region["endLine"]
            assert region["startColumn"] >= 1
    refuted, unknown, accepted, *_ = run["results"]
    steps = refuted["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [step["location"]["message"]["text"].split("  ")[0] for step in steps] == [
        "start(total: 1.00)", 'charge_card done("p")', "refused"
    ]  # fmt: skip
    assert all("physicalLocation" in step["location"] for step in steps)
    assert unknown["kind"] == "open"
    assert accepted["suppressions"] == [{"kind": "inSource", "justification": "people are slow"}]


def test_junit_has_a_case_for_every_answer() -> None:
    checked, broken = ElementTree.fromstring(rendered("junit"))
    assert [checked.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["5", "1", "1", "1"]
    assert [case.get("name") for case in checked if not {child.tag for child in case} - {"system-out"}] == [
        "is well formed",
        "F201 waits-forever: Shipping",
    ]
    assert [broken.get(key) for key in ("tests", "failures")] == ["1", "1"]


def test_github_commands_escape_what_would_end_them() -> None:
    tricky = replace(examined.MISSPELT, message="50% of\nit: \x1b[31mbad, ::error::")
    name = Source("a,b:c.flow", examined.TEXT)
    (line,) = rendered("github", Examined(name, (tricky,))).splitlines()
    assert "file=a%2Cb%3Ac.flow," in line
    assert line.endswith("::50%25 of␊it: ␛[31mbad, ::error::")


def test_the_time_that_is_left_is_told_of_every_state_of_a_flow_that_is_proved() -> None:
    day, end = timedelta(days=1), Horizon("Waiting", None, "`Waiting` waits for ever")
    (told,) = examined.SOUND.reports
    exact, bounded = Horizon("Working", 3 * day, found=3 * day), Horizon("Packing", 3 * day, found=2 * day)
    timed = replace(told, horizons=(Horizon("", None, end.reason), exact, bounded, end))
    lines = rendered("times", replace(examined.SOUND, reports=(timed,))).splitlines()
    assert lines[1:] == [
        "  a run may take for ever: `Waiting` waits for ever",
        "    Working  3d",
        "    Packing  at most 3d",
        "    Waiting  for ever: `Waiting` waits for ever",
    ]


def test_the_slowest_run_is_told_with_what_each_step_waited_for() -> None:
    day, none = timedelta(days=1), timedelta(0)
    (told,) = examined.SOUND.reports
    legs = (
        Leg(TraceStep("start", "Working"), none, none),
        Leg(TraceStep("after 3d", "Done"), 3 * day, 3 * day, "waits for `after 3d`"),
    )
    timed = replace(told, horizons=(Horizon("", 4 * day, found=3 * day, legs=legs),))
    lines = rendered("times", replace(examined.SOUND, reports=(timed,))).splitlines()
    assert lines[1:] == [
        "  a run takes at most 4d",
        "  the longest run that was found takes 3d",
        "    0s  start     → Working",
        "    3d  after 3d  → Done     waits for `after 3d`",
    ]
    (flow,) = json.loads(rendered("json", replace(examined.SOUND, reports=(timed,))))["files"][0]["flows"]
    assert flow["longest"][0]["found"] == 3 * 86_400.0
    assert [(step["took"], step["why"]) for step in flow["longest"][0]["run"]] == [
        (0.0, None),
        (3 * 86_400.0, "waits for `after 3d`"),
    ]
