"""The part of `penstock.runtime` that generated modules use: names and signatures (the compiler does not import the
runtime; a test holds them together).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache

ABI = 4
"""The contract that this reads modules by."""

MODULES = ("codec", "core", "flow", "gates", "inplace", "records", "rules", "schedules", "spec", "values")

MAKES: Mapping[str, str] = {
    "codec.decimal": "places",
    "codec.enum": "members",
    "codec.integer": "low, high",
    "codec.optional": "item",
    "core.ArmTimer": "timer, due",
    "core.EmitEvent": "event, payload",
    "core.RetryPolicy": "attempts, first, limit, park, jitter=0.0",
    "core.SendEvent": "flow, event, payload, to",
    "gates.Breaker": "failures, window, cool",
    "gates.Limit": "attempts, per",
    "records.sequence": "item, most=None",
    "rules.Arrival": "timers=(), tasks=(), call=None",
    "rules.ChoiceRules": "branch, place",
    "rules.Goto": "node, resume=False, at=()",
    "rules.Group": "activity, answers, quota, place",
    "rules.Join": "way, place",
    "rules.NewCall": "activity, args=()",
    "rules.NewCalls": "activity, each",
    "rules.NewTask": "task, roles, title, due=None, excluded=(), person='', doer=''",
    "rules.Reminder": "task, every, most=None",
    "rules.Rules": (
        "initial, start, states, finals, scopes={}, ends={}, choices={}, undo={}, deadline=None, expire=None, "
        "escalations={}, reminders={}, savepoints=frozenset(), resumed=frozenset(), counted=frozenset(), located=False"
    ),
    "rules.Say": "move, messages",
    "rules.ScopeRules": ("start=None, enter=rules.nothing_begins, events={}, timers={}, begins=frozenset(), joins={}"),
    "rules.Since": "timer, after, place",
    "rules.StateRules": (
        "enter=rules.nothing_begins, outcomes={}, events={}, timers={}, begins=frozenset(), group=None, prompt=()"
    ),
    "rules.Stay": "",
    "rules.Undo": "node, since=None",
    "schedules.Schedule": "text, minutes, hours, days, months, weekdays, inputs",
    "spec.ActivitySpec": (
        "name, method, params, result, timeout, retry, kind, errors={}, ensures=None, compensation=None, "
        "heartbeat=None, breaker=None, limit=None, flow=''"
    ),
    "spec.CompensationSpec": "name, method, params, timeout, retry",
    "spec.EventSpec": "name, record, roles, task, most=100",
    "spec.FlowSpec": (
        "name, version, digest, inputs, data, events, activities, compensations, schedules=(), messages={}, sends={}, "
        "outputs=()"
    ),
}
"""What makes a value of its arguments and nothing else; with the names and defaults of its parameters."""

LISTS: Mapping[str, tuple[str, ...]] = {"records.record": ("type", "fields"), "records.arguments": ("params",)}
"""As those, but the last one takes all the arguments that are left."""

CONSTANTS = frozenset(
    {
        "codec.BOOL",
        "codec.DURATION",
        "codec.INSTANT",
        "codec.INT",
        "codec.NOTHING",
        "codec.TEXT",
        "core.NOBODY",
        "core.SubFlowFailed",
        "rules.DEFER",
        "rules.IGNORE",
        "rules.blank",
        "rules.new",
        "rules.nothing_begins",
        "spec.ActivityKind.COMPENSATED",
        "spec.ActivityKind.IRREVERSIBLE",
        "spec.ActivityKind.READONLY",
    }
)

PREFIXES = frozenset({"codec.EXACT", "spec.ActivityKind"})
"""What is only used for what is in it."""

FUNCTIONS: Mapping[str, str] = {
    "codec.EXACT.abs": "a",
    "codec.EXACT.add": "a, b",
    "codec.EXACT.minus": "a",
    "codec.EXACT.multiply": "a, b",
    "codec.EXACT.subtract": "a, b",
    "values.at_most": "value, most, place",
    "values.decimal": "value, places",
    "values.items_within": "value, low, high, most, place",
    "values.quotient": "dividend, divisor, place",
    "values.remainder": "dividend, divisor, place",
    "values.shown": "value",
    "values.some": "value, place",
    "values.somebody": "person, place",
    "values.within": "value, low, high, place",
}
"""What computes; `calls` knows how."""


@cache
def parameters(signature: str) -> tuple[tuple[str, ast.expr | None], ...]:
    """The parameters of a signature, each with its default."""
    tree = ast.parse(f"lambda {signature}: 0", mode="eval").body
    assert isinstance(tree, ast.Lambda), "it is parsed as one"
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            node.lineno = 0  # what is not written stands nowhere
    names = [arg.arg for arg in tree.args.args]
    missing: list[ast.expr | None] = [None] * (len(names) - len(tree.args.defaults))
    return tuple(zip(names, [*missing, *tree.args.defaults], strict=True))
