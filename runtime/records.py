"""Codecs of what has parts (records, arguments, lists), made of the codecs of their parts; errors name the way in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sized
from dataclasses import dataclass
from operator import attrgetter, call
from typing import Any, TypeVar, cast

from .codec import TEXT, Codec, Invalid, Json, Schema, Teller, brief, quoted

T = TypeVar("T")
S = TypeVar("S", bound=Sized)
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Record(Codec[T_co]):
    """A NamedTuple or dataclass as a JSON object. The fields have their names in the flow; `attributes` are theirs in
    Python, which differ where the flow's name is no Python name."""

    type: type[T_co]
    fields: tuple[tuple[str, Codec[object]], ...]

    @property
    def teller(self) -> Teller:
        tell = _telling(self.fields)
        return tell if issubclass(self.type, tuple) else lambda value: tell(self.values(value))

    @property
    def attributes(self) -> tuple[str, ...]:
        return cast(tuple[str, ...], getattr(self.type, "__match_args__", ()))

    def values(self, value: object) -> tuple[object, ...]:
        """The values of the fields, in order. Raises Invalid for a value of another class."""
        if not isinstance(value, self.type):
            raise Invalid(f"expected {self.type.__name__}, not {brief(value)}")
        if isinstance(value, tuple):
            return cast(tuple[object, ...], value)
        return tuple(getattr(value, attribute) for attribute in self.attributes)

    def check(self, value: object) -> T_co:
        return self.type(*_checked(self.fields, self.values(value)))

    def encode(self, value: object) -> Json:
        return _encoded(self.fields, self.values(value))

    def decode(self, json: object) -> T_co:
        return self.type(*_decoded(self.fields, json))

    def schema(self) -> Schema:
        return {"title": self.type.__name__, **_object(self.fields)}


def _object(fields: Iterable[tuple[str, Codec[object]]]) -> Schema:
    """Exactly these fields, all of them there."""
    properties = {name: codec.schema() for name, codec in fields}
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _one_of(schemas: list[Schema]) -> Schema:
    return {"oneOf": schemas} if schemas else {"not": {}}


def _marked(schema: Schema, tag: str, name: str) -> Schema:
    """An object's schema, or one of several, where the field `tag` says which: it is `name`."""
    if "oneOf" in schema:
        return _one_of([_marked(each, tag, name) for each in cast(list[Schema], schema["oneOf"])])
    fields = {key: value for key, value in schema.items() if key != "title"}
    if "properties" in schema:
        fields["properties"] = {**cast(Schema, schema["properties"]), tag: {"const": name}}
    return fields


def part(field: str, convert: Callable[[object], T], value: object) -> T:
    """One field converted; what is wrong with it is told as seen from outside."""
    try:
        return convert(value)
    except Invalid as invalid:
        raise invalid.within(field) from None


def members(json: object) -> Mapping[str, object]:
    """The members of a JSON object. Raises Invalid for any other JSON value."""
    if not isinstance(json, Mapping):
        raise Invalid(f"expected an object, not {brief(json)}")
    return cast(Mapping[str, object], json)


Fields = tuple[tuple[str, Codec[object]], ...]


def _checked(fields: Fields, values: tuple[object, ...]) -> list[object]:
    """The values of these fields, in their normal forms."""
    found: list[object] = []
    for (name, codec), value in zip(fields, values, strict=True):
        try:
            found.append(codec.check(value))
        except Invalid as invalid:  # as `part` does, without its cost for each field
            raise invalid.within(name) from None
    return found


def _encoded(fields: Fields, values: tuple[object, ...]) -> Json:
    """A JSON object of the values of these fields."""
    found: dict[str, Json] = {}
    for (name, codec), value in zip(fields, values, strict=True):
        try:
            found[name] = codec.encode(value)
        except Invalid as invalid:
            raise invalid.within(name) from None
    return found


