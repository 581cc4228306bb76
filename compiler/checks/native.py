"""Z3's library by its C interface, without the classes of its Python package: importing those takes longer than a small
flow's whole search, and a third as long as all of penstock.

Only the functions of `_SHAPES` are there, each as an attribute of a `Library`, without its prefix `Z3_`. There is one
context in a process. What an argument or a result is of, Python does not check: `terms` and `solver` see to it.
"""

from __future__ import annotations

import os
import sys
from ctypes import CDLL, CFUNCTYPE, c_bool, c_char_p, c_int, c_int64, c_uint, c_void_p
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_POINTER, _UINT, _TEXT = c_void_p, c_uint, c_char_p
_SHAPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    # contexts and what is set
    "mk_config": (_POINTER, ()),
    "del_config": (None, (_POINTER,)),
    "mk_context_rc": (_POINTER, (_POINTER,)),
    "del_context": (None, (_POINTER,)),
    "set_error_handler": (None, (_POINTER, _POINTER)),
    "set_ast_print_mode": (None, (_POINTER, _UINT)),
    "global_param_set": (None, (_TEXT, _TEXT)),
    "get_error_code": (_UINT, (_POINTER,)),
    "get_error_msg": (_TEXT, (_POINTER, _UINT)),
    # terms
    **dict.fromkeys(("mk_and", "mk_or", "mk_add", "mk_sub", "mk_mul"), (_POINTER, (_POINTER, _UINT, _POINTER))),
    **dict.fromkeys(
        ("mk_eq", "mk_lt", "mk_le", "mk_gt", "mk_ge", "mk_div"), (_POINTER, (_POINTER, _POINTER, _POINTER))
    ),
    **dict.fromkeys(("mk_not", "mk_unary_minus"), (_POINTER, (_POINTER, _POINTER))),
    **dict.fromkeys(("mk_bool_sort", "mk_int_sort", "mk_true", "mk_false"), (_POINTER, (_POINTER,))),
    "mk_ite": (_POINTER, (_POINTER, _POINTER, _POINTER, _POINTER)),
    "mk_int64": (_POINTER, (_POINTER, c_int64, _POINTER)),
    "mk_numeral": (_POINTER, (_POINTER, _TEXT, _POINTER)),
    "mk_string_symbol": (_POINTER, (_POINTER, _TEXT)),
    "mk_const": (_POINTER, (_POINTER, _POINTER, _POINTER)),
    "mk_func_decl": (_POINTER, (_POINTER, _POINTER, _UINT, _POINTER, _POINTER)),
    "mk_app": (_POINTER, (_POINTER, _POINTER, _UINT, _POINTER)),
    "substitute": (_POINTER, (_POINTER, _POINTER, _UINT, _POINTER, _POINTER)),
    **dict.fromkeys(("inc_ref", "dec_ref"), (None, (_POINTER, _POINTER))),
    **dict.fromkeys(("get_ast_kind", "get_app_num_args", "get_decl_kind"), (_UINT, (_POINTER, _POINTER))),
    **dict.fromkeys(("get_app_decl", "get_decl_name"), (_POINTER, (_POINTER, _POINTER))),
    "get_app_arg": (_POINTER, (_POINTER, _POINTER, _UINT)),
    "get_bool_value": (c_int, (_POINTER, _POINTER)),
    **dict.fromkeys(("get_symbol_string", "get_numeral_string", "ast_to_string"), (_TEXT, (_POINTER, _POINTER))),
    # questions
    "mk_simple_solver": (_POINTER, (_POINTER,)),
    **dict.fromkeys(("solver_inc_ref", "solver_dec_ref", "solver_push"), (None, (_POINTER, _POINTER))),
    "solver_pop": (None, (_POINTER, _POINTER, _UINT)),
    "solver_assert": (None, (_POINTER, _POINTER, _POINTER)),
    "solver_check": (c_int, (_POINTER, _POINTER)),
    "solver_get_model": (_POINTER, (_POINTER, _POINTER)),
    "solver_get_reason_unknown": (_TEXT, (_POINTER, _POINTER)),
    "mk_params": (_POINTER, (_POINTER,)),
    **dict.fromkeys(("params_inc_ref", "params_dec_ref"), (None, (_POINTER, _POINTER))),
    "params_set_uint": (None, (_POINTER, _POINTER, _POINTER, _UINT)),
    "solver_set_params": (None, (_POINTER, _POINTER, _POINTER)),
    **dict.fromkeys(("model_inc_ref", "model_dec_ref"), (None, (_POINTER, _POINTER))),
    "model_eval": (c_bool, (_POINTER, _POINTER, _POINTER, c_bool, _POINTER)),
    # texts
    "benchmark_to_smtlib_string": (
        _TEXT,
        (_POINTER, _TEXT, _TEXT, _TEXT, _TEXT, _UINT, _POINTER, _POINTER),
    ),
    "eval_smtlib2_string": (_TEXT, (_POINTER, _TEXT)),
}
"""What a function returns, and what it takes. Most are called on a context first."""

_NAME = {"win32": "libz3.dll", "darwin": "libz3.dylib"}.get(sys.platform, "libz3.so")
_SMTLIB = 2  # how terms are told


class Z3Error(Exception):
    """What Z3 says went wrong."""


class Library:
    """The functions of Z3's library, and the one context of the process. Raises Z3Error."""

    def __init__(self) -> None:
        found = _found()
        for name, (result, takes) in _SHAPES.items():
            setattr(self, name, CFUNCTYPE(result, *takes)((f"Z3_{name}", found)))
        self.call: Any = self
        self.context = self.opened()

    def opened(self) -> int:
        """A new context. Where something goes wrong in it nothing is done, unless somebody asks."""
        config = self.call.mk_config()
        context: int = self.call.mk_context_rc(config)
        self.call.del_config(config)
        self.call.set_error_handler(context, None)
        self.call.set_ast_print_mode(context, _SMTLIB)
        return context

    def wrong(self, context: int) -> Z3Error | None:
        """What went wrong in the last call on a context."""
        code = self.call.get_error_code(context)
        return Z3Error(self.call.get_error_msg(context, code).decode("utf-8", "replace")) if code else None

    def set(self, name: str, value: int) -> None:
        """Set a parameter of the whole process."""
        self.call.global_param_set(name.encode(), str(value).encode())

    def symbol(self, name: str) -> int:
        symbol: int = self.call.mk_string_symbol(self.context, name.encode())
        return symbol


@cache
def library() -> Library:
    """Z3, loaded when it is first asked for."""
    return Library()


def _found() -> CDLL:
    """The library: of the installed package, where `Z3_LIBRARY_PATH` says, of this Python, or of the system. Raises
    OSError."""
    spec = find_spec("z3")
    package = [str(Path(folder, "lib")) for folder in (spec and spec.submodule_search_locations) or ()]
    said = os.environ.get("Z3_LIBRARY_PATH", "").split(os.pathsep)
    for folder in (*package, *filter(None, said), str(Path(sys.prefix, "lib"))):
        for place in sorted(Path(folder).glob(f"{_NAME}*"), reverse=True):
            return CDLL(str(place))
    return CDLL(_NAME)
