"""Types what goes from flow to flow: `emit` and `send` as written in, those of the model out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import rules_of_meaning as rules
from . import syntax
from .diagnostics import Label
from .expressions import Typing
from .model import Emit, EnumType, Expr, OptionalType, Parameter, Send, TextType, Type
from .resolve import BROKEN, Kind, Names
from .scope import Scope
from .source import Span
from .values import dataclass


@dataclass(frozen=True, slots=True)
class Hearing:
    """An event of a flow as others see it."""

    params: tuple[Parameter, ...]
    reserved: bool  # for people of some role
    span: Span


Flows = Mapping[str, Mapping[str, Hearing]]
"""The events of every flow of the file, by the names of both."""


class Messages:
    """Types the messages of one flow. `enums`: those it knows."""

    def __init__(self, names: Names, typing: Typing, declared: Mapping[str, tuple[Parameter, ...]], flows: Flows):
        self.names = names
        self.findings = names.findings
        self.typing = typing
        self.declared = declared
        self.flows = flows

    def emit(self, tree: syntax.Emit, scope: Scope) -> Emit:
        known = self.names.find(tree.message, Kind.MESSAGE) is not None
        params = self.declared[tree.message.text] if known else None
        label = Label(self.names.place(Kind.MESSAGE, tree.message.text), "declared here") if known else None
        return Emit(tree.message.text, self._args(tree, tree.message.text, params, label, scope), tree.span)

    def send(self, tree: syntax.Send, scope: Scope) -> Send:
        flow, event = tree.flow.text, tree.event.text
        heard = self.hearing(tree.flow, tree.event)
        label = Label(heard.span, "declared here") if heard else None
        if heard and label and heard.reserved:
            message = f"`{event}` of `{flow}` is for people of a role, and a flow has none."
            note = "Only an event without `by` can be sent by a flow."
            self.findings.error(
                rules.RESERVED_EVENT, tree.event.span, message, "not for flows", others=(label,), note=note
            )
        if heard and label:
            for param in heard.params:
                self._refuse_foreign(param, tree, label)
        args = self._args(tree, f"{flow}.{event}", heard.params if heard else None, label, scope)
        key = self.typing.value(tree.key, TextType(), scope)
        return Send(flow, event, args, key, tree.span, heard.params if heard else ())

    def hearing(self, flow: syntax.Name, event: syntax.Name) -> Hearing | None:
        """The event of another flow; None where there is none, which has then been reported."""
        if flow.text not in self.flows:
            self.names.unknown(flow, "a flow", self.flows)
            return None
        events = self.flows[flow.text]
        if event.text not in events:
            self.names.unknown(event, f"an event of `{flow.text}`", events)
            return None
        return events[event.text]

    def _refuse_foreign(self, param: Parameter, tree: syntax.Send, label: Label) -> None:
        """A type that only the other flow has a name for cannot be told apart from one of the same name here."""
        item: Type = param.type.item if isinstance(param.type, OptionalType) else param.type
        if isinstance(item, EnumType) and item != BROKEN and self.typing.enums.get(item.name) != item:
            message = f"`{param.name}` is one of `{item.name}`, which only `{tree.flow.text}` knows."
            note = f"Declare `enum {item.name} {{ .. }}` outside of the flows."
            self.findings.error(rules.WRONG_TYPE, tree.span, message, "not known here", others=(label,), note=note)

    def _args(
        self,
        tree: syntax.Emit | syntax.Send,
        called: str,
        params: Sequence[Parameter] | None,
        label: Label | None,
        scope: Scope,
    ) -> tuple[Expr, ...]:
        if params is not None and label is not None and len(params) != len(tree.args):
            given, takes = _values(len(tree.args)), _values(len(params))
            message = f"`{called}` takes {takes}, and here it is given {given}."
            self.findings.error(rules.WRONG_COUNT, tree.span, message, given, others=(label,))
        types: list[Type] = [each.type for each in params or ()]
        types += [BROKEN] * (len(tree.args) - len(types))
        return tuple(self.typing.value(arg, type_, scope) for arg, type_ in zip(tree.args, types, strict=False))


def _values(count: int) -> str:
    return {0: "no value", 1: "one value"}.get(count, f"{count} values")
