"""The quick path of an event's method, around `step`: its statements in, what is wrong with them out.

It is taken only where the table says of the state (`prompt`) and of the move (`at`) that there is nothing else to do,
for a trigger that `step` would admit as it is: sent by somebody who may, with values in normal form. What it asks must
be all that, and nothing else.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ...dsl.model import BoolType, EnumType, IntType, OptionalType, TextType, Type
from ...dsl.source import Span
from .demands import Demands
from .findings import DECLARES, FOREIGN, Finding
from .things import Known
from .world import World


class Quick:
    """Checks it."""

    def __init__(self, demands: Demands, world: World) -> None:
        self.demands = demands
        self.names = demands.names
        self.world = world

    def check(
        self,
        body: Sequence[ast.stmt],
        cls: str,
        fields: Sequence[tuple[str, Type]],
        roles: Sequence[str],
        span: Span,
    ) -> Iterator[Finding]:
        if self.demands.located:
            yield Finding(DECLARES, body[0].lineno, "the quick way does not say which places are active", span)
        match body:
            case [
                ast.Assign(
                    targets=[ast.Name(id="_told")],
                    value=ast.Call(func=ast.Name(id=look), args=[at], keywords=[]),
                ),
                ast.If(test=test, body=inner, orelse=[]),
            ]:
                yield from self._found(look, cls, at, span)
                tests = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
                yield from self._asked([ast.unparse(each) for each in tests], body[1].lineno, fields, roles, span)
                yield from self._done(inner, fields, span)
            case _:
                yield Finding(FOREIGN, body[0].lineno, "this is not what penstock writes", span)

    def _found(self, look: str, cls: str, at: ast.expr, span: Span) -> Iterator[Finding]:
        """That it looks up the answers to this event; where, is made behind `_RULES`."""
        found = self.world.names.get(look)
        right = isinstance(found, Known) and found.kind == "quick" and found.name == cls
        if not right or ast.unparse(at) != "self._at":
            yield Finding(DECLARES, at.lineno, f"`{look}` does not say how `{cls}` is answered where it rests", span)

    def _asked(
        self, tests: Sequence[str], line: int, fields: Sequence[tuple[str, Type]], roles: Sequence[str], span: Span
    ) -> Iterator[Finding]:
        wanted = ["_told is not None"]
        wanted += ["not self._ledger.deferred"] if self.demands.kernel.waiting else []
        wanted += [f"not by.roles.isdisjoint({tuple(roles)!r})"] if roles else []
        for name, type in fields:
            wanted += self._normal(name, type)
        wanted = [ast.unparse(ast.parse(test)) for test in wanted]
        for test in wanted:
            if test not in tests:
                yield Finding(DECLARES, line, f"before it goes the quick way it must ask `{test}`", span)
        for test in tests:
            if test not in wanted:
                yield Finding(FOREIGN, line, f"`{test}` is not what penstock asks here", span)

    def _normal(self, name: str, type: Type) -> list[str]:
        """What shows that a value is one of its type, in normal form, as the runtime's codec would leave it."""
        if isinstance(type, OptionalType):
            return [f"{name} is None or ({' and '.join(self._normal(name, type.item))})"]
        match type:
            case BoolType():
                return [f"type({name}) is bool"]
            case IntType(low, high):
                return [f"type({name}) is int", f"{low} <= {name} <= {high}"]
            case TextType():
                return [f"type({name}) is str", f"{name}.isascii()"]
            case EnumType():
                return [f"type({name}) is {self.names.enum[type.name]}"]
            case _:
                return [f"{name} in normal_form"]  # which cannot be seen

    def _done(self, inner: Sequence[ast.stmt], fields: Sequence[tuple[str, Type]], span: Span) -> Iterator[Finding]:
        payload = "".join(f", {name}" for name, _ in fields)
        wanted = (
            f"_data, _move = _told(self._inputs, self._data, now{payload})\n"
            f"if _at := _move.at:\n    _next = _blank({self.names.flow})\n"
            "    _next._inputs, _next._data = self._inputs, _data\n"
            "    _next._at, _next._ledger = _at, self._ledger\n    return _next, ()"
        )
        found = [ast.unparse(each) for each in inner]
        made = self.world.names.get("_blank")
        right = isinstance(made, Known) and made.name == "rules.blank"
        if not right or found != [ast.unparse(each) for each in ast.parse(wanted).body]:
            yield Finding(DECLARES, inner[0].lineno, "the quick way does not do what `step` would", span)
