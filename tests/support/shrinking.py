"""A text that shows something in; a smaller one that still shows it, out.

Works on the syntax tree: it takes parts away, or puts simpler ones in their place, and keeps what still shows it, until
nothing can be taken away any more. What is no flow, or none without errors, shows nothing, so no candidate need be one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import cast

from penstock.dsl import syntax
from penstock.dsl.parse import parse
from penstock.dsl.source import Source, Span
from penstock.dsl.walk import nodes

Edit = tuple[int, int, str]
"""From where to where, and what comes there instead."""

ITEMS = (
    syntax.EnumDeclaration, syntax.RecordDeclaration, syntax.TypeDeclaration, syntax.Field, syntax.Input, syntax.Data,
    syntax.Roles, syntax.EventDeclaration, syntax.Emits, syntax.Fails, syntax.Ensures, syntax.Compensate,
    syntax.Retry, syntax.Readonly, syntax.ActivityDeclaration, syntax.Assign, syntax.Emit, syntax.Send, syntax.Handler,
    syntax.Do, syntax.Due, syntax.Escalate, syntax.Except, syntax.Remind, syntax.Form, syntax.Title, syntax.Task,
    syntax.Ignore, syntax.Defer, syntax.WaitForever, syntax.State, syntax.Branch, syntax.Choice, syntax.Final,
    syntax.Deadline, syntax.Always, syntax.Reach, syntax.LeadsTo, syntax.Output, syntax.Flow,
)  # fmt: skip
"""What can be taken away by itself."""
DECLARED = (
    syntax.State, syntax.Choice, syntax.Final, syntax.EventDeclaration, syntax.ActivityDeclaration, syntax.Field,
    syntax.Fails, syntax.Task, syntax.Emits,
)  # fmt: skip
"""What has a name that is used elsewhere."""
NODES = (syntax.State, syntax.Choice, syntax.Final)
EXPRESSIONS = (
    syntax.Name, syntax.Literal, syntax.Unary, syntax.Binary, syntax.Conditional, syntax.OneOf, syntax.IsNone,
    syntax.Call, syntax.InState, syntax.Select, syntax.NewRecord, syntax.NewList, syntax.Contains,
)  # fmt: skip


def shrink(text: str, shows: Callable[[str], bool], seconds: float) -> str:
    """A text to which no single change can be made so that it still shows it, or what there is after so long."""
    stop = monotonic() + seconds
    tried = {text}
    changed = True
    while changed:
        changed = False
        for changes in (_with_uses, _removals, _simpler):
            at = 0
            tree = Tree.of(text)
            candidates = list(changes(tree))
            while at < len(candidates):
                if monotonic() > stop:
                    return _tidy(text)
                smaller = edited(text, candidates[at])
                if smaller not in tried and shows(smaller):
                    text, changed = smaller, True
                    candidates = list(changes(Tree.of(text)))
                else:
                    at += 1
                tried.add(smaller)
    return _tidy(text)


def edited(text: str, edits: tuple[Edit, ...]) -> str:
    """Of edits that lie in others, the outer ones count."""
    after = len(text)
    for start, end, new in sorted(_outermost(edits), reverse=True):
        assert end <= after, "edits do not cross"
        text, after = text[:start] + new + text[end:], start
    return text


def _outermost(edits: tuple[Edit, ...]) -> list[Edit]:
    kept: list[Edit] = []
    for edit in sorted(set(edits), key=lambda each: (each[0], -each[1])):
        if not kept or edit[0] >= kept[-1][1]:
            kept.append(edit)
    return kept


def _tidy(text: str) -> str:
    """Without empty lines."""
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


@dataclass(frozen=True, eq=False)
class Tree:
    """What was parsed of a text; `parts` are its nodes, each before what lies in it."""

    text: str
    parts: tuple[object, ...]

    @classmethod
    def of(cls, text: str) -> Tree:
        return cls(text, tuple(nodes(parse(Source("shrunk.flow", text)).tree)))

    def gone(self, span: Span) -> Edit:
        """Without a part, and without the comma that parts it from others."""
        start, end = span.start, span.end
        behind = len(self.text[end:]) - len(self.text[end:].lstrip())
        before = len(self.text[:start].rstrip())
        if self.text[end + behind : end + behind + 1] == ",":
            return start, end + behind + 1, ""
        if self.text[before - 1 : before] == ",":
            return before - 1, end, ""
        return start, end, ""

    def around(self, span: Span, left: str, right: str) -> Span:
        """With the nearest such signs before and behind."""
        return Span(self.text.rindex(left, 0, span.start), self.text.index(right, span.end) + len(right))


def _span(node: object) -> Span:
    return cast(Span, getattr(node, "span"))  # noqa: B009  (every node of the tree has one)


# ---------------------------------------------------------------- taking away


def _removals(tree: Tree) -> Iterator[tuple[Edit, ...]]:
    """One part less; the largest first."""
    spans = [_span(part) for part in tree.parts if isinstance(part, ITEMS)]
    yield from ((tree.gone(span),) for span in sorted(spans, key=lambda each: each.start - each.end))
    yield from (((empty.start(), empty.end(), ""),) for empty in re.finditer(r"\{\s*\}", tree.text))
    for part in tree.parts:
        match part:
            case syntax.Ignore() | syntax.Defer() | syntax.Roles() if len(part.names) > 1:
                yield from ((tree.gone(name.span),) for name in part.names)
            case syntax.EnumDeclaration():
                yield from ((tree.gone(name.span),) for name in part.members)
            case syntax.Handler() | syntax.Branch():
                if part.guard is not None:
                    yield ((*_ends(tree.around(part.guard.span, "when", "")), ""),)
                yield from _without_updates(tree, part.updates)
            case syntax.Start() | syntax.Deadline():
                yield from _without_updates(tree, part.updates)
            case _:
                pass


def _without_updates(tree: Tree, updates: tuple[syntax.Update, ...]) -> Iterator[tuple[Edit, ...]]:
    if updates:
        yield ((*_ends(tree.around(updates[0].span.to(updates[-1].span), "{", "}")), ""),)


def _ends(span: Span) -> tuple[int, int]:
    return span.start, span.end


def _with_uses(tree: Tree) -> Iterator[tuple[Edit, ...]]:
    """A declaration less, and all that uses it; or, of a node, everything leads to another one instead. Before that,
    what a state with states in it has in it, instead of that state."""
    finals = [part.name.text for part in tree.parts if isinstance(part, syntax.Final)]
    for part in tree.parts:
        if isinstance(part, DECLARED):
            yield (tree.gone(part.span), *_users(tree, part.name))
            if isinstance(part, NODES):
                branches = part.branches if isinstance(part, syntax.Choice) else ()
                others = dict.fromkeys((*(branch.target.node.text for branch in branches), *finals))
                for other in others:
                    if other != part.name.text:
                        yield (tree.gone(part.span), *_renamed(tree, part.name, other))
        if isinstance(part, syntax.State):
            yield from _unwrapped(tree, part)
        if isinstance(part, syntax.ActivityDeclaration):
            yield from _without_result(tree, part)
            for index, param in enumerate(part.params):
                yield (tree.gone(param.span), *_without_argument(tree, part.name.text, index))
        if isinstance(part, syntax.EventDeclaration) and part.params:
            yield (_brackets(tree, part.params[0].span, part.params[-1].span), *_binding(tree, part.name.text))
        if isinstance(part, syntax.Task):
            for form in (clause for clause in part.clauses if isinstance(clause, syntax.Form)):
                yield (tree.gone(form.span), *_binding(tree, part.name.text))


def _brackets(tree: Tree, first: Span, last: Span) -> Edit:
    return (*_ends(tree.around(first.to(last), "(", ")")), "")


def _users(tree: Tree, declared: syntax.Name) -> Iterator[Edit]:
    """The smallest parts that can be taken away and say the name."""
    for name in tree.parts:
        if isinstance(name, syntax.Name) and name != declared and declared.text in name.text.split("."):
            holders = [part for part in tree.parts if isinstance(part, ITEMS) and _span(part).start <= name.span.start]
            holders = [part for part in holders if name.span.end <= _span(part).end]
            if holders:
                yield tree.gone(_span(holders[-1]))


def _renamed(tree: Tree, declared: syntax.Name, other: str) -> Iterator[Edit]:
    for name in tree.parts:
        if isinstance(name, syntax.Name) and name != declared and declared.text in name.text.split("."):
            yield name.span.start, name.span.end, other


def _unwrapped(tree: Tree, state: syntax.State) -> Iterator[tuple[Edit, ...]]:
    """One of the states in it in its place, under its name."""
    for inner in state.members:
        if isinstance(inner, syntax.State):
            body = tree.text[inner.name.span.end : inner.span.end]
            yield ((state.span.start, state.span.end, f"state {state.name.text}{body}"),)
            yield ((state.span.start, state.span.end, f"parallel {state.name.text}{body}"),)


def _binding(tree: Tree, name: str) -> Iterator[Edit]:
    """The names that handlers of an event, a task or an outcome bind."""
    for part in tree.parts:
        if isinstance(part, syntax.On) and part.name.text == name and part.params:
            yield _brackets(tree, part.params[0].span, part.params[-1].span)


def _without_result(tree: Tree, activity: syntax.ActivityDeclaration) -> Iterator[tuple[Edit, ...]]:
    if activity.result is None:
        return
    edits: list[Edit] = [(*_ends(tree.around(activity.result.span, "->", "")), "")]
    for clause in activity.clauses:
        if isinstance(clause, syntax.Compensate) and clause.args:
            inside = clause.args[0].span.to(clause.args[-1].span)
            edits.append((inside.start, inside.end, ""))
        if isinstance(clause, syntax.Ensures):
            edits.append(tree.gone(clause.span))
    states = [part for part in tree.parts if isinstance(part, syntax.State)]
    for state in states:
        if any(isinstance(each, syntax.Do) and each.activity.text == activity.name.text for each in state.members):
            handlers = [each for each in state.members if isinstance(each, syntax.Handler)]
            done = [on for on in (each.trigger for each in handlers) if isinstance(on, syntax.On)]
            edits += [
                _brackets(tree, on.params[0].span, on.params[-1].span)
                for on in done
                if on.name.text == "done" and on.params
            ]
    yield tuple(edits)


def _without_argument(tree: Tree, activity: str, index: int) -> Iterator[Edit]:
    for part in tree.parts:
        if isinstance(part, syntax.Do) and part.activity.text == activity and index < len(part.args):
            yield tree.gone(_span(part.args[index]))


# ---------------------------------------------------------------- simpler ones instead


def _simpler(tree: Tree) -> Iterator[tuple[Edit, ...]]:
    for part in tree.parts:
        for new in _instead(tree, part):
            span = _span(part)
            if len(new) <= span.end - span.start and new != tree.text[span.start : span.end]:
                yield ((span.start, span.end, new),)


def _instead(tree: Tree, part: object) -> Iterator[str]:
    """Shorter texts for a part, the shortest first."""
    match part:
        case syntax.Undo(node=node, since=since):
            yield f"-> {node.text}"
            yield f"-> compensate -> {node.text}"
        case syntax.Goto(resume=True, node=node):
            yield f"-> {node.text}"
        case syntax.Goto():
            yield "stay"
        case syntax.RangedInt(low=low, high=high) if (low, high) != (0, 1):
            yield "bool"
            yield "int 0..1"
        case syntax.NamedType() if part.name.text != "bool":
            yield "bool"
        case syntax.Optional(item=item) | syntax.List(item=item):
            yield tree.text[_span(item).start : _span(item).end]
        case syntax.Literal():
            yield from ("0", "1", "1s", "none", "false", "true")
        case syntax.After(duration=duration, since=since) if since is not None:
            yield f"after {tree.text[_span(duration).start : _span(duration).end]}"
        case syntax.Do(each=each, activity=activity) if each is not None:
            yield f"do {activity.text}()"
        case _ if isinstance(part, EXPRESSIONS) and not isinstance(part, syntax.Name):
            yield from ("0", "true", "false", "none", "[]")
            within = [other for other in tree.parts if isinstance(other, EXPRESSIONS) and other is not part]
            span = part.span
            for other in within:
                inner = _span(other)
                if span.start <= inner.start and inner.end <= span.end:
                    yield tree.text[inner.start : inner.end]
        case _:
            pass
