"""What `values.dataclass` makes is what the standard library makes, but for the time it takes."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dsl.source import Span
from penstock.dsl.values import dataclass, field, replace


@dataclasses.dataclass(frozen=True, slots=True)
class Standard:
    x: int
    y: str = "y"
    z: list[int] = dataclasses.field(default_factory=list[int])
    hidden: int = dataclasses.field(default=7, repr=False, compare=False)
    late: int = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "late", self.x + 1)


@dataclass(frozen=True, slots=True)
class Ours:
    x: int
    y: str = "y"
    z: list[int] = field(default_factory=list[int])
    hidden: int = field(default=7, repr=False, compare=False)
    late: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "late", self.x + 1)


@dataclass(frozen=True, slots=True)
class Below(Ours):
    deep: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Alone:
    x: int


@dataclass(frozen=True)
class Open:
    x: int


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


numbers = st.integers(0, 2)
words = st.sampled_from(("", "y", "ß"))


@given(numbers, words, st.lists(numbers, max_size=2), numbers, numbers, words)
def test_instances_compare_hash_and_read_alike(x: int, y: str, z: list[int], hidden: int, a: int, b: str) -> None:
    ours, standard = Ours(x, y, z, hidden), Standard(x, y, z, hidden)
    assert repr(ours) == repr(standard).replace("Standard", "Ours")
    assert (ours.late, ours.hidden) == (standard.late, standard.hidden)
    assert (ours == Ours(a, b, z)) is (standard == Standard(a, b, z))
    assert repr(replace(ours, y=b)) == repr(dataclasses.replace(standard, y=b)).replace("Standard", "Ours")
    assert repr(replace(standard, z=z, x=a)) == repr(dataclasses.replace(standard, z=z, x=a))
    assert replace(ours, x=a).late == a + 1
    assert hash(Span(x, a)) == hash((x, a)) and (Span(x, a) == Span(a, x)) is (x == a)


def test_fields_slots_and_patterns_are_the_standard_librarys() -> None:
    assert [each.name for each in fields(Below)] == [*Standard.__match_args__, "late", "deep"]
    assert Ours.__match_args__ == Standard.__match_args__
    assert not hasattr(Ours(1), "__dict__") and not hasattr(Below(1), "__dict__")
    assert Ours(1).z == [] and Ours(1).z is not Ours(1).z
    assert (Ours.__doc__, Ours.__name__, Ours.__init__.__qualname__) == (None, "Ours", "Ours.__init__")


def test_equality_is_only_between_instances_of_one_class() -> None:
    others: list[object] = [Below(1), Standard(1), 1]
    assert Ours(1) not in others
    assert Below(1, deep=(2,)) == Below(1, deep=(2,)) != Below(1)
    assert Alone(1) != Alone(1) and len({Alone(1), Alone(1)}) == 2
    assert Nothing() == Nothing() and hash(Nothing()) == hash(()) and repr(Nothing()) == "Nothing()"


@pytest.mark.parametrize("value", [Ours(1), Below(1), Alone(1), Open(1)], ids=lambda value: type(value).__name__)
def test_a_value_does_not_change(value: object) -> None:
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        setattr(value, "x", 2)  # noqa: B010 (what a type checker would refuse)
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        delattr(value, "x")


def test_wrong_arguments_are_refused() -> None:
    made = cast("Callable[..., Ours]", Ours)
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'x'"):
        made()
    with pytest.raises(TypeError, match=r"takes from 2 to 5 positional arguments but 6 were given"):
        made(1, "y", [], 0, 5)


def test_a_field_that_is_told_to_the_standard_library_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Mixed:
        x: int = dataclasses.field(default=1)

    with pytest.raises(TypeError, match=r"`values\.field`"):
        Mixed()


def test_values_are_copied_and_pickled_whole() -> None:
    for value in (Ours(1, z=[3]), Below(1, deep=(4,))):
        assert copy.deepcopy(value) == value
        again = pickle.loads(pickle.dumps(value))
        assert again == value and again.late == value.late


def test_methods_are_compiled_when_they_are_first_called() -> None:
    @dataclass(frozen=True, slots=True)
    class Fresh:
        x: int

    before = Fresh.__init__, Fresh.__eq__
    assert Fresh(1) == Fresh(1)
    assert (Fresh.__init__, Fresh.__eq__) != before


def test_fields_that_are_not_given_cannot_be_replaced() -> None:
    for replacing in (replace, dataclasses.replace):
        with pytest.raises((TypeError, ValueError)):
            replacing(Ours(1), late=2)
        with pytest.raises(TypeError):
            replacing(Ours(1), nothing=2)


@dataclass(slots=True)
class Changing:
    x: int
    y: list[int] = field(default_factory=list[int])


@dataclass()
class Loose:
    x: int = 1


def test_what_may_change_changes_and_is_no_key() -> None:
    one, other = Changing(1), Changing(1)
    one.y.append(1)
    other.x = 2
    assert (other.x, one.y, other.y) == (2, [1], [])
    assert one != other and replace(other, x=1, y=[1]) == one
    assert Loose() == Loose(1) and Loose(2) != Loose()
    for value in (one, Loose()):
        with pytest.raises(TypeError):
            hash(value)
    assert not hasattr(one, "__dict__") and copy.deepcopy(one) == one
