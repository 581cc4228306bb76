"""No small change of a generated module goes unnoticed: it is refuted, and truly, or makes no difference, as is shown.

Every change of some modules is tried by `benchmarks/translation.py`, which takes long; here are some of them.
"""

from __future__ import annotations

import os
import random
from functools import cache

import pytest

import repository
from penstock.compiler.validation.reading import Unreadable
from slips import Slip, Slips
from translated import Translated

CHANGES = int(os.environ.get("PENSTOCK_SLIPS", "24"))
"""So many of each module: `PENSTOCK_SLIPS=1000 pytest tests/validation/test_slips.py`."""

MODULES = ("order_flow", "purchase_flow", "claims_flow", "fulfilment_flow")


@cache
def module(name: str) -> Translated:
    return Translated.load(repository.ROOT / "generated" / f"{name}.py")


@cache
def chosen(name: str) -> list[Slip]:
    slips = Slips(module(name).text).all(draw=random.Random(7), most=CHANGES)
    assert len(slips) == CHANGES
    return slips


@pytest.mark.parametrize("name", MODULES)
def test_a_change_is_refuted_or_makes_no_difference(name: str) -> None:
    of = module(name)
    refuted = 0
    for slip in chosen(name):
        try:
            said = of.validate(slip.text)
        except Unreadable:
            refuted += 1
            continue
        assert not said.open, slip
        if said.findings:
            refuted += 1
            for finding in said.findings:
                of.tried(slip.text, finding)
        elif of.sort(slip) in {"order", "code"}:
            of.runs_alike(slip.text)
    assert refuted > CHANGES // 2


def test_a_change_that_makes_no_difference_is_called_the_same() -> None:
    """A name that nobody uses, rows in another order, what is said in another way."""
    of = module("order_flow")
    for old, new in (
        ("def _quoting_done(inputs:", "def _quoting_done(given:"),
        ("if verdict == ReviewVerdict.ACCEPT:", "if not verdict != ReviewVerdict.ACCEPT:"),
        ('if inputs.total > Decimal("1000.00"):', 'if Decimal("1000") < inputs.total:'),
        ("data._replace(reservation=id), _TO_QUOTING", "OrderData(id, data.payment, data.carrier), _TO_QUOTING"),
        ("now + timedelta(days=3)", "timedelta(hours=72) + now"),
        ('errors={"declined": Declined},', 'errors=({"declined": Declined}),'),
    ):
        assert old in of.text, old
        text = of.text.replace(old, new)
        said = of.validate(text)
        assert not said.findings, said.findings
        assert not said.open
        of.runs_alike(text)


@pytest.mark.parametrize(
    ("old", "new", "values"),
    [
        ("verdict == ReviewVerdict.REFUSE", "verdict != ReviewVerdict.REFUSE", {"verdict": "refuse"}),
        ("verdict == ReviewVerdict.REFUSE", "verdict < ReviewVerdict.REFUSE", {"verdict": "refuse"}),
        ("verdict == ReviewVerdict.REFUSE", "values == ReviewVerdict.REFUSE", {"verdict": "refuse"}),
        ('inputs.total > Decimal("1000.00")', 'inputs.total >= Decimal("1000.00")', {"inputs.total": "1000.00"}),
        ("(inputs.sku, inputs.qty, data.carrier)", "(inputs.sku, inputs.qty)", {}),
    ],
)
def test_a_refutation_names_values_that_show_it(old: str, new: str, values: dict[str, str]) -> None:
    of = module("order_flow")
    assert old in of.text
    text = of.text.replace(old, new)
    (finding,) = of.validate(text).findings
    assert finding.witness is not None
    assert dict(finding.witness.values).items() >= values.items()
    assert finding.witness.spec != finding.witness.module
    assert of.tried(text, finding)


def test_how_a_value_is_shown_is_told_apart_where_it_reads_otherwise() -> None:
    of = module("order_flow")
    said = of.validate(of.text.replace("{values.shown(inputs.total)}", "{inputs.total}"))
    assert not said.findings  # of no value that Z3 names
    assert [left.what for left in said.open] == ["entry to Approval"]
    (finding,) = of.validate(of.text.replace("{values.shown(inputs.total)}", "{values.shown(inputs.qty)}")).findings
    assert finding.witness is not None
    assert "title=" in finding.witness.spec
