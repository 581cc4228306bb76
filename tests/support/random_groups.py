"""Random small flows that call for each item of a list: a seed in, the text of one with lists as input and data, groups
of every size, quotas, results that are kept and asked about, out.

What `random_flows` makes of events, calls and data is the same here; see there.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from random_flows import Call, Draft, Name

ITEM = "int 0..1"
LISTS = (Name("items", f"list<{ITEM}> at most 2"), Name("found", f"list<{ITEM}> at most 2"))


def plain(scope: list[Name]) -> list[Name]:
    return [name for name in scope if not name.type.startswith("list")]


def lists(scope: list[Name]) -> list[str]:
    return [name.name for name in scope if name.type.startswith("list")]


@dataclass
class Groups(Draft):
    each: bool = False  # whether the call being written is one for each item
    most: int = 0

    # ------------------------------------------------------------ expressions

    def value(self, type: str, scope: list[Name]) -> str:
        return super().value(type, plain(scope))

    def atom(self, scope: list[Name]) -> str:
        rng, known = self.rng, [*lists(scope), *(name.name for name in LISTS)]
        if rng.random() < 0.6:
            return super().atom(plain(scope))
        return rng.choice(
            (
                f"len({rng.choice(known)}) {rng.choice(('==', '!=', '<', '>'))} {rng.randint(0, 2)}",
                f"{rng.randint(0, 1)} in {rng.choice(known)}",
                f"{rng.choice(known)} == {rng.choice(('[]', '[1]', *known))}",
            )
        )

    def updates(self, scope: list[Name]) -> str:
        rng, known = self.rng, [*lists(scope), *(name.name for name in LISTS)]
        if rng.random() < 0.6:
            return super().updates(plain(scope))
        value = rng.choice((*known, *lists(scope), "[]", "[0, 1]", f"{rng.choice(known)} + [1]"))
        return f" {{ found = {value} }}"

    # ------------------------------------------------------------ calls for each item

    def call(self, call: Call, args: str) -> str:
        rng = self.rng
        self.each = rng.random() < 0.7
        if not self.each:
            return super().call(call, args)
        items, self.most = rng.choice(
            (("items", 2), ("items", 2), ("found", 2), ("[1, 0]", 2), ("items + [1]", 3), ("items + found", 4))
        )
        said = ""
        if rng.random() < 0.3 or self.most > 2:
            self.most = rng.choice((1, 2, 2))
            said = f" at most {self.most}"
        until = f" until {rng.randint(1, self.most)} done" if rng.random() < 0.4 else ""
        item = rng.choice(("item", "item", "item", "item + 1", "1 - item", "3 / item - 2"))
        return f"do for item in {items}{said}{until}: {call.name}({item if call.params else ''})"

    def outcome_handlers(self, call: Call, scope: list[Name]) -> list[str]:
        lines: list[str] = []
        if self.each:
            result = (Name("res", f"list<{ITEM}> at most {self.most}"),) if call.result else ()
            lines += self.handlers("done", result, scope)
            for outcome in call.errors:
                lines += self.handlers(outcome, (), scope)
            return lines if call.park else [*lines, *self.handlers("failed", (), scope)]
        return super().outcome_handlers(call, scope)

    def activity(self, call: Call) -> str:
        text = super().activity(call).replace("ensures result > 0", "")
        if call.result and call.params and self.rng.random() < 0.4:
            kept = self.rng.choice((f"result >= {call.params[0].name}", "result < 1"))
            return text.replace("retry", f"ensures {kept}  retry")
        return text

    # ------------------------------------------------------------ the text

    def names(self) -> None:
        rng = self.rng
        super().names()
        self.inputs = [LISTS[0], *self.inputs[:1]]
        self.data = [Name(f"v{k}", rng.choice(("bool", "int 0..2"))) for k in range(rng.randint(0, 1))]
        self.states = self.states[:3]
        self.events = self.events[:1]
        self.calls = [
            Call(
                call.name,
                tuple(Name(param.name, ITEM) for param in call.params),
                rng.choice((None, ITEM)),
                call.errors[:1],
                call.park,
            )
            for call in self.calls[:2]
        ]

    def head(self) -> str:
        """With the list that is data; an initial value each."""
        text = super().head()
        found = f"found: {LISTS[1].type} = {self.rng.choice(('[]', '[]', '[0]'))}"
        if "  data { " in text:
            return text.replace("  data { ", f"  data {{ {found}, ")
        return text.replace("  roles", f"  data {{ {found} }}\n  roles")


def random_groups(seed: int) -> str:
    """The text of the flow that belongs to `seed`; the same on every machine and in every run."""
    return Groups(Random(seed)).text()
