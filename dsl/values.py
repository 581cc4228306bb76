"""`dataclass`, `field` and `replace`, made cheaply: what a class declares in, the class with its methods to come out.

The standard library looks at each field of a class and compiles six methods for it when it is declared, 0.5 ms a class,
and penstock declares more than three hundred before it has read a line. Here it looks at a class when its fields are
first asked for, and the methods are made when they are first called, so most of it never happens, and those of classes
of one shape are compiled once; the standard library, 8 ms by itself, is imported when somebody asks it for the fields,
and type checkers see nothing else. An instance is made through the descriptors of its slots, which is faster as well;
one with many of them that may not be changed is **open** while it is made, which is faster still: of a class that is
the same, but does not refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from reprlib import recursive_repr
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar, cast

Class = TypeVar("Class", bound=type)
Tuple = TypeVar("Tuple", bound=tuple[Any, ...])
Method = Callable[..., Any]

MANY = 8
"""Slots of a class from which on an instance is made open."""

MISSING: Any = object()
"""A default that a field does not have, and an argument that was not given."""

_WRITTEN = "__written__"
"""Under this name a class has itself as it was written, with what it says of its fields."""

_CLASS = object.__dict__["__class__"]
"""What says of which class an object is."""

_REPLACING: dict[tuple[object, ...], Method] = {}
"""What replaces some fields of a class, by the class and their names."""


def declared(*, frozen: bool = False, slots: bool = False, eq: bool = True) -> Callable[[Class], Class]:
    """What `dataclasses.dataclass(..)` does."""

    def made(cls: Class) -> Class:
        given: dict[str, Any] = {name: _Late(name) for name in _Late.NAMES} | {_WRITTEN: cls}
        given |= {"__init__": _INIT, "__repr__": _REPR}
        if eq:
            given |= {"__eq__": _EQ, "__hash__": _HASH if frozen else None}  # what changes is no key
        if frozen:
            given |= {"__setattr__": _refuse_setting, "__delattr__": _refuse_deleting}
        if slots and frozen:
            given |= {"__getstate__": _state, "__setstate__": _restore}
        given = {name: value for name, value in given.items() if name not in cls.__dict__}
        if slots:
            return _slotted(cls, given)
        for name, value in given.items():
            setattr(cls, name, value)
        return cls

    return made


class Said(NamedTuple):
    """What a class says of one of its fields, and what the standard library's `Field` says, too."""

    default: Any = MISSING
    default_factory: Any = MISSING
    init: bool = True
    repr: bool = True
    compare: bool = True
    type: str = ""  # as it is written


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace

    def new(kind: type[Tuple], fields: tuple[object, ...], /) -> Tuple:
        """A named tuple of all its fields, made without the function of Python's that takes them one by one."""
        ...

else:
    dataclass, field, new = declared, Said, tuple.__new__

    def replace(value: Any, /, **changes: Any) -> Any:
        """What `dataclasses.replace` does, by a function that is made once for each class and choice of fields."""
        key = value.__class__, *changes
        make = _REPLACING.get(key)
        if make is None:
            if not is_declared(value.__class__):
                from dataclasses import replace as of_others

                return of_others(value, **changes)
            make = _REPLACING[key] = _replacing(value.__class__, tuple(changes))
        return make(value, *changes.values())


def is_declared(cls: type) -> bool:
    """Whether `dataclass` made it, or what it inherits from."""
    return hasattr(cls, _WRITTEN)


def fields_of(cls: type) -> dict[str, Said]:
    """What is said of the fields of a class, inherited ones first; none where it was not declared here."""
    found: dict[str, Said] = {}
    for base in reversed(cls.__mro__):
        if (written := base.__dict__.get(_WRITTEN)) is not None:
            found |= _said(written)
    return found


def _said(written: type) -> dict[str, Said]:
    """Of the fields that a class declares itself, as it was written."""
    found: dict[str, Said] = {}
    for name, type in vars(written).get("__annotations__", {}).items():
        told = written.__dict__.get(name, MISSING)
        if told.__class__.__module__ == "dataclasses":
            raise TypeError(f"{written.__name__}.{name} is told by `dataclasses.field`, and not by `values.field`")
        found[name] = told._replace(type=type) if isinstance(told, Said) else Said(told, type=type)
    return found


