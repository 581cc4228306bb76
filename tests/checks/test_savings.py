"""What the search does not ask, make or play a second time comes to what it would have come to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from families import gates, regions
from kernels import kernels
from penstock.compiler.checks.control import Grain
from penstock.compiler.checks.explore import Explorer, Limits
from penstock.compiler.checks.passages import Passages
from penstock.compiler.checks.solver import Solver
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Verdict
from penstock.compiler.kernel import DONE, On, TriggerKind
from random_mixtures import random_mixture
from random_trees import random_tree


def test_what_was_impossible_once_is_not_asked_again_nor_what_is_possible_until_there_are_more_axioms() -> None:
    solver = Solver()
    number = solver.z3.integer("number")
    for _ in range(3):
        assert solver.ask(number > 1, number < 1).impossible
        assert solver.ask(number < 1, True, number > 1).impossible
    assert solver.asked == 1
    for _ in range(2):
        assert solver.ask(number > 1, shown=False).model is True
    assert solver.asked == 2
    for shown in (True, True, False):
        assert solver.ask(number > 1, shown=shown).model is not None
    assert solver.asked == 3, "the first time there was nothing to be shown"
    assert solver.ask(number > 1).model is not True
    solver.assume([number < 1])
    assert solver.ask(number > 1).impossible
    assert solver.asked == 4


def test_a_cube_is_what_each_of_its_answers_by_itself_would_be() -> None:
    explorer = Explorer(kernels(gates(12).text)["Gates"], Limits(grain=Grain.CUBES))
    explorer.run()
    states, open_, shut = explorer.states, 0, 0
    for edge in explorer.graph.edges():
        passage, place = edge.arrival.passage, explorer.graph.nodes[edge.target].control.place
        if passage is None or edge.source < 0:
            continue
        source = explorer.graph.nodes[edge.source]
        state = states.before(source.control.place, source.data)
        run = states.answers(place, edge.arrival.instance)
        for index, found in enumerate(states.cube((source.control.place, source.data), passage, place, run)):
            other = (*(None for _ in range(index)), not run[index])
            same = states.ask(state, passage.condition, states.after(passage, place, other)).impossible
            assert found == (run[index] if same else None)
            open_, shut = open_ + (found is None), shut + (found is not None)
    assert open_ > 5 and shut > 5


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("write", [random_tree, random_mixture])
def test_what_is_told_once_for_all_rests_is_told_as_for_each_of_them(write: Callable[[int], str], seed: int) -> None:
    """Against a maker of passages that has seen no other rest."""
    kernel = kernels(write(seed))["R"]
    explorer = Explorer(kernel, Limits(nodes=150))
    explorer.run()
    for node in explorer.graph.nodes[:60]:
        for reaction in (each for each in node.reactions if each.move.leaf and len(each.fan.passages) > 0):
            if explorer.kernel.leaf[reaction.move.leaf].call is None or node.control.running[0][1:] != (1, 0, 0):
                continue
            alone = Passages(kernel, explorer.encoder).of(node.control.rest, reaction.move.on, reaction.move.leaf)
            shared = explorer.passages.of(node.control.rest, reaction.move.on, reaction.move.leaf)
            for one, other in zip(shared.passages, alone.passages, strict=True):
                assert (one.command, one.trail, one.target) == (other.command, other.trail, other.target)
                assert (one.rest, one.entered, one.left) == (other.rest, other.entered, other.left)
                assert (one.sizes, one.vacant) == (other.sizes, other.vacant)


def test_regions_that_share_nothing_share_what_their_commands_come_to() -> None:
    explorer = Explorer(kernels(regions(2, 2).text)["Regions"])
    graph = explorer.run()
    at = [node.control.rest for node in graph.nodes if "P.R0.S0" in node.control.configuration]
    done = On(TriggerKind.OUTCOME, DONE)
    fans = [explorer.passages.of(rest, done, "P.R0.S0") for rest in dict.fromkeys(at)]
    assert len(fans) > 2
    assert len({id(fan.payload) for fan in fans}) == 1
    assert len({passage.rest for fan in fans for passage in fan.passages}) == len(fans)


def test_a_compensation_of_many_calls_of_a_sort_is_run_to_its_end() -> None:
    report = check(kernels(regions(6, 1).text)["Regions"], Limits(grain=Grain.SORTS))
    assert report.verdict is Verdict.PROVED


def test_and_then_no_run_is_called_the_shortest() -> None:
    text = regions(3, 3).text.replace("compensate u0_0(result)", "irreversible")
    report = check(kernels(text)["Regions"], Limits(grain=Grain.SORTS))
    notes = [answer.diagnostic.note for answer in report.answers if answer.diagnostic is not None]
    assert notes and not any("no shorter run" in note for note in notes)
