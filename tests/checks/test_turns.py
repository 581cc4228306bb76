"""The last step of a run that refutes comes no later than a timer that falls due before it, also where data say when
that is, or the entry of another place. Brute force found both of these (seeds 794 and 1991 of the comparison)."""

from __future__ import annotations

from kernels import flow
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Verdict


def verdicts(body: str, code: str) -> set[Verdict]:
    return {answer.verdict for answer in check(flow(body)).answers if answer.rule.code == code}


def overlapping(v: int) -> str:
    return f"""
      data {{ v: int 0..1 = {v} }}
      start -> Waiting
      state Waiting {{ after (1s * v) -> Bad }}
      choice Late {{
        when true -> Bad
        when true -> Bad
      }}
      final failure Bad
      deadline 1s -> Late
    """


def test_a_deadline_does_not_come_after_a_timer_that_data_make_sooner() -> None:
    assert verdicts(overlapping(0), "F006") == set(), "nothing comes to the choice, which F001 says"
    assert verdicts(overlapping(0), "F001") == {Verdict.PROVED, Verdict.REFUTED}
    assert verdicts(overlapping(1), "F006") == {Verdict.REFUTED}  # at the same moment, in either order


def hurried(v: int) -> str:
    return f"""
      data {{ v: int 0..9 = {v} }}
      activity act() {{ }}
      start -> Calling
      state Calling {{
        do act()
        on failed -> Resting
        after (1s * v) -> Good
      }}
      state Resting {{ after 1s -> Good }}
      final Good
      deadline 4s {{ v = v + 9 }} -> Good
    """


def test_a_timer_that_data_make_sooner_has_ended_what_the_deadline_would_come_after() -> None:
    """The call is answered within a second, and a second later all is over (seed 20309838)."""
    assert Verdict.REFUTED not in verdicts(hurried(1), "F401")
    assert Verdict.REFUTED in verdicts(hurried(5), "F401")


def growing(patience: int) -> str:
    return f"""
      data {{ v: list<int 0..1> at most 2 = [1, 1] }}
      roles clerk
      start -> Both
      parallel Both {{
        region One {{
          start -> Working
          state Working {{
            after {patience}s since Both -> Good
            task work for clerk
            on work -> Working
          }}
        }}
        region Two {{
          start -> Growing
          state Growing {{ after 2s {{ v = v + [0] }} stay }}
        }}
      }}
      final Good
    """


def test_entering_again_does_not_put_off_a_timer_that_counts_from_elsewhere() -> None:
    assert Verdict.REFUTED not in verdicts(growing(1), "F401")
    assert Verdict.REFUTED in verdicts(growing(3), "F401")


def held(handed: str) -> str:
    return f"""
      data {{ v: list<int 0..1> at most 1 = [1] }}
      roles clerk
      activity act() -> bool {{ compensate undo({handed}) }}
      start -> Calling
      state Calling {{
        do act()
        on done(_) -> Asking
        on failed -> Asking
        after 1s -> Asking
      }}
      state Asking {{
        task ask for clerk
        on ask stay
        after 1s {{ v = v + [1] }} stay
      }}
      final failure Bad
      deadline 3s -> compensate -> Bad
    """


def test_a_deadline_that_another_timer_always_comes_before_may_not_lead_out() -> None:
    """That timer is stopped for good, and so is the compensation of the deadline (seed 20338635)."""
    assert Verdict.UNKNOWN in verdicts(held("not result"), "F201")
    assert verdicts(held("result"), "F201") == {Verdict.PROVED}
