"""`dataclass` and `replace`, made cheaply: what a class declares in, the class with its methods to come out.

The standard library compiles six methods for each class when it is declared, 0.5 ms a class, and penstock declares more
than two hundred before it has read a line. Here they are compiled when they are first called, so only those that are;
the fields are the standard library's own, and so are `fields` and what type checkers see. An instance is
made through the descriptors of its slots, which is faster as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from dataclasses import dataclass as standard
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

Class = TypeVar("Class", bound=type)
Method = Callable[..., Any]

_REPLACING: dict[tuple[object, ...], Method] = {}
"""What replaces some fields of a class, by the class and their names."""


def declared(*, frozen: bool = False, slots: bool = False, eq: bool = True) -> Callable[[Class], Class]:
    """What `dataclasses.dataclass(..)` does."""

    def made(cls: Class) -> Class:
        doc, cls.__doc__ = cls.__doc__, cls.__doc__ or "-"  # else the standard library would work out a signature
        standard(init=False, repr=False, eq=False)(cls)
        cls.__doc__ = doc
        done = _slotted(cls) if slots else cls
        _later(done, "__init__", _init)
        _later(done, "__repr__", _repr)
        if eq:
            _later(done, "__eq__", _eq)
        if eq and frozen:
            _later(done, "__hash__", _hash)
        elif eq and "__hash__" not in done.__dict__:
            type.__setattr__(done, "__hash__", None)  # what changes is no key
        if frozen:
            _put(done, "__setattr__", _refuse_setting)
            _put(done, "__delattr__", _refuse_deleting)
        if slots and frozen:
            _put(done, "__getstate__", _state)
            _put(done, "__setstate__", _restore)
        return done

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
    found: dict[str, Field[Any]] = getattr(cls, "__dataclass_fields__")  # noqa: B009 (no type has it)
    return found


def _slotted(cls: Class) -> Class:
    """The class again, with a slot for each field that it does not inherit."""
    inherited = {name for base in cls.__mro__[1:-1] for name in getattr(base, "__slots__", ())}
    names = tuple(name for name in _fields(cls) if name not in inherited)
    body = {key: value for key, value in cls.__dict__.items() if key not in (*names, "__dict__", "__weakref__")}
    again = cast(Any, type(cls))(cls.__name__, cls.__bases__, body | {"__slots__": names})
    again.__qualname__ = cls.__qualname__
    return cast(Class, again)


def _put(cls: type, name: str, method: Method) -> None:
    """Give a class a method that it has not itself."""
    if name not in cls.__dict__:
        setattr(cls, name, method)


def _later(cls: type, name: str, make: Callable[[type], Method]) -> None:
    """A method that is made when it is first called, and takes its own place."""

    def first(self: Any, /, *given: Any, **named: Any) -> Any:
        method = make(cls)
        method.__qualname__ = f"{cls.__qualname__}.{name}"
        setattr(cls, name, method)
        return method(self, *given, **named)

    _put(cls, name, first)


def _compiled(name: str, params: list[str], lines: list[str], known: dict[str, Any]) -> Method:
    exec(f"def {name}({', '.join(params)}):\n  " + "\n  ".join(lines or ["pass"]), known)
    method: Method = known[name]
    return method


def _init(cls: type) -> Method:
    """It sets each field, then calls `__post_init__` if there is one."""
    known: dict[str, Any] = {"_MISSING": MISSING, "_set": object.__setattr__}
    params, lines = ["_self"], list[str]()
    for name, field in _fields(cls).items():
        made, default = field.default_factory is not MISSING, field.default is not MISSING
        known |= {f"_make_{name}": field.default_factory, f"_default_{name}": field.default}
        value = f"_make_{name}()" if made else f"_default_{name}"
        if field.init:
            params.append(f"{name}=_MISSING" if made else f"{name}=_default_{name}" if default else name)
            value = f"{value} if {name} is _MISSING else {name}" if made else name
        elif not made and not default:
            continue  # `__post_init__` sets it
        known[f"_set_{name}"] = getattr(getattr(cls, name, None), "__set__", None)  # of its slot, if it has one
        lines.append(f"_set_{name}(_self, {value})" if known[f"_set_{name}"] else f"_set(_self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append("_self.__post_init__()")
    return _compiled("__init__", params, lines, known)


def _replacing(cls: type, names: tuple[str, ...]) -> Method:
    """An instance and new values of some fields in, another instance out; the rest is as it was."""
    fields = _fields(cls)
    if wrong := [name for name in names if name not in fields or not fields[name].init]:
        raise TypeError(f"{cls.__name__} has no field {wrong[0]!r} that can be replaced")
    given = (f"{name}={name if name in names else f'_value.{name}'}" for name, each in fields.items() if each.init)
    return _compiled("replacing", ["_value", *names], [f"return _class({', '.join(given)})"], {"_class": cls})


def _compared(cls: type, of: str) -> str:
    """The tuple by which instances are compared, as text."""
    return f"({''.join(f'{of}.{name}, ' for name, field in _fields(cls).items() if field.compare)})"


def _eq(cls: type) -> Method:
    same = "if other.__class__ is self.__class__:"
    lines = [f"{same} return {_compared(cls, 'self')} == {_compared(cls, 'other')}", "return NotImplemented"]
    return _compiled("__eq__", ["self", "other"], lines, dict[str, Any]())


def _hash(cls: type) -> Method:
    return _compiled("__hash__", ["self"], [f"return hash({_compared(cls, 'self')})"], dict[str, Any]())


def _repr(cls: type) -> Method:
    names = [name for name, field in _fields(cls).items() if field.repr]

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
