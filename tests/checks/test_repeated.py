"""A search that makes steps again without asking comes to the graph that it comes to when it asks for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from unittest import mock

import pytest

from families import gates, sparse
from kernels import flow, kernels
from penstock.compiler.checks.control import Grain
from penstock.compiler.checks.encode import Encoder
from penstock.compiler.checks.explore import Explorer, Limits
from penstock.compiler.checks.graph import Edge, Graph, Node
from penstock.compiler.checks.moves import Move
from penstock.compiler.checks.passages import Fan
from penstock.compiler.checks.repeated import Repeated
from penstock.compiler.checks.states import States
from penstock.compiler.kernel import Kernel
from random_core import random_core
from random_flows import random_flow
from random_mixtures import random_mixture
from random_trees import random_tree

SEEDS = 6
MAKERS = [random_core, random_flow, random_mixture, random_tree]


def searched(kernel: Kernel, spare: bool, grain: Grain = Grain.FINE) -> Explorer:
    explorer = Explorer(kernel, Limits(nodes=150, spare=spare, grain=grain))
    explorer.run()
    return explorer


def compared(kernel: Kernel, grain: Grain = Grain.FINE) -> int:
    """How many moves were made again without a question; both searches come to the same."""
    again = 0
    ask = Repeated.__call__

    def counted(repeated: Repeated, node: Node, move: Move, fan: Fan) -> object:
        nonlocal again
        found = ask(repeated, node, move, fan)
        again += found is not None
        return found

    with mock.patch.object(Repeated, "__call__", counted):
        one = searched(kernel, True, grain)
    other = searched(kernel, False, grain)
    assert (one.grain, [*one.graph.open]) == (other.grain, [*other.graph.open])
    assert _told(one.graph) == _told(other.graph)
    return again


def _told(graph: Graph) -> list[object]:
    """All of it but the order in which it was found, and which of the data that answer alike an instance has."""
    nodes = [repr((node.control, node.data, node.zone)) for node in graph.nodes]
    found = [
        (name, node.real, node.arrivals[0].length, _reactions(node), sorted(_edge(edge, nodes) for edge in edges))
        for name, node, edges in zip(nodes, graph.nodes, graph.out, strict=True)
    ]
    return sorted(found, key=repr)


def _edge(edge: Edge, nodes: list[str]) -> str:
    """Which call of an activity it is that answers is no control."""
    move = edge.move.kind, edge.move.name.partition("#")[0], edge.move.answer, edge.move.leaf
    return repr((nodes[edge.target], move, edge.taken, edge.stay, edge.real, edge.entered, edge.length))


def _reactions(node: Node) -> list[object]:
    return [
        (reaction.move.kind, [[passage.trail for passage in part.passages] for part in reaction.parts])
        for reaction in node.reactions
    ]


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("made", MAKERS, ids=lambda made: made.__name__)
def test_what_is_made_again_is_all_that_a_question_would_have_found(seed: int, made: Callable[[int], str]) -> None:
    for kernel in kernels(made(seed)).values():
        for grain in (Grain.FINE, Grain.CUBES):
            compared(kernel, grain)


@pytest.mark.parametrize("text", [sparse(5).text, gates(12).text], ids=["sparse", "gates"])
def test_most_moves_where_data_hardly_meet_are_made_again(text: str) -> None:
    (kernel,) = kernels(text).values()
    assert compared(kernel) > 20


ONE_BEARS_ON_ANOTHER = """
  data { a: int 0..99 = 0, b: int 0..99 = 0, c: int 0..3 = 0 }
  event set(x: int 0..99, y: int 0..99, z: int 0..3)
  event go(n: int 0..3)
  start -> Here
  state Here {
    on set(x, y, z) when x <= y { a = x, b = y, c = z } stay
    on set(x, y, z) else stay
    on go(n) when n >= a and a + b <= 40 { c = n } -> There
    on go(n) else -> Here
    after 1h -> Done
  }
  state There { on go(n) when c > 1 -> Done  on go(n) else -> Here  after 1h -> Done  ignore set }
  final Done
"""


def test_what_bears_on_a_step_through_another_atom_counts() -> None:
    kernel = flow(ONE_BEARS_ON_ANOTHER)
    assert compared(kernel) > 0
    states = searched(kernel, True).states
    place = "at", ("Here",)
    names = [states.encoder.z3.unknowns(term) for term in states.now(place)]
    a, b, c = (states.passages.variables[name].term for name in "abc")
    own = {name: frozenset(n for n, each in enumerate(names) if name in {*_bare(each)}) for name in "abc"}
    assert {*states.bearing(place, (c > 1,))} == own["c"]
    assert {*states.bearing(place, (b > 1,))} == own["a"] | own["b"], "they are in one atom"
    assert states.bearing(place, (True,)) == ()
    assert {*states.bearing(place, (a > c,))} == own["a"] | own["b"] | own["c"]


def _bare(names: Iterable[str]) -> Iterable[str]:
    return (name.partition(".")[0] for name in names)


MORE_WITH_MORE = """
  data { most: int 0..3 = 0, got: int 0..3 = 0 }
  event more
  event take(n: int 0..3)
  start -> Here
  state Here {
    on more when most < 3 { most = most + 1 } stay
    on more else stay
    on take(n) when n <= most { got = n } -> There
    after 1h -> Done
  }
  state There { on more when got > 1 -> Done  on more else -> Here  after 1h -> Done  ignore take }
  final Done
"""
"""What may be taken from the first node may be taken from all, and more from the later ones."""


def nothing(*_: object) -> tuple[int, ...]:
    """What would bear on a step, if nothing did."""
    return ()


def test_a_search_that_knew_less_of_what_bears_on_a_step_would_lose_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the comparison above can fail."""
    kernel = flow(MORE_WITH_MORE)
    assert compared(kernel) > 0
    monkeypatch.setattr(States, "bearing", nothing)
    with pytest.raises(AssertionError):
        compared(kernel)


def test_the_unknowns_of_a_term_are_constants_and_functions() -> None:
    explorer = searched(flow("start -> Done\nfinal Done"), True)
    encoder: Encoder = explorer.encoder
    z3 = encoder.z3
    one, other, size = z3.integer("one"), z3.boolean("other"), z3.function("size", 1, False)
    assert z3.unknowns(encoder.all(other, size(one) + 2 > 3)) == {"one", "other", "size"}
    assert z3.unknowns(one - one + 7) == {"one"}
    assert z3.unknowns(z3.value(7)) == z3.unknowns(True) == frozenset()
