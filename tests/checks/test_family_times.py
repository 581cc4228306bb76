"""How long a flow takes that does others: as long as these do at the most, and where that is unknown, nobody knows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from kernels import kernels
from penstock.compiler import pipeline
from penstock.compiler.checks import suite
from penstock.compiler.checks.verdict import Report, Verdict

CHILD = """flow Child version 1 {
  event go
  activity look() { timeout 10s retry 2 backoff 1s..1s readonly }
  start -> A
  state A { do look()  on done -> Good  on failed -> Bad }
  final Good
  final failure Bad
}
"""
ASKED = 'W { on go -> A  wait forever "somebody says go" } state A { do look()'
WAITS = CHILD.replace("A { do look()", ASKED).replace("start -> A", "start -> W")


def parent(promise: str, member: str = "") -> str:
    return f"""flow Parent version 1 {{
      event go
      start -> A
      state A {{ do flow Child()  on done -> Good  on failed -> Bad  {member} }}
      final Good
      final failure Bad
      start leads to in Good or in Bad {promise}
    }}
    """


def report(text: str) -> Report:
    return suite.check_all(tuple(kernels(text).values()), ())[-1]


def verdict(text: str, code: str) -> Verdict:
    (found,) = [each for each in report(text).answers if each.rule.code == code]
    return found.verdict


def reason(text: str) -> str:
    (found,) = [each for each in report(text).answers if each.rule.code == "F301"]
    assert found.verdict is Verdict.UNKNOWN and found.diagnostic is not None
    return found.diagnostic.message


def test_a_child_takes_its_own_worst_case() -> None:
    made = report(CHILD + parent("within 21s"))
    assert made.verdict is Verdict.PROVED and made.horizons[0].longest == timedelta(seconds=21)


def test_it_may_be_faster_so_too_long_is_not_refuted() -> None:
    assert verdict(CHILD + parent("within 20s"), "F301") is Verdict.PROVED
    assert verdict(CHILD + parent("within 20s"), "F204") is Verdict.UNKNOWN


def test_a_child_that_may_take_longer_than_a_timer_around_it_is_never_done_then() -> None:
    made = CHILD + parent("", "after 20s -> Bad")
    (found,) = [each for each in report(made).answers if each.rule.code == "F203"]
    assert found.verdict is Verdict.REFUTED and found.diagnostic is not None
    assert found.diagnostic.message == "`Child` takes up to 21s, and `A` is left after 20s"
    assert verdict(CHILD + parent("", "after 21s -> Bad"), "F203") is Verdict.PROVED


def test_a_child_whose_worst_case_hangs_on_what_it_is_given_may_be_faster_here() -> None:
    given = CHILD.replace("event go", "input { far: bool }").replace("start -> A", "start -> C")
    child = given.replace("final Good", "choice C { when far -> A  else -> Good }  final Good")
    made = child + parent("", "after 20s -> Bad").replace("Child()", "Child(far: false)")
    assert verdict(made, "F203") is Verdict.UNKNOWN


def test_a_child_of_a_child_may_be_faster_than_its_worst_case() -> None:
    inner = CHILD.replace("flow Child", "flow Inner")
    middle = CHILD.replace("do look()", "do flow Inner()").replace("activity look()", "activity spare()")
    assert verdict(inner + middle + parent("", "after 20s -> Bad"), "F203") is Verdict.UNKNOWN


def test_of_a_child_without_a_worst_case_it_is_not_asked_whether_it_fits() -> None:
    made = report(WAITS + parent("", "after 20s -> Bad"))
    assert not [each for each in made.answers if each.rule.code == "F203"]


def test_a_child_of_a_child_counts() -> None:
    inner = CHILD.replace("flow Child", "flow Inner")
    middle = CHILD.replace("do look()", "do flow Inner()").replace("activity look()", "activity spare()")
    reports = suite.check_all(tuple(kernels(parent("within 21s") + inner + middle).values()), ())
    assert [each.horizons[0].longest for each in reports if each.horizons] == [timedelta(seconds=21)] * 3


def test_a_child_that_may_wait_for_ever_leaves_it_open() -> None:
    assert "how long `Child` takes is not known, for somebody is waited for in `W`" in reason(WAITS + parent(""))
    made = report(WAITS + parent(""))
    assert not [each for each in made.answers if each.verdict is Verdict.REFUTED]
    assert made.horizons[0].longest is None


def test_an_after_bounds_it_all_the_same() -> None:
    made = WAITS + parent("within 1h", "after 1h -> Bad")
    assert verdict(made, "F204") is Verdict.PROVED
    assert verdict(made.replace("within 1h", "within 30m"), "F204") is Verdict.REFUTED


def test_what_really_never_comes_is_still_refuted() -> None:
    waiting = 'state W { on go -> Good  wait forever "somebody says go" }  final Good'
    made = parent("", "on go -> W").replace("final Good", waiting)
    assert verdict(CHILD + made, "F301") is Verdict.REFUTED


def test_a_child_that_is_refuted_has_no_time() -> None:
    broken = CHILD.replace("on failed -> Bad", "")
    assert "how long `Child` takes is not known" in reason(broken + parent(""))


def test_a_flow_that_does_itself_has_no_time() -> None:
    text = """flow Again version 1 {
      input { n: int 0..3 }
      start -> C
      choice C { when n > 0 -> A  else -> Good }
      state A { do flow Again(n: n - 1)  on done -> Good  on failed -> Bad }
      final Good
      final failure Bad
      start leads to in Good or in Bad
    }"""
    assert "how long `Again` takes is not known, for it does itself" in reason(text)


def test_an_imported_child_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("inner.flow").write_text(CHILD.replace("flow Child", "flow Inner"))
    middle = CHILD.replace("do look()", "do flow Inner()").replace("  activity look() { timeout 10s retry 2 ", "#")
    Path("child.flow").write_text('import "inner.flow"\n' + middle)
    Path("parent.flow").write_text('import "child.flow"\n' + parent("within 21s"))
    file = pipeline.check(pipeline.read(Path("parent.flow")))
    assert not file.errors and [each.flow for each in file.reports] == ["Parent"]
    assert file.reports[0].verdict is Verdict.PROVED
    assert file.reports[0].horizons[0].longest == timedelta(seconds=21)


UNDONE = """flow Parent version 1 {
  event cancel
  activity look() { timeout 10s retry 2 backoff 1s..1s LIMIT readonly }
  start -> Before
  state Before { do look()  on done -> A  on failed -> Bad  ignore cancel }
  state A { do flow Child()  on done -> Between  on failed -> Bad  ignore cancel }
  state Between { on cancel TARGET  after 2h -> Late }
  state Late { after 1h -> Good  ignore cancel }
  final Good
  final failure Bad
}
"""
PAID = CHILD.replace("readonly", "compensate forget()").replace("on failed ->", "on failed -> compensate ->")


@pytest.mark.parametrize(
    ("limit", "target", "known"),
    [
        ("", "-> compensate -> Bad", ["Late"]),
        ("limit 1 per 1h", "-> Late", ["A", "Between", "Late"]),
        ("", "-> Late", ["Before", "A", "Between", "Late"]),
    ],
)
def test_only_where_it_may_come_to_what_nobody_knows_is_it_unknown(limit: str, target: str, known: list[str]) -> None:
    made = report(PAID + UNDONE.replace("LIMIT", limit).replace("TARGET", target))
    assert made.verdict is Verdict.PROVED
    assert [each.state for each in made.horizons[1:] if each.longest is not None] == known
