"""Random small flows with states in states: a seed in, the text of one with regions, joins, outer handlers, resume,
guards that ask where the instance is, timers that count from elsewhere and calls for each item, out.

What `random_flows` makes of events, calls and data is the same here; see there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

from random_flows import Call, Draft, Name

Path = tuple[str, ...]


@dataclass
class Node:
    """A state, region, choice or final, and what is in it. `kind` is the word the text has for it."""

    path: Path
    kind: str
    inner: list[Node] = field(default_factory=list["Node"])

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def state(self) -> bool:
        return self.kind in {"state", "parallel"}

    def all(self) -> Iterator[Node]:
        yield self
        for node in self.inner:
            yield from node.all()


def visible(nodes: list[Node], at: Path) -> list[Node]:
    """What may be named as a target at a place: nothing in a region that it is not in, no region itself."""
    regions = [node.path for node in nodes if node.kind == "region"]
    around = [path for path in regions if at[: len(path)] == path]
    return [
        node
        for node in nodes
        if node.kind != "region" and all(path in around for path in regions if node.path[: len(path)] == path)
    ]


@dataclass
class Tree(Draft):
    top: list[Node] = field(default_factory=list[Node])
    at: Path = ()  # the state, region or choice being written
    each: bool = False  # whether the call being written is one for each item
    first: list[Path] = field(default_factory=list[Path])  # what the starts of states lead to
    left: list[Path] = field(default_factory=list[Path])  # states that leave the failures of their call to those around
    count: int = 0

    # ------------------------------------------------------------ the plan

    def names(self) -> None:
        rng = self.rng
        self.top = self.plan((), rng.randint(2, 3), 2)
        if not any(node.inner for node in self.top):
            self.top[-1] = self.composite((), 1)
        self.top += [Node((f"C{k}",), "choice") for k in range(rng.choice((0, 0, 1)))]
        self.top += [Node(("Good",), "final"), Node(("Bad",), "final failure")]
        self.states = [node.name for node in self.top if node.state]
        self.finals = ["Good", "Bad"]

    def fresh(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def plan(self, path: Path, number: int, depth: int) -> list[Node]:
        rng = self.rng
        return [
            self.composite(path, depth - 1) if depth and rng.random() < 0.3 else Node((*path, self.fresh("S")), "state")
            for _ in range(number)
        ]

    def composite(self, path: Path, depth: int) -> Node:
        rng = self.rng
        if rng.random() < 0.4:
            node = Node((*path, self.fresh("O")), "state")
            node.inner = self.plan(node.path, 2, depth)
        else:
            node = Node((*path, self.fresh("P")), "parallel")
            node.inner = [self.region(node.path, depth if k == 0 else 0) for k in range(2)]
            return node
        if rng.random() < 0.3:
            node.inner.append(Node((*node.path, self.fresh("C")), "choice"))
        return node

    def region(self, path: Path, depth: int) -> Node:
        rng = self.rng
        node = Node((*path, self.fresh("R")), "region")
        node.inner = self.plan(node.path, rng.randint(1, 2), depth)
        if rng.random() < 0.25:
            node.inner.append(Node((*node.path, self.fresh("C")), "choice"))
        node.inner.append(Node((*node.path, self.fresh("Done")), "final"))
        if rng.random() < 0.4:
            node.inner.append(Node((*node.path, self.fresh("Broken")), "final failure"))
        return node

    # ------------------------------------------------------------ references

    def nodes(self) -> list[Node]:
        return [node for outer in self.top for node in outer.all()]

    def visible(self) -> list[Node]:
        return visible(self.nodes(), self.at)

    def said(self, path: Path) -> str:
        """A name as it is understood here: the path, without what is around both."""
        shared = 0
        while shared < len(path) - 1 and path[: shared + 1] == self.at[: shared + 1]:
            shared += 1
        return ".".join(path[shared:])

    def node(self) -> str:
        """Mostly near, and onward to what ends."""
        rng = self.rng
        visible = [node for node in self.visible() if node.path != self.at]
        near = [node for node in visible if node.path[:-1] == self.at[:-1]]
        order = [node.path for node in self.nodes()]
        later = [node for node in near if self.at in order and order.index(node.path) > order.index(self.at)]
        pool = later if later and rng.random() < 0.6 else near if near and rng.random() < 0.7 else visible
        return self.said(rng.choice(pool).path)

    def target(self, stay: bool = True) -> str:
        rng = self.rng
        roll = rng.random()
        if stay and roll < 0.15:
            return "stay"
        if roll < 0.27:
            since = [node for node in self.visible() if node.state]
            mark = f" since {self.said(rng.choice(since).path)}" if since and rng.random() < 0.3 else ""
            end = rng.choice(["Bad", "Bad", "Good", *self.states])
            return f"-> compensate{mark} -> {end}"
        if roll < 0.34:
            outer = [node for node in self.visible() if node.inner and self.at[: len(node.path)] != node.path]
            if outer:
                return f"-> resume {self.said(rng.choice(outer).path)}"
        return f"-> {self.node()}"

    def atom(self, scope: list[Name]) -> str:
        rng = self.rng
        places = [node for node in self.nodes() if node.kind != "choice"]
        if places and self.at and rng.random() < 0.2:
            return f"in {self.said(rng.choice(places).path)}"
        return super().atom(scope)

    # ------------------------------------------------------------ the text

    def call(self, call: Call, args: str) -> str:
        rng = self.rng
        self.each = rng.random() < 0.2
        if not self.each:
            return super().call(call, args)
        type = call.params[0].type if call.params else "int 0..2"
        items = ", ".join(self.constant(type) for _ in range(rng.choice((1, 2, 2))))
        until = f" until {rng.randint(1, 2)} done" if rng.random() < 0.5 else ""
        return f"do for item in [{items}] at most 2{until}: {call.name}({'item' if call.params else ''})"

    def outcome_handlers(self, call: Call, scope: list[Name]) -> list[str]:
        """Sometimes only those of `done`: the rest is left to the states around."""
        if self.each:
            call = replace(call, result=None)
        if len(self.at) > 1 and (call.errors or not call.park) and self.rng.random() < 0.3:
            self.left.append(self.at)
            return self.handlers("done", (Name("res", call.result),) if call.result else (), scope)
        return super().outcome_handlers(call, scope)

    def written(self, node: Node) -> str:
        self.at = node.path
        if node.kind.startswith("final"):
            return f"{node.kind} {node.name}\n"
        if node.kind == "choice":
            return self.branches(node)
        lines = self.inside(node.name) if not node.inner else self.around(node)
        return block(node, lines)

    def branches(self, node: Node) -> str:
        """Of a choice: never to another choice, nor to what has a start that may lead to one; and those that a state
        starts with stay in it."""
        rng = self.rng
        plain = [each for each in self.visible() if not each.inner and each.kind != "choice"]
        near = [each for each in plain if each.path[:-1] == node.path[:-1]]
        starts = node.path in self.first
        plain = near if starts else plain
        lines: list[str] = []
        for _ in range(rng.randint(1, 2)):
            where = self.said(rng.choice(near if near and rng.random() < 0.8 else plain).path)
            lines.append(f"when {self.guard([*self.inputs, *self.data])}{self.updates(self.data)} -> {where}")
        if rng.random() < 0.9:
            back = f"-> compensate -> {rng.choice(self.finals)}" if rng.random() < 0.2 and not starts else ""
            lines.append(f"else {back or '-> ' + self.said(rng.choice(near or plain).path)}")
        return block(node, lines)

    def around(self, node: Node) -> list[str]:
        """A state with states in it, a region, a parallel state."""
        rng = self.rng
        scope = [*self.inputs, *self.data]
        lines: list[str] = []
        if node.kind != "parallel":
            plain = any(each.kind == "state" and not each.inner for each in node.inner)
            starts = [each for each in node.inner if each.state or (each.kind == "choice" and plain)]
            first = rng.choice([starts[0], *starts])
            self.first.append(first.path)
            lines.append(f"start{self.updates(scope)} -> {first.name}")
        else:
            lines += self.joins(node)
        for event in self.events:
            roll = rng.random()
            if roll < 0.2:
                lines += self.handlers(event.name, event.fields, scope)
            elif roll < 0.3:
                lines.append(f"{rng.choice(('ignore', 'defer'))} {event.name}")
        if rng.random() < 0.4:
            since = [each for each in self.visible() if each.state]
            counted = f" since {self.said(rng.choice(since).path)}" if since and rng.random() < 0.3 else ""
            lines.append(f"after {rng.randint(2, 4)}s{counted}{self.updates(scope)} {self.target()}")
        inner = [self.written(each) for each in node.inner]
        self.at = node.path
        left = [path for path in self.left if path[: len(node.path)] == node.path]
        if left and rng.random() < 0.8:
            lines += self.handlers("failed", (), scope)
            self.left = [path for path in self.left if path not in left]
        return lines + inner

    def joins(self, node: Node) -> list[str]:
        rng = self.rng
        names = [rng.choice(("all done", "all done", "any done", "2 done"))]
        names += ["any failure"] if rng.random() < 0.7 else []
        return [f"on {name}{self.updates([*self.inputs, *self.data])} {self.target(stay=False)}" for name in names]

    def behaviour(self) -> str:
        rng = self.rng
        parts = [f"start -> {self.states[0]}\n"]
        parts += [self.written(node) for node in self.top]
        self.at = ()
        if rng.random() < 0.25:
            parts.append(f"deadline {rng.randint(2, 6)}s {self.target(stay=False)}\n")
        parts += [f"{line}\n" for line in self.claims()]
        parts.append("}\n")
        return "".join(parts)

    def claims(self) -> list[str]:
        rng = self.rng
        places = [".".join(node.path) for node in self.nodes() if node.kind != "choice"]
        scope = [*self.inputs, *self.data]
        lines: list[str] = []
        for _ in range(rng.randint(0, 2)):
            claim = rng.choice(
                [Draft.atom(self, scope), f"in {rng.choice(places)}", f"count({self.calls[0].name}) <= 1"]
            )
            lines.append(f"{rng.choice(('always', 'never'))} in {rng.choice(places)} and {claim}")
        return lines


def block(node: Node, lines: list[str]) -> str:
    return "\n".join([f"{node.kind} {node.name} {{", *lines, "}\n"])


def random_tree(seed: int) -> str:
    """The text of the flow that belongs to `seed`; the same on every machine and in every run."""
    return Tree(Random(seed)).text()
