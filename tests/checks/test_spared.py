"""A search that spares steps comes to the graph that it comes to when it runs each of them."""

from __future__ import annotations

import pytest

from families import regions
from kernels import flow, kernels
from penstock.compiler.checks.control import Grain
from penstock.compiler.checks.edges import some
from penstock.compiler.checks.explore import Explorer, Limits
from penstock.compiler.checks.graph import Edge, Graph, Node
from penstock.compiler.checks.latest import Latest
from penstock.compiler.kernel import Kernel
from random_regions import random_regions

SEEDS = 24


def searched(kernel: Kernel, grain: Grain, spare: bool) -> Explorer:
    explorer = Explorer(kernel, Limits(nodes=250, grain=grain, spare=spare))
    explorer.run()
    return explorer


def spared(graph: Graph) -> list[Edge]:
    return [edge for edges in graph.out for edge in edges if not edge.ran]


def compared(kernel: Kernel, grain: Grain) -> int:
    """How many steps were spared, in two searches that are the same otherwise."""
    sparing = searched(kernel, grain, True)
    found = spared(sparing.graph)
    if not found:
        return 0
    running = searched(kernel, grain, False)
    one, other = sparing.graph, running.graph
    assert not spared(other)
    assert (sparing.grain, one.open) == (running.grain, other.open)
    assert [*map(_node, one.nodes)] == [*map(_node, other.nodes)]
    assert [sorted(map(_edge, edges)) for edges in one.out] == [sorted(map(_edge, edges)) for edges in other.out]
    for node, same in zip(one.nodes, other.nodes, strict=True):
        assert _reactions(node) == _reactions(same)
    for node in one.nodes:
        control = sparing.abstraction.control(node.instance)
        assert (control, sparing.states.answers(control.place, node.instance)) == (node.control, node.data)
        assert node.length == node.arrivals[0].length
    latest = Latest(kernel, one, sparing.clock, {})
    for edge in found:
        tied = latest.tied(edge)
        target, at = one.nodes[edge.target], edge.arrival
        assert target.control.finished or tied == latest.tied(edge), "now by the run"
        control = sparing.abstraction.control(at.instance)
        assert (control, sparing.states.answers(control.place, at.instance)) == (target.control, target.data)
        assert at.passage is not None
        assert (at.real, at.taken, at.length) == (edge.real, edge.taken, edge.length)
        assert at.passage.entered == edge.entered
        assert sparing.states.passages.goes_on(at.passage) is False
    return len(found)


def _node(node: Node) -> object:
    values = [arrival.instance.values for arrival in node.arrivals]
    return node.control, node.data, node.zone, node.real, node.arrivals[0].length, values


def _edge(edge: Edge) -> str:
    """Which call of an activity it is that answers is no control."""
    move = edge.move.kind, edge.move.name.partition("#")[0], edge.move.answer, edge.move.leaf
    return repr((edge.source, edge.target, move, edge.taken, edge.stay, edge.real, edge.entered, edge.length))


def _reactions(node: Node) -> list[object]:
    return [
        (
            reaction.move.on if reaction.move.kind.value in {"answer", "event", "task", "timer"} else "",
            [(fork.span, fork.covered) for part in reaction.parts for fork in part.forks],
            [(duty.span, duty.code) for part in reaction.parts for duty in part.duties],
            [passage.trail for part in reaction.parts for passage in part.passages],
        )
        for reaction in node.reactions
    ]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_is_spared_in_random_regions_is_what_a_run_would_have_shown(seed: int) -> None:
    (kernel,) = kernels(random_regions(seed)).values()
    for grain in (Grain.FINE, Grain.SORTS):
        compared(kernel, grain)


def test_in_many_of_them_steps_are_spared() -> None:
    found = (searched(kernels(random_regions(seed))["R"], Grain.FINE, True) for seed in range(SEEDS // 2))
    assert sum(bool(spared(explorer.graph)) for explorer in found) > SEEDS // 4


def test_in_some_of_them_configurations_are_born_that_no_run_has_come_to() -> None:
    found = (searched(kernels(random_regions(seed))["R"], Grain.FINE, True) for seed in range(SEEDS // 2))
    assert sum(any(node.born is not None for node in explorer.graph.nodes) for explorer in found) > SEEDS // 6


def test_an_edge_is_the_same_one_whenever_it_is_asked_for() -> None:
    graph = searched(kernels(regions(3, 3).text)["Regions"], Grain.SORTS, True).graph
    assert [*graph.begin, *(edge for edges in graph.out for edge in edges)] == [*graph.edges()]
    assert sum(map(len, graph.into)) == sum(map(len, graph.out))


def test_edges_that_are_made_when_they_are_asked_for_come_in_the_order_of_their_nodes() -> None:
    graph = searched(kernels(regions(3, 3).text)["Regions"], Grain.SORTS, True).graph
    done = some(graph, lambda way: way.move.answer == "done")
    asked = [edge for edge in graph.edges() if edge.move.answer == "done"]
    assert sorted(map(_edge, done)) == sorted(map(_edge, asked))
    assert [edge.source for edge in done] == sorted(edge.source for edge in asked)
    assert len(done) == len(asked) > 20
    soonest = sorted(edge.length for edge in asked if edge.real)[:5]
    assert [edge.length for edge in done.soonest(5)] == soonest
    pairs = sorted(pair for rows in done.rows() for pair in zip(*rows, strict=True))
    assert pairs == sorted((edge.source, edge.target) for edge in asked)


@pytest.mark.parametrize("grain", [Grain.FINE, Grain.SORTS])
def test_most_steps_of_regions_that_share_nothing_are_spared(grain: Grain) -> None:
    kernel = kernels(regions(3, 3).text)["Regions"]
    assert compared(kernel, grain) > 300


def test_a_region_that_is_left_from_any_of_its_states_is_told_by_where_it_is() -> None:
    inside = "\n".join(f"state S{i} {{ on go{i} -> S{i + 1} }}" for i in range(3))
    regions = (
        "\n".join(
            f"region R{r} {{ start -> S0 {inside} state S3 {{ on go3 -> E }} on again -> S1 final E }}".replace(
                "go", f"go{r}"
            )
            for r in range(2)
        )
        .replace("on again", "on again0", 1)
        .replace("on again -", "on again1 -")
    )
    events = "\n".join(f"event {name}" for r in range(2) for name in (*(f"go{r}{i}" for i in range(4)), f"again{r}"))
    kernel = flow(f"{events}\nstart -> P\nparallel P {{ {regions}\non all done -> Done }}\nfinal Done")
    assert compared(kernel, Grain.FINE) > 40
