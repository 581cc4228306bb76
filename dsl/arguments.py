"""Arguments by name: those written and those asked for in, the written ones in the order asked for out."""

from __future__ import annotations

from collections.abc import Mapping

from . import rules_of_meaning as rules
from . import syntax
from .findings import did_you_mean, listed
from .model import Type
from .resolve import Names
from .source import Span


def in_order(
    args: tuple[syntax.Argument, ...], params: Mapping[str, Type] | None, owner: str, span: Span, names: Names
) -> list[tuple[syntax.Expr, Type]]:
    """Each value with the type it should have, every parameter (None: they are unknown) given once. What is wrong is
    reported."""
    given: dict[str, syntax.Argument] = {}
    for each in args:
        name = each.name
        if name.text in given:
            names.already(name, f"is given twice to `{owner}`", given[name.text].name.span)
        elif params is not None and name.text not in params:
            fix = did_you_mean(name.text, name.span, params)
            message = f"`{owner}` takes no `{name.text}`."
            note = f"It takes {listed(params)}." if params and not fix else ""
            names.findings.error(rules.UNKNOWN_NAME, name.span, message, "not taken", fix=fix, note=note)
        given.setdefault(name.text, each)
    if params is None:
        return []
    missing = [name for name in params if name not in given]
    unknown = [name for name in given if name not in params]
    if missing and not unknown:
        message = f"`{owner}` also needs {listed(missing)}."
        names.findings.error(rules.MISSING_PART, span, message, "something is missing")
    return [(given[name].value, type_) for name, type_ in params.items() if name in given]
