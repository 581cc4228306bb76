"""Terms of Z3, made without its Python classes: values and terms in, terms out, straight from its C interface.

A search makes a hundred thousand small terms and asks ten thousand small questions; Z3's own classes spend most of
their time on asking each term for its sort. A `Made` knows whether it is a boolean, and the same term made again is the
same object, as long as it is remembered. That both sides of an operator are of one sort is not checked here: the
typechecker saw to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import CFUNCTYPE, byref, c_bool, c_char_p, c_int, c_int64, c_uint, c_void_p, cast
from functools import cache
from importlib import import_module
from typing import Any

from ...dsl.values import dataclass

REMEMBERED = 50_000  # terms of one process
SMALL = 1 << 62  # numbers up to which are handed over as they are

_POINTER, _UINT = c_void_p, c_uint
_SHAPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    **dict.fromkeys(("mk_and", "mk_or", "mk_add", "mk_sub", "mk_mul"), (_POINTER, (_POINTER, _UINT, _POINTER))),
    **dict.fromkeys(
        ("mk_eq", "mk_lt", "mk_le", "mk_gt", "mk_ge", "mk_div"), (_POINTER, (_POINTER, _POINTER, _POINTER))
    ),
    **dict.fromkeys(("mk_not", "mk_unary_minus"), (_POINTER, (_POINTER, _POINTER))),
    "mk_ite": (_POINTER, (_POINTER, _POINTER, _POINTER, _POINTER)),
    "mk_int64": (_POINTER, (_POINTER, c_int64, _POINTER)),
    "mk_app": (_POINTER, (_POINTER, _POINTER, _UINT, _POINTER)),
    "substitute": (_POINTER, (_POINTER, _POINTER, _UINT, _POINTER, _POINTER)),
    "inc_ref": (None, (_POINTER, _POINTER)),
    "dec_ref": (None, (_POINTER, _POINTER)),
    "get_ast_kind": (_UINT, (_POINTER, _POINTER)),
    "get_app_decl": (_POINTER, (_POINTER, _POINTER)),
    "get_app_num_args": (_UINT, (_POINTER, _POINTER)),
    "get_app_arg": (_POINTER, (_POINTER, _POINTER, _UINT)),
    "get_decl_kind": (_UINT, (_POINTER, _POINTER)),
    "get_decl_name": (_POINTER, (_POINTER, _POINTER)),
    "get_symbol_string": (c_char_p, (_POINTER, _POINTER)),
    "get_ast_id": (_UINT, (_POINTER, _POINTER)),
    "ast_to_string": (c_char_p, (_POINTER, _POINTER)),
    "get_error_code": (_UINT, (_POINTER,)),
    "solver_assert": (None, (_POINTER, _POINTER, _POINTER)),
    "model_eval": (c_bool, (_POINTER, _POINTER, _POINTER, c_bool, _POINTER)),
    "get_bool_value": (c_int, (_POINTER, _POINTER)),
    "get_numeral_string": (c_char_p, (_POINTER, _POINTER)),
}
"""What a function returns, and what it takes. Each is called on the context first."""

_TRUE = 1  # of get_bool_value


class Door:
    """The C interface of the one context that is used. Its `z3` is the module itself, for what is seldom asked."""

    def __init__(self, z3: Any) -> None:
        self.z3 = z3
        self.context: Any = z3.main_ctx()
        self.ref: int = self.context.ref().value
        core: Any = import_module("z3.z3core")
        for name, (result, takes) in _SHAPES.items():
            (*_, theirs) = getattr(core, f"Z3_{name}").__defaults__  # where its classes keep the function itself
            setattr(self, name, CFUNCTYPE(result, *takes)(cast(theirs.f, c_void_p).value or 0))
        self.integer: int = z3.IntSort().as_ast().value
        self._made: dict[tuple[object, ...], tuple[Made, tuple[Made, ...]]] = {}  # the parts, so that none is replaced
        self._unknowns: dict[int, tuple[Made, frozenset[str]]] = {}  # the term too, so that none takes its address
        self._call: Any = self
        self.true = self.wrapped(z3.BoolVal(True).as_ast().value, True)
        self.false = self.wrapped(z3.BoolVal(False).as_ast().value, True)

    def failed(self) -> Exception:
        """What Z3 says went wrong."""
        code = self._call.get_error_code(self.ref)
        text = import_module("z3.z3core").Z3_get_error_msg(self.context.ref(), code)
        failure: Exception = self.z3.Z3Exception(text)
        return failure

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
            ast: int = self._call.mk_int64(self.ref, value, self.integer)
        else:
            ast = self.z3.IntVal(value).as_ast().value
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
        """Nobody refers to a term any more. When Python ends, the context may have gone before."""
        if self.context.ctx is not None:
            self._call.dec_ref(self.ref, ast)

    def unknowns(self, term: Made) -> frozenset[str]:
        """The names of all that nothing is known of in a term: of constants and of functions."""
        if (known := self._unknowns.get(term.ast)) is not None:
            return known[1]
        call: Any = self._call
        numeral, application, unknown = self.z3.Z3_NUMERAL_AST, self.z3.Z3_APP_AST, self.z3.Z3_OP_UNINTERPRETED
        names: set[str] = set()
        seen, todo = {term.ast}, [term.ast]
        while todo:
            ast = todo.pop()
            kind = call.get_ast_kind(self.ref, ast)
            assert kind in (application, numeral), "terms have no quantifiers"
            if kind == numeral:
                continue
            declared = call.get_app_decl(self.ref, ast)
            if call.get_decl_kind(self.ref, declared) == unknown:
                names.add(call.get_symbol_string(self.ref, call.get_decl_name(self.ref, declared)).decode())
            parts = {call.get_app_arg(self.ref, ast, n) for n in range(call.get_app_num_args(self.ref, ast))} - seen
            seen |= parts
            todo += parts
        if len(self._unknowns) >= REMEMBERED:
            self._unknowns.clear()
        self._unknowns[term.ast] = term, frozenset(names)
        return self._unknowns[term.ast][1]

    # ------------------------------------------------------------ questions

    def require(self, solver: Any, term: Made) -> None:
        self._call.solver_assert(self.ref, solver.value, term.ast)
        if self._call.get_error_code(self.ref):
            raise self.failed()

    def evaluated(self, model: Any, term: Made) -> bool | int:
        """The value of a term in a model, which need not say anything of it."""
        found = c_void_p()
        if not self._call.model_eval(self.ref, model.model.value, term.ast, True, byref(found)) or not found.value:
            raise self.failed()
        value = self.wrapped(found.value, term.logical)
        if term.logical:
            return bool(self._call.get_bool_value(self.ref, value.ast) == _TRUE)
        return int(self._call.get_numeral_string(self.ref, value.ast))

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
        call: Any = self.door
        text: bytes = call.ast_to_string(self.door.ref, self.ast)
        return text.decode()

    def __repr__(self) -> str:
        return self.sexpr()


class Terms:
    """What the encoder makes terms with. Unknowns go by the names of Z3's own interface as well."""

    def __init__(self, z3: Any) -> None:
        self.door = door(z3)
        self.Z3Exception: Any = z3.Z3Exception
        self.Int, self.Ints, self.Bool = self.integer, self.integers, self.boolean

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
        return self.door.wrapped(self.door.z3.Int(name).as_ast().value, False)

    def integers(self, names: str) -> tuple[Made, ...]:
        return tuple(map(self.integer, names.split()))

    def boolean(self, name: str) -> Made:
        return self.door.wrapped(self.door.z3.Bool(name).as_ast().value, True)

    def value(self, known: Made | bool | int) -> Made:
        return self.door.known(known)

    def function(self, name: str, takes: int, logical: bool) -> Function:
        """A function of so many integers that nothing is known of."""
        integer, boolean = self.door.z3.IntSort(), self.door.z3.BoolSort()
        sorts = (*(integer for _ in range(takes)), boolean if logical else integer)
        return Function(self.door, self.door.z3.Function(name, *sorts), logical)

    def substitution(self, pairs: Sequence[tuple[Made, Made]]) -> Substitution:
        return Substitution(self.door, tuple(pairs))


@cache
def door(z3: Any) -> Door:
    """The one door of a process."""
    return Door(z3)


@dataclass(frozen=True, eq=False)
class Function:
    """A function that nothing is known of."""

    door: Door
    declared: Any
    logical: bool

    def __call__(self, *given: Made | int) -> Made:
        parts = tuple(map(self.door.known, given))
        call: Any = self.door
        ast = call.mk_app(self.door.ref, self.declared.as_func_decl().value, len(parts), self.door.row(parts))
        return self.door.wrapped(ast, self.logical)


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
