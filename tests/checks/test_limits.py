"""Limits of time and memory: where one is met, what is open is unknown and says so, and nothing else is different."""

from __future__ import annotations

import io
from typing import Any

import pytest

import repository
from penstock.compiler import pipeline
from penstock.compiler.checks import budget, suite, systems
from penstock.compiler.checks.encode import Encoder
from penstock.compiler.checks.explore import Limits
from penstock.compiler.checks.native import Z3Error
from penstock.compiler.checks.solver import Solver
from penstock.compiler.checks.verdict import Report, Verdict
from penstock.compiler.formats.style import PLAIN
from penstock.compiler.kernel import Kernel
from penstock.compiler.terminal import Terminal

FLOW = """\
flow Sale version 1 {
  input { total: int 0..1000 }
  data { tries: int 0..3 = 0 }
  event cancel
  activity pay(total: int) -> text { timeout 10s retry 2 backoff 1s..2s fails declined compensate refund(result) }
  start -> Paying
  state Paying {
    do pay(total)
    on done(_)                                        -> Sorting
    on declined when tries < 3 { tries = tries + 1 }  -> Paying
    on declined else                                  -> Gone
    on failed                                         -> compensate -> Gone
    on cancel                                         -> compensate -> Gone
  }
  choice Sorting {
    when total > 2000 -> Gone
    else              -> Waiting
  }
  state Waiting { on cancel -> Gone  after 1h -> Done }
  final Done
  final failure Gone
}
"""
STEPS = 16
PLENTY = 1_000_000  # MB, so that Z3 itself never meets this limit, whatever other tests left in its process


