"""Where ways lead: targets as written and the block they are written in in, targets of the model out.

Nothing outside a region may lead into it, for that would leave the other regions without a state; and what enters a
state at its start has to come to rest in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from . import rules_of_meaning as rules
from . import syntax
from .diagnostics import Label
from .model import Branch, Choice, Goto, Start, State, Stay, Target, Undo
from .nodes import Nodes, goal, inside, place
from .resolve import Kind, Names
from .source import Span


class Ways:
    """Finds the targets of one flow."""

    def __init__(self, names: Names, nodes: Nodes) -> None:
        self.names = names
        self.nodes = nodes
        self.findings = names.findings

    def target(self, tree: syntax.Target, here: str) -> Target:
        """The target of a way that is written in the block `here`, "" for the flow itself."""
        match tree:
            case syntax.Goto(state, _, resume=True):
                return Goto(self._resumed(state, here), resume=True)
            case syntax.Goto(node):
                return self.goto(node, here)
            case syntax.Undo(since, node):
                mark = place(self.names, since, here, Kind.STATE, Kind.REGION) if since is not None else None
                found = goal(self.names, node, here) or ""
                for region in self._regions_around(found):
                    message = f"A compensation leaves every state, so it cannot lead into the region `{region}`."
                    self._into_region(region, node, message)
                    break
                return Undo(mark, found)
            case syntax.Stay():
                return Stay()

    def goto(self, node: syntax.Name, here: str) -> Goto:
        found = goal(self.names, node, here) or ""
        for region in self._regions_around(found):
            if not inside(here, region):
                message = f"`{node.text}` lies in the region `{region}`, so nothing outside it can lead there."
                self._into_region(region, node, message)
                break
        return Goto(found)

    def _resumed(self, state: syntax.Name, here: str) -> str:
        found = self.goto(state, here).node
        block = self.nodes.block.get(found)
        if found and (block is None or not block.outer):
            message = f"There are no states in `{found}`, so there is nothing to be resumed."
            self.findings.error(rules.MISPLACED_PART, state.span, message, "has no states in it")
        return found

    def _into_region(self, region: str, node: syntax.Name, message: str) -> None:
        outer = self.nodes.block[region].around
        label = Label(self.names.place(Kind.REGION, region), "the region")
        note = f"Enter `{outer.path}`: that enters all of its regions, each at its start." if outer else ""
        self.findings.error(rules.INTO_REGION, node.span, message, "in a region", others=(label,), note=note)

    def _regions_around(self, path: str) -> list[str]:
        """The regions a node lies in, the outermost first."""
        parts = path.split(".")
        around = (".".join(parts[:depth]) for depth in range(1, len(parts)))
        return [each for each in around if self.names.has(Kind.REGION, each)]

    # ------------------------------------------------------------ starts

    def check_starts(self, states: Iterable[State], choices: Iterable[Choice]) -> None:
        """Reports each state whose start may lead out of it, through choices too."""
        choice = {each.name: each for each in choices}
        for state in states:
            if state.start is not None:
                for span, problem in _leading_out(state.name, state.start, choice):
                    message = f"The start of `{state.name}` has to lead to a state in it, but {problem}."
                    others = () if span == state.start.span else (Label(span, "leads out here"),)
                    self.findings.error(rules.START_LEADS_OUT, state.start.span, message, "leads out", others=others)
                    break


def _leading_out(scope: str, start: Start, choice: Mapping[str, Choice]) -> Iterator[tuple[Span, str]]:
    """What is wrong with the ways of a start, each with its place."""
    waiting: list[Start | Branch] = [start]
    passed: set[str] = set()
    while waiting:
        way = waiting.pop()
        node = way.target.node
        if isinstance(way.target, Undo):
            yield way.span, "it compensates"
        elif way.target.resume:
            yield way.span, f"it resumes `{node}`"
        elif node and (node == scope or not inside(node, scope)):
            yield way.span, f"it leads to `{node}`"
        elif node in choice and node not in passed:
            passed.add(node)
            waiting.extend(choice[node].branches)
