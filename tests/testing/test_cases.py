"""Runs that broke a flow are kept, and tested once it is mended; also when it has changed since."""

from __future__ import annotations

from pathlib import Path

import pytest

import repository
from penstock.compiler import pipeline
from penstock.compiler.checks.verdict import Verdict
from penstock.compiler.kernel import Kernel
from penstock.compiler.testing.acts import Kind
from penstock.compiler.testing.cases import Case, Unreadable, parse, render, revived, together
from penstock.compiler.testing.play import play
from penstock.compiler.testing.regressions import regression
from written_tests import cases, explored, read, running, texts

SOUND = """\
flow Order version 1 {
  input { total: int 1..100 }
  data { payment: text? }
  event cancel
  activity charge(total: int) -> text { fails declined compensate refund(result) }
  start -> Charging
  state Charging {
    do charge(total)
    on done(id) { payment = id } -> Waiting
    on failed -> compensate -> Cancelled
    on cancel -> compensate -> Cancelled
  }
  state Waiting {
    on cancel -> compensate -> Cancelled
    after 2d -> Done
  }
  final Done
  final failure Cancelled
  always in Waiting implies payment is some
}
"""
FORGOTTEN = SOUND.replace("on failed -> compensate -> Cancelled", "on failed -> Cancelled")
LOST = SOUND.replace("on done(id) { payment = id } ->", "on done(_) ->")
BROKEN = sorted((repository.ROOT / "tests" / "broken").glob("*.flow"))


def only(text: str) -> Kernel:
    (kernel,) = read(text).kernels
    return kernel


def broken_by(text: str) -> tuple[Case, ...]:
    """The cases that checking a text finds."""
    return cases(*explored(read(text)))


def run_tests(text: str, kept: tuple[Case, ...]) -> tuple[str, list[str]]:
    """The test module of a sound flow with cases, and the names of its tests about these, all of which pass."""
    file, found = explored(read(text))
    (kernel,) = file.kernels
    written = texts(file, found, kept)[kernel.name]
    with running(kernel, written) as tests:
        names = [name for name in tests if name.startswith("test_never_again")]
        for name in names:
            tests[name]()
    return written, names


def test_what_was_found_is_kept_and_read_back() -> None:
    found = broken_by(FORGOTTEN)
    assert [case.code for case in found] == ["F101"]
    assert found[0].run == ({"start": {"total": 1}}, {"answer": "charge", "outcome": "timeout"})
    assert parse(render(found)) == found
    assert together(found, broken_by(FORGOTTEN)) == found
    assert [case.code for case in together(found, broken_by(LOST))] == ["F101", "F301"]


def test_a_mended_flow_is_tested_with_the_run_that_broke_it() -> None:
    written, names = run_tests(SOUND, broken_by(FORGOTTEN))
    assert names == ["test_never_again_the_effect_of_charge_still_stands_after_the_run_failed_in_cancelled"]
    assert "assert not laws.left_standing(order, FAILURES)" in written


def test_the_test_fails_as_long_as_the_flow_is_broken() -> None:
    file, found = explored(read(FORGOTTEN))
    (kernel,) = file.kernels
    with running(kernel, texts(file, found, cases(file, found))[kernel.name]) as tests:
        again = [test for name, test in tests.items() if name.startswith("test_never_again")]
        for test in again:
            with pytest.raises(AssertionError):
                test()
    assert again


def test_a_broken_property_is_asked_at_the_end_of_the_run_that_broke_it() -> None:
    written, names = run_tests(SOUND, broken_by(LOST))
    assert len(names) == 1
    assert "assert always_in_waiting_implies_payment_is_some(order, T0)" in written


def test_a_property_that_is_gone_is_not_asked_and_the_test_says_so() -> None:
    changed = SOUND.replace("  always in Waiting implies payment is some\n", "")
    written, names = run_tests(changed, broken_by(LOST))
    assert len(names) == 1
    assert "is not in the flow any more" in written


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("event cancel", "event withdraw", "there is no event `cancel`"),
        ("event cancel", "event cancel(why: text)", "`cancel` does not bring nothing"),
    ],
)
def test_a_step_that_the_flow_has_no_such_thing_for_is_left_out_with_the_reason(old: str, new: str, said: str) -> None:
    head, tail = SOUND.split("  state Waiting", 1)
    kept = broken_by(f"{head.replace('on cancel -> compensate', 'on cancel')}  state Waiting{tail}")[:1]
    assert {"event": "cancel", "with": {}} in kept[0].run
    changed = SOUND.replace(old, new).replace(
        "on cancel ->", "on withdraw ->" if "withdraw" in new else "on cancel(_) ->"
    )
    written, names = run_tests(changed, kept)
    assert len(names) == 1
    assert f"# {said} any more" in written


def test_a_flow_that_is_started_otherwise_now_skips_the_run() -> None:
    changed = SOUND.replace("input { total: int 1..100 }", "input { amount: int 1..100 }").replace(
        "do charge(total)", "do charge(amount)"
    )
    made = regression(only(changed), broken_by(FORGOTTEN)[0])
    assert made.skipped == "the flow is started otherwise now: the start does not bring total"
    file, found = explored(read(changed))
    (kernel,) = file.kernels
    with running(kernel, texts(file, found, broken_by(FORGOTTEN))[kernel.name]) as tests:
        (skipping,) = [test for name, test in tests.items() if name.startswith("test_never_again")]
        with pytest.raises(pytest.skip.Exception, match="started otherwise"):
            skipping()


def test_values_out_of_range_now_are_another_start() -> None:
    kept = broken_by(FORGOTTEN)
    made = regression(only(SOUND.replace("int 1..100", "int 2..100")), kept[0])
    assert made.skipped == "the flow is started otherwise now: the start does not bring such values"


@pytest.mark.parametrize("path", BROKEN[::4], ids=lambda path: path.stem)
def test_every_run_that_a_check_shows_can_be_kept_and_done_again(path: Path) -> None:
    file, found = explored(pipeline.read(path))
    kept = cases(file, found)
    refuted = [
        answer
        for report in file.reports
        if report.flow in found.inquiries
        for answer in report.answers
        if answer.verdict is Verdict.REFUTED
        and answer.accepted is None
        and answer.diagnostic
        and answer.diagnostic.trace
    ]
    assert len(kept) == len(refuted)
    for case in parse(render(kept)):
        kernel = next(kernel for kernel in file.kernels if kernel.name == case.flow)
        acts = list(revived(kernel, case))
        assert all(act.kind is not Kind.LOST for act in acts)
        *before, last = play(kernel, acts)
        assert all(step.took for step in before)
        assert not last.missing


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2, "cases": []}', '{"format": 1, "cases": [{}]}'])
def test_a_file_that_is_no_file_of_cases_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        parse(text)
