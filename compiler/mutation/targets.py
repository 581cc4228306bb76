"""Changes of where a line leads, and what is undone on the way: compensation dropped, shortened, targets exchanged."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ...dsl import syntax
from .site import Mutant, Site

Leading = syntax.Handler | syntax.Branch | syntax.Start | syntax.Deadline


def _leading(site: Site) -> Iterator[tuple[str, Leading]]:
    """Everything that leads somewhere, with the name of its state, of its choice, or `flow`."""
    yield from site.lines()
    for state, members in site.states():
        for member in members:
            if isinstance(member, syntax.Start | syntax.Deadline):
                yield state.name.text if state else site.flow.name.text, member


def without_compensation(site: Site) -> Iterator[Mutant]:
    for where, line in _leading(site):
        target = line.target
        if isinstance(target, syntax.Undo):
            change = f"does not `compensate` on the way from `{where}` to `{target.node.text}`"
            advice = f"`expect compensated …` in a scenario that comes to `{target.node.text}` this way"
            yield Mutant("drop-compensation", change, line.span, ((target.span, f"-> {target.node.text}"),), advice)


def undo_everything(site: Site) -> Iterator[Mutant]:
    for where, line in _leading(site):
        target = line.target
        if isinstance(target, syntax.Undo) and target.since is not None:
            change = f"undoes everything, and not since `{target.since.text}`, in `{where}`"
            edit = target.span, f"-> compensate -> {target.node.text}"
            yield Mutant("undo-everything", change, line.span, (edit,), _undone(target))


def undo_less(site: Site) -> Iterator[Mutant]:
    """Only what was done since the state itself was entered."""
    for where, line in site.handlers():
        target = line.target
        if where and isinstance(target, syntax.Undo) and target.since is None:
            change = f"undoes only what was done since `{where}` was entered"
            edit = target.span, f"-> compensate since {where} -> {target.node.text}"
            yield Mutant("undo-less", change, line.span, (edit,), _undone(target))


def _undone(target: syntax.Undo) -> str:
    return f"`expect compensated …` in a scenario that comes to `{target.node.text}` this way"


def elsewhere(site: Site) -> Iterator[Mutant]:
    """To the place that is written next, of those beside the right one."""
    beside: dict[str, str] = {}
    for _, members in site.states():
        places = [m.name.text for m in members if isinstance(m, syntax.State | syntax.Choice | syntax.Final)]
        beside |= {name: places[(index + 1) % len(places)] for index, name in enumerate(places)}
    for where, line in _leading(site):
        target = line.target
        if isinstance(target, syntax.Stay) or "." in target.node.text:
            continue
        other = beside.get(target.node.text, target.node.text)
        if other != target.node.text:
            change = f"goes from `{where}` to `{other}`, and not to `{target.node.text}`"
            advice = f"a scenario that takes this line, and then `expect in {target.node.text}`"
            yield Mutant("other-target", change, line.span, ((target.node.span, other),), advice)


def exchanged(site: Site) -> Iterator[Mutant]:
    for where, lines in site.groups():
        for first, second in pairwise(lines):
            one, other = first.target, second.target
            texts = site.text(one.span), site.text(other.span)
            if texts[0] != texts[1]:
                change = f"has `{texts[1]}` and `{texts[0]}` the other way round in `{where}`"
                edits = (one.span, texts[1]), (other.span, texts[0])
                yield Mutant("swap-targets", change, first.span, edits, "a scenario that takes this line")


def enter_again(site: Site) -> Iterator[Mutant]:
    for where, line in site.handlers():
        if where and isinstance(line.target, syntax.Stay):
            change = f"leaves `{where}` and enters it again, and does not `stay`"
            advice = f"a property or scenario about what begins anew in `{where}`: its timers, tasks, calls"
            yield Mutant("enter-again", change, line.span, ((line.target.span, f"-> {where}"),), advice)


def from_the_start(site: Site) -> Iterator[Mutant]:
    for where, line in _leading(site):
        target = line.target
        if isinstance(target, syntax.Goto) and target.resume:
            change = f"enters `{target.node.text}` at its start, and does not `resume`, in `{where}`"
            yield Mutant("drop-resume", change, line.span, ((target.span, f"-> {target.node.text}"),))


def other_end(site: Site) -> Iterator[Mutant]:
    """A `final failure` that is a success, and a `final` that is a failure."""
    for final in site.parts(syntax.Final):
        name = final.name.text
        new = f"final {name}" if final.failure else f"final failure {name}"
        change = f"takes `{name}` for a {'success' if final.failure else 'failure'}"
        yield Mutant("other-end", change, final.span, ((final.span, new),))
