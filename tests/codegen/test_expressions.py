"""Expressions in Python compute what the interpreter computes, Faults included; and broken lines mean what they did."""

from __future__ import annotations

import ast
from datetime import UTC
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.compiler import evaluate as reference
from penstock.compiler.codegen.layout import fit
from penstock.dsl.model import Expr, OptionalType, Value
from penstock.runtime import values
from random_expressions import BOOL, MONEY, PRINTER, SCALARS, TEXT, computed, expressions, meant, valuations


@settings(max_examples=500)
@given(expr=st.sampled_from(SCALARS).flatmap(lambda type: expressions(type)), given=valuations())
def test_an_expression_computes_what_it_means(expr: Expr, given: dict[str, Value]) -> None:
    code = PRINTER.code(expr)
    assert computed(code.text, given) == meant(expr, given)
    if not code.partial:
        assert not isinstance(meant(expr, given), str) or expr.type == TEXT  # a Fault's code is a str


@settings(max_examples=100)
@given(expr=expressions(BOOL, 5), width=st.integers(20, 120))
def test_a_broken_line_means_the_same(expr: Expr, width: int) -> None:
    text = f"    return rules.Goto(data._replace(x={PRINTER.code(expr).text}, y='#'), A.B)"
    for line in (text, f"    if {PRINTER.code(expr).text}:"):
        fitted = "\n".join(fit(f"{line}  # note", width)) + ("" if line is text else "\n        pass")
        whole = line if line is text else f"{line}\n        pass"
        assert ast.dump(ast.parse(f"def f():\n{fitted}")) == ast.dump(ast.parse(f"def f():\n{whole}"))


@given(
    value=st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(),
        st.timedeltas(),
        st.datetimes(timezones=st.just(UTC)),
        st.integers(-(10**30), 10**30).map(lambda cents: Decimal(f"{cents}E-2")),
        st.just(Decimal("-0.00")),
    )
)
def test_a_title_shows_values_as_the_interpreter_does(value: Value) -> None:
    type = OptionalType(MONEY) if isinstance(value, Decimal) else TEXT
    assert values.shown(value) == reference.shown(value, type)
