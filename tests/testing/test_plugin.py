""".flow files in pytest: what is collected, what a failure says, and that nothing happens unasked."""

from __future__ import annotations

from importlib import import_module

import pytest

import repository

pytest_plugins = ["pytester"]

SOUND = """\
flow Door version 1 {
  event knock
  event knock_again
  start -> Closed
  state Closed {
    on knock       -> Open
    on knock_again -> Open
    after 1d       -> Open
  }
  final Open
  never in Closed and in Open
  reach Open
  start leads to in Open within 1d
  scenario "a knock opens it" {
    start()
    knock
    expect in Open
  }
}
"""
REFUTED = SOUND.replace("never in Closed and in Open", "never in Open").replace("expect in Open", "expect in Closed")
ACCEPTED = SOUND.replace("    after 1d       -> Open\n", '    accept F201 "somebody knocks"\n').replace(
    "  start leads to in Open within 1d\n", ""
)
UNKNOWN = """\
flow Sum version 1 {
  input {
    n: int 0..1000000
    m: int 0..1000000
  }
  event go
  start -> Here
  state Here {
    on go when n * n * n == m * m + 2 and n > 3 -> There
    on go else -> There
    after 1d -> There
  }
  final There
}
"""


def lines(pytester: pytest.Pytester, *args: str) -> list[str]:
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", *args).outlines


@pytest.fixture(scope="module", autouse=True)
def everything_is_loaded() -> None:
    """Pytester forgets what a run inside this process has imported; half of a package is not to be imported twice."""
    for name in repository.product():
        if name != "penstock.dev":
            import_module(name)


@pytest.fixture(autouse=True)
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_CACHE_DIR", "")


def test_nothing_is_collected_unasked(pytester: pytest.Pytester) -> None:
    pytester.makefile(".flow", door=SOUND)
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)


def test_each_property_scenario_and_check_is_an_item(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nflow_files = true\n")
    pytester.makefile(".flow", door=SOUND)
    shown = lines(pytester, "--collect-only", "-q")
    for name in (
        "never in Closed and in Open",
        "reach Open",
        "start leads to in Open within 1d",
        "scenario a knock opens it",
        "F003 deadlock",
        "F101 missing-compensation",
        "F204 deadline-missed",
    ):
        assert f"door.flow::{name}" in shown
    assert not [line for line in shown if "F301" in line]


def test_all_pass_for_a_sound_flow_and_k_chooses_among_them(pytester: pytest.Pytester) -> None:
    pytester.makefile(".flow", door=SOUND)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--flow")
    assert set(result.parseoutcomes()) == {"passed"}
    chosen = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--flow", "-k", "scenario or deadlock")
    assert chosen.parseoutcomes()["passed"] == 2


def test_a_failure_is_the_page_that_check_prints_and_no_traceback(pytester: pytest.Pytester) -> None:
    pytester.makefile(".flow", door=REFUTED)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--flow", "-v")
    assert result.parseoutcomes()["failed"] == 2
    result.stdout.fnmatch_lines(
        [
            "*error?F301?: `never in Open` does not hold",
            "*door.flow:11:3",
            "*trace shortest run that shows it*",
            "*error?F801?: the scenario `a knock opens it` fails*",
            "*FAILED door.flow::never in Open*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_what_the_text_accepts_passes(pytester: pytest.Pytester) -> None:
    pytester.makefile(".flow", door=ACCEPTED)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--flow", "-k", "F201")
    result.assert_outcomes(passed=1, deselected=result.parseoutcomes()["deselected"])


def test_a_file_with_a_mistake_is_an_error_of_collection(pytester: pytest.Pytester) -> None:
    pytester.makefile(".flow", door="flow Door {\n")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--flow")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*error?E1*", "*door.flow:1:*"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(("chosen", "outcome"), [("fail", "failed"), ("skip", "skipped"), ("xfail", "xfailed")])
def test_what_is_unknown_fails_or_is_skipped_as_asked(pytester: pytest.Pytester, chosen: str, outcome: str) -> None:
    pytester.makefile(".flow", sum=UNKNOWN)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--flow", f"--flow-unknown={chosen}", "-k", "F002")
    assert result.parseoutcomes().get(outcome) == 1, result.outlines


def test_several_flows_of_a_file_have_their_own_names(pytester: pytest.Pytester) -> None:
    pytester.makefile(".flow", doors=SOUND + SOUND.replace("flow Door", "flow Gate"))
    shown = lines(pytester, "--flow", "--collect-only", "-q")
    assert "doors.flow::Door::reach Open" in shown and "doors.flow::Gate::reach Open" in shown


def test_an_item_lies_at_the_line_of_its_promise(pytester: pytest.Pytester) -> None:
    pytester.makefile(".flow", door=SOUND)
    pytester.makeconftest(
        "def pytest_collection_modifyitems(items):\n"
        "    for item in items:\n"
        "        print('AT', item.location[0], item.location[1], item.name)\n"
    )
    shown = lines(pytester, "--flow", "--collect-only", "-q", "-s")
    assert "AT door.flow 11 reach Open" in shown
    assert "AT door.flow 13 scenario a knock opens it" in shown


def test_it_runs_in_several_processes(pytester: pytest.Pytester) -> None:
    pytester.makefile(".flow", door=SOUND)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--flow", "-n", "2")
    assert set(result.parseoutcomes()) == {"passed"}
