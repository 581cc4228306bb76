"""Random very small flows of everything at once: a seed in, the text of one in which the constructs meet, out.

`random_trees` and `random_flows` make whatever comes; here each flow is so small that nearly all can be enumerated,
and has in it what those leave out: lists and records, groups of calls without items, messages, sub-flows, reminders.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from random_flows import Call, Message, Name
from random_trees import Node, Tree

ITEMS, PAIR = "list<int 0..1> at most 2", "Pair"
CHILD = Call("Child", (Name("x", "bool"),), "int 0..1", ("failed",), True)
PAUSE = (1, 1, 1, 2, 3)


@dataclass
class Mixture(Tree):
    nested: bool = field(default=False)  # whether an outer state comes instead of a parallel one
    messages: bool = field(default=False)
    undone: str = ""  # how the activity of the sub-flow is undone

    # ------------------------------------------------------------ the plan

    def text(self) -> str:
        rng = self.rng
        self.nested, self.messages = rng.random() < 0.3, rng.random() < 0.4
        self.inputs = [Name("i0", rng.choice(("bool", "bool", "Color")))] if rng.random() < 0.4 else []
        types = ("bool", "bool?", "int 0..2", ITEMS, ITEMS, PAIR, f"{PAIR}?")
        self.data = [Name(f"v{k}", rng.choice(types)) for k in range(rng.choice((0, 1, 1, 2)))]
        self.calls = [self.called(k) for k in range(rng.choice((1, 1, 2)))]
        self.undone = rng.choice(("compensate undo_sub()", "compensate undo_sub()", "irreversible", "readonly"))
        if rng.random() < 0.25:
            self.calls[1:] = [CHILD]
        fields = (Name("q0", rng.choice(("bool", "int 0..1", "list<int 0..1> at most 1", PAIR))),)
        self.events = [Message(f"ev{k}", fields if rng.random() < 0.3 else ()) for k in range(rng.choice((0, 1, 1, 2)))]
        self.names()
        return self.head() + self.behaviour()

    def called(self, number: int) -> Call:
        rng = self.rng
        params = (Name("a0", rng.choice(("bool", "int 0..1"))),) if rng.random() < 0.3 else ()
        errors = (f"err{number}",) if rng.random() < 0.3 else ()
        return Call(f"act{number}", params, rng.choice((None, None, "bool", "int 0..1")), errors, rng.random() < 0.6)

    def names(self) -> None:
        rng = self.rng
        self.top = [Node((self.fresh("S"),), "state") for _ in range(rng.choice((0, 1, 1, 2)))]
        self.top.append(self.composite((), rng.choice((0, 0, 0, 1))))
        rng.shuffle(self.top)
        self.top += [Node(("C0",), "choice")] * (rng.random() < 0.25)
        self.top += [Node(("Good",), "final"), Node(("Bad",), "final failure")]
        self.states = [node.name for node in self.top if node.state]
        self.finals = ["Good", "Bad"]

    def composite(self, path: tuple[str, ...], depth: int) -> Node:
        rng = self.rng
        self.nested = not self.nested
        if not self.nested:
            node = Node((*path, self.fresh("O")), "state")
            node.inner = self.plan(node.path, rng.choice((1, 2, 2)), depth)
        else:
            node = Node((*path, self.fresh("P")), "parallel")
            node.inner = [self.region(node.path, depth if k == 0 else 0) for k in range(2)]
        return node

    def region(self, path: tuple[str, ...], depth: int) -> Node:
        rng = self.rng
        node = Node((*path, self.fresh("R")), "region")
        node.inner = self.plan(node.path, rng.choice((1, 1, 1, 2)), depth)
        if rng.random() < 0.3:
            node.inner.append(Node((*node.path, self.fresh("C")), "choice"))
        node.inner.append(Node((*node.path, self.fresh("Done")), "final"))
        if rng.random() < 0.4:
            node.inner.append(Node((*node.path, self.fresh("Broken")), "final failure"))
        return node

    # ------------------------------------------------------------ lists and records

    def constant(self, scalar: str) -> str:
        rng = self.rng
        if scalar == PAIR:
            return f"Pair(a: {self.constant('bool')}, b: {rng.randint(0, 1)})"
        if scalar.startswith("list<"):
            item, _, most = scalar[5:].partition("> at most ")
            return f"[{', '.join(self.constant(item) for _ in range(rng.randint(0, int(most))))}]"
        return super().constant(scalar)

    def value(self, type: str, scope: list[Name]) -> str:
        """Of a list sometimes with one item more, which may be one too many."""
        rng = self.rng
        written = super().value(type, scope)
        pairs = [name.name for name in scope if name.type == PAIR]
        if type.startswith("list<") and rng.random() < 0.4:
            return f"{written} + [{self.constant(type[5:].partition('>')[0])}]"
        if pairs and type.rstrip("?") == "bool" and rng.random() < 0.3:
            return f"{rng.choice(pairs)}.a"
        if pairs and type.startswith("int") and rng.random() < 0.3:
            return f"{rng.choice(pairs)}.b"
        return written

    def _comparison(self, name: Name, scope: list[Name]) -> str:
        rng = self.rng
        if name.scalar == PAIR:
            field = rng.choice((f"{name.name}.a", f"{name.name}.b {rng.choice(('==', '<', '>'))} {rng.randint(0, 1)}"))
            return rng.choice((field, field, f"{name.name} == {self.constant(PAIR)}"))
        if name.scalar.startswith("list<"):
            item = self.constant(name.scalar[5:].partition(">")[0])
            size = f"len({name.name}) {rng.choice(('==', '<', '>'))} {rng.randint(0, 2)}"
            return rng.choice((size, size, f"{item} in {name.name}", f"{name.name} == [{item}]"))
        return super()._comparison(name, scope)

    # ------------------------------------------------------------ calls and messages

    def updates(self, scope: list[Name]) -> str:
        """Sometimes with a message, whose argument may be out of range."""
        rng = self.rng
        written = super().updates(scope)
        if not self.messages or rng.random() < 0.8:
            return written
        message = "told" if rng.random() < 0.5 else f"told({self.value('int 0..2', scope)})"
        sent = f"emit {message}" if "(" in message else 'send Child.poke to "c"'
        return f"{written[:-2]}, {sent} }}" if written else f" {{ {sent} }}"

    def target(self, stay: bool = True) -> str:
        """More often than in other trees back to where a state was left."""
        outer = [node for node in self.visible() if node.inner and self.at[: len(node.path)] != node.path]
        if outer and self.rng.random() < 0.2:
            return f"-> resume {self.said(self.rng.choice(outer).path)}"
        return super().target(stay)

    def call(self, call: Call, args: str) -> str:
        rng = self.rng
        self.each = rng.random() < 0.3
        name = f"flow {call.name}" if call == CHILD else call.name
        given = f"x: {args}" if call == CHILD else args
        if not self.each:
            return f"do {name}({given})"
        lists = [each.name for each in (*self.inputs, *self.data) if each.type == ITEMS]
        items = rng.choice(lists) if lists and rng.random() < 0.7 else f"[{rng.choice(('0', '0, 1', '1, 1'))}]"
        most = max(rng.choice((1, 2, 2, 2)), 2 if items.count(",") else 1)
        until = f" until {rng.randint(1, most)} done" if rng.random() < 0.4 else ""
        if call.params and call.params[0].type == "int 0..1":
            given = "item"
        return f"do for item in {items} at most {most}{until}: {name}({given})"

    def outcome_handlers(self, call: Call, scope: list[Name]) -> list[str]:
        if self.each and call.result is not None and call != CHILD and self.rng.random() < 0.7:
            self.each = False
            return super().outcome_handlers(replace(call, result=f"list<{call.result}> at most 2"), scope)
        return super().outcome_handlers(call, scope)

    def inside(self, name: str) -> list[str]:
        rng = self.rng
        lines: list[str] = []
        for line in super().inside(name):
            if line.startswith("after ") and rng.random() < 0.25:
                since = [each for each in self.visible() if each.state]
                moment, _, rest = line.partition("s ")
                line = f"{moment}s since {self.said(rng.choice(since).path)} {rest}" if since else line
            if line.startswith("task ") and rng.random() < 0.4:
                line = f"{line[:-1]} remind every {rng.randint(1, 2)}s at most 1 }}"
            lines.append(f"{line} at most 1" if line.startswith("defer ") and rng.random() < 0.5 else line)
        return lines

    def around(self, node: Node) -> list[str]:
        """Sometimes with a task of its own."""
        rng = self.rng
        lines = super().around(node)
        if rng.random() < 0.15:
            task = f"work_{node.name.lower()}"
            form = Name(f"form_{node.name.lower()}", "bool")
            lines.append(f'task {task} for clerk {{ title "work"  form {{ {form.name}: bool }} }}')
            lines += self.handlers(task, (form,), [*self.inputs, *self.data])
        return lines

    # ------------------------------------------------------------ the text

    def activity(self, call: Call) -> str:
        return "" if call == CHILD else super().activity(call)

    def head(self) -> str:
        own = super().head().replace("enum Color { red, green, blue }\n", "")
        child = ""
        if self.messages or CHILD in self.calls:
            child = (
                "flow Child version 1 {\n  input { x: bool }\n  data { y: int 0..1 = 0 }\n  output y\n  event poke\n"
                f"  activity sub() {{ retry 2 backoff 1s..2s  {self.undone} }}\n  start -> A\n"
                "  state A { ignore poke  do sub()  on done { y = 1 } -> Fine  on failed -> compensate -> Sad }\n"
                "  final Fine\n  final failure Sad\n}\n"
            )
        told = "  emits told(what: int 0..2)\n" if self.messages else ""
        front, brace, rest = own.partition("version 1 {\n")
        shared = "enum Color { red, green, blue }\nrecord Pair { a: bool, b: int 0..1 }\n"
        return f"{shared}{child}{front}{brace}{told}{rest}"

    def claims(self) -> list[str]:
        rng = self.rng
        lines = super().claims()
        if rng.random() < 0.2:
            places = [".".join(node.path) for node in self.nodes() if node.kind != "choice"]
            lines.append(f"reach {rng.choice(places)} when {super().atom([*self.inputs, *self.data])}")
        if rng.random() < 0.2:
            lines.append(f"never done({self.calls[0].name}) and compensating")
        return lines


def random_mixture(seed: int) -> str:
    """The text of the flows that belong to `seed`, the last is `R`; the same on every machine and in every run."""
    return Mixture(Random(seed)).text()
