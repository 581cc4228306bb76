"""What a search that leaves combinations of places out says is what one of all of them says."""

from __future__ import annotations

import pytest

from agreement import Tally
from agreement import compared as compared_with_brute_force
from families import regions
from kernels import flow, kernels
from penstock.compiler.checks.apart import combinations
from penstock.compiler.checks.explore import Explorer, Limits
from penstock.compiler.checks.horizon import horizons
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.checks.suite import answers, check
from penstock.compiler.checks.verdict import Answer, Verdict
from penstock.compiler.kernel import Kernel
from random_apart import random_apart

ALWAYS = Limits(apart=0)
SEEDS = 12


def left_out(kernel: Kernel) -> Inquiry | None:
    """What is asked of a search that leaves combinations out; None: that would not do."""
    inquiry = Inquiry(Explorer(kernel, ALWAYS, apart=True))
    return inquiry if inquiry.explorer.apart is not None else None


def said(inquiry: Inquiry) -> dict[object, Answer]:
    return {(each.rule.code, each.subject, each.span): each for each in answers(inquiry)}


def compared(kernel: Kernel) -> bool:
    """Whether combinations may be left out; then both searches give the same verdicts, and where all is proved the same
    witnesses, and the same reasons why runs need not end."""
    some = left_out(kernel)
    if some is None:
        return False
    every = Inquiry(Explorer(kernel, Limits(grain=some.explorer.grain)))
    assert every.explorer.apart is None
    one, other = said(some), said(every)
    assert {key: each.verdict for key, each in one.items()} == {key: each.verdict for key, each in other.items()}
    if all(each.verdict is Verdict.PROVED for each in one.values()):
        assert {key: each.witness for key, each in one.items()} == {key: each.witness for key, each in other.items()}
    endless, all_endless = (
        [(each.state, each.reason) for each in horizons(inquiry) if each.longest is None] for inquiry in (some, every)
    )
    assert endless == all_endless
    return True


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_regions_are_judged_as_if_all_combinations_were_searched(seed: int) -> None:
    compared(kernels(random_apart(seed))["R"])


def test_in_many_of_them_combinations_may_be_left_out() -> None:
    found = [left_out(kernels(random_apart(seed))["R"]) for seed in range(SEEDS // 2)]
    assert sum(each is not None for each in found) > SEEDS // 4


@pytest.mark.parametrize("first", [0, 10])
def test_brute_force_agrees_with_what_stands_for_all(first: int) -> None:
    tally = Tally()
    for seed in range(first, first + 10):
        tally.add(compared_with_brute_force(random_apart(seed), 1500, f"seed {seed}: "))
    assert tally.disagreements == []
    assert tally.apart, "at least one of ten flows is small enough to enumerate"


@pytest.mark.parametrize(("size", "states"), [(2, 5), (3, 3), (4, 3)])
def test_regions_that_share_nothing_are_judged_so(size: int, states: int) -> None:
    assert compared(kernels(regions(size, states).text)["Regions"])


def test_nine_regions_are_proved() -> None:
    report = check(kernels(regions(9, 3).text)["Regions"])
    assert report.verdict is Verdict.PROVED
    assert report.configurations < 10_000


def test_where_logs_are_not_all_come_to_more_regions_are_anywhere() -> None:
    """One region alone puts two calls on the log, and as many as are counted stand only where several have."""
    explorer = Explorer(kernels(regions(3, 2).text)["Regions"], ALWAYS, apart=True)
    explorer.run()
    assert explorer.apart is not None
    assert explorer.apart.most > 1


def parallel(*regions: str, outside: str = "on cancel -> compensate -> Undone", more: str = "") -> Kernel:
    """A flow with some regions, one a line, of states and ends."""
    number = range(len(regions))
    events = " ".join(f"event go{n}\n event on{n}\n" for n in number)
    calls = "\n".join(f"activity act{n}() -> text {{ compensate undo{n}(result) }}" for n in number)
    inner = "\n".join(f"region R{n} {{ start -> A\n {text} }}".replace("#", str(n)) for n, text in enumerate(regions))
    return flow(
        f"event cancel\n{events}\n{calls}\n{more}\nstart -> P\n"
        f"parallel P {{\n{inner}\n on all done -> Done\n {outside}\n}}\nfinal Done\nfinal failure Undone"
    )


CALLS = (
    'state A { do act#() on done(_) -> B on failed -> B }\n state B { on go# -> E\n wait forever "meant" }\n final E'
)


def test_a_combination_that_nothing_leaves_is_found() -> None:
    """Each region alone may rest where nothing leads on; all of them together are stuck."""
    stuck = "state A { on go# -> B\n on on# -> E }\n state B { }\n final E"
    kernel = parallel(stuck, stuck, stuck, outside="")
    assert compared(kernel)
    found = {each.rule.code for each in check(kernel, ALWAYS).answers if each.verdict is Verdict.REFUTED}
    assert {"F003", "F004"} <= found


def test_a_wait_in_one_region_is_found_while_the_others_wait_by_intent() -> None:
    waits = "state A { on go# -> E }\n final E"
    kernel = parallel(CALLS, waits, CALLS)
    assert compared(kernel)
    found = {each.rule.code for each in check(kernel, ALWAYS).answers if each.verdict is Verdict.REFUTED}
    assert "F201" in found


@pytest.mark.parametrize(
    "kernel",
    [
        parallel(CALLS, CALLS.replace("go#", "go0")),
        parallel(CALLS, CALLS.replace("on go# -> E", "on go# -> E\n on cancel -> E")),
        parallel(CALLS, CALLS, more="never in P.R0.B and in P.R1.B"),
        parallel(CALLS, CALLS, outside="on cancel -> compensate since P -> Undone"),
    ],
)
def test_the_text_has_to_keep_regions_apart(kernel: Kernel) -> None:
    assert combinations(kernel) == 0


@pytest.mark.parametrize(
    "kernel",
    [
        parallel(CALLS, CALLS.replace("on go# -> E", "after 1h -> E")),
        parallel(CALLS, CALLS.replace("on done(_) -> B", "on done(_) -> B\n on on# -> E")),
        parallel(CALLS, CALLS, outside="on cancel -> P"),
    ],
)
def test_all_combinations_are_searched_where_more_may_happen(kernel: Kernel) -> None:
    """A timer runs, a call is interrupted inside, regions are entered again."""
    assert combinations(kernel) > 0
    assert left_out(kernel) is None


def test_regions_that_few_combinations_have_are_all_searched() -> None:
    report = check(parallel(CALLS, CALLS))
    assert all("stand for" not in each.scope for each in report.answers)
