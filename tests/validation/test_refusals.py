"""A module is read, never run; and what penstock does not write in one is refused, whatever it may do."""

from __future__ import annotations

from pathlib import Path

import pytest

import repository
from kernels import flow
from penstock.compiler.codegen import render
from penstock.compiler.validation.reading import MOST, Unreadable
from penstock.compiler.validation.validate import Validated
from translated import Translated

ORDER = Translated.load(repository.ROOT / "generated" / "order_flow.py")
PURCHASE = Translated.load(repository.ROOT / "generated" / "purchase_flow.py")


def said(of: Translated, *changes: tuple[str, str]) -> Validated:
    text = of.text
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return of.validate(text)


def refuted(of: Translated, *changes: tuple[str, str]) -> list[str]:
    return [f"{finding.rule.code} {finding.message}" for finding in said(of, *changes).findings]


REVIEW = "    if verdict == ReviewVerdict.ACCEPT:\n"
END = "\n\nOrder.spec = spec.FlowSpec("

FOREIGN = {
    "an import": ("from decimal import Decimal\n", "from decimal import Decimal\nimport os\n"),
    "another name": ("import dataclass\n", "import dataclass as final\n"),
    "another rules": ("from penstock.runtime import codec", "from penstock import codec"),
    "a name bound twice": (END, "\n_STAY = rules.Stay()\n_STAY = rules.Stay()" + END),
    "a name of Python": (END, "\nlen = rules.Stay()" + END),
    "other builtins": (END, "\n__builtins__ = rules.Stay()" + END),
    "a loop": (REVIEW, "    while verdict == ReviewVerdict.ACCEPT:\n"),
    "a call": (REVIEW, "    print(verdict)\n" + REVIEW),
    "a lambda": (REVIEW, "    data = (lambda: data)()\n" + REVIEW),
    "an assignment to a part": (REVIEW, "    data.carrier = Carrier.UPS\n" + REVIEW),
    "a global": (REVIEW, "    global _STAY\n" + REVIEW),
    "a walrus": (REVIEW, "    if (data := data) and verdict == ReviewVerdict.ACCEPT:\n"),
    "a statement": (END, "\nprint('hello')" + END),
    "a function nobody asks": (END, "\n\ndef _more() -> None:\n    return None\n" + END),
    "something in a class": ('    DHL = "dhl"\n', '    DHL = "dhl"\n    def __eq__(self, other): return True\n'),
    "a method more": ("    def may_cancel(", "    def __hash__(self): return 0\n    def may_cancel("),
    "a decorator": ("@dataclass(frozen=True, slots=True)\nclass Cancel", "@dataclass(frozen=False)\nclass Cancel"),
    "another base": ("class OrderData(NamedTuple)", "class OrderData(OrderInputs)"),
    "a default that is another's": ("carrier: Carrier = Carrier.POST", "carrier: Carrier = payment"),
    "the spec set twice": (END, "\nOrder.spec = spec.FlowSpec()" + END),
}  # fmt: skip


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN)
def test_what_penstock_does_not_write_is_refused(change: tuple[str, str]) -> None:
    assert refuted(ORDER, change)


DECLARED = {
    "a member": ('DHL = "dhl"', 'DHL = "dhk"', "`DHL = 'dhk'` should be"),
    "a default": ("= Carrier.POST", "= Carrier.UPS", "is not what it begins with"),
    "a digest": ('digest="b', 'digest="c', "digest is"),
    "a row": ('"declined": _UNDO_TO_CANCELLED,', "", 'lacks "declined"'),
    "a role": ('roles=("manager",),\n            task', 'roles=("director",),\n            task', "roles"),
    "a final": ("OrderState.EXPIRED: True", "OrderState.EXPIRED: False", "finals, Expired"),
    "a place": ('"specs/order.flow:60")', '"specs/order.flow:61")', "place"),
    "a time": ("timeout=timedelta(seconds=10)", "timeout=timedelta(seconds=11)", "timeout is 11s"),
    "a codec": ('("qty", codec.integer(1, 100))', '("qty", codec.integer(1, 10))', "high is 10"),
    "an order of fields": ("OrderInputs(sku, qty, total)", "OrderInputs(qty, sku, total)", "should be"),
    "an event": ("return self.step(Cancel(), by", "return self.step(Review(verdict, comment), by", "should be"),
    "what is not there yet": ("carrier: Carrier = Carrier.POST", "carrier: Carrier = _Choice.POST", "NameError"),
    "an annotation": ("payment: str | None = None", "payment: int | None = None", "should be"),
    "a method less": ("async def quote(self, sku: str, *, key: str) -> Carrier: ...", "", "have a method `quote`"),
}  # fmt: skip


@pytest.mark.parametrize("change", DECLARED.values(), ids=DECLARED)
def test_what_is_declared_otherwise_is_told(change: tuple[str, str, str]) -> None:
    old, new, told = change
    assert any(told in each for each in refuted(ORDER, (old, new))), refuted(ORDER, (old, new))


QUICK = {
    "no look at the type": " and type(receipt) is str and receipt.isascii()",
    "no look at the text": " and receipt.isascii()",
}


@pytest.mark.parametrize("test", QUICK.values(), ids=QUICK)
def test_the_quick_way_must_ask_all_that_it_has_to(test: str) -> None:
    assert any("before it goes the quick way" in each for each in refuted(PURCHASE, (test, "")))


