"""Warns of what a sound-looking flow declares and never uses: a Flow in, warnings (F7xx) out."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from . import model
from . import rules_of_use as rules
from .resolve import Kind, Names
from .walk import nodes


def warn_of_unused(flow: model.Flow, names: Names) -> None:
    """Adds a warning for each variable, event, role and activity that nothing uses.

    A variable that is assigned and never read is in use: it stands in the instance's record, for people to read."""
    warn = names.findings.warning
    parts: defaultdict[type, list[Any]] = defaultdict(list)
    for part in nodes(flow):
        parts[type(part)].append(part)
    used = {each.name for each in (*parts[model.Ref], *parts[model.Assign])}
    used.update(each.name for each in flow.outputs)
    for variable in (*flow.inputs, *flow.data):
        if variable.name not in used:
            how = (
                "input `{}` is never read" if variable.initial is None else "variable `{}` is neither read nor assigned"
            )
            warn(rules.UNUSED_VARIABLE, variable.span, f"The {how.format(variable.name)}.", "not used")
    heard = {each.event for each in parts[model.OnEvent]}
    heard.update(name for state in flow.states for name in (*state.ignores, *state.defers))
    for event in flow.events:
        if event.name not in heard:
            message = f"No state handles, ignores or defers the event `{event.name}`."
            warn(rules.UNHEARD_EVENT, event.span, message, "always rejected")
    emitted = {each.message for each in parts[model.Emit]}
    for declared in flow.messages:
        if declared.name not in emitted:
            message = f"No update emits the message `{declared.name}`."
            warn(rules.UNSENT_MESSAGE, declared.span, message, "never emitted")
    busy = {role for each in (*parts[model.Event], *parts[model.Task]) for role in each.roles}
    busy.update(each.role for each in parts[model.Escalation])
    for role in flow.roles:
        if role not in busy:
            message = f"The role `{role}` may send no event and do no task."
            warn(rules.IDLE_ROLE, names.place(Kind.ROLE, role), message, "not used")
    called = {each.activity for each in parts[model.ActivityCall]}
    for activity in flow.activities:
        if activity.name not in called:
            warn(rules.UNCALLED_ACTIVITY, activity.span, f"No state does `{activity.name}`.", "never called")
