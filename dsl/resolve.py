"""Resolves names: the declarations of a file and of one flow in, tables of what each name stands for out.

What cannot be resolved is reported once and becomes `BROKEN`, which fits everywhere, so that one mistake gives one
message. A flow with an error never leaves the wing, so nobody else meets `BROKEN`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from . import habits, syntax
from . import rules_of_meaning as rules
from .diagnostics import Fix, Label
from .findings import Findings, did_you_mean, listed
from .model import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    InstantType,
    IntType,
    ListType,
    NoneType,
    OptionalType,
    Parameter,
    RecordType,
    TextType,
    Type,
)
from .source import Span
from .values import dataclass, field

BROKEN = EnumType("?", ())
"""The type of what was already reported."""

MOST_PLACES = 18
MOST_ITEMS = 1000
USUAL_ITEMS = 100
"""How many items a list may have whose type does not say."""

BUILT_IN: dict[str, Type] = {
    "bool": BoolType(),
    "int": IntType(),
    "text": TextType(),
    "duration": DurationType(),
    "instant": InstantType(),
}

OWN_MEANING = frozenset({"now", "result", "compensating", "elapsed"})
"""Words that stand for a value by themselves, so no variable may be called so."""


class Kind(StrEnum):
    """What a name can stand for, in the user's words."""

    TYPE = "type"
    INPUT = "input"
    DATA = "variable"
    ROLE = "role"
    EVENT = "event"
    TASK = "task"
    MESSAGE = "message"
    ACTIVITY = "activity"
    COMPENSATION = "compensation"
    STATE = "state"
    REGION = "region"
    CHOICE = "choice"
    FINAL = "final"
    FLOW = "flow"
    SYSTEM = "system"


SHARED = (
    (Kind.TYPE,),
    (Kind.INPUT, Kind.DATA),
    (Kind.ROLE,),
    (Kind.EVENT, Kind.TASK),
    (Kind.MESSAGE,),
    (Kind.ACTIVITY, Kind.COMPENSATION),
    (Kind.STATE, Kind.REGION, Kind.CHOICE, Kind.FINAL),
    (Kind.FLOW, Kind.SYSTEM),
)
"""Kinds in one tuple share their names: `state X` and `choice X` cannot both be declared in one block."""


def a(kind: Kind) -> str:
    """`an event`, `a state`."""
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


@dataclass(frozen=True, slots=True)
class Names:
    """Every name declared so far, by kind, with the place of its declaration. Nodes are known by their whole paths.

    complete: the whole text was understood; otherwise a name may be declared in a part that was skipped, and is only
    reported as unknown where it looks like a slip."""

    findings: Findings
    complete: bool
    _declared: dict[Kind, dict[str, Span]] = field(default_factory=lambda: {kind: {} for kind in Kind})

    def inner(self, findings: Findings | None = None) -> Names:
        """The names as they are now, to be added to for one flow; what is wrong is told to other findings, if given."""
        return Names(
            findings or self.findings, self.complete, {kind: dict(names) for kind, names in self._declared.items()}
        )

    def quiet(self) -> Names:
        """The same names, of whose use nothing is reported."""
        return Names(Findings(), self.complete, {kind: dict(names) for kind, names in self._declared.items()})

    def declare(self, kind: Kind, name: syntax.Name, path: str = "") -> bool:
        """Whether the name (of a node: its path) was free; otherwise it has been reported."""
        called = path or name.text
        if name.text == "_":
            message = "`_` stands for a value that is not needed, so nothing can be called so."
            self.findings.error(rules.MISPLACED_NAME, name.span, message, "choose another name")
        for other in _sharing(kind):
            if (first := self._declared[other].get(called)) is not None:
                self.already(name, f"is already the name of {a(other)}", first)
                return False
        self._declared[kind][called] = name.span
        return True

    def lend(self, name: syntax.Name, kind: Kind, *others: Kind) -> None:
        """Lets a declared name count as other kinds too; reports it where something else has that name already."""
        place = self.place(kind, name.text)
        for other in others:
            if self._declared[other].setdefault(name.text, place) != place:
                self.already(name, f"is the name of {a(kind)} and of {a(other)}", self._declared[other][name.text])

    def take(self, other: Names, path: str, at: Span) -> None:
        """Adds the names of another file, `path`, that is imported `at` some place; one file may come several ways."""
        for kind, names in other._declared.items():
            for name, span in names.items():
                firsts = [(each, self._declared[each].get(name)) for each in _sharing(kind)]
                taken = next(((each, first) for each, first in firsts if first is not None), None)
                if taken is None:
                    self._declared[kind][name] = span
                elif taken[1] != span and not taken[0] == kind == Kind.COMPENSATION:
                    message = f"`{name}` of `{path}` is already the name of {a(taken[0])} of another import."
                    others = (Label(taken[1], "first used here"), Label(span, "the same name again"))
                    self.findings.error(rules.DUPLICATE_NAME, at, message, "brings the same name", others=others)

    def already(self, name: syntax.Name, problem: str, first: Span) -> None:
        self.findings.error(
            rules.DUPLICATE_NAME,
            name.span,
            f"`{name.text}` {problem}.",
            "the same name again",
            others=(Label(first, "first used here"),),
        )

    def has(self, kind: Kind, name: str) -> bool:
        return name in self._declared[kind]

    def all(self, *kinds: Kind) -> list[str]:
        return [name for kind in kinds for name in self._declared[kind]]

    def place(self, kind: Kind, name: str) -> Span:
        """Where the name is declared, or what had the name before it."""
        return next(names[name] for other in _sharing(kind) if name in (names := self._declared[other]))

    def ends(self, text: str, *kinds: Kind) -> list[str]:
        """The paths that end so."""
        return [path for path in self.all(*kinds) if path.endswith(f".{text}")]

    def find(self, name: syntax.Name, *kinds: Kind, known: list[str] | None = None) -> Kind | None:
        """Which of the kinds the name is; None where it is none of them, which has then been reported."""
        for kind in kinds:
            if self.has(kind, name.text):
                return kind
        self.unknown(name, _either(kinds), self.all(*kinds) if known is None else known)
        return None

    def unknown(self, name: syntax.Name, wanted: str, known: Iterable[str]) -> None:
        """Reports that `name` is no `wanted`, with what it is instead, or what was perhaps meant."""
        known = list(known)
        for kind in Kind:
            if self.has(kind, name.text):
                self.findings.error(
                    rules.MISPLACED_NAME,
                    name.span,
                    f"`{name.text}` is {a(kind)}, but here {wanted} is needed.",
                    f"this is {a(kind)}",
                    others=(Label(self.place(kind, name.text), "declared here"),),
                    fix=did_you_mean(name.text, name.span, known),
                )
                return
        fix = did_you_mean(name.text, name.span, known)
        if not self.complete and fix is None:
            return  # it may be declared where the text could not be read
        meant = habits.NAMES.get(wanted, {}).get(name.text.lower())
        if meant is not None:
            fix = Fix(f"did you mean `{meant}`?", ((name.span, meant),))
        note = f"Known here: {listed(known)}." if fix is None and 0 < len(known) <= 8 else ""
        self.findings.error(
            rules.UNKNOWN_NAME,
            name.span,
            f"There is no {wanted.removeprefix('an ').removeprefix('a ')} called `{name.text}`.",
            "not declared",
            fix=fix,
            note=note,
        )