@pytest.fixture(scope="module")
def sale(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    place = tmp_path_factory.mktemp("sale") / "sale.flow"
    place.write_text(FLOW)
    (kernel,) = pipeline.read(place).kernels
    return kernel


class Clock:
    """One second passes with every look at it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(budget, "process_time", clock)
    return clock


def agree(cut: Report, whole: Report, reason: str) -> None:
    """What was cut short says less than the whole, nothing else, and why."""
    known = {(answer.rule.code, answer.subject): answer.verdict for answer in whole.answers}
    open_ = [answer for answer in cut.answers if answer.verdict is Verdict.UNKNOWN]
    assert cut.cut and open_ and cut.horizons == ()
    assert all(known[a.rule.code, a.subject] is a.verdict for a in cut.answers if a not in open_)
    said = [answer.diagnostic for answer in open_]
    assert any(each is not None and reason in f"{each.message} {each.why}" for each in said)
    assert {answer.rule for answer in whole.answers} - {answer.rule for answer in open_} < set(suite.RULES)


# ---------------------------------------------------------------- wherever it comes


def test_wherever_the_time_runs_out_nothing_else_is_claimed(sale: Kernel, clock: Clock) -> None:
    whole = suite.check(sale, Limits(seconds=10**9))
    looks = clock.now
    assert not whole.cut and whole.verdict is Verdict.REFUTED
    verdicts: list[Verdict] = []
    for part in range(STEPS):
        report = suite.check(sale, Limits(seconds=looks * part / STEPS))
        agree(report, whole, "seconds")
        verdicts.append(report.verdict)
    assert verdicts[0] is Verdict.UNKNOWN and verdicts[-1] is Verdict.REFUTED


@pytest.mark.parametrize("part", range(STEPS))
def test_wherever_the_memory_runs_out_nothing_else_is_claimed(
    part: int, sale: Kernel, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = suite.check(sale, Limits(seconds=10**9))
    looks, clock.now = clock.now * (part + 0.5) / STEPS, 0.0
    monkeypatch.setattr(budget, "held", lambda: PLENTY * clock.now / looks)
    agree(suite.check(sale, Limits(seconds=10**9, memory=PLENTY)), whole, "MB of memory")


@pytest.mark.parametrize("asked", [0, 4, 16])
@pytest.mark.parametrize("error", ["z3", "python"])
def test_wherever_z3_or_python_has_no_memory_left_nothing_else_is_claimed(
    asked: int, error: str, sale: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = suite.check(sale)
    real = Solver.ask

    def ask(self: Solver, *terms: Any, shown: bool = True) -> Any:
        if self.asked >= asked:
            raise Z3Error("out of memory") if error == "z3" else MemoryError
        return real(self, *terms, shown=shown)

    monkeypatch.setattr(Solver, "ask", ask)
    agree(suite.check(sale), whole, "it took more memory than there is")


def test_where_there_is_no_memory_even_to_begin_nothing_is_claimed(
    sale: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Encoder, z3: Any) -> None:
        raise Z3Error("out of memory")

    whole = suite.check(sale)
    monkeypatch.setattr(Encoder, "__init__", refuse)
    agree(suite.check(sale), whole, "it took more memory than there is")


def test_a_question_that_had_less_time_than_usual_may_be_answered_in_another_run() -> None:
    for left, cut in ((1, True), (100, False)):
        solver = Solver(rlimit=1, budget=budget.Budget("Sale", left))
        x, y = solver.z3.integers("x y")
        assert solver.ask(x * x * x + y * y * y == 42 * x * y + 7, x > 5, y > x).unknown
        assert bool(solver.budget.met) is cut


def test_any_other_error_is_our_bug_and_is_raised(sale: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(self: Solver, *_: Any, shown: bool = True) -> Any:
        raise Z3Error("wrong sort")

    monkeypatch.setattr(Solver, "ask", ask)
    with pytest.raises(Exception, match="wrong sort"):
        suite.check(sale)


@pytest.mark.parametrize("seconds", [0, 20, 60])
def test_of_a_system_all_is_unknown_that_was_not_found_in_time(seconds: int, clock: Clock) -> None:
    file = pipeline.read(repository.ROOT / "specs/shop.flow")
    kernels = {kernel.name: kernel for kernel in (*file.imported, *file.kernels)}
    whole = systems.check(file.systems[0], kernels, Limits(seconds=10**9))
    report = systems.check(file.systems[0], kernels, Limits(seconds=seconds))
    assert report.cut and report.verdict is Verdict.UNKNOWN
    known = {(answer.rule, answer.subject): answer.verdict for answer in whole.answers}
    sure = [answer for answer in report.answers if answer.verdict is not Verdict.UNKNOWN]
    assert all(known[answer.rule, answer.subject] is answer.verdict for answer in sure)
    said = [answer.diagnostic for answer in report.answers if answer.verdict is Verdict.UNKNOWN]
    assert all(each is not None and any("seconds" in line for line in each.why) for each in said)


def test_the_memory_a_process_holds_is_known() -> None:
    assert 5 < budget.held() < 1 << 20


# ---------------------------------------------------------------- who is told meanwhile


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_tells_how_far_it_has_come_and_goes(sale: Kernel, clock: Clock) -> None:
    screen = Screen()
    with Terminal(io.StringIO(), screen, PLAIN).progress() as tell:
        assert tell is not None
        suite.check(sale, Limits(seconds=10**9, tell=tell))
    lines = screen.getvalue().split("\r")
    assert lines[0] == "" and lines[-1] == "\x1b[K"
    assert lines[1].startswith("Sale: 1 configuration, search, ")
    assert any(line.startswith("Sale: ") and ", the longest run, " not in line for line in lines)
    assert any("configurations, waits-forever, " in line for line in lines)
    assert all(line.endswith("\x1b[K") and "\n" not in line and len(line) < 90 for line in lines[1:])


def test_nobody_is_told_what_is_done_at_once(sale: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "process_time", lambda: 0.0)
    screen = Screen()
    with Terminal(io.StringIO(), screen, PLAIN).progress() as tell:
        suite.check(sale, Limits(tell=tell))
    assert screen.getvalue() == ""


def test_nobody_is_told_where_there_is_no_terminal() -> None:
    err = io.StringIO()
    with Terminal(io.StringIO(), err, PLAIN).progress() as tell:
        assert tell is None
    assert err.getvalue() == ""