WAITING = """
  event go(data: int 0..9)
  event later
  start -> A
  state A { on go(data) when data > 4 -> B  on go(data) when data <= 4 -> Done  defer later  wait forever "told" }
  state B { on go -> A  on later -> Done  wait forever "told" }
  final Done
"""


def test_the_quick_way_looks_at_what_waits_where_something_may() -> None:
    made = flow(WAITING)
    told = Translated(render.module(made, "0" * 64, "test.flow"), made, "0" * 64)
    test = " and not self._ledger.deferred"
    assert not refuted(told)
    assert any("before it goes the quick way" in each for each in refuted(told, (test, "")))
    bare = flow(
        WAITING.replace("go(data: int 0..9)", "go")
        .replace("(data) when data > 4", "")
        .replace("on go(data) when data <= 4 -> Done", "")
        .replace("defer", "ignore")
    )
    assert not refuted(Translated(render.module(bare, "0" * 64, "test.flow"), bare, "0" * 64))
    assert test not in render.module(flow(WAITING.replace("defer later", "ignore later")), "0" * 64, "test.flow")


def test_only_events_that_always_move_a_calm_state_are_prompt() -> None:
    refunding = "            prompt=(Paid,),\n"
    assert refuted(PURCHASE, (refunding, "            prompt=(Paid),\n"))
    assert refuted(PURCHASE, (refunding, "            prompt=(Withdraw,),\n"))
    assert refuted(PURCHASE, (refunding, "            prompt=Paid,\n"))
    assert not refuted(PURCHASE, (refunding, ""))  # it only takes longer
    shipping = '            begins=frozenset({"ship"}),\n'
    assert refuted(PURCHASE, (shipping, shipping + "            prompt=(Withdraw,),\n"))


def test_the_quick_way_leads_where_step_would() -> None:
    assert refuted(PURCHASE, ("_quick_paid = _RULES.quick(Paid)", "_quick_paid = _RULES.quick(Unpaid)"))
    assert refuted(PURCHASE, ("self._inputs, _data\n", "self._inputs, self._data\n"))
    assert refuted(PURCHASE, ("_next._at, _next._ledger = _at,", "_next._ledger, _next._at = _at,"))
    assert refuted(PURCHASE, ("                _next._at, _next._ledger = _at, self._ledger\n", ""))
    assert refuted(PURCHASE, ("_blank = rules.blank", "_blank = rules.new"))
    assert refuted(PURCHASE, ("at=PurchaseState.REFUNDING.alone", "at=PurchaseState.WITHDRAWING.alone"))
    assert refuted(PURCHASE, ("at=PurchaseState.REFUNDING.alone", "at=PurchaseState.REFUNDING"))
    assert not refuted(PURCHASE, ("at=PurchaseState.REFUNDING.alone", "at=(PurchaseState.REFUNDING,)"))  # no faster
    assert refuted(PURCHASE, ("return super().step(Paid(receipt)", "return self.step(Paid(receipt)"))


def test_what_is_no_module_is_not_read() -> None:
    for text in ("", "x = 1\n", ORDER.text.replace("# abi: 4\n", ""), ORDER.text + "\nif:\n", ORDER.text + "\0"):
        with pytest.raises(Unreadable):
            ORDER.validate(text)
    with pytest.raises(Unreadable):  # Python would read it as another text
        ORDER.validate(ORDER.text.replace("specs/order.flow. DO", "specs/coding=utf_7.flow. DO"))
    with pytest.raises(Unreadable):
        ORDER.validate(ORDER.text + "#" * MOST)
    with pytest.raises(Unreadable):
        ORDER.validate(ORDER.text + "\nx = " + "(" * 5000 + ")" * 5000)
    with pytest.raises(Unreadable):
        ORDER.validate(ORDER.text.replace("inputs: OrderInputs, data:", "data: OrderInputs, data:"))


def test_what_would_take_for_ever_to_read_is_not_read() -> None:
    assert refuted(ORDER, (REVIEW, 64 * "    if verdict == comment: data = data\n" + REVIEW))
    with pytest.raises(Unreadable):
        ORDER.validate(ORDER.text.replace("verdict == ReviewVerdict.ACCEPT:", "verdict == " + 900 * "-" + "1:", 1))
    deep = "(" + 700 * "inputs.qty + " + "1) > 0"
    with pytest.raises(Unreadable):
        ORDER.validate(ORDER.text.replace("verdict == ReviewVerdict.ACCEPT:", f"{deep}:", 1))


def test_nothing_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    bomb = f"\nopen({str(mark)!r}, 'w').close()\n"
    assert refuted(ORDER, (END, bomb + END))
    assert not mark.exists()


def test_a_module_of_another_text_of_its_flow_is_told() -> None:
    (finding, *_) = ORDER.validate(ORDER.text.replace("# source sha256: b", "# source sha256: c")).findings
    assert finding.message == "it was generated from another text of the flow"


def test_a_list_in_the_place_of_a_tuple_that_holds_it_is_seen() -> None:
    fulfilment = Translated.load(repository.ROOT / "generated" / "fulfilment_flow.py")
    found = said(fulfilment, ("(data.boxes,)", "(data.boxes)"))
    (finding,) = found.findings
    assert finding.message == "entry to Sending does not do what the flow says" and not found.open
    assert finding.witness is not None and dict(finding.witness.values) == {"data.boxes": '[""]'}