class _Late:
    """What `dataclasses` tells of a class under one name, when that is first looked up."""

    NAMES = "__dataclass_fields__", "__dataclass_params__", "__match_args__"

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, _instance: object, cls: type) -> Any:
        owner = _owner(cls, self.name, self)
        if self.name == "__match_args__":
            setattr(owner, self.name, tuple(name for name, said in fields_of(owner).items() if said.init))
        else:
            _tell(owner, _said(owner.__dict__[_WRITTEN]))
        return owner.__dict__[self.name]


def _tell(cls: type, said: dict[str, Said]) -> None:
    """Let the standard library see the fields of a class: those of another one that declares the same."""
    import dataclasses

    body: dict[str, Any] = {"__annotations__": {}, "__doc__": "-"}  # without one it would work out a signature
    for name, each in said.items():
        given = {key: value for key, value in each._asdict().items() if value is not MISSING and key != "type"}
        body |= {name: dataclasses.field(**given)}
        body["__annotations__"][name] = each.type
    same: type = type(cls)(cls.__name__, cls.__bases__, body | {"__module__": cls.__module__})
    told = cast(type, dataclasses.dataclass(init=False, repr=False, eq=False)(same))
    for name in ("__dataclass_fields__", "__dataclass_params__"):
        setattr(cls, name, told.__dict__[name])


def _owner(cls: type, name: str, value: object) -> type:
    """The class, of one and those above it, that has something itself."""
    return next(each for each in cls.__mro__ if each.__dict__.get(name) is value)


def _slotted(cls: Class, given: dict[str, Any]) -> Class:
    """The class again, with a slot for each field that it does not inherit, and what is given to it."""
    inherited = {name for base in cls.__mro__[1:-1] for name in getattr(base, "__slots__", ())}
    names = tuple(name for name in vars(cls).get("__annotations__", ()) if name not in inherited)
    body = {key: value for key, value in cls.__dict__.items() if key not in (*names, "__dict__", "__weakref__")}
    again = cast(Any, type(cls))(cls.__name__, cls.__bases__, body | given | {"__slots__": names})
    again.__qualname__ = cls.__qualname__
    return cast(Class, again)


def _later(name: str, make: Callable[[type], Method]) -> Method:
    """A method of any class, which is made when it is first called of one, and takes its place there."""

    def first(self: Any, /, *given: Any, **named: Any) -> Any:
        owner = _owner(self.__class__, name, first)
        method = make(owner)
        method.__qualname__ = f"{owner.__qualname__}.{name}"
        setattr(owner, name, method)
        return method(self, *given, **named)

    return first


def _compiled(
    name: str,
    params: Sequence[str],
    lines: Sequence[str],
    known: dict[str, Any],
    fields: Sequence[str],
    defaults: tuple[Any, ...] = (),
) -> Method:
    """A function of these parameters, the last of them with defaults. Its text calls the fields `_0`, `_1` .., so that
    what is compiled is the same for all classes of one shape; here they get their names."""
    code = _code(f"def {name}({', '.join(params)}):\n  " + "\n  ".join(lines or ["pass"]))
    called = {f"_{number}": field for number, field in enumerate(fields)}
    locals, attributes = ([called.get(each, each) for each in names] for names in (code.co_varnames, code.co_names))
    code = code.replace(co_varnames=tuple(locals), co_names=tuple(attributes))
    return FunctionType(code, known, name, defaults)


@cache
def _code(text: str) -> CodeType:
    """The code of the function that a text defines."""
    return next(each for each in compile(text, "<methods of a class>", "exec").co_consts if isinstance(each, CodeType))


