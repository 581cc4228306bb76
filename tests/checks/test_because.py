"""Why something is never taken: the guards that block it, in the words of the text, and no more of them than needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import pytest

from kernels import flow, kernels
from penstock.compiler.checks import dead
from penstock.compiler.checks.blocked import Blocked, Reason
from penstock.compiler.checks.encode import Encoder, Env
from penstock.compiler.checks.encode import Facts as Places
from penstock.compiler.checks.explore import Explorer, Limits
from penstock.compiler.checks.facts import Fact, Origin, refs
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.checks.solver import Solver
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Verdict
from penstock.compiler.kernel import Kernel
from penstock.dsl.model import RefKind
from random_flows import random_flow
from random_trees import random_tree


def why(body: str, code: str = "F002") -> list[tuple[str, ...]]:
    answers = check(flow(body)).answers
    found = [each.diagnostic for each in answers if each.rule.code == code and each.verdict is Verdict.REFUTED]
    return [each.why for each in found if each is not None]


def labels(body: str) -> list[tuple[str, str]]:
    subject = flow(body)
    answers = [a.diagnostic for a in check(subject).answers if a.rule.code == "F002" and a.diagnostic is not None]
    return [(subject.source.slice(label.span), label.text) for answer in answers for label in answer.others]


# ---------------------------------------------------------------- in the words of the text


def test_a_type_that_excludes_a_guard_is_named() -> None:
    body = """
      input { guests: int 1..4 }
      start -> Table
      choice Table { when guests > 6 -> Banquet  else -> Small }
      final Banquet
      final Small
    """
    assert why(body) == [("never, because `guests > 6` here and `guests <= 4` (its type, line 3).",)]
    assert why(body, "F001") == [("never, because `guests > 6` on line 5 and `guests <= 4` (its type, line 3).",)]
    assert labels(body) == [("guests", "its type")]


TWO_LIMITS = """
  input { total: int }
  event pay
  start -> Limit
  choice Limit { when total <= 500 -> Open  else -> Closed }
  state Open {
    on pay when total > 1000 -> Closed
    on pay else -> Closed
    after 1d -> Closed
  }
  final Closed
"""


def test_a_guard_that_every_way_in_has_asked_is_named_with_its_line() -> None:
    (lines,) = why(TWO_LIMITS)
    assert lines == ("never, because `total > 1000` here and the way in already asked `total <= 500` (line 6).",)
    assert labels(TWO_LIMITS) == [("total <= 500", "already asked on the way")]


def test_a_guard_that_only_some_way_in_has_asked_is_not() -> None:
    body = TWO_LIMITS.replace("after 1d -> Closed", "after 1d -> Checked").replace(
        "else -> Closed }", "else -> Other }"
    )
    body += "choice Checked { when total <= 900 -> Open  else -> Closed }\nstate Other { after 1d -> Checked }\n"
    (lines,) = why(body)
    assert lines == ("never, because `total > 1000` here and `total <= 1000` there, whichever way a run came.",)


def test_a_counter_names_the_guard_of_its_only_increase() -> None:
    body = """
      data { retries: int = 0 }
      event again
      start -> Open
      state Open {
        on again when retries < 3 { retries = retries + 1 } -> Open
        on again else -> Last
        after 1d -> Last
      }
      choice Last { when retries > 3 -> Never  else -> Done }
      final Never
      final Done
    """
    said = "`retries <= 3` always: `retries < 3` (line 7) guards what changes it"
    assert why(body) == [(f"never, because `retries > 3` here and {said}.",)]
    assert ("retries < 3", "keeps it so") in labels(body)


def test_what_a_variable_was_given_says_where_that_came_from() -> None:
    body = """
      data { mode: int = 1, price: int = 0 }
      event pick(sum: int 0..5)
      activity quote(least: int) -> int { retry 2 backoff 1s..2s  ensures result >= least  readonly }
      start -> Open
      state Open {
        on pick(sum) { mode = sum } -> Asking
        after 1d -> Done
      }
      state Asking {
        do quote(20)
        on done(found) { price = found } -> Priced
        on failed -> Done
      }
      choice Priced { when mode > 7 -> Done  when price < 10 -> Done  else -> Done }
      final Done
    """
    assert why(body) == [
        ("never, because `mode > 7` here and `sum <= 5` (its type, line 4, kept by `mode = sum`).",),
        ("never, because `price < 10` here after `price = found` and `result >= 20` (its contract, line 5).",),
    ]


def test_what_the_same_step_assigns_is_told_with_what_is_asked_after_it() -> None:
    body = """
      input { n: int 0..9 }
      data { total: int = 0 }
      event go
      start -> Open
      state Open {
        on go { total = n + 10 } -> Next
        after 1d -> Done
      }
      choice Next { when total < 10 -> Done  else -> Done }
      final Done
    """
    assert why(body) == [("never, because `total < 10` here after `total = n + 10` and `n >= 0` (its type, line 3).",)]


def test_an_else_that_nothing_is_left_for_names_what_takes_it_all() -> None:
    body = """
      event rate(stars: int 1..5)
      start -> Open
      state Open {
        on rate(stars) when stars > 0 -> Done
        on rate(_) else -> Done
        after 1d -> Done
      }
      final Done
    """
    assert why(body) == [
        ("never, because `stars <= 0` here (line 6 takes the rest) and `stars >= 1` (its type, line 3).",)
    ]


APART = """
  data { n: int = 0 }
  event left
  event right
  event go
  start -> Outer
  state Outer {
    start -> Middle
    state Middle { on left { n = 1 } -> A  on right { n = 2 } -> B }
    state A { }
    state B { }
    on go when n > 5 -> Done
    on go else -> Done
  }
  state Late { after 1h { n = 9 } -> Done }
  deadline 1d -> Done
  final Done
