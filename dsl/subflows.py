"""What `do flow` sees of another flow: its tree in, the activity that it is for whoever does it out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from . import syntax
from .findings import Findings
from .model import Activity, Compensation, Effect, EnumType, Failure, Parameter, RecordType, Retry, Type
from .resolve import Kind, Names, Types
from .shared import Files, Shared
from .walk import nodes

AT_ONCE = timedelta(0)
PARKS = Retry(1, AT_ONCE, AT_ONCE, park=True)
"""A flow is started once, and has all the time it takes: nothing is ever tried again."""

FAILED = "failed"


class SubFlows:
    """The flows of a source, as activities."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def activity(self, names: Names, name: str) -> Activity | str:
        """The flow that these names call so; or what is wrong with it, as the end of a sentence."""
        tree, shared = self._files.flow(names.place(Kind.FLOW, name))
        findings = Findings()
        types = Types(shared.names.inner(findings), shared.types)
        types.declare(e for e in tree.members if isinstance(e, syntax.Declaration))
        inputs = [e.name.text for b in tree.members if isinstance(b, syntax.Input) for e in b.fields]
        outputs = [e.text for b in tree.members if isinstance(b, syntax.Output) for e in b.names]
        fields = {
            field.name.text: Parameter(field.name.text, types.resolve(field.type, field.name.text), field.name.span)
            for each in tree.members
            if isinstance(each, syntax.Input | syntax.Data)
            for field in each.fields
            if field.name.text in (*inputs, *outputs)
        }
        if findings.errors or any(each not in fields for each in outputs):
            return "has mistakes in its inputs, data or outputs"
        seen = (*(fields[each] for each in inputs), *(fields[each] for each in outputs))
        if any(_own(each.type, shared) for each in seen):
            return "has inputs or outputs of a type that only it knows; declare that type outside the flow"
        record = RecordType(f"{name}Outputs", tuple(fields[each] for each in outputs))
        return Activity(
            name=name,
            params=tuple(fields[each] for each in inputs),
            result=record if outputs else None,
            timeout=AT_ONCE,
            retry=PARKS,
            fails=(Failure(FAILED, None, tree.name.span),),
            ensures=(),
            effect=self._effect(tree, shared),
            doc=tree.doc,
            span=tree.name.span,
            flow=True,
        )

    def circle(self, names: Names, name: str) -> tuple[str, ...]:
        """The way from a flow back to itself through others; empty where there is none."""
        home = names.place(Kind.FLOW, name)
        ways: list[tuple[Names, tuple[str, ...]]] = [(names, (name,))]
        been = {home}
        while ways:
            known, way = ways.pop(0)
            tree, shared = self._files.flow(known.place(Kind.FLOW, way[-1]))
            for call in _calls(tree):
                if call.named is None or not shared.names.has(Kind.FLOW, call.activity.text):
                    continue
                place = shared.names.place(Kind.FLOW, call.activity.text)
                if place == home and len(way) > 1:
                    return (*way, name)
                if place not in been:
                    been.add(place)
                    ways.append((shared.names, (*way, call.activity.text)))
        return ()

    # ------------------------------------------------------------ the effect

    def _effect(self, tree: syntax.Flow, shared: Shared) -> Compensation | Effect:
        """Irreversible if anything it does is, readonly if everything is; else it undoes itself."""
        kinds = set(self._kinds(tree, shared, {tree.name.span.start}))
        if Effect.IRREVERSIBLE in kinds:
            return Effect.IRREVERSIBLE
        if kinds <= {Effect.READONLY}:
            return Effect.READONLY
        return Compensation(tree.name.text, (), (), AT_ONCE, PARKS, tree.name.span)

    def _kinds(self, tree: syntax.Flow, shared: Shared, been: set[int]) -> Iterator[Effect | None]:
        """The effect of everything the flow does, directly or not; None for what is undone."""
        own = {each.name.text: each for each in tree.members if isinstance(each, syntax.ActivityDeclaration)}
        for call in _calls(tree):
            name = call.activity.text
            if call.named is not None:
                if shared.names.has(Kind.FLOW, name):
                    inner, around = self._files.flow(shared.names.place(Kind.FLOW, name))
                    if inner.name.span.start not in been:
                        been.add(inner.name.span.start)
                        yield from self._kinds(inner, around, been)
            elif name in own:
                yield _kind(own[name])
            elif name in shared.activities:
                effect = shared.activities[name].effect
                yield effect if isinstance(effect, Effect) else None


def _calls(tree: syntax.Flow) -> Iterator[syntax.Do]:
    return (each for each in nodes(tree.members) if isinstance(each, syntax.Do))


def _kind(tree: syntax.ActivityDeclaration) -> Effect | None:
    for each in tree.clauses:
        if isinstance(each, syntax.Readonly):
            return Effect.READONLY
        if isinstance(each, syntax.Irreversible):
            return Effect.IRREVERSIBLE
    return None


def _own(type_: Type, shared: Shared) -> bool:
    """Whether the type is, or has in it, one that is declared inside the flow."""
    outside = shared.types.enums.keys() | shared.types.records.keys()
    named = [each for each in nodes(type_) if isinstance(each, EnumType | RecordType)]
    return any(each.name not in outside for each in named)
