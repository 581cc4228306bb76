"""Terms of Z3, made without its Python classes: values and terms in, terms out, straight from its C interface.

A search makes a hundred thousand small terms and asks ten thousand small questions; Z3's own classes spend most of
their time on asking each term for its sort. A `Made` knows whether it is a boolean, and the same term made again is the
same object, as long as it is remembered. That both sides of an operator are of one sort is not checked here: the
typechecker saw to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import byref, c_void_p
from functools import cache
from typing import Any

from .native import Z3Error, library

REMEMBERED = 50_000  # terms of one process
SMALL = 1 << 62  # numbers up to which are handed over as they are

_TRUE = 1  # of get_bool_value
_NUMERAL, _APPLICATION = 0, 1  # of get_ast_kind


class Door:
    """Where terms are made, in the one context that there is."""

    def __init__(self) -> None:
        self.library = library()
        self._call = self.library.call
        self.ref = self.library.context
        self._made: dict[tuple[object, ...], tuple[Made, tuple[Made, ...]]] = {}  # the parts, so that none is replaced
        self._unknowns: dict[int, tuple[Made, frozenset[str]]] = {}  # the term too, so that none takes its address
        self._functions: dict[tuple[str, int, bool], int] = {}
        self.true = self.wrapped(self._call.mk_true(self.ref), True)
        self.false = self.wrapped(self._call.mk_false(self.ref), True)
        self._sorts: tuple[int, int] = self._call.mk_int_sort(self.ref), self._call.mk_bool_sort(self.ref)
        for sort in self._sorts:
            self._call.inc_ref(self.ref, sort)
        some = self._call.get_app_decl(self.ref, self.unknown("", True).ast)
        self._unknown = self._call.get_decl_kind(self.ref, some)  # its number changes with Z3's version

    def failed(self) -> Exception:
        """What Z3 says went wrong."""
        return self.library.wrong(self.ref) or Z3Error("there is no such term")

    def unknown(self, name: str, logical: bool) -> Made:
        """A constant that nothing is known of."""
        key = "unknown", name, logical
        if (found := self._made.get(key)) is not None:
            return found[0]
        ast = self._call.mk_const(self.ref, self.library.symbol(name), self._sorts[logical])
        return self._kept(key, self.wrapped(ast, logical), ())

    def function(self, name: str, takes: int, logical: bool) -> int:
        """A function of so many integers that nothing is known of."""
        key = name, takes, logical
        if key not in self._functions:
            domain = (c_void_p * takes)(*(self._sorts[False],) * takes)
            symbol = self.library.symbol(name)
            made = self._call.mk_func_decl(self.ref, symbol, takes, domain, self._sorts[logical])
            if not made:
                raise self.failed()
            self._call.inc_ref(self.ref, made)
            self._functions[key] = made
        return self._functions[key]

    def apply(self, function: int, logical: bool, parts: Sequence[Made]) -> Made:
        return self.wrapped(self._call.mk_app(self.ref, function, len(parts), self.row(parts)), logical)

    def wrapped(self, ast: int | None, logical: bool, equation: bool = False) -> Made:
        """A term that Z3 has just made, kept as long as it is referred to."""
        if not ast:
            raise self.failed()
        self._call.inc_ref(self.ref, ast)
        return Made(self, ast, logical, equation)

    def known(self, value: Made | bool | int) -> Made:
        """A value as a term."""
        if isinstance(value, Made):
            return value
        if isinstance(value, bool):
            return self.true if value else self.false
        key = "int", value
        if (found := self._made.get(key)) is not None:
            return found[0]
        if -SMALL < value < SMALL:
            ast: int = self._call.mk_int64(self.ref, value, self._sorts[False])
        else:
            ast = self._call.mk_numeral(self.ref, str(value).encode(), self._sorts[False])
        return self._kept(key, self.wrapped(ast, False), ())

    def make(self, name: str, logical: bool, *parts: Made) -> Made:
        """What a function of a fixed number of terms makes of them."""
        key = (name, *(part.ast for part in parts))
        if (found := self._made.get(key)) is not None:
            return found[0]
        ast: int = getattr(self._call, name)(self.ref, *key[1:])
        return self._kept(key, self.wrapped(ast, logical, name == "mk_eq"), parts)

    def gather(self, name: str, logical: bool, parts: Sequence[Made]) -> Made:
        """What a function of any number of terms makes of them."""
        key = (name, *(part.ast for part in parts))
        if (found := self._made.get(key)) is not None:
            return found[0]
        ast: int = getattr(self._call, name)(self.ref, len(parts), self.row(parts))
        return self._kept(key, self.wrapped(ast, logical), tuple(parts))

    def _kept(self, key: tuple[object, ...], made: Made, parts: tuple[Made, ...]) -> Made:
        if len(self._made) >= REMEMBERED:
            self._made.clear()
        self._made[key] = made, parts
        return made

    @staticmethod
    def row(parts: Sequence[Made]) -> Any:
        return (c_void_p * len(parts))(*(part.ast for part in parts))

    def release(self, ast: int) -> None:
        """Nobody refers to a term any more."""
        self._call.dec_ref(self.ref, ast)

    def unknowns(self, term: Made) -> frozenset[str]:
        """The names of all that nothing is known of in a term: of constants and of functions."""
        if (known := self._unknowns.get(term.ast)) is not None:
            return known[1]
        call: Any = self._call
        names: set[str] = set()
        seen, todo = {term.ast}, [term.ast]
        while todo:
            ast = todo.pop()
            kind = call.get_ast_kind(self.ref, ast)
            assert kind in (_APPLICATION, _NUMERAL), "terms have no quantifiers"
            if kind == _NUMERAL:
                continue
            declared = call.get_app_decl(self.ref, ast)
            if call.get_decl_kind(self.ref, declared) == self._unknown:
                names.add(call.get_symbol_string(self.ref, call.get_decl_name(self.ref, declared)).decode())
            parts = {call.get_app_arg(self.ref, ast, n) for n in range(call.get_app_num_args(self.ref, ast))} - seen
            seen |= parts
            todo += parts
        if len(self._unknowns) >= REMEMBERED:
            self._unknowns.clear()
        self._unknowns[term.ast] = term, frozenset(names)
        return self._unknowns[term.ast][1]

    def put(self, term: Made, old: Any, new: Any, number: int) -> Made:
        """A term with some terms in the places of others."""
        ast: int = self._call.substitute(self.ref, term.ast, number, old, new)
        return self.wrapped(ast, term.logical)


class Made:
    """One term. Comparing makes a term, or True where both sides are the same."""

    __slots__ = ("ast", "door", "equation", "logical")

    def __init__(self, door: Door, ast: int, logical: bool, equation: bool) -> None:
        self.door = door
        self.ast = ast
        self.logical = logical
        self.equation = equation

    def __del__(self) -> None:
        self.door.release(self.ast)

    def __hash__(self) -> int:
        return hash(self.ast)

    def __bool__(self) -> bool:
        """Of a comparison that a container made to look for a term: it is another one."""
        if self.equation:
            return False
        raise TypeError("whether a term is true is Z3's to say")

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, (Made, bool, int)):
            return NotImplemented
        if isinstance(other, bool) and self.logical:
            return self if other else self.door.make("mk_not", True, self)
        value = self.door.known(other)
        return True if value.ast == self.ast else self.door.make("mk_eq", True, self, value)

    def __ne__(self, other: object) -> Any:
        same = self.__eq__(other)
        if same is NotImplemented:
            return same
        return not same if isinstance(same, bool) else self.door.make("mk_not", True, same)

    def __lt__(self, other: Made | int) -> Made:
        return self.door.make("mk_lt", True, self, self.door.known(other))

    def __le__(self, other: Made | int) -> Made:
        return self.door.make("mk_le", True, self, self.door.known(other))

    def __gt__(self, other: Made | int) -> Made:
        return self.door.make("mk_gt", True, self, self.door.known(other))

    def __ge__(self, other: Made | int) -> Made:
        return self.door.make("mk_ge", True, self, self.door.known(other))

    def __add__(self, other: Made | int) -> Made:
        return self.door.gather("mk_add", False, (self, self.door.known(other)))

    def __radd__(self, other: int) -> Made:
        return self.door.gather("mk_add", False, (self.door.known(other), self))

    def __sub__(self, other: Made | int) -> Made:
        return self.door.gather("mk_sub", False, (self, self.door.known(other)))

    def __rsub__(self, other: int) -> Made:
        return self.door.gather("mk_sub", False, (self.door.known(other), self))

    def __mul__(self, other: Made | int) -> Made:
        return self.door.gather("mk_mul", False, (self, self.door.known(other)))

    def __rmul__(self, other: int) -> Made:
        return self.door.gather("mk_mul", False, (self.door.known(other), self))

    def __truediv__(self, other: Made | int) -> Made:
        return self.door.make("mk_div", False, self, self.door.known(other))

    def __neg__(self) -> Made:
        return self.door.make("mk_unary_minus", False, self)

    def get_id(self) -> int:
        """A number no other term has while there is this one."""
        return self.ast

    def sexpr(self) -> str:
        """In SMT-LIB."""
        text: bytes = self.door.library.call.ast_to_string(self.door.ref, self.ast)
        return text.decode()

    def __repr__(self) -> str:
        return self.sexpr()


class Model:
    """What all that is unknown may be, so that terms are true."""

    __slots__ = ("_door", "_model")

    def __init__(self, door: Door, model: int) -> None:
        self._door = door
        self._model = model
        door.library.call.model_inc_ref(door.ref, model)

    def __del__(self) -> None:
        self._door.library.call.model_dec_ref(self._door.ref, self._model)

    def value(self, term: Made) -> bool | int:
        """What a term is then; of what need not be anything in particular, something. Raises Z3Error."""
        door, call, found = self._door, self._door.library.call, c_void_p()
        if not call.model_eval(door.ref, self._model, term.ast, True, byref(found)) or not found.value:
            raise door.failed()
        value = door.wrapped(found.value, term.logical)
        if term.logical:
            return bool(call.get_bool_value(door.ref, value.ast) == _TRUE)
        return int(call.get_numeral_string(door.ref, value.ast))


class Terms:
    """What the encoder makes terms with."""

    def __init__(self) -> None:
        self.door = door()

    def all(self, *terms: Made) -> Made:
        return self.door.gather("mk_and", True, terms)

    def any(self, *terms: Made) -> Made:
        return self.door.gather("mk_or", True, terms)

    def no(self, term: Made) -> Made:
        return self.door.make("mk_not", True, term)

    def pick(self, condition: Made, then: Made | bool | int, otherwise: Made | bool | int) -> Made:
        first, second = self.door.known(then), self.door.known(otherwise)
        return self.door.make("mk_ite", first.logical, condition, first, second)

    def unknowns(self, term: Made | bool | int) -> frozenset[str]:
        """The names of all that nothing is known of in a term."""
        return self.door.unknowns(term) if isinstance(term, Made) else frozenset()

    def integer(self, name: str) -> Made:
        return self.door.unknown(name, False)

    def integers(self, names: str) -> tuple[Made, ...]:
        return tuple(map(self.integer, names.split()))

    def boolean(self, name: str) -> Made:
        return self.door.unknown(name, True)

    def value(self, known: Made | bool | int) -> Made:
        return self.door.known(known)

    def function(self, name: str, takes: int, logical: bool) -> Callable[..., Made]:
        """A function of so many integers that nothing is known of."""
        declared = self.door.function(name, takes, logical)
        return lambda *given: self.door.apply(declared, logical, tuple(map(self.door.known, given)))

    def substitution(self, pairs: Sequence[tuple[Made, Made]]) -> Substitution:
        return Substitution(self.door, tuple(pairs))


@cache
def door() -> Door:
    """The one door of a process."""
    return Door()


class Substitution:
    """Some terms, each with what is put in its place. A term that was changed before is not changed anew."""

    def __init__(self, door: Door, pairs: tuple[tuple[Made, Made], ...]) -> None:
        self.door = door
        self.pairs = pairs  # kept: the rows only point at them
        self._old = door.row([old for old, _ in pairs])
        self._new = door.row([new for _, new in pairs])
        self._changed: dict[int, tuple[Made, Made]] = {}

    def __call__(self, term: Made) -> Made:
        if term.ast not in self._changed:
            self._changed[term.ast] = term, self.door.put(term, self._old, self._new, len(self.pairs))
        return self._changed[term.ast][1]