def _telling(fields: Fields) -> Teller:
    """How the values of these fields are told as an object."""
    text = ",".join(f"{quoted(name).replace('%', '%%')}:%s" for name, _ in fields)
    template, tellers = f"{{{text}}}", [codec.teller for _, codec in fields]
    return lambda values: template % tuple(map(_tell, tellers, values))


_tell = cast(Callable[[Teller, Any], str], call)


def _decoded(fields: Fields, json: object) -> tuple[object, ...]:
    """The values of a JSON object with exactly these fields, in their order."""
    given = members(json)
    found: list[object] = []
    for name, codec in fields:
        if name not in given:
            raise Invalid("missing", name)
        try:
            found.append(codec.decode(given[name]))
        except Invalid as invalid:
            raise invalid.within(name) from None
    if len(given) > len(fields):
        names = [name for name, _ in fields]
        raise Invalid("no such field", next(key for key in given if key not in names))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Variant(Codec[T_co]):
    """Records of one class whose other fields depend on the text in field `tag`, such as the activity of a call."""

    tag: str
    records: Mapping[str, Codec[T_co]]

    @property
    def teller(self) -> Teller:
        tag_of = attrgetter(self.tag)
        tellers = {name: codec.teller for name, codec in self.records.items()}
        return lambda value: tellers[tag_of(value)](value)

    def check(self, value: object) -> T_co:
        return self._of(getattr(value, self.tag, None)).check(value)

    def encode(self, value: object) -> Json:
        return self._of(getattr(value, self.tag, None)).encode(value)

    def decode(self, json: object) -> T_co:
        return self._of(members(json).get(self.tag)).decode(json)

    def schema(self) -> Schema:
        return _one_of([_marked(codec.schema(), self.tag, name) for name, codec in self.records.items()])

    def _of(self, tag: object) -> Codec[T_co]:
        if not isinstance(tag, str) or tag not in self.records:
            raise Invalid(f"expected one of {', '.join(self.records) or 'none'}, not {brief(tag)}", self.tag)
        return self.records[tag]


@dataclass(frozen=True, slots=True)
class Union(Codec[T_co]):
    """Values of several classes: a JSON object of the class's name under `tag`, and the value under `payload`."""

    tag: str
    variants: Mapping[str, tuple[type[T_co], Codec[T_co]]]

    @property
    def teller(self) -> Teller:
        heads = {kind: f'{{{quoted(self.tag)}:{quoted(name)},"payload":' for name, (kind, _) in self.variants.items()}
        tellers = {kind: codec.teller for kind, codec in self.variants.values()}
        return lambda value: f"{heads[type(value)]}{tellers[type(value)](value)}}}"

    def check(self, value: object) -> T_co:
        return self._of(value)[1].check(value)

    def encode(self, value: object) -> Json:
        name, codec = self._of(value)
        return {self.tag: name, "payload": codec.encode(value)}

    def decode(self, json: object) -> T_co:
        name, payload = _decoded(((self.tag, TEXT), ("payload", _ANY)), json)
        if not isinstance(name, str) or name not in self.variants:
            raise Invalid(f"expected one of {', '.join(self.variants) or 'none'}, not {brief(name)}", self.tag)
        return part(name, self.variants[name][1].decode, payload)

    def schema(self) -> Schema:
        forms = {name: _object(((self.tag, TEXT), ("payload", codec))) for name, (_, codec) in self.variants.items()}
        return _one_of([_marked(form, self.tag, name) for name, form in forms.items()])

    def _of(self, value: object) -> tuple[str, Codec[T_co]]:
        for name, (kind, codec) in self.variants.items():
            if type(value) is kind:
                return name, codec
        raise Invalid(f"{brief(value)} is none of {', '.join(self.variants)}")


@dataclass(frozen=True, slots=True)
class _Any(Codec[object]):
    """A JSON value that is looked at later."""

    def check(self, value: object) -> object:
        return value

    def encode(self, value: object) -> Json:
        raise NotImplementedError("only ever decoded")

    def decode(self, json: object) -> object:
        return json

    def schema(self) -> Schema:
        return {}