def _sharing(kind: Kind) -> tuple[Kind, ...]:
    return next(kinds for kinds in SHARED if kind in kinds)


def _either(kinds: tuple[Kind, ...]) -> str:
    words = [a(kinds[0]), *kinds[1:]]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


class Types:
    """The types and enumerations of one file, or of one flow with those of the file around it."""

    def __init__(self, names: Names, outer: Types | None = None) -> None:
        self.names = names
        self.findings = names.findings
        self.enums: dict[str, EnumType] = dict(outer.enums) if outer else {}
        self.records: dict[str, RecordType] = dict(outer.records) if outer else {}
        """In an order in which each comes after those it is made of."""
        self._types: dict[str, Type] = dict(outer._types) if outer else {}
        self._pending: dict[str, syntax.TypeDeclaration | syntax.RecordDeclaration] = {}
        self._under_way: list[str] = []

    def declare(self, declarations: Iterable[syntax.Declaration]) -> None:
        """Takes in the declarations, in any order; each may use the others."""
        for declaration in declarations:
            name = declaration.name
            if name.text in BUILT_IN or name.text in ("decimal", "list"):
                message = f"`{name.text}` is already the name of a built-in type."
                self.findings.error(rules.DUPLICATE_NAME, name.span, message, "choose another name")
            elif self.names.declare(Kind.TYPE, name):
                if isinstance(declaration, syntax.EnumDeclaration):
                    self._types[name.text] = self._enum(name.text, declaration.members)
                else:
                    self._pending[name.text] = declaration
        for waiting in list(self._pending):
            self._named(waiting)

    def know(self, record: RecordType, span: Span) -> None:
        """Takes in a record that no declaration makes: what a flow answers, at the place where it is done."""
        if self.names.declare(Kind.TYPE, syntax.Name(record.name, span)):
            self.records[record.name] = self._types[record.name] = record

    def take(self, other: Types) -> None:
        """Adds the types of another file."""
        self.enums |= other.enums
        self.records |= other.records
        self._types |= other._types

    def resolve(self, tree: syntax.TypeExpr, owner: str) -> Type:
        """The type a type expression stands for; `owner` names an enumeration written in place."""
        match tree:
            case syntax.NamedType(name):
                return self._reference(name)
            case syntax.RangedInt(low, high, span):
                if low > high:
                    message = f"The range {low}..{high} is empty, for its lower end is above its upper end."
                    self.findings.error(rules.OUT_OF_RANGE, span, message, "an empty range")
                    return IntType()
                return IntType(low, high)
            case syntax.DecimalPlaces(places, span):
                if places > MOST_PLACES:
                    message = f"A decimal has at most {MOST_PLACES} digits after the point."
                    self.findings.error(rules.OUT_OF_RANGE, span, message, "too many digits")
                    return BROKEN
                return DecimalType(places)
            case syntax.InlineEnum(members, span):
                called = "".join(part[:1].upper() + part[1:] for part in owner.split("_"))
                if called in self.enums or self.names.has(Kind.TYPE, called):
                    message = f"This enumeration would be called `{called}`, a name that is already taken."
                    note = f"Declare it outside, `enum SomeName {{ .. }}`, and write `{owner}` with that name."
                    self.findings.error(rules.DUPLICATE_NAME, span, message, f"would be called `{called}`", note=note)
                    return BROKEN
                return self._enum(called, members)
            case syntax.Optional(item):
                inner = self.resolve(item, owner)
                return inner if inner == BROKEN or isinstance(inner, OptionalType | NoneType) else OptionalType(inner)
            case syntax.List():
                return self._list(tree, owner)

    def _list(self, tree: syntax.List, owner: str) -> Type:
        item = self.resolve(tree.item, owner)
        if tree.most is not None and not 1 <= tree.most <= MOST_ITEMS:
            message = f"How many items a list may have at most lies between 1 and {MOST_ITEMS}."
            self.findings.error(rules.OUT_OF_RANGE, tree.span, message, "how many items?")
            return BROKEN
        if item == BROKEN:
            return BROKEN
        if isinstance(item, ListType | OptionalType | NoneType):
            what = "a list" if isinstance(item, ListType) else f"`{item}`, which may be `none`"
            message = f"The items of a list are single values or records, and here each would be {what}."
            note = "A record may hold a list or a `T?`: make a list of such records."
            self.findings.error(rules.WRONG_TYPE, tree.item.span, message, "cannot be an item", note=note)
            return BROKEN
        return ListType(item, USUAL_ITEMS if tree.most is None else tree.most)

    def parameters(self, fields: Iterable[syntax.Field], owner: str) -> tuple[Parameter, ...]:
        """The parameters or form fields of `owner`, each name once."""
        found: dict[str, Parameter] = {}
        for each in fields:
            name = each.name
            if name.text in found:
                self.names.already(name, f"is twice among what `{owner}` takes", found[name.text].span)
            if each.initial is not None:
                message = f"`{name.text}` is given with each `{owner}`, so it has no initial value."
                self.findings.error(rules.CONTRADICTION, each.span, message, "has an initial value")
            refuse_own_meaning(name, self.findings)
            resolved = self.resolve(each.type, f"{owner}_{name.text}")
            found.setdefault(name.text, Parameter(name.text, resolved, name.span))
        return tuple(found.values())

    def _enum(self, name: str, members: tuple[syntax.Name, ...]) -> EnumType:
        seen: dict[str, Span] = {}
        for member in members:
            if member.text in seen:
                self.names.already(member, f"is twice a member of `{name}`", seen[member.text])
            seen.setdefault(member.text, member.span)
            refuse_own_meaning(member, self.findings)
        self.enums[name] = EnumType(name, tuple(seen))
        return self.enums[name]

    def _reference(self, name: syntax.Name) -> Type:
        if name.text in BUILT_IN:
            return BUILT_IN[name.text]
        if not self.names.has(Kind.TYPE, name.text):
            self.names.unknown(name, "a type", [*BUILT_IN, *self.names.all(Kind.TYPE)])
            return BROKEN
        return self._named(name.text)

    def _named(self, name: str) -> Type:
        if name in self._types:
            return self._types[name]
        declaration = self._pending.pop(name, None)
        if declaration is None:  # it is being resolved right now
            circle = [*self._under_way[self._under_way.index(name) :], name]
            way = f": {' -> '.join(f'`{each}`' for each in circle)}" if len(circle) > 2 else ""
            message = f"The type `{name}` is made of itself{way}."
            self.findings.error(rules.CIRCULAR_TYPE, self.names.place(Kind.TYPE, name), message, "leads back to itself")
            self._types[name] = BROKEN
        else:
            self._under_way.append(name)
            if isinstance(declaration, syntax.RecordDeclaration):
                resolved: Type = self._record(declaration)
            else:
                resolved = self.resolve(declaration.type, name)
            self._under_way.pop()
            self._types.setdefault(name, resolved)
        return self._types[name]

    def _record(self, tree: syntax.RecordDeclaration) -> RecordType:
        name = tree.name
        if not tree.fields:
            self.findings.error(rules.MISSING_PART, name.span, f"The record `{name.text}` has no field.", "no field")
        record = RecordType(name.text, self.parameters(tree.fields, name.text))
        self.records[name.text] = record
        return record


def refuse_own_meaning(name: syntax.Name, findings: Findings) -> None:
    """Reports a variable, parameter or enum member called like a word that stands for a value by itself."""
    if name.text in OWN_MEANING:
        message = f"`{name.text}` has a meaning of its own in expressions, so nothing else can be called so."
        findings.error(rules.MISPLACED_NAME, name.span, message, "choose another name")