def _init(cls: type) -> Method:
    """It sets each field, then calls `__post_init__` if there is one."""
    known: dict[str, Any] = {"_MISSING": MISSING, "_set": object.__setattr__}
    params, lines, defaults = ["_self"], list[str](), list[Any]()
    slots, frozen = cls.__dict__.get("__slots__", ()), vars(cls).get("__setattr__") is _refuse_setting
    opens = frozen and len(slots) >= MANY
    fields = fields_of(cls)
    for number, (name, each) in enumerate(fields.items()):
        made, default = each.default_factory is not MISSING, each.default is not MISSING
        value = f"_make{number}()" if made else f"_default{number}"
        known |= {f"_make{number}": each.default_factory, f"_default{number}": each.default, f"_name{number}": name}
        if each.init:
            params.append(f"_{number}")
            value = f"{value} if _{number} is _MISSING else _{number}" if made else f"_{number}"
            if made or default:
                defaults.append(MISSING if made else each.default)
            elif defaults:
                raise TypeError(f"field {name!r} of {cls.__name__} has no default, and one before it has")
        elif not made and not default:
            continue  # `__post_init__` sets it
        known[f"_set{number}"] = put = getattr(getattr(cls, name, None), "__set__", None)  # of its slot, if it has one
        closed = f"_set{number}(_self, {value})" if put else f"_set(_self, _name{number}, {value})"
        lines.append(f"_self._{number} = {value}" if opens or not frozen else closed)
    if opens:
        known |= {"_open": _opened(cls), "_closed": cls, "_turn": _CLASS.__set__}
        lines = ["_turn(_self, _open)", *lines, "_self.__class__ = _closed"]
    if hasattr(cls, "__post_init__"):
        lines.append("_self.__post_init__()")
    return _compiled("__init__", params, lines, known, tuple(fields), tuple(defaults))


def _opened(cls: type) -> type:
    """The class as one whose instances may be changed."""
    body = {"__slots__": cls.__dict__["__slots__"], "__setattr__": object.__setattr__}
    made: type = type(cls)(cls.__name__, cls.__bases__, body)
    return made


def _replacing(cls: type, names: tuple[str, ...]) -> Method:
    """An instance and new values of some fields in, another instance out; the rest is as it was."""
    fields = {name: each for name, each in fields_of(cls).items() if each.init}
    if wrong := [name for name in names if name not in fields]:
        raise TypeError(f"{cls.__name__} has no field {wrong[0]!r} that can be replaced")
    given = (f"_{number}" if name in names else f"_value._{number}" for number, name in enumerate(fields))
    params = ["_value", *(f"_{[*fields].index(name)}" for name in names)]
    return _compiled("replacing", params, [f"return _class({', '.join(given)})"], {"_class": cls}, tuple(fields))


def _compared(cls: type) -> list[str]:
    """The fields by which instances are compared."""
    return [name for name, each in fields_of(cls).items() if each.compare]


def _values(of: str, number: int) -> str:
    """The tuple of so many fields, as text."""
    return f"({''.join(f'{of}._{each}, ' for each in range(number))})"


def _eq(cls: type) -> Method:
    fields = _compared(cls)
    same = f"{_values('self', len(fields))} == {_values('other', len(fields))}"
    lines = [f"if other.__class__ is self.__class__: return {same}", "return NotImplemented"]
    return _compiled("__eq__", ["self", "other"], lines, {}, fields)


def _hash(cls: type) -> Method:
    fields = _compared(cls)
    return _compiled("__hash__", ["self"], [f"return hash({_values('self', len(fields))})"], {}, fields)


def _repr(cls: type) -> Method:
    names = [name for name, each in fields_of(cls).items() if each.repr]

    def said(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return recursive_repr("...")(said)


def _refuse_setting(_self: object, name: str, _value: object) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deleting(_self: object, name: str) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: object) -> list[Any]:
    return [getattr(self, name) for name in fields_of(type(self))]


def _restore(self: object, state: list[Any]) -> None:
    for name, value in zip(fields_of(type(self)), state, strict=True):
        object.__setattr__(self, name, value)


_INIT, _REPR = _later("__init__", _init), _later("__repr__", _repr)
_EQ, _HASH = _later("__eq__", _eq), _later("__hash__", _hash)
