"""The interpreter's effects and triggers are those of the runtime core, name for name and field for field."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import pytest

from penstock.compiler import effects, instance
from penstock.runtime import core


@pytest.mark.parametrize("kind", get_args(effects.Effect), ids=lambda kind: str(kind.__name__))
def test_an_effect_has_the_fields_of_the_core(kind: type[effects.StartActivity]) -> None:
    assert tuple(field.name for field in fields(kind)) == getattr(core, kind.__name__)._fields


def test_there_are_as_many_effects() -> None:
    ours = {kind.__name__ for kind in get_args(effects.Effect)}
    assert ours == {kind.__name__ for kind in get_args(core.Effect)}


def test_actors_outcomes_and_fired_timers_have_the_fields_of_the_core() -> None:
    assert tuple(field.name for field in fields(instance.Actor)) == core.Actor._fields
    assert tuple(field.name for field in fields(instance.Outcome)) == core.Outcome._fields
    assert tuple(field.name for field in fields(instance.Fired)) == core.Fired._fields
