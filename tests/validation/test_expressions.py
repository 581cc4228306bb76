"""What is read of Python is what Python does; what is read of the kernel is what the interpreter does; both are one."""

from __future__ import annotations

import ast
import warnings
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from penstock.compiler.checks.solver import Solver
from penstock.compiler.validation.errors import Refused
from penstock.compiler.validation.identity import Identity
from penstock.compiler.validation.meaning import Meaning, Seen
from penstock.compiler.validation.python import Python
from penstock.compiler.validation.things import Event, Known, Made, Plain, Thing
from penstock.compiler.validation.trail import Trail
from penstock.compiler.validation.world import World
from penstock.dsl.model import Expr, InstantType, Type, Value
from penstock.runtime import codec, core, values
from random_expressions import NOW, PRINTER, SCALARS, TIME, TYPES, Fields, expressions, meant, valuations
from slips import Slips
from worths import ended

SOLVER = Solver()
EXPRESSIONS = st.sampled_from(SCALARS).flatmap(lambda type: expressions(type))
SCOPE = {
    "values": values,
    "codec": codec,
    "Decimal": Decimal,
    "datetime": datetime,
    "timedelta": timedelta,
    "UTC": UTC,
}


def world(logic: Identity) -> World:
    modules: dict[str, Thing] = {name: Known("module", name) for name in ("values", "codec")}
    return World(logic, modules | {name: Known("imported", name) for name in SCOPE if name not in modules})


def known(logic: Identity, given: dict[str, Value]) -> dict[str, Plain]:
    return {name: logic.plain(value, TYPES[name]) for name, value in given.items()}


def record(things: dict[str, Plain]) -> Made:
    return Made("Data", tuple(things.values()), tuple(things))


def of_python(logic: Identity, text: str, things: dict[str, Plain], now: Plain) -> list[Event]:
    trail = Trail(logic)
    python = Python(world(logic), trail, {"inputs": record(things), "data": record(things), "now": now})
    trail.end(True, python.value(ast.parse(text, mode="eval").body))
    return trail.events


def of_kernel(logic: Identity, expr: Expr, things: dict[str, Plain], now: Plain) -> list[Event]:
    trail = Trail(logic)
    trail.end(True, Meaning(trail, PRINTER.place).value(expr, Seen(things, things, now)))
    return trail.events


def done(text: str, given: dict[str, Value]) -> object:
    """What Python does, whatever it raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some of what is spoilt looks odd
            return eval(text, {**SCOPE, "inputs": Fields(given), "data": Fields(given), "now": NOW})
    except core.Fault as fault:
        return fault.code
    except OverflowError:
        return "F401"
    except Exception as error:  # noqa: BLE001 -- any is an answer here
        return type(error).__name__


def alike(one: object, other: object) -> bool:
    """Equal, and of one class; decimals with the same places."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return one.as_tuple()[2] == other.as_tuple()[2] and one == other
    return one == other and isinstance(one, bool) == isinstance(other, bool)


@settings(max_examples=120)
@given(expr=EXPRESSIONS, given=valuations())
def test_an_expression_means_what_the_interpreter_makes_of_it(expr: Expr, given: dict[str, Value]) -> None:
    logic = Identity(SOLVER.z3)
    events = of_kernel(logic, expr, known(logic, given), logic.plain(NOW, TIME))
    assert alike(ended(logic, events), meant(expr, given))


@settings(max_examples=120)
@given(expr=EXPRESSIONS, given=valuations())
def test_what_is_generated_is_read_as_python_does_it(expr: Expr, given: dict[str, Value]) -> None:
    logic, text = Identity(SOLVER.z3), PRINTER.code(expr).text
    events = of_python(logic, text, known(logic, given), logic.plain(NOW, TIME))
    assert alike(ended(logic, events), done(text, given)), text


@settings(max_examples=250)
@given(expr=EXPRESSIONS, given=valuations(), number=st.integers(0, 10**6))
def test_what_is_spoilt_is_read_as_python_does_it_or_refused(expr: Expr, given: dict[str, Value], number: int) -> None:
    slips = [slip.text for slip in Slips(f"x = {PRINTER.code(expr).text}").by_token() if parses(slip.text)]
    assume(slips)
    text = slips[number % len(slips)].removeprefix("x = ").strip()
    logic = Identity(SOLVER.z3)
    try:
        events = of_python(logic, text, known(logic, given), logic.plain(NOW, TIME))
    except Refused:
        return
    if all(isinstance(event.condition, bool) for event in events):
        assert alike(ended(logic, events), done(text, given)), text


def parses(text: str) -> bool:
    try:
        return text.startswith("x = ") and len(ast.parse(text).body) == 1
    except (SyntaxError, ValueError):
        return False


def unknown(logic: Identity, name: str, type: Type) -> Plain:
    return Plain(type, logic.variable(name, type))


def possible(logic: Identity, things: dict[str, Plain], now: Plain, *terms: Any) -> bool:
    solver = Solver()
    solver.assume(logic.axioms)
    bounds = [logic.domain(plain.symbol, plain.type, grown=True) for plain in (*things.values(), now)]
    return not solver.ask(*bounds, *terms).impossible


@settings(max_examples=50)
@given(expr=EXPRESSIONS)
def test_what_is_generated_is_proved_to_be_what_it_means_with_any_values(expr: Expr) -> None:
    logic = Identity(SOLVER.z3)
    things = {name: unknown(logic, name, type) for name, type in TYPES.items()}
    now = unknown(logic, "now", InstantType())
    python, kernel = of_python(logic, PRINTER.code(expr).text, things, now), of_kernel(logic, expr, things, now)
    same = logic.end_alike(python, kernel)
    assert same is True or not possible(logic, things, now, logic.no(same))


def read(text: str, **local: Thing) -> object:
    logic = Identity(SOLVER.z3)
    trail = Trail(logic)
    python = Python(world(logic), trail, local)
    trail.end(True, python.value(ast.parse(text, mode="eval").body))
    return ended(logic, trail.events)


def test_python_is_read_where_it_is_not_what_it_seems() -> None:
    for text in (
        "0 or 7", "3 and 0", "'' or 'x'", "1 < 2 < 2", "3 > 2 > 1", "1 < 3 > 2", "1 == 1 == True", "-7 // 2", "7 % -2",
        "not 0", "None is None", "1 == 'a'", "'a' in ('a', 'b')", "2 if 0 else 3", "True == 1", "min(2, 1, 1)",
        "Decimal('1.0') == 1", "max(Decimal('1.0'), Decimal('2.50'))", "timedelta(hours=1) * 2", "1 // 0",
        "1 + None", "None < 1", "len(())", "(1, 2) == (1, 2)", "(1,) == (1, 2)", "abs(-3)", "x", "1 and y",
        "datetime(2026, 1, 1, tzinfo=UTC) - datetime(2025, 1, 1, tzinfo=UTC)", "datetime(2026, 13, 1, tzinfo=UTC)",
    ):  # fmt: skip
        assert alike(read(text), done(text, {})), text
