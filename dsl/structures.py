"""Types what is made of parts: records, their fields and lists as written in, typed expressions out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from . import rules_of_meaning as rules
from . import syntax
from .conversions import Conversions, broken, is_broken, listed_type, scalar, wide
from .findings import did_you_mean, listed
from .model import (
    Contains,
    EnumType,
    Expr,
    Field,
    ItemType,
    ListType,
    NewList,
    NewRecord,
    OptionalType,
    RecordType,
    Type,
)
from .resolve import BROKEN, Names
from .scope import Scope
from .source import Span


class Structures(ABC):
    """The part of `Typing` that is about records and lists."""

    names: Names
    records: Mapping[str, RecordType]
    conversions: Conversions

    @abstractmethod
    def value(self, tree: syntax.Expr, expected: Type, scope: Scope) -> Expr: ...

    @abstractmethod
    def infer(self, tree: syntax.Expr, scope: Scope, hint: Type | None = None) -> Expr: ...

    def _select(self, tree: syntax.Select, scope: Scope) -> Expr:
        """`order.total`."""
        operand = self.conversions.read(self.infer(tree.operand, scope))
        name, span, findings = tree.name, tree.span, self.names.findings
        if is_broken(operand):
            return broken(span)
        if not isinstance(operand.type, RecordType):
            message = f"Only a record has fields, and this is `{operand.type}`."
            findings.error(rules.WRONG_OPERAND, tree.operand.span, message, f"has no `{name.text}`")
            return broken(span)
        for field in operand.type.fields:
            if field.name == name.text:
                return broken(span) if field.type == BROKEN else Field(operand, name.text, field.type, span)
        fields = [field.name for field in operand.type.fields]
        fix = did_you_mean(name.text, name.span, fields)
        message = f"`{operand.type}` has no field `{name.text}`."
        note = "" if fix or not fields else f"It has {listed(fields)}."
        findings.error(rules.UNKNOWN_NAME, name.span, message, "no such field", fix=fix, note=note)
        return broken(span)

    def _new_record(self, tree: syntax.NewRecord, scope: Scope) -> Expr:
        """`Address(street: "Main", city: "Bern")`."""
        name, findings = tree.name, self.names.findings
        record = self.records.get(name.text)
        if record is None:
            self.names.unknown(name, "a record", self.records)
            return broken(tree.span)
        types = {field.name: field.type for field in record.fields}
        given: dict[str, syntax.Argument] = {}
        errors = findings.errors
        for each in tree.args:
            if each.name.text in given:
                first = given[each.name.text].name.span
                self.names.already(each.name, f"is given twice to `{record}`", first)
            elif each.name.text not in types:
                fix = did_you_mean(each.name.text, each.name.span, types)
                message = f"`{record}` has no field `{each.name.text}`."
                note = "" if fix or not types else f"It has {listed(types)}."
                findings.error(rules.UNKNOWN_NAME, each.name.span, message, "no such field", fix=fix, note=note)
            given.setdefault(each.name.text, each)
        missing = [field for field in types if field not in given]
        if missing and findings.errors == errors:
            message = f"`{record}` also needs {listed(missing)}."
            findings.error(rules.MISSING_PART, tree.span, message, "something is missing")
        values = tuple(self.value(given[each].value, type_, scope) for each, type_ in types.items() if each in given)
        return broken(tree.span) if findings.errors > errors else NewRecord(values, record, tree.span)

    def _new_list(self, tree: syntax.NewList, scope: Scope, hint: Type | None) -> Expr:
        """`[a, b]`; `hint` says of what, where nothing in it does."""
        wanted = hint.item if isinstance(hint, OptionalType) else hint
        item: ItemType | None = wanted.item if isinstance(wanted, ListType) else None
        if item is not None:
            fitted = tuple(self.value(each, wide(item), scope) for each in tree.items)
            return _listed(fitted, item, tree.span)
        if not tree.items:
            if hint != BROKEN:
                message = "Nothing here tells of what this list would be."
                self.names.findings.error(rules.MISSING_PART, tree.span, message, "a list of what?")
            return broken(tree.span)
        widest = self.conversions.read(self.infer(tree.items[0], scope))
        for each in tree.items[1:]:
            found = self.conversions.read(self.infer(each, scope, widest.type))
            widest = self.conversions.alike(widest, found, "in one list")[0]
        if is_broken(widest):
            return broken(tree.span)
        if isinstance(widest.type, ListType) or not isinstance(widest.type, ItemType):
            message = f"The items of a list are single values or records, and this is `{widest.type}`."
            self.names.findings.error(rules.WRONG_TYPE, widest.span, message, "cannot be an item")
            return broken(tree.span)
        items = tuple(self.value(each, wide(widest.type), scope) for each in tree.items)
        return _listed(items, widest.type, tree.span)

    def _contains(self, tree: syntax.Contains, scope: Scope) -> Expr:
        """`x in items`."""
        if isinstance(tree.items, syntax.NewList):
            known = scalar(self.infer(tree.operand, scope).type)
            if known == BROKEN:
                return broken(tree.span)
            items = self.infer(tree.items, scope, ListType(known, 0) if isinstance(known, EnumType) else None)
        else:
            items = self.conversions.read(self.infer(tree.items, scope))
        if is_broken(items):
            return broken(tree.span)
        if not isinstance(items.type, ListType):
            message = f"`in` looks into a list, or among the members in braces, and this is `{items.type}`."
            self.names.findings.error(rules.WRONG_OPERAND, tree.items.span, message, f"this is `{items.type}`")
            return broken(tree.span)
        operand = self.value(tree.operand, wide(items.type.item), scope)
        return broken(tree.span) if is_broken(operand) else Contains(operand, items, tree.span)


def _listed(items: tuple[Expr, ...], item: ItemType, span: Span) -> Expr:
    return broken(span) if is_broken(*items) else NewList(items, listed_type(item, len(items)), span)


def single(type_: Type) -> bool:
    """Whether it is neither a record nor a list, nor may be one."""
    inner = type_.item if isinstance(type_, OptionalType) else type_
    return not isinstance(inner, RecordType | ListType)