"""


def test_a_variable_that_is_never_set_so_names_the_lines_that_set_it() -> None:
    body = APART.replace("n = 9", "n = 4").replace("on go else -> Done", "on go else -> Late")
    assert why(body) == [("never, because `n > 5` here and `n <= 5` always: it is only set on lines 3, 10 and 16.",)]


def test_different_reasons_in_different_states_are_told_apart() -> None:
    body = APART.replace("on go else -> Done", "on go else -> Late")
    ((*lines,),) = why(body)
    assert lines == [
        "never in `Outer.Middle`, because `n > 5` here and `n = 0` still, as at first (line 3).",
        "never in `Outer.A`, because `n > 5` here and the way in sets `n = 1` (line 10).",
        "never in `Outer.B`, because `n > 5` here and the way in sets `n = 2` (line 10).",
    ]


def test_a_property_that_is_never_reached_says_what_keeps_it_away() -> None:
    body = TWO_LIMITS.replace("on pay when total > 1000 -> Closed", "").replace("on pay else", "on pay")
    lines = why(body + "reach Open when total > 1000\n", "F301")
    assert lines == [("never, because `total > 1000` there and the way in already asked `total <= 500` (line 6).",)]


# ---------------------------------------------------------------- what only the graph says


def test_an_inner_handler_that_always_goes_first_is_named() -> None:
    body = """
      event nudge
      start -> Outer
      state Outer {
        start -> Inner
        state Inner { ignore nudge }
        on nudge -> Done
        after 1d -> Done
      }
      final Done
    """
    assert why(body) == [("never, because `Outer.Inner` says first what `nudge` does, and inner goes over outer.",)]


def test_a_join_names_the_regions_that_never_end_so() -> None:
    body = """
      start -> Both
      parallel Both {
        region A { start -> One  state One { after 1h -> Out }  final Out }
        region B { start -> Two  state Two { after 1h -> Out }  final Out }
        on any failure -> Done
        on all done -> Done
      }
      final Done
    """
    assert why(body) == [("never, because no region of `Both` ends in a failure.",)]


def test_a_state_to_which_only_unreachable_ones_lead_says_so() -> None:
    body = """
      start -> Done
      state Lost { after 1h -> Further }
      state Further { after 1h -> Done }
      final Done
    """
    assert why(body, "F001") == [
        ("no transition leads to `Lost`.",),
        ("the only ways there begin in `Lost`, which nothing enters either.",),
    ]


def test_a_step_that_is_never_finished_is_no_matter_of_guards() -> None:
    body = """
      event go
      start -> Open
      state Open { on go -> Next  after 1d -> Done }
      choice Next { when false -> Done }
      final Done
    """
    assert why(body)[0] == (
        "never, because a step that begins so is never finished: it would fault, or find no way on.",
    )


# ---------------------------------------------------------------- the reasons hold, and nothing in them is too much


def reasons(subject: Kernel) -> Iterator[tuple[Inquiry, Reason]]:
    inquiry = Inquiry(Explorer(subject, Limits(nodes=150, questions=6000)))
    blocked: Blocked | None = None
    for answer in dead.check(inquiry):
        if answer.verdict is Verdict.REFUTED:
            blocked = blocked or Blocked(inquiry)
            for reason in blocked.reasons(answer.span) or ():
                yield inquiry, reason


def excluded(subject: Kernel, reason: Reason, facts: Sequence[Fact]) -> bool:
    """Whether the facts alone cannot be true together, asked anew of another Z3."""
    solver = Solver()
    encoder = Encoder(solver.z3)
    variables = {each.name: encoder.variable(each.name, each.type) for each in subject.variable.values()}
    params = {ref.name: ref.type for fact in reason.facts for ref in refs(fact.expr) if ref.kind is RefKind.PARAM}
    places = reason.scenes[0].places
    env = Env(
        variables,
        solver.z3.integer("now"),
        {name: encoder.variable(name, type) for name, type in params.items()},
        facts=Places(subject.active(places), frozenset(), {}, not places, 0),
    )
    terms = [fact.term(encoder, env) for fact in facts]
    solver.assume(encoder.axioms)
    return solver.ask(*terms).impossible


def holds_everywhere(inquiry: Inquiry, reason: Reason) -> bool:
    """Whether what is said to be known is so of every instance that was there."""
    known = [fact for fact in reason.facts if fact.origin >= Origin.WAY]
    for scene in reason.scenes:
        for arrival in scene.node.arrivals if scene.node is not None else ():
            data = inquiry.states.exactly(arrival.instance)
            env = inquiry_env(inquiry)
            if any(inquiry.states.ask(data, fact.term(inquiry.encoder, env)).impossible for fact in known):
                return False
    return True


def inquiry_env(inquiry: Inquiry) -> Env:
    return Env(inquiry.states.passages.variables, inquiry.states.passages.now)


@pytest.mark.parametrize("write", [random_flow, random_tree], ids=["flows", "trees"])
def test_the_facts_that_are_named_exclude_the_transition_and_without_any_of_them_it_is_possible(
    write: Callable[[int], str],
) -> None:
    met = 0
    for seed in range(10):
        subject = kernels(write(seed))["R"]
        for inquiry, reason in reasons(subject):
            met += 1
            assert excluded(subject, reason, reason.facts), (seed, reason)
            assert holds_everywhere(inquiry, reason), (seed, reason)
            for fewer in combinations(reason.facts, len(reason.facts) - 1):
                assert not excluded(subject, reason, fewer), (seed, fewer)
    assert met > 5
