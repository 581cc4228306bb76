"""The checker and brute force say the same of random small flows, check by check and place by place.

A longer run: `PENSTOCK_AGREEMENT=2000 python3 dev.py test tests/checks/test_agreement.py`, or benchmarks/agreement.py.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable

import pytest

from agreement import CODES, INSTANCES, PATIENT, Tally, check, compare, compared, explored
from brute_families import Families
from brute_people import enumerate_flow
from brute_values import SECOND
from features import FEATURES, features
from kernels import kernels
from penstock.compiler.checks import suite
from penstock.compiler.checks.verdict import Verdict
from random_calls import random_calls
from random_core import random_core
from random_crossings import random_crossing
from random_durations import random_durations
from random_flows import random_flow
from random_grafts import random_grafts
from random_groups import random_groups
from random_instants import random_instants
from random_mixtures import random_mixture
from random_moments import random_moments
from random_savepoints import random_savepoints
from random_trees import random_tree

GROUPS = int(os.environ.get("PENSTOCK_AGREEMENT", "20"))
TREES = int(os.environ.get("PENSTOCK_AGREEMENT", "20"))
FLOWS = int(os.environ.get("PENSTOCK_AGREEMENT", "50"))
MIXTURES = int(os.environ.get("PENSTOCK_AGREEMENT", "60"))
CORE = int(os.environ.get("PENSTOCK_AGREEMENT", "160"))
TIMES = int(os.environ.get("PENSTOCK_AGREEMENT", "20"))
CHUNK = 10
SMALL = 150  # instances

CONSTRUCTS = (
    *("parallel ", r"state O\d+ \{", "final failure Broken", r"choice C[1-9]", "on any failure", "on all done"),
    *(
        "on any done",
        "on 2 done",
        "-> resume ",
        "compensate since ",
        r"after \ds since ",
        "deadline ",
        r"when .*\bin [A-Z]",
    ),
    *("do for ", r"until \d done", "do flow ", "do for .*flow Child", r"in v\d at most \d", "emit told", "send Child"),
    *("list<", r"Pair\(", r"\.a\b", r"len\(", " in v", "reach ", "never done", "always ", "count"),
    *("task work_", "task job_", "escalate ", "remind ", "ignore ", "defer ", r"defer \w+ at most 1", "wait forever"),
    *("readonly", "irreversible", "compensate undo_", "then park", "fails err", r"stay\b", "on failed", "else "),
)
"""What a random mixture may have in it, as patterns of its text."""

UNCERTAIN = (
    *("irreversible", "then park", r"compensate undo_\w+\(result\)", r"undo_\w+\((not result|result [+<] \d)\)"),
    *(r"result is some (and|then)", r"on (failed|timeout)[^\n]*-> Good", "-> compensate since ", "readonly"),
)
"""What F103 to F105 are about: what may be left uncertain, undone without a result, or come to after the pivot."""


@pytest.mark.parametrize("first", range(0, FLOWS, CHUNK))
def test_the_checker_agrees_with_brute_force(first: int) -> None:
    tally = Tally()
    for seed in range(first, first + CHUNK):
        compare(seed, tally)
    assert tally.disagreements == []
    assert tally.flows, "at least one of ten flows is small enough to enumerate"
    asked = sum((tally.refuted + tally.proved + tally.unknown).values())
    assert (tally.unknown - tally.unasked).total() <= asked / 20, "unknown must stay rare"
    assert {*tally.refuted, *tally.proved, *tally.unknown} == set(CODES) - {"F204", "F206", "F501"}, (
        "of these none is asked there"
    )


@pytest.mark.parametrize("first", range(0, TREES, CHUNK))
def test_the_checker_agrees_with_brute_force_about_states_in_states(first: int) -> None:
    agree(first, random_tree, INSTANCES)


@pytest.mark.parametrize("first", range(0, GROUPS, CHUNK))
def test_the_checker_agrees_with_brute_force_about_calls_for_each_item(first: int) -> None:
    agree(first, random_groups, INSTANCES)


@pytest.mark.parametrize("first", range(0, MIXTURES, CHUNK))
def test_the_checker_agrees_with_brute_force_about_everything_at_once(first: int) -> None:
    agree(first, random_mixture, 400, 6)  # timers that count from elsewhere are not known exactly


@pytest.mark.parametrize("first", range(0, CORE, 4 * CHUNK))
def test_the_checker_agrees_with_brute_force_about_small_flows_of_the_whole_language(first: int) -> None:
    tally = Tally()
    for seed in range(first, first + 4 * CHUNK):
        compare(seed, tally, random_core, SMALL)
    assert tally.disagreements == []
    assert tally.flows >= 3 * CHUNK, "nearly all are small enough to enumerate"
    asked = sum((tally.refuted + tally.proved + tally.unknown).values())
    assert (tally.unknown - tally.unasked).total() <= asked / 20, "unknown must stay rare"
    assert sum(tally.counted.values()) >= 3 * CHUNK, "and the lengths of the runs are compared"


@pytest.mark.parametrize("first", range(0, TIMES, CHUNK))
def test_the_checker_agrees_with_brute_force_about_moments(first: int) -> None:
    agree(first, random_moments, INSTANCES // 4, 6)  # what asks how long ago the start was is often left open


@pytest.mark.parametrize("first", range(0, TIMES, CHUNK))
def test_the_checker_agrees_with_brute_force_about_instants(first: int) -> None:
    agree(first, random_instants, INSTANCES // 4)


@pytest.mark.parametrize("first", range(0, TIMES, CHUNK))
def test_the_checker_agrees_with_brute_force_where_the_plain_meets_the_structured(first: int) -> None:
    agree(first, random_crossing, INSTANCES // 4, 6)


@pytest.mark.parametrize("first", range(0, TIMES, CHUNK))
def test_the_checker_agrees_with_brute_force_where_what_is_seldom_meets(first: int) -> None:
    agree(first, random_grafts, INSTANCES // 4, 6)


@pytest.mark.parametrize("first", range(0, TIMES, CHUNK))
def test_the_checker_agrees_with_brute_force_about_how_often_calls_are_tried(first: int) -> None:
    agree(first, random_calls, SMALL)


@pytest.mark.parametrize("first", [7000, 7020])
def test_what_is_compared_is_what_the_checks_answer_in_full(first: int) -> None:
    for seed in range(first, first + 20):
        kernel = kernels(random_core(seed))["R"]
        full = [(answer.rule.code, answer.span, answer.verdict) for answer in suite.check(kernel, PATIENT).answers]
        assert [(answer.rule.code, answer.span, answer.verdict) for answer in check(explored(kernel))] == full


PUT_OFF = """
flow R version 1 {
  activity send() { irreversible }
  start -> Both
  parallel Both {
    region One {
      start -> Sending
      on failed -> compensate -> Both
      state Sending { do send() }
    }
    region Two {
      start -> Waiting
      state Waiting { do send() }
    }
  }
  final failure Late
  deadline 1s -> Late
  start leads to Late
}
"""


def test_a_round_goes_on_for_ever_where_a_compensation_puts_off_the_deadline_each_time() -> None:
    found = compared(PUT_OFF)
    assert found.disagreements == []
    assert found.refuted["F301"] == 1


VACANT = """
flow R version 1 {
  data { v: list<int 0..1> at most 2 = [] }
  activity look() { readonly }
  start -> Both
  parallel Both {
    region One {
      start -> Looking
      state Looking {
        do for item in v: look()
        on done when GUARD -> Good
        on failed -> Good
      }
      final Good
    }
    region Two {
      start -> Either
      choice Either {
        when true -> Idle
        when true -> Waiting
      }
      state Idle { after 1s -> Good }
      state Waiting { after 1s -> Good }
      final Good
    }
    on all done -> Good
  }
  final Good
}
"""


@pytest.mark.parametrize(("guard", "open_cases"), [("in Looking and in Idle", 0), ("in Waiting", 1)])
def test_a_group_without_items_is_done_when_all_regions_are_entered(guard: str, open_cases: int) -> None:
    found = compared(VACANT.replace("GUARD", guard))
    assert found.disagreements == []
    assert found.refuted["F006"] == 1, "of the choice that is passed before"
    assert found.refuted["F007"] == open_cases


HELD_UP = """
flow R version 1 {
  data { v: int 0..1 = 0 }
  roles clerk
  event told(bad: bool)
  activity look() { readonly }
  start -> Asking
  state Asking {
    task ask for clerk
    on ask stay
    defer told
    after 1s -> Looking
  }
  state Looking {
    do look()
    on done stay
    on told(bad) when bad { v = v - 1 } stay
    on told(_) else stay
  }
}
"""


def test_a_run_is_the_shortest_of_its_place_where_another_place_is_unknown() -> None:
    found = compared(HELD_UP)
    assert found.disagreements == []
    answers = [each for each in check(explored(kernels(HELD_UP)["R"])) if each.rule.code == "F201"]
    assert [each.verdict for each in answers] == [Verdict.UNKNOWN, Verdict.REFUTED]
    assert found.refuted["F201"] == 1


BALKING = """
flow R version 1 {
  data { new: bool = false }
  activity look() -> bool { compensate forget(not result) }
  start -> Either
  state Looking {
    do look()
    on done(_) -> Good
    after 1s -> compensate -> Either
  }
  choice Either {
    when not new { new = true } -> Looking
    when new -> Looking
    when new -> Good
  }
  final Good
}
"""


def test_a_compensation_that_cannot_start_does_not_come_to_where_it_leads() -> None:
    found = compared(BALKING)
    assert found.disagreements == []
    assert found.refuted["F006"] == 1, "only once the call is done; which is the shortest run is not claimed"
    assert found.counted["F104"] == 1


JOINED = """
flow R version 1 {
  data { v: bool = false }
  start -> Both
  parallel Both {
    on any failure -> Both
    region One {
      start -> Either
      choice Either {
        when true { v = true } -> Broken
        when v -> Broken
      }
      final failure Broken
    }
    region Two {
      start -> Idle
      state Idle {}
    }
  }
}
"""


def test_both_ways_of_a_choice_are_open_behind_a_join_whose_step_is_stopped() -> None:
    found = compared(JOINED)
    assert found.disagreements == []
    assert found.counted["F006"] == 1


ANEW = """
flow R version 1 {
  activity act() { compensate undo() }
  start -> Trying
  state Trying {
    do act()
    after 1s -> compensate -> Both
  }
  parallel Both {
    on any done -> compensate -> Bad
    region One {
      start -> Acting
      state Acting { do act() }
    }
    region Two {
      start -> Either
      choice Either {
        when true -> Over
        when true -> Over
      }
      final Over
    }
  }
  final failure Bad
}
"""


def test_a_compensation_comes_to_where_it_leads_though_another_one_begins_there() -> None:
    found = compared(ANEW)
    assert found.disagreements == []
    assert found.refuted["F006"] == 1


TELLING = """
flow R version 1 {
  emits told(what: int 0..1)
  data { v: int 0..1 = 1 }
  start -> Outer
  state Outer {
    start { emit told(v + 1) } -> Either
    choice Either { when v == 0 -> Idle }
    state Idle {}
  }
}
"""


def test_a_choice_is_not_come_to_where_what_a_message_takes_along_stops_the_step() -> None:
    found = compared(TELLING)
    assert found.disagreements == []
    assert (found.refuted["F401"], found.refuted["F007"]) == (1, 0)


TWICE = """
flow R version 1 {
  event go
  start -> First
  state First { on go -> resume Both }
  parallel Both {
    on any failure -> First
    region One {
      start -> Waiting
      state Waiting { defer go  after 1s -> Taking }
      state Taking { on go -> Broken }
      final failure Broken
    }
    region Two {
      start -> Over
      final Over
    }
  }
}
"""


def test_brute_force_looks_again_with_two_equal_events_that_wait() -> None:
    kernel = kernels(TWICE)["R"]
    assert "F005" not in {code for code, _ in enumerate_flow(kernel).refuted}
    assert "F005" in {code for code, _ in enumerate_flow(kernel, waiting=2).refuted}
    assert compared(TWICE).disagreements == []


def agree(first: int, write: Callable[[int], str], most: int, rare: int = 10) -> None:
    tally = Tally()
    for seed in range(first, first + CHUNK):
        compare(seed, tally, write, most)
    assert tally.disagreements == []
    assert tally.flows, "at least one of ten flows is small enough to enumerate"
    asked = sum((tally.refuted + tally.proved + tally.unknown).values())
    assert (tally.unknown - tally.unasked).total() <= asked / rare, "unknown must stay rare"


@pytest.mark.parametrize("first", range(0, TIMES, CHUNK))
def test_the_checker_agrees_with_brute_force_about_durations(first: int) -> None:
    agree(first, random_durations, INSTANCES // 4, 6)


@pytest.mark.parametrize("first", range(0, TIMES, CHUNK))
def test_the_checker_agrees_with_brute_force_about_savepoints(first: int) -> None:
    agree(first, random_savepoints, INSTANCES // 2)


def test_the_small_flows_have_every_construct_in_them() -> None:
    texts = [random_core(seed) for seed in range(600)]
    words = (*CONSTRUCTS, "except actor of", "for actor of", "leads to", "decimal", ": text", r"abs\(")
    missing = [word for word in words if sum(re.search(word, text) is not None for text in texts) < 2]
    assert missing == []


MOMENTS = {"`now`", "`at`", "`elapsed`", "`leads to .. within`"}
"""What only an enumeration decides that knows moments: they are in flows of their own."""
NEVER = {"instant", "`every ..`"} | MOMENTS


def test_the_small_flows_have_every_feature_of_the_language_but_those_of_flows_of_their_own() -> None:
    counts = Counter(name for seed in range(1200) for name in features(random_core(seed)))
    assert {name for names in FEATURES.values() for name in names if counts[name] < 3} == NEVER
    assert counts.keys() <= {name for names in FEATURES.values() for name in names}


def test_the_flows_about_moments_have_what_the_others_never_have() -> None:
    counts = Counter(name for seed in range(200) for name in features(random_moments(seed)))
    assert {name for name in MOMENTS if counts[name] < 10} == set()


def test_what_only_plain_flows_have_meets_what_only_structured_ones_have() -> None:
    plain = {"`except`", "`for actor of`", "text", "decimal", "data without a range"}
    structured = {"`parallel`", "a state with states in it", "an event handled further out", "a task further out"}
    pairs = Counter(
        (one, other)
        for found in (features(random_crossing(seed)) for seed in range(300))
        for one in plain & found
        for other in structured & found
    )
    assert {(one, other) for one in plain for other in structured if not pairs[one, other]} == set()


def test_the_flows_about_instants_have_them_everywhere_and_are_started_by_the_clock() -> None:
    texts = [random_instants(seed) for seed in range(200)]
    counts = Counter(name for text in texts for name in features(text))
    assert min(counts["instant"], counts["`now`"], counts["`at`"], counts["`every ..`"]) >= 20
    places = (r"input \{[^}]*instant", r"data \{[^}]*instant\?", r"event \w+\([^)]*instant", r"-> instant \{")
    used = (
        r"form \{ \w+: instant",
        r"deadline \(told",
        r"at kept",
        r"after \(kept - now\)",
        r"kept = now",
        r"told [+-] 1s",
    )
    assert rare(texts, (*places, *used), 5) == []


def test_the_flows_about_durations_have_them_everywhere() -> None:
    texts = [random_durations(seed) for seed in range(200)]
    sources = (r"input \{[^}]*duration", r"data \{[^}]*duration", r"event \w+\([^)]*duration", r"-> duration \{")
    used = (
        r"form \{ \w+: duration",
        "deadline told",
        "after told",
        "after kept",
        r"after (min|max)\((kept, told|told, kept)\)",
        r"after min\(\w+ \+ 1s",
        r"parallel P\d \{",
        "kept < told|told < kept",
    )
    assert rare(texts, (*sources, *used), 5) == []


def test_the_flows_about_savepoints_call_one_activity_in_several_regions() -> None:
    texts = [random_savepoints(seed) for seed in range(200)]
    words = (
        r"region [^$]*do a\(\)[^$]*region [^$]*do a\(\)",
        r"region [^$]*parallel [^$]*region ",
        *("do for item in", "irreversible", "readonly", "then park", "fails bad", "on failed"),
        *(
            r"compensate since P\d+\.R\d+\.S\d+",
            r"compensate since P\d+ ",
            r"compensate since S\d+ ",
            "-> compensate -> Good",
        ),
        *(
            r"when not again \{ again = true \} -> compensate",
            r"when in P\d",
            "on go when",
            "on any failure -> compensate",
        ),
        *("always .* count", "never .*done", "final failure X", r"state O\d+ \{"),
    )
    assert rare(texts, words, 3) == []


BETWEEN = """
flow R version 1 {
  data { kept: instant = @2026-01-01T00:00:01Z }
  start -> Early
  choice Early {
    when now < kept { kept = @2026-01-01T00:00:00Z } -> Late
    else -> Bad
  }
  choice Late {
    when now > kept -> Good
    else -> Bad
  }
  final Good
  final failure Bad
}
"""


def test_what_happens_between_two_whole_seconds_is_seen_when_brute_force_looks_again() -> None:
    kernel = kernels(BETWEEN)["R"]
    (good,) = [branch.span.start for branch in kernel.choice["Late"].branches if branch.guard is not None]
    assert ("F002", good) in enumerate_flow(kernel).refuted
    assert ("F002", good) not in enumerate_flow(kernel, tick=SECOND / 2).refuted
    assert compared(BETWEEN).disagreements == []


def test_the_flows_about_calls_are_tried_for_ever_and_do_themselves() -> None:
    texts = [random_calls(seed) for seed in range(100)]
    words = (
        "retry forever",
        r"compensate undo_\w+\(.*\) \{ retry forever",
        r"do flow R\(n0: n0 - 1",
        r"timeout 3s",
        "deadline ",
    )
    assert rare(texts, words, 5) == []


TURNS = """
flow R version 1 {
  input { m: int 0..2, n: int 0..2 }
  event other
  start -> Asking
  state Asking {
    on other -> Second
    after 1s -> First
  }
  choice First {
    when n > 0 -> Counting
    else -> Good
  }
  choice Second {
    when m > 0 -> Waiting
    else -> Good
  }
  state Counting {
    do flow R(m: 2, n: n - 1)
    on done -> Good
    on failed -> Good
  }
  state Waiting {
    do flow R(m: m - 1, n: 2)
    on done -> Good
    on failed -> Good
  }
  final Good
}
"""


def test_where_each_call_counts_another_input_down_nobody_can_tell_whether_it_ends() -> None:
    assert enumerate_flow(kernels(TURNS)["R"]).turns
    found = compared(TURNS)
    assert found.disagreements == []
    assert found.unknown["F206"] == 1
    assert compared(TURNS.replace("n: 2", "n: n - 1").replace("m > 0", "m > 0 and n > 0")).proved["F206"] == 1
    assert compared(TURNS.replace("n - 1", "n")).refuted["F206"] == 1


PROMISED = """
flow R version 1 {
  event ev0
  activity act0() { timeout 2s retry 1 backoff 1s..1s readonly }
  start -> S0
  state S0 {
    do act0()
    on done -> S1
    on failed -> S1
  }
  state S1 {
    after 3s -> Good
    on ev0 -> Good
  }
  final Good
  start leads to in Good within 5s
  start leads to in Good within 4s
}
"""

WAITED = """
flow R version 1 {
  event ev0
  start -> S0
  state S0 { after 2s -> Good  on ev0 -> Good }
  final Good
  always in S0 implies elapsed <= 2s
  always in S0 implies elapsed < 2s
}
"""


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (PROMISED, "F204", "start leads to in Good within 4s"),
        (WAITED, "F301", "always in S0 implies elapsed < 2s"),
    ],
)
def test_a_promise_is_broken_by_a_second_and_a_property_by_a_moment(text: str, code: str, line: str) -> None:
    truth = enumerate_flow(kernels(text)["R"])
    assert [(code, text[place:].partition("\n")[0]) for code, place in truth.refuted] == [(code, line)]
    assert not truth.undecided
    found = compared(text)
    assert found.disagreements == []
    assert found.refuted[code] == 1
    assert found.proved[code] == (code == "F204"), "whatever time has passed, the other one is not so"


def test_the_mixtures_have_every_construct_in_them() -> None:
    assert rare([random_mixture(seed) for seed in range(MIXTURES)], CONSTRUCTS, 2) == []


def test_the_flows_leave_effects_uncertain_often_enough() -> None:
    assert rare([random_flow(seed) for seed in range(FLOWS)], UNCERTAIN, 5) == []


def rare(texts: list[str], words: tuple[str, ...], least: int) -> list[str]:
    """The patterns that fewer texts have."""
    return [word for word in words if sum(re.search(word, text) is not None for text in texts) < least]


FAMILY = """
flow Child version 1 {
  input { x: int 0..1 }
  data { y: int 0..2 = 0 }
  output y
  activity sub() { EFFECT }
  start -> A
  state A { do sub()  on done { y = x + 1 } -> B  on failed -> compensate -> Sad }
  state B { after 1s -> Fine }
  final Fine
  final failure Sad
}
flow R version 1 {
  data { got: int 0..2? }
  event stop
  start -> Doing
  state Doing {
    do flow Child(x: 1)
    on done(y)   { got = y } -> Deciding
    on failed -> Bad
    on stop   -> compensate -> Bad
  }
  state Deciding { on stop -> compensate -> Bad  after 3s -> Good }
  final Good
  final failure Bad
}
"""


def ends(effect: str) -> set[tuple[str, object]]:
    """Where a parent ends with a child that is really there, and what it has got of it by then."""
    kernel = kernels(text := FAMILY.replace("EFFECT", effect))["R"]
    found = {(at.configuration, at.values) for at, _ in Families(kernels(text), 500).run("R") if at.finished}
    assert compared(text).disagreements == []
    return {(kernel.leaf[leaf].name, got) for (leaf,), (got,) in found}


def test_a_child_that_is_really_there_is_withdrawn_and_heard_of() -> None:
    assert ends("compensate undo_sub()") == {("Good", 2), ("Bad", None), ("Bad", 2)}
    assert ends("readonly") == {("Good", 2), ("Bad", None), ("Bad", 2)}
