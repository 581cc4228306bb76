"""Flows of states in states: the model of one with everything in it, and laws over its mutations."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from composed import COMPOSED
from penstock.dsl import model as m
from penstock.dsl.diagnostics import Severity
from penstock.dsl.format import format_text
from penstock.dsl.parse import parse
from penstock.dsl.source import Source
from penstock.dsl.typecheck import Analysed, analyse
from penstock.dsl.walk import nodes


def analysed(text: str) -> Analysed:
    source = Source("test.flow", text)
    return analyse(parse(source).tree, source)


def paper() -> m.Flow:
    source = Source("test.flow", COMPOSED)
    assert parse(source).diagnostics == ()
    found = analysed(COMPOSED)
    assert [each.message for each in found.diagnostics] == []
    return found.flows[0]


def state(name: str) -> m.State:
    return next(each for each in paper().states if each.name == name)


def test_nodes_are_named_by_their_paths_outer_before_inner() -> None:
    flow = paper()
    assert [(each.name, each.parent, each.kind.value) for each in flow.states] == [
        ("Review", None, "parallel"),
        ("Review.Legal", "Review", "region"),
        ("Review.Legal.Reading", "Review.Legal", "state"),
        ("Review.Money", "Review", "region"),
        ("Review.Money.Counting", "Review.Money", "state"),
        ("Review.Money.Counting.First", "Review.Money.Counting", "state"),
        ("Review.Money.Counting.Second", "Review.Money.Counting", "state"),
        ("Packing", None, "state"),
        ("Packing.Boxing", "Packing", "state"),
        ("Packing.Checking", "Packing", "state"),
        ("Paused", None, "state"),
    ]
    assert [each.name for each in flow.choices] == ["Review.Legal.Opinion", "Review.Money.Enough"]
    assert [(each.name, each.parent, each.failure) for each in flow.finals] == [
        ("Done", None, False),
        ("Refused", None, True),
        ("Review.Legal.Signed", "Review.Legal", False),
        ("Review.Legal.Objected", "Review.Legal", True),
        ("Review.Money.Paid", "Review.Money", False),
    ]


def test_a_state_with_states_in_it_has_a_start_and_a_leaf_a_call() -> None:
    starts = {each.name: each.start.target.node for each in paper().states if each.start}
    assert starts == {
        "Review.Legal": "Review.Legal.Reading",
        "Review.Money": "Review.Money.Counting",
        "Review.Money.Counting": "Review.Money.Counting.First",
        "Packing": "Packing.Boxing",
    }
    called = {each.name: each.call.activity for each in paper().states if each.call}
    assert called == {
        "Review.Money.Counting.First": "look",
        "Review.Money.Counting.Second": "look",
        "Packing.Boxing": "pack",
    }


def test_joins_history_and_moments() -> None:
    joins = [(each.trigger, each.target) for each in state("Review").transitions][:3]
    assert joins == [
        (m.OnJoin("all done"), m.Goto("Packing")),
        (m.OnJoin("any failure"), m.Undo("Review", "Refused")),
        (m.OnJoin("1 done"), m.Undo(None, "Refused")),
    ]
    late, back, event, _ = state("Paused").transitions
    assert isinstance(late.trigger, m.After) and late.trigger.since == "Review"
    assert (back.target, event.target) == (m.Goto("Packing", resume=True), m.Goto("Review", resume=True))
    second = state("Review.Money.Counting.Second").transitions[2].trigger
    assert isinstance(second, m.After) and second.since == "Review.Money.Counting.First"


def test_a_guard_asks_where_the_instance_is() -> None:
    flow = paper()
    asked = [each.state for each in nodes((flow.states, flow.choices)) if isinstance(each, m.InState)]
    assert asked == ["Review.Money.Paid", "Review.Legal.Reading"]
    asked = [each.state for each in nodes(flow.properties) if isinstance(each, m.InState)]
    assert asked == [
        "Packing.Boxing",
        "Review.Legal",
        "Review.Legal.Signed",
        "Review.Money.Counting.First",
        "Packing",
        "Refused",
        "Review.Legal",
    ]
    assert [each.state for each in flow.properties if isinstance(each, m.Reach)] == [
        "Review.Money.Paid",
        "Review.Money.Counting",
    ]


def test_a_call_for_each_item_brings_the_list_of_results() -> None:
    boxing = state("Packing.Boxing")
    assert boxing.call is not None and boxing.call.each is not None
    each = boxing.call.each
    assert (each.param.name, str(each.param.type), each.most, each.quota) == ("item", "Item", 4, 2)
    (update,) = boxing.transitions[0].updates
    assert isinstance(update, m.Assign) and str(update.value.type) == "list<text> at most 4"


def test_without_a_number_a_call_for_each_item_may_be_for_as_many_as_the_list_holds() -> None:
    text = COMPOSED.replace("items at most 4 until 2 done: pack", "items: pack")
    found = next(each for each in analysed(text).flows[0].states if each.name == "Packing.Boxing")
    assert found.call and found.call.each and (found.call.each.most, found.call.each.quota) == (5, None)


def test_an_outer_handler_binds_what_all_the_calls_it_is_for_bring() -> None:
    text = """flow A {
      activity look() -> text { readonly }
      data { seen: text? }
      start -> Outer
      state Outer {
        start -> First
        state First  { do look() }
        state Second { do look() }
        on done(found) when in First { seen = found } -> Second
        on done else -> Done
        on failed -> First
      }
      final Done
    }"""
    found = analysed(text)
    assert [each.message for each in found.diagnostics] == []
    done, rest, failed = found.flows[0].states[0].transitions
    assert (done.trigger, done.binds, rest.binds) == (m.OnDone(), ("found",), (None,))
    assert (failed.trigger, failed.binds) == (m.OnFailure("failed"), ())


def test_an_outer_done_without_names_may_be_for_calls_that_bring_different_things() -> None:
    text = """flow A {
      activity look() -> text { readonly }
      activity wait() { readonly }
      start -> Outer
      state Outer {
        start -> First
        state First  { do look() }
        state Second { do wait() }
        on done -> Done
        on failed -> Second
      }
      final Done
    }"""
    found = analysed(text)
    assert [each.message for each in found.diagnostics] == []
    assert found.flows[0].states[0].transitions[0].binds == ()


def test_what_is_composed_is_laid_out_as_it_stands() -> None:
    assert format_text(Source("test.flow", COMPOSED)) == COMPOSED


def test_a_join_is_named_as_it_is_counted() -> None:
    flow = analysed(COMPOSED.replace("on 1 done ", "on 01 done")).flows[0]
    assert flow.states[0].transitions[2].trigger == m.OnJoin("1 done")


# ---------------------------------------------------------------- laws


def regions_around(flow: m.Flow, name: str) -> set[str]:
    regions = {each.name for each in flow.states if each.kind is m.StateKind.REGION}
    return {each for each in regions if name.startswith(f"{each}.")}


def assert_composed_soundly(flow: m.Flow) -> None:
    """What lowering relies on, beyond the types."""
    states = {each.name: each for each in flow.states}
    finals = {each.name for each in flow.finals}
    choices = {each.name for each in flow.choices}
    assert len(states) + len(finals) + len(choices) == len(flow.states) + len(flow.finals) + len(flow.choices)
    outer = {each.parent for each in flow.states}
    seen: set[str | None] = {None}
    for each in flow.states:
        assert each.parent in seen and each.name.rpartition(".")[0] == (each.parent or "")
        seen.add(each.name)
        above = states[each.parent].kind if each.parent else None
        assert (each.kind is m.StateKind.REGION) == (above is m.StateKind.PARALLEL)
        composed = each.kind is not m.StateKind.PLAIN or each.name in outer
        assert not (composed and each.call)
        assert (each.start is not None) == (composed and each.kind is not m.StateKind.PARALLEL)
        if each.start:
            assert each.start.target.node.startswith(f"{each.name}.") and not each.start.target.resume
        if each.kind is m.StateKind.PARALLEL:
            assert sum(inner.parent == each.name for inner in flow.states) >= 2
    for final in flow.finals:
        assert final.parent is None or states[final.parent].kind is m.StateKind.REGION
    ways = [(each.name, way.target) for each in flow.states for way in each.transitions]
    ways += [(each.name.rpartition(".")[0], way.target) for each in flow.choices for way in each.branches]
    ways += [("", flow.start.target)] + ([("", flow.deadline.transition.target)] if flow.deadline else [])
    for here, target in ways:
        if isinstance(target, m.Stay):
            continue
        assert target.node in {*states, *finals, *choices}
        assert target.node not in states or states[target.node].kind is not m.StateKind.REGION
        within = set[str]() if isinstance(target, m.Undo) else regions_around(flow, f"{here}.")
        assert regions_around(flow, target.node) <= within
        assert not (isinstance(target, m.Undo) and target.since) or target.since in states
        if isinstance(target, m.Goto) and target.resume:
            assert target.node in outer and states[target.node].kind is not m.StateKind.REGION
    for each in flow.states:
        for way in each.transitions:
            if isinstance(way.trigger, m.OnJoin):
                assert each.kind is m.StateKind.PARALLEL and way.guard is None and not isinstance(way.target, m.Stay)
            if isinstance(way.trigger, m.After):
                assert way.trigger.since is None or way.trigger.since in states
    for node in nodes((flow.states, flow.choices, flow.properties, flow.scenarios)):
        if isinstance(node, m.InState):
            assert node.state in {*states, *finals}


def test_the_flow_itself_is_composed_soundly() -> None:
    assert_composed_soundly(paper())


TOKEN = re.compile(r'##[^\n]*|"[^"\n]*"|[A-Za-z_][A-Za-z_0-9]*|[0-9][0-9A-Za-z.]*|->|==|\s+|.', re.S)
TOKENS = TOKEN.findall(COMPOSED)
WORDS = sorted({each for each in TOKENS if each[0].isalnum()} | {"region", "done", "resume", "failure", "0"})
PLACES = [place for place, each in enumerate(TOKENS) if each in WORDS]
NAMES = [place for place in PLACES if TOKENS[place][0].isupper()]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(PLACES), st.sampled_from(WORDS)),
            st.tuples(st.sampled_from(NAMES), st.sampled_from(sorted({TOKENS[each] for each in NAMES}))),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_with_exchanged_words_it_is_refused_or_composed_soundly(changes: list[tuple[int, str]]) -> None:
    tokens = list(TOKENS)
    for place, word in changes:
        tokens[place] = word
    text = "".join(tokens)
    source = Source("mutant.flow", text)
    parsed = parse(source)
    found = analyse(parsed.tree, source)
    for each in (*parsed.diagnostics, *found.diagnostics):
        assert each.span is not None and 0 <= each.span.start <= each.span.end <= len(text)
    errors = [each for each in found.diagnostics if each.severity is Severity.ERROR]
    assert found.flows or errors or not parsed.tree.complete
    for accepted in found.flows:
        assert_composed_soundly(accepted)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, len(TOKENS) - 1), st.integers(0, len(TOKENS) - 1)), min_size=1, max_size=4))
def test_in_disorder_it_never_breaks_the_analysis(changes: list[tuple[int, int]]) -> None:
    tokens = list(TOKENS)
    for place, other in changes:
        tokens[place], tokens[other] = tokens[other], ""
    for each in analysed("".join(tokens)).flows:
        assert_composed_soundly(each)


def test_a_flow_may_be_nested_as_deep_as_brackets_may() -> None:
    depth = 60
    opened = "".join(f"state O{n} {{ start -> O{n + 1}  after {n + 1}h -> Done\n" for n in range(depth))
    text = f"flow A {{ start -> O0  final Done\n{opened}state O{depth} {{ after 1h -> Done }}{'}' * depth}\n}}"
    found = analysed(text)
    assert [each.message for each in found.diagnostics] == []
    assert found.flows[0].states[-1].name == ".".join(f"O{n}" for n in range(depth + 1))
    assert_composed_soundly(found.flows[0])
