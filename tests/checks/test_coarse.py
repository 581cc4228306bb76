"""Where there are too many configurations, calls are not told apart in the log any more; what is said is as true."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta

import pytest

from families import desks
from kernels import kernels
from penstock.compiler.checks.control import Abstraction, Grain, sorts
from penstock.compiler.checks.explore import Limits
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Report, Verdict
from random_flows import random_flow
from random_groups import random_groups
from random_mixtures import random_mixture
from random_trees import random_tree

WRITERS: tuple[Callable[[int], str], ...] = (random_flow, random_tree, random_groups, random_mixture)
MOST = 1500
SEEDS = int(os.environ.get("PENSTOCK_AGREEMENT", "2"))


def verdicts(report: Report) -> dict[tuple[str, str, int], Verdict]:
    return {(a.rule.code, a.subject, a.span.start): a.verdict for a in report.answers}


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("grain", [Grain.SORTS, Grain.CUBES])
def test_a_coarse_search_never_contradicts_an_exact_one(grain: Grain, write: Callable[[int], str], seed: int) -> None:
    kernel = kernels(write(seed))["R"]
    exact, coarse = verdicts(check(kernel, Limits(nodes=MOST))), verdicts(check(kernel, Limits(MOST, grain=grain)))
    decided = {key for key in exact.keys() & coarse.keys() if Verdict.UNKNOWN not in {exact[key], coarse[key]}}
    assert {key: coarse[key] for key in decided} == {key: exact[key] for key in decided}
    missing = {key for key in coarse if coarse[key] is Verdict.UNKNOWN and exact.get(key) is not Verdict.UNKNOWN}
    assert len(missing) <= len(coarse) / 3, "unknown must stay rare"


def gates(number: int) -> str:
    """Each of so many wrappings is chosen or not: as many logs as sets of them."""
    inputs = ", ".join(f"wrap{n}: bool" for n in range(number))
    lines = [f"flow Gifts version 1 {{\n  input {{ {inputs} }}\n  event cancel", "  start -> Choice0"]
    for n in range(number):
        onward = f"Choice{n + 1}" if n + 1 < number else "Sent"
        lines += [
            f"  activity wrap_{n}() -> text {{ fails torn compensate unwrap_{n}(result) }}",
            f"  choice Choice{n} {{ when wrap{n} -> Wrapping{n} else -> Waiting{n} }}",
            f"  state Wrapping{n} {{ do wrap_{n}() on done(_) -> Waiting{n} on failed -> compensate -> Kept }}",
            f"  state Waiting{n} {{ after 1h -> {onward} on cancel -> compensate -> Kept }}",
        ]
    return "\n".join([*lines, "  final Sent\n  final failure Kept\n}"])


def test_as_many_logs_as_sets_of_calls_are_no_hindrance() -> None:
    report = check(kernels(gates(12))["Gifts"])
    assert report.verdict is Verdict.PROVED
    assert report.configurations < 150
    assert report.warnings == ()


def test_and_what_is_forgotten_in_one_of_them_is_found() -> None:
    text = gates(12).replace(
        "state Waiting9 { after 1h -> Choice10 on cancel -> compensate",
        "state Waiting9 { after 1h -> Choice10 on cancel",
    )
    report = check(kernels(text)["Gifts"])
    refuted = {answer.rule.code for answer in report.answers if answer.verdict is Verdict.REFUTED}
    assert refuted == {"F101"}


SORTED = """\
flow Sorted version 1 {
  input { price: int 0..9, limit: int 0..5 }
  activity book() -> text { compensate unbook(result) }
  activity hold() -> text { compensate free(result) }
  activity wait() -> text { timeout 1h compensate leave(result) }
  activity fail() -> text { fails bad compensate forget(result) }
  activity keep() -> text { ensures len(result) > 1 compensate lose(result) }
  activity count() -> text { compensate recount(result) }
  activity slow() -> text { compensate hurry(result) { timeout 1h } }
  activity read() { readonly }
  start -> Booking
  state Booking { do book() on done(_) -> Holding on failed -> compensate -> Lost }
  state Holding { do hold() on done(_) -> Waiting on failed -> compensate -> Lost }
  state Waiting { do wait() on done(_) -> Failing on failed -> compensate -> Lost }
  state Failing { do fail() on done(_) -> Keeping on failed -> compensate -> Lost }
  state Keeping { do keep() on done(_) -> Counting on failed -> compensate -> Lost }
  state Counting { do count() on done(_) -> Slow on failed -> compensate -> Lost }
  state Slow { do slow() on done(_) -> Reading on failed -> compensate -> Lost }
  state Reading { do read() on done -> Kept on failed -> compensate -> Lost }
  final Kept
  final failure Lost
  never in Lost and done(count)
}
"""


def test_a_sort_is_what_a_compensation_treats_alike() -> None:
    kernel = kernels(SORTED)["Sorted"]
    found = sorts(kernel, {"count"})
    alone = {"wait", "fail", "keep", "count", "slow", "read"}
    assert found["hold"] == found["book"] == "book"
    assert {name for name in found if list(found.values()).count(found[name]) == 1} == alone
    assert Abstraction(kernel).sorted


ALIKE = """\
flow Sent version 1 {
  event first
  event second
  event stop
  activity ship() { retry 1 backoff 1s..1s then park irreversible }
  activity send() { retry 1 backoff 1s..1s then park irreversible }
  activity post() { retry 1 backoff 1s..1s then park irreversible }
  start -> Open
  state Open { on first -> Shipping on second -> Sending ignore stop }
  state Shipping { do ship() on done -> Done ignore first, second, stop }
  state Sending { do send() on done -> Done ignore first, second, stop }
  state Done { on stop -> compensate -> Stopped ignore first, second }
  final Stopped
}
"""


@pytest.mark.parametrize("grain", [Grain.SORTS, Grain.CUBES])
def test_what_a_run_shows_of_one_of_a_sort_is_not_ruled_out_of_the_others(grain: Grain) -> None:
    report = check(kernels(ALIKE)["Sent"], Limits(grain=grain))
    found = {answer.subject: answer.verdict for answer in report.answers if answer.rule.code == "F102"}
    assert found["`ship`"] is Verdict.REFUTED
    assert found["`send`"] is Verdict.REFUTED  # by a run of its own
    assert found["`post`"] is Verdict.PROVED  # which is never called


APART = """\
flow Sent version 1 {
  event stop
  activity ship() { retry 1 backoff 1s..1s then park fails bad irreversible }
  activity send() { retry 1 backoff 1s..1s then park fails bad irreversible }
  activity post() { retry 1 backoff 1s..1s then park fails bad irreversible }
  start -> Shipping
  state Shipping { do ship() on done -> Sending on bad -> Lost ignore stop }
  state Sending { do send() on done -> Posting on bad -> BAD ignore stop }
  state Posting { do post() on done -> Done on bad -> compensate since Posting -> Done on stop -> STOP }
  final Done
  final failure Lost
}
"""


@pytest.mark.parametrize("grain", [Grain.SORTS, Grain.CUBES])
@pytest.mark.parametrize(
    ("bad", "stop", "refuted"),
    [
        ("Lost", "compensate since Posting -> Done", {"`post`"}),
        ("Lost", "compensate since Sending -> Done", {"`send`", "`post`"}),
        ("compensate since Sending -> Done", "Done", set[str]()),
        ("compensate -> Done", "Done", {"`ship`"}),
        ("compensate since Shipping -> Done", "Posting", {"`ship`"}),
    ],
)
def test_each_activity_of_a_sort_is_told_where_it_stands(grain: Grain, bad: str, stop: str, refuted: set[str]) -> None:
    kernel = kernels(APART.replace("BAD", bad).replace("STOP", stop))["Sent"]
    answers = [each for each in check(kernel, Limits(grain=grain)).answers if each.rule.code == "F102"]
    assert {each.subject for each in answers if each.verdict is Verdict.REFUTED} - {"`Lost`"} == refuted
    assert all(each.verdict is not Verdict.UNKNOWN for each in answers)


def test_calls_of_a_sort_are_counted_where_nobody_calls_twice() -> None:
    kernel = kernels(desks(3).text)["Desks"]
    fine, coarse = (check(kernel, Limits(grain=grain)) for grain in (Grain.FINE, Grain.SORTS))
    assert fine.horizons[0].longest == coarse.horizons[0].longest == timedelta(days=7, hours=2, minutes=1, seconds=54)
    assert {answer.verdict for answer in coarse.answers} == {Verdict.PROVED}


@pytest.mark.parametrize(
    ("before", "after", "known"),
    [
        ("final Done", "state S { on cancel -> C }  choice C { when true -> Done  else -> Undone }  final Done", True),
        ("on failed -> Badly", "on failed -> S0", False),  # it calls again
        ("on cancel -> compensate -> Undone", "on cancel -> P", False),
        ("final Done", "state S { on cancel -> C }  choice C { when true -> Done  else -> P }  final Done", False),
    ],
)
def test_how_many_calls_a_run_makes_is_known_where_every_way_leads_on(before: str, after: str, known: bool) -> None:
    text = desks(3).text.replace(before, after)
    text = text.replace("on all done -> Done", "on all done -> S") if "state S " in text else text
    kernel = kernels(text)["Desks"]
    assert Abstraction(kernel, Grain.SORTS).cap == (4 if known else 2)
