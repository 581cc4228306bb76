"""A stack is what a tuple of its items would be, and shares what it begins with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.compiler.instance import Entry, Log
from penstock.compiler.stack import Stack

items = st.lists(st.integers(0, 2), max_size=5)


@given(items, items, st.integers(-6, 6), st.integers(-6, 6))
def test_it_reads_and_compares_as_a_tuple_does(one: list[int], other: list[int], low: int, high: int) -> None:
    stack = Stack[int].of(one)
    assert ([*stack], [*reversed(stack)], len(stack), bool(stack)) == (one, one[::-1], len(one), bool(one))
    assert stack[low:high] == tuple(one)[low:high]
    assert (stack == Stack[int].of(other)) is (one == other) and (hash(stack) == hash(Stack[int].of(one)))
    if -len(one) <= low < len(one):
        assert stack[low] == one[low]
    else:
        with pytest.raises(IndexError):
            stack[low]


@given(items, items, st.data())
def test_it_is_changed_by_making_another(one: list[int], other: list[int], data: st.DataObject) -> None:
    stack = Stack[int].of(one)
    assert [*stack.extended(other)] == one + other
    assert stack.extended(other).first(len(one)) is stack
    if one:
        at = data.draw(st.integers(0, len(one) - 1))
        assert [*stack.changed(at, *other)] == one[:at] + other + one[at + 1 :]
        assert stack.changed(at).first(at) is stack.first(at)
        assert (stack.top, [*stack.below]) == (one[-1], one[:-1])


def test_only_stacks_of_one_class_are_equal() -> None:
    assert Log() == Log() != Stack[Entry]()
    assert repr(Stack[int].of((1, 2))) == "Stack.of([1, 2])"


@given(st.lists(st.booleans(), max_size=5))
def test_a_log_knows_what_is_in_flight(flying: list[bool]) -> None:
    entries = [Entry(f"a#{number}", "a", (), in_flight=each) for number, each in enumerate(flying)]
    log = Log.of(entries)
    assert log.in_flight == tuple(entry for entry in entries if entry.in_flight)
    for place, entry in enumerate(entries):
        assert log.place(entry) == place
        assert log.flying(entry.key) is (entry if entry.in_flight else None)
