"""Random very small flows about what a savepoint parts: a seed in, the text of one whose regions call one activity out.

Which of two calls of one activity lies above a savepoint decides what is undone and what still stands, and nothing on
the log but its order tells them apart. So here regions, in regions too, call the same activity, one or two of them;
places between the calls are savepoints, entered again at times; answers and events compensate, whole or since one of
them; and guards ask how far another region has come. Nearly all can be enumerated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from random_trees import Node, Path, block, visible

EFFECTS = (*["compensate undo_{}()"] * 6, "irreversible", "readonly")


@dataclass
class Savepoints:
    rng: Random
    top: list[Node] = field(default_factory=list[Node])
    calls: tuple[str, ...] = ("a",)
    fails: frozenset[str] = frozenset()
    parks: bool = True  # whether a call waits for an operator instead of giving up
    events: tuple[str, ...] = ()
    again: bool = False  # whether one way back may be gone once
    at: Path = ()  # the node being written
    count: int = 0

    def may(self, chance: float) -> bool:
        return self.rng.random() < chance

    # ------------------------------------------------------------ the plan

    def text(self) -> str:
        rng = self.rng
        self.calls = ("a", "b") if self.may(0.4) else ("a",)
        self.fails = frozenset(name for name in self.calls if self.may(0.5))
        self.parks = self.may(0.75)
        self.events = ("go", "mark")[: rng.choice((0, 1, 1, 1, 2))]
        self.again = self.may(0.3)
        self.top = [self.leaf(()) for _ in range(rng.choice((0, 1, 1)))]
        self.top.append(self.parallel((), rng.choice((2, 2, 3)), 1))
        self.top += [self.leaf(()) for _ in range(rng.choice((0, 0, 1)))]
        self.top += [Node(("Good",), "final"), Node(("Bad",), "final failure")]
        lines = [f"event {name}" for name in self.events]
        lines += [self.activity(name) for name in self.calls]
        lines += ["data { again: bool = false }"] if self.again else []
        lines += [f"start -> {self.top[0].name}", *(line for node in self.top for line in self.written(node))]
        self.at = ()
        lines += ["deadline 2s -> compensate -> Bad"] if self.may(0.05) else []
        lines += self.claims()
        return block(Node(("R version 1",), "flow"), lines)

    def fresh(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def leaf(self, path: Path) -> Node:
        return Node((*path, self.fresh("S")), "state")

    def parallel(self, path: Path, regions: int, depth: int) -> Node:
        node = Node((*path, self.fresh("P")), "parallel")
        node.inner = [self.region(node.path, depth if number == 0 else 0) for number in range(regions)]
        return node

    def region(self, path: Path, depth: int) -> Node:
        rng = self.rng
        node = Node((*path, self.fresh("R")), "region")
        node.inner = [self.leaf(node.path) for _ in range(rng.choice((1, 2, 2, 2, 3)))]
        if depth and self.may(0.3):
            node.inner[-1] = self.parallel(node.path, 2, 0) if self.may(0.5) else self.outer(node.path)
        node.inner.append(Node((*node.path, self.fresh("D")), "final"))
        node.inner += [Node((*node.path, self.fresh("X")), "final failure")] if self.may(0.4) else []
        return node

    def outer(self, path: Path) -> Node:
        node = Node((*path, self.fresh("O")), "state")
        node.inner = [self.leaf(node.path) for _ in range(self.rng.choice((1, 2)))]
        return node

    # ------------------------------------------------------------ references

    def nodes(self) -> list[Node]:
        return [node for outer in self.top for node in outer.all()]

    def visible(self) -> list[Node]:
        return visible(self.nodes(), self.at)

    def marks(self) -> list[str]:
        """What a compensation may go down to: any state but where it would have begun anyway."""
        return [".".join(node.path) for node in self.nodes() if node.state]

    def later(self) -> list[Node]:
        """Mostly the next one: rounds leave more on the log each time, and there is no end to them."""
        order = [node.path for node in self.nodes()]
        here = order.index(self.at)
        inner = self.at[: max(len(self.at) - 1, 0)]
        later = [
            node for node in self.visible() if order.index(node.path) > here and node.path[: len(self.at)] != self.at
        ]
        near = [node for node in later if node.path[:-1] == inner]
        if self.at == self.top[0].path:
            return later[:1]
        return near[: 1 if self.may(0.75) else None] if near and self.may(0.95) else later

    def onward(self) -> str:
        found = self.later() or [self.top[-2]]
        return f"-> {'.'.join(self.rng.choice(found).path)}"

    def undoing(self) -> str:
        rng = self.rng
        since = f" since {rng.choice(self.marks())}" if self.may(0.65) else ""
        order = [node.path for node in self.top]
        here = order.index(self.at[:1]) if self.at else len(order)
        ends = [node.name for node in self.top[here + 1 :]] or ["Bad"]
        return f"-> compensate{since} -> {rng.choice([*ends, 'Bad'])}"

    def target(self, undo: float = 0.3) -> str:
        return self.undoing() if self.may(undo) and self.at != self.top[0].path else self.onward()

    def elsewhere(self) -> str:
        """That another region has come somewhere."""
        around = [
            node.path for node in self.nodes() if node.kind == "region" and node.path == self.at[: len(node.path)]
        ]
        places = [
            ".".join(node.path)
            for node in self.nodes()
            if len(node.path) > 2 and node.kind != "region" and node.path[:2] not in around
        ]
        asked = f"in {self.rng.choice(places)}" if places else "true"
        return f"not ({asked})" if self.may(0.2) else asked

    # ------------------------------------------------------------ the text

    def activity(self, name: str) -> str:
        parks = " then park" if self.parks else ""
        fails = "fails bad " if name in self.fails else ""
        effect = (EFFECTS[0] if name == "a" and self.may(0.6) else self.rng.choice(EFFECTS)).format(name)
        return f"activity {name}() {{ retry 1 backoff 1s..1s{parks} {fails}{effect} }}"

    def handlers(self, head: str, undo: float = 0.3, stay: bool = False) -> list[str]:
        """One, or one that asks how far another region is and one for the rest."""
        if len(self.at) < 2 or self.may(0.65):
            return [f"on {head} {self.target(undo)}"]
        rest = "stay" if stay and self.may(0.7) else self.target(undo)
        return [f"on {head} when {self.elsewhere()} {self.target(undo)}", f"on {head} else {rest}"]

    def back(self, head: str) -> list[str]:
        """Sometimes once back to where it came from."""
        if not self.again or self.may(0.6):
            return self.handlers(head, 0.5)
        places = [node for node in self.visible() if node.state]
        way = "compensate" if self.may(0.3) else ""
        top = [node.name for node in self.top if node.state]
        to = self.rng.choice(top) if way or not places else ".".join(self.rng.choice(places).path)
        way = f"-> {way}{f' since {self.rng.choice(self.marks())}' if way and self.may(0.6) else ''} " if way else ""
        return [f"on {head} when not again {{ again = true }} {way}-> {to}", f"on {head} else {self.target(0.5)}"]

    def written(self, node: Node) -> list[str]:
        self.at = node.path
        if node.kind.startswith("final"):
            return [f"{node.kind} {node.name}"]
        lines = self.around(node) if node.inner else self.inside()
        return [line for line in block(node, lines).split("\n") if line]

    def inside(self) -> list[str]:
        """A state calls, mostly; or waits for an event, or a second."""
        rng = self.rng
        if self.may(0.75):
            call = rng.choice(("a", *self.calls))
            until = " until 1 done" if self.may(0.3) else ""
            group = f"for item in [1, 2]{until}: " if self.may(0.07) else ""
            lines = [f"do {group}{call}()", *self.handlers("done", 0.1)]
            lines += self.back("bad") if call in self.fails else []
            lines += [] if self.parks else self.back("failed")
        elif self.events and self.may(0.85):
            lines = self.handlers(self.events[0], 0.15, stay=True)
        else:
            lines = [f"after 1s {self.target(0.1)}"]
        for event in self.events:
            if not any(line.startswith(f"on {event} ") for line in lines) and self.may(0.25):
                ways = [f"ignore {event}", f"on {event} {self.undoing()}", *self.handlers(event, 0.6)[:1]]
                way = rng.choice(ways)
                lines += [way] if " when " not in way else [way, f"on {event} else stay"]
        return lines

    def around(self, node: Node) -> list[str]:
        rng = self.rng
        lines: list[str] = []
        if node.kind == "parallel":
            joins = [rng.choice(("all done", "all done", "all done", "any done", "2 done"))]
            joins += ["any failure"] if any(each.kind == "final failure" for each in node.all()) else []
            lines += [f"on {join} {self.target(0.4)}" for join in joins]
        else:
            lines += [f"start -> {node.inner[0].name}"]
        for event in self.events:
            if self.may(0.5 if node.kind == "parallel" else 0.1):
                lines += [f"on {event} {self.target(0.6)}"]
        for each in node.inner:
            lines += self.written(each)
        self.at = node.path
        return lines

    def claims(self) -> list[str]:
        rng = self.rng
        places = [".".join(node.path) for node in self.nodes()]
        what = (f"count(a) <= {rng.randint(0, 1)}", "done(a)", "compensating")
        return (
            [f"{rng.choice(('always', 'never'))} in {rng.choice(places)} and {rng.choice(what)}"]
            if self.may(0.2)
            else []
        )


def random_savepoints(seed: int) -> str:
    """The text of the flow that belongs to `seed`; the same on every machine and in every run."""
    return Savepoints(Random(f"savepoints {seed}")).text()
