"""Which calls a handler of an outcome is for: the place it is written in in, the calls whose outcome it answers out.

An outcome is answered by the innermost place, from the state that made the call outwards, that names it, by itself or
as `failed`, which stands for every failure that the same place does not name more closely.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile

from . import syntax
from .activities import Signature
from .model import ActivityCall, ListType, NoneType, OptionalType, Type
from .nodes import Block, Nodes

DONE, TIMEOUT, FAILED = "done", "timeout", "failed"


def outcomes(activity: Signature) -> tuple[str, ...]:
    """What a call of an activity may answer."""
    return (DONE, *activity.fails, *(() if activity.parks else (TIMEOUT, FAILED)))


def left_to(
    block: Block, name: str, nodes: Nodes, calls: Mapping[str, ActivityCall], known: Mapping[str, Signature]
) -> tuple[ActivityCall, ...]:
    """The calls in a block for an outcome of which its `on name` is the handler."""
    found: list[ActivityCall] = []
    for inner in nodes.inside(block):
        call = calls.get(inner.path)
        activity = known.get(call.activity) if call else None
        if call is None or activity is None:
            continue
        nearer = list(takewhile(lambda each: each != block, inner.outwards()))
        meant = [name] if name != FAILED else [each for each in outcomes(activity) if _fails(each, block)]
        open_ones = [each for each in meant if not any(_answers(each, place) for place in nearer)]
        if any(each in outcomes(activity) for each in open_ones):
            found.append(call)
    return tuple(found)


def answer_of(call: ActivityCall, activity: Signature) -> tuple[Type, ...]:
    """What `done` brings: the result, or the list of all results."""
    result = activity.result
    if call.each is None or result is None or isinstance(result, ListType | OptionalType | NoneType):
        return activity.answer
    return (ListType(result, call.each.most),)


def names_it(block: Block, name: str) -> bool:
    """Whether a block has a handler `on name`."""
    triggers = (each.trigger for each in block.tree.members if isinstance(each, syntax.Handler))
    return any(isinstance(each, syntax.On) and each.name.text == name for each in triggers)


def _fails(outcome: str, block: Block) -> bool:
    return outcome == FAILED or (outcome != DONE and not names_it(block, outcome))


def _answers(outcome: str, block: Block) -> bool:
    return names_it(block, outcome) or (outcome != DONE and names_it(block, FAILED))