_ANY = _Any()


@dataclass(frozen=True, slots=True)
class Arguments(Codec[tuple[object, ...]]):
    """The arguments of a call, by position in Python, as a JSON object by name."""

    params: tuple[tuple[str, Codec[object]], ...]

    @property
    def teller(self) -> Teller:
        return _telling(self.params)

    def check(self, value: object) -> tuple[object, ...]:
        return tuple(_checked(self.params, self._given(value)))

    def encode(self, value: object) -> Json:
        return _encoded(self.params, self._given(value))

    def decode(self, json: object) -> tuple[object, ...]:
        return _decoded(self.params, json)

    def schema(self) -> Schema:
        return _object(self.params)

    def _given(self, value: object) -> tuple[object, ...]:
        if not isinstance(value, tuple):
            raise Invalid(f"expected {len(self.params)} arguments, not {brief(value)}")
        given = cast(tuple[object, ...], value)
        if len(given) != len(self.params):
            raise Invalid(f"expected {len(self.params)} arguments, not {len(given)}")
        return given


def _each(convert: Callable[[object], T], values: Collection[object]) -> list[T]:
    return [part(str(index), convert, value) for index, value in enumerate(values)]


def _list(json: object) -> list[object]:
    if not isinstance(json, list):
        raise Invalid(f"expected a list, not {brief(json)}")
    return cast(list[object], json)


@dataclass(frozen=True, slots=True)
class _Sequence(Codec[tuple[T_co, ...]]):
    item: Codec[T_co]
    most: int | None = None

    def check(self, value: object) -> tuple[T_co, ...]:
        return tuple(_each(self.item.check, self._items(value)))

    def encode(self, value: object) -> Json:
        return [] if value == () else _each(self.item.encode, self._items(value))

    @property
    def teller(self) -> Teller:
        tell = self.item.teller
        return lambda values: f"[{','.join(map(tell, values))}]" if values else "[]"

    def decode(self, json: object) -> tuple[T_co, ...]:
        return tuple(_each(self.item.decode, self._counted(_list(json))))

    def schema(self) -> Schema:
        most: Schema = {} if self.most is None else {"maxItems": self.most}
        return {"type": "array", "items": self.item.schema(), **most}

    def _items(self, value: object) -> tuple[object, ...]:
        if not isinstance(value, tuple):
            raise Invalid(f"expected a tuple, not {brief(value)}")
        return self._counted(cast(tuple[object, ...], value))

    def _counted(self, values: S) -> S:
        if self.most is not None and len(values) > self.most:
            raise Invalid(f"{len(values)} items are more than {self.most}")
        return values


@dataclass(frozen=True, slots=True)
class _Group(Codec[frozenset[str]]):
    def check(self, value: object) -> frozenset[str]:
        if not isinstance(value, frozenset):
            raise Invalid(f"expected a frozenset, not {brief(value)}")
        return frozenset(_each(TEXT.check, cast(frozenset[object], value)))

    def encode(self, value: object) -> Json:
        return sorted(self.check(value))

    def decode(self, json: object) -> frozenset[str]:
        return frozenset(_each(TEXT.decode, _list(json)))

    def schema(self) -> Schema:
        return {"type": "array", "items": TEXT.schema()}


TEXTS: Codec[frozenset[str]] = _Group()
"""A set of texts; a sorted list in JSON."""


def sequence(item: Codec[T], most: int | None = None) -> Codec[tuple[T, ...]]:
    """A tuple of any length, or of at most so many items; a list in JSON."""
    return _Sequence(item, most)


def record(type: type[T], *fields: tuple[str, Codec[object]]) -> Record[T]:
    """A NamedTuple or dataclass whose fields are these, in order."""
    return Record(type, fields)


def arguments(*params: tuple[str, Codec[object]]) -> Arguments:
    """The parameters of an activity, in order."""
    return Arguments(params)
