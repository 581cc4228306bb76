"""`dataclass` and `replace`, made cheaply: what a class declares in, the class with its methods to come out.

The standard library looks at each field of a class and compiles six methods for it when it is declared, 0.5 ms a class,
and penstock declares more than three hundred before it has read a line. Here it looks at a class when its fields are
first asked for, and the methods are compiled when they are first called, so most of it never happens; the fields are
the standard library's own, and so are `fields` and what type checkers see. An instance is
made through the descriptors of its slots, which is faster as well; one with many of them that may not be changed is
**open** while it is made, which is faster still: of a class that is the same, but does not refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, field
from dataclasses import dataclass as standard
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

Class = TypeVar("Class", bound=type)
Method = Callable[..., Any]

MANY = 8
"""Slots of a class from which on an instance is made open."""

_CLASS = object.__dict__["__class__"]
"""What says of which class an object is."""

_REPLACING: dict[tuple[object, ...], Method] = {}
"""What replaces some fields of a class, by the class and their names."""


def declared(*, frozen: bool = False, slots: bool = False, eq: bool = True) -> Callable[[Class], Class]:
    """What `dataclasses.dataclass(..)` does."""

    def made(cls: Class) -> Class:
        given: dict[str, Any] = {name: _Late(name, cls) for name in _Late.NAMES}
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


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import replace as replace
else:
    dataclass = declared

    def replace(value: Any, /, **changes: Any) -> Any:
        """What `dataclasses.replace` does, by a function that is made once for each class and choice of fields."""
        key = value.__class__, *changes
        make = _REPLACING.get(key)
        if make is None:
            make = _REPLACING[key] = _replacing(value.__class__, tuple(changes))
        return make(value, *changes.values())


def _fields(cls: type) -> dict[str, Field[Any]]:
    """What is said of the fields of a class, inherited ones first."""
    found: dict[str, Field[Any]] = {}
    for base in reversed(cls.__mro__):
        told: Any = base.__dict__.get("__dataclass_fields__", {})
        found |= told.fields() if isinstance(told, _Late) else told
    return found


class _Late:
    """What the standard library tells of a class, by one of the names it does so under, when that is first looked up.

    `written`: the class as it was written, with the defaults of its fields."""

    NAMES = "__dataclass_fields__", "__dataclass_params__", "__match_args__"

    def __init__(self, name: str, written: type) -> None:
        self.name = name
        self.written = written

    def fields(self) -> dict[str, Field[Any]]:
        """Of those that the class declares itself, what is said there."""
        names: Any = vars(self.written).get("__annotations__", ())
        said = {name: self.written.__dict__.get(name, MISSING) for name in names}
        return {name: each if isinstance(each, Field) else field(default=each) for name, each in said.items()}

    def __get__(self, _instance: object, cls: type) -> Any:
        written, owner = self.written, _owner(cls, self.name, self)
        for name in self.NAMES:
            delattr(owner, name)
        doc, written.__doc__ = written.__doc__, written.__doc__ or "-"  # else it would work out a signature
        standard(init=False, repr=False, eq=False)(written)
        written.__doc__ = doc
        for name in self.NAMES:
            setattr(owner, name, written.__dict__[name])
        return owner.__dict__[self.name]


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


def _compiled(name: str, params: list[str], lines: list[str], known: dict[str, Any]) -> Method:
    exec(f"def {name}({', '.join(params)}):\n  " + "\n  ".join(lines or ["pass"]), known)
    method: Method = known[name]
    return method


def _init(cls: type) -> Method:
    """It sets each field, then calls `__post_init__` if there is one."""
    known: dict[str, Any] = {"_MISSING": MISSING, "_set": object.__setattr__}
    params, lines = ["_self"], list[str]()
    slots, frozen = cls.__dict__.get("__slots__", ()), vars(cls).get("__setattr__") is _refuse_setting
    opens = frozen and len(slots) >= MANY
    for name, each in _fields(cls).items():
        made, default = each.default_factory is not MISSING, each.default is not MISSING
        known |= {f"_make_{name}": each.default_factory, f"_default_{name}": each.default}
        value = f"_make_{name}()" if made else f"_default_{name}"
        if each.init:
            params.append(f"{name}=_MISSING" if made else f"{name}=_default_{name}" if default else name)
            value = f"{value} if {name} is _MISSING else {name}" if made else name
        elif not made and not default:
            continue  # `__post_init__` sets it
        known[f"_set_{name}"] = put = getattr(getattr(cls, name, None), "__set__", None)  # of its slot, if it has one
        closed = f"_set_{name}(_self, {value})" if put else f"_set(_self, {name!r}, {value})"
        lines.append(f"_self.{name} = {value}" if opens or not frozen else closed)
    if opens:
        known |= {"_open": _opened(cls), "_closed": cls, "_turn": _CLASS.__set__}
        lines = ["_turn(_self, _open)", *lines, "_self.__class__ = _closed"]
    if hasattr(cls, "__post_init__"):
        lines.append("_self.__post_init__()")
    return _compiled("__init__", params, lines, known)


def _opened(cls: type) -> type:
    """The class as one whose instances may be changed."""
    body = {"__slots__": cls.__dict__["__slots__"], "__setattr__": object.__setattr__}
    made: type = type(cls)(cls.__name__, cls.__bases__, body)
    return made


def _replacing(cls: type, names: tuple[str, ...]) -> Method:
    """An instance and new values of some fields in, another instance out; the rest is as it was."""
    fields = _fields(cls)
    if wrong := [name for name in names if name not in fields or not fields[name].init]:
        raise TypeError(f"{cls.__name__} has no field {wrong[0]!r} that can be replaced")
    given = (f"{name}={name if name in names else f'_value.{name}'}" for name, each in fields.items() if each.init)
    return _compiled("replacing", ["_value", *names], [f"return _class({', '.join(given)})"], {"_class": cls})


def _compared(cls: type, of: str) -> str:
    """The tuple by which instances are compared, as text."""
    return f"({''.join(f'{of}.{name}, ' for name, each in _fields(cls).items() if each.compare)})"


def _eq(cls: type) -> Method:
    same = "if other.__class__ is self.__class__:"
    lines = [f"{same} return {_compared(cls, 'self')} == {_compared(cls, 'other')}", "return NotImplemented"]
    return _compiled("__eq__", ["self", "other"], lines, dict[str, Any]())


def _hash(cls: type) -> Method:
    return _compiled("__hash__", ["self"], [f"return hash({_compared(cls, 'self')})"], dict[str, Any]())


def _repr(cls: type) -> Method:
    names = [name for name, each in _fields(cls).items() if each.repr]

    def said(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return recursive_repr("...")(said)


def _refuse_setting(_self: object, name: str, _value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deleting(_self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: object) -> list[Any]:
    return [getattr(self, name) for name in _fields(type(self))]


def _restore(self: object, state: list[Any]) -> None:
    for name, value in zip(_fields(type(self)), state, strict=True):
        object.__setattr__(self, name, value)


_INIT, _REPR = _later("__init__", _init), _later("__repr__", _repr)
_EQ, _HASH = _later("__eq__", _eq), _later("__hash__", _hash)
