"""The text of a test module: a kernel, the runs to test and the runs that once broke it in; readable pytest out.

Expected values come from the reference interpreter, not from generated code. The text depends on the flow and on the
cases alone: no time, no version, no place on a disk.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ...dsl.model import Parameter, Value
from ...dsl.source import Span
from ...dsl.values import dataclass
from ..codegen.layout import WIDTH, fit
from ..codegen.literals import quoted, visible
from ..codegen.names import IMPORTED, Names, Scope, snake
from ..codegen.render import docstring
from ..evaluate import Fault
from ..instance import Completion, Delegation, Event, Fired, Instance, Outcome, Rejected, Trigger, Withdraw
from ..kernel import Kernel, LeafKind
from ..outputs import MARK
from .cases import Case
from .claims import ClaimPrinter, condition, constants, promised, text
from .cover import Cover, Example
from .goals import taken as taken_by
from .play import Played
from .regressions import Regression, regression
from .values import Values, tupled
from .words import slug, title, told

IMPORTS = (
    ("datetime", ("UTC", "datetime", "timedelta")),
    ("decimal", ("Decimal",)),
    ("pytest", ()),
    ("penstock.runtime", ("core", "values")),
    ("penstock.runtime.testing", ("laws", "machine")),
)
RESERVED = ("T0", "FAILURES", "inputs", "core", "values", "laws", "machine", "pytest", "effects", "now", "data")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a test module is made of. spec: how the text calls the file of the flow; package: where the generated module
    lies, "" where it is imported by its bare name; total: whether guards leave nothing of an event unhandled."""

    kernel: Kernel
    spec: str
    digest: str
    cover: Cover
    cases: tuple[Case, ...] = ()
    package: str = ""
    total: bool = True


def module(sheet: Sheet) -> str:
    """The text of the module `test_<flow>_flow.py`."""
    return _Writer(sheet).text()


def _used(text: str) -> set[str]:
    """The names that a text refers to."""
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


class _Writer:
    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.kernel = sheet.kernel
        self.names = Names(sheet.kernel)
        classes = [self.names.flow, self.names.states, self.names.inputs, self.names.data, self.names.event_type]
        classes += [*self.names.enum.values(), *self.names.record.values(), *self.names.event.values()]
        scope = Scope(RESERVED, IMPORTED, classes)
        self.it = scope.name(snake(self.kernel.name))
        self.values = Values(self.kernel, scope.taken)
        self.tests = Scope()
        self.told: list[tuple[Played, ...]] = []
        self.claims = {
            text(self.kernel, claim): self.tests.name(slug(text(self.kernel, claim), 60))
            for claim in promised(self.kernel)
        }

    def text(self) -> str:
        body = "\n".join(self._body())
        constants = list(self._constants(_used(body)))
        used = _used("\n".join((body, *constants)))
        lines = [*self._head(used), "", *constants, *body.splitlines()]
        fitted = [part for line in lines for part in fit(line.rstrip(), WIDTH)]
        return "\n".join(fitted).rstrip("\n") + "\n"

    # ------------------------------------------------------------ the head

    def _head(self, used: set[str]) -> Iterator[str]:
        sheet = self.sheet
        yield f"# {MARK} from {visible(sheet.spec)}. DO NOT EDIT."
        yield f"# source sha256: {sheet.digest}"
        yield docstring(self._doc(), 0)
        yield ""
        yield "from __future__ import annotations"
        yield ""
        groups: list[list[str]] = [[], [], [self._own_import(used)]]
        for source, wanted in IMPORTS:
            names = [name for name in wanted if name in used]
            place = 1 if source.split(".")[0] in {"pytest", "penstock"} else 0
            groups[place] += [f"from {source} import {', '.join(names)}"] if names else []
            groups[place] += ["import pytest"] if source == "pytest" and "pytest" in used else []
        yield from "\n\n".join("\n".join(group) for group in groups if group).splitlines()

    def _own_import(self, used: set[str]) -> str:
        module = f"{self.sheet.package}.{self.names.module}" if self.sheet.package else self.names.module
        ours = {self.names.flow, self.names.states, self.names.inputs, self.names.data}
        ours |= {*self.names.enum.values(), *self.names.record.values(), *self.names.event.values()}
        return f"from {module} import {', '.join(sorted(ours & used))}"

    def _doc(self) -> str:
        flow, missed = self.kernel.name, self.sheet.cover.missed
        said = f"Tests of the flow {flow}: short runs that together take every transition"
        said += f", {len(self.sheet.cases)} that once broke it" if self.sheet.cases else ""
        said += ", and random ones.\n\nWhat is expected comes from the reference interpreter, not from generated code."
        if missed:
            lines = ", ".join(str(self.kernel.source.line(span)) for span in missed)
            said += f"\n\nNo run was found that takes line {lines} of {self.sheet.spec}."
        return said

    def _constants(self, used: set[str]) -> Iterator[str]:
        failures = [self._state(leaf.name) for leaf in self.kernel.leaves if leaf.kind is LeafKind.FAILURE]
        if "T0" in used:
            yield "T0 = datetime(2026, 1, 1, tzinfo=UTC)"
        if "FAILURES" in used:
            yield f"FAILURES = {tupled(failures)}"
        for actor, name in self.values.people.items():
            yield f"{name} = {self.values.actor(actor)}"

    # ------------------------------------------------------------ the tests

    def _body(self) -> Iterator[str]:
        for example in self.sheet.cover.examples:
            yield from self._example(example)
        for case in self.sheet.cases:
            yield from self._case(regression(self.kernel, case))
        yield from self._machine()

    def _function(self, wish: str, doc: str) -> Iterator[str]:
        yield ""
        yield ""
        yield f"def {self.tests.name(f'test_{wish}')}() -> None:"
        yield f"    {docstring(doc)}"

    def _example(self, example: Example) -> Iterator[str]:
        yield from self._function(title(self.kernel, example), told(self.kernel, example.played))
        known = self._known(example.played)
        for index, step in enumerate(example.played):
            if index < known:
                yield from self._again(step)
                continue
            yield from [""] if index else []
            yield from self._step(step, index == len(example.played) - 1)
        self.told.append(example.played)

    def _known(self, played: Sequence[Played]) -> int:
        """How many of the first steps an earlier test has told already, the last one never."""
        most = 0
        for other in self.told:
            pairs = zip(played[:-1], other, strict=False)
            same = next((at for at, (step, told) in enumerate(pairs) if step != told), min(len(played) - 1, len(other)))
            most = max(most, same)
        return most

    def _again(self, step: Played) -> Iterator[str]:
        """A step that an earlier test has told: where it leads, and no more."""
        made = step.step
        assert made is not None, "only steps that were made are told in examples"
        yield f"    {self.it}, _ = {self._call(step)}{self._line(step)}"
        yield f"    assert {next(self._facts(step.before, made.after, False))}"

    def _case(self, found: Regression) -> Iterator[str]:
        yield from self._function(found.title, found.doc)
        if found.skipped:
            yield f"    pytest.skip({quoted(found.skipped)})"
            return
        for index, step in enumerate(found.played):
            yield from [""] if index else []
            yield from self._step(step, index == len(found.played) - 1)
        yield from [f"    {line}" for line in self._judged(found)]

    def _judged(self, found: Regression) -> Iterator[str]:
        it = self.it
        if found.claim in self.claims:
            yield ""
            yield f"assert {self.claims[found.claim]}({it}, {self.values.moment(found.played[-1].now)})"
        elif found.law in {"left_standing", "undone_too_late", "left_unsure"}:
            yield ""
            yield f"assert not laws.{found.law}({it}, FAILURES)"
        elif found.law:
            yield ""
            yield f"assert not laws.{found.law}({it})"

    # ------------------------------------------------------------ a step

    def _step(self, step: Played, last: bool) -> Iterator[str]:
        if step.missing:
            yield f"    # {visible(step.missing)} any more, so this step of the run is left out"
            return
        if step.refused is not None:
            yield from self._refusal(step, step.refused)
            return
        made = step.step
        assert made is not None, "a step was made, refused, or is missing"
        yield f"    {self.it}, effects = {self._call(step)}{self._line(step)}"
        yield from (f"    assert {fact}" for fact in self._facts(step.before, made.after, last))
        yield from self._effects([self.values.effect(effect) for effect in made.effects])

    def _refusal(self, step: Played, refused: Rejected | Fault) -> Iterator[str]:
        if isinstance(refused, Fault):
            yield f"    with pytest.raises(core.Fault, match={quoted(refused.code)}):"
        else:
            yield f"    with pytest.raises(core.Rejected, match={quoted(refused.reason)}):"
        yield f"        {self._call(step)}"

    def _call(self, step: Played) -> str:
        values, now = self.values, f"now={self.values.moment(step.now)}"
        by = values.by(step.actor)
        if step.trigger is None:
            assert step.act is not None, "only a start has no trigger"
            pairs = zip(self.kernel.inputs, step.act.values, strict=True)
            given = [f"{self.names.argument[v.name]}={values.value(value, v.type)}" for v, value in pairs]
            return f"{self.names.flow}.start({''.join(f'{each}, ' for each in given)}{by}{now})"
        return f"{self.it}.{self._triggered(step.trigger, by)}{now})"

    def _triggered(self, trigger: Trigger, by: str) -> str:
        """The call of a method, but for the moment."""
        kernel, values = self.kernel, self.values
        match trigger:
            case Outcome(key, kind, value):
                activity = kernel.activity[key.partition("#")[0]]
                parts = [quoted(key), quoted(kind)]
                if value is not None and activity.result is not None:
                    parts.append(values.value(value, activity.result))
                return f"step(core.Outcome({', '.join(parts)}), "
            case Fired(timer):
                return f"step(core.Fired({quoted(timer)}), "
            case Event(name, payload):
                return f"{self.names.method[name]}({self._payload(payload, kernel.event[name].params)}{by}"
            case Completion(name, payload):
                return f"{self.names.method[name]}({self._payload(payload, kernel.task[name].form)}{by}"
            case Delegation(task, to):
                return f"delegate({quoted(task)}, {quoted(to)}, {by}"
            case Withdraw():
                return "step(core.Withdraw(), "

    def _payload(self, payload: Sequence[Value], params: Sequence[Parameter]) -> str:
        values = self.values.values(payload, [param.type for param in params])
        return "".join(f"{each}, " for each in values)

    def _facts(self, before: Instance | None, after: Instance, last: bool) -> Iterator[str]:
        """Where it is, and what the data are, where they may have changed."""
        it = self.it
        if after.compensating:
            yield f"{it}.compensating"
        elif len(after.configuration) == 1:
            yield f"{it}.state == {self._state(after.configuration[0])}"
        else:
            yield f"{it}.at == {tupled([self._state(leaf) for leaf in after.configuration])}"
        if after.finished:
            yield f"{it}.finished"
        count = len(self.kernel.inputs)
        data = after.values[count:]
        if self.kernel.data and (last or before is None or before.values[count:] != data):
            yield f"{it}.data == {self._data(data)}"
        if after.deferred and (before is None or before.deferred != after.deferred):
            names = [quoted(event.name) for event in after.deferred]
            yield f"[{it}.spec.kinds[type(event)].name for event in {it}.ledger.deferred] == [{', '.join(names)}]"

    def _data(self, values: Sequence[Value]) -> str:
        pairs = zip(self.kernel.data, values, strict=True)
        parts = [f"{self.names.variable[v.name]}={self.values.value(value, v.type)}" for v, value in pairs]
        return f"{self.names.data}({', '.join(parts)})"

    def _state(self, place: str) -> str:
        return f"{self.names.states}.{self.names.state[place]}"

    def _effects(self, effects: list[str]) -> Iterator[str]:
        line = f"    assert effects == {tupled(effects)}"
        if len(line) <= WIDTH:
            yield line
            return
        yield "    assert effects == ("
        for effect in effects:
            yield from fit(f"        {effect},", WIDTH)
        yield "    )"

    def _line(self, step: Played) -> str:
        """The line of the spec that made the step, as a comment."""
        spans = list(self._spans(step))
        if not spans or self.kernel.source.file(spans[0]) is not self.kernel.source:
            return ""
        return f"  # {visible(self.sheet.spec)}:{self.kernel.source.line(spans[0])}"

    def _spans(self, step: Played) -> Iterator[Span]:
        """What a step took, of each command the last branch that it passed."""
        for taken in taken_by(step):
            if taken.branches:
                choice, index = taken.branches[-1]
                yield self.kernel.choice[choice].branches[index].span
            elif taken.command is not None:
                yield self.kernel.commands[taken.command].span

    # ------------------------------------------------------------ properties and random runs

    def _machine(self) -> Iterator[str]:
        it, flow = self.it, self.names.flow
        place = f"{self.sheet.spec}:"
        for claim in promised(self.kernel):
            said = text(self.kernel, claim)
            printer = ClaimPrinter(self.names, lambda span: f"{place}{self.kernel.source.line(span)}", record=it)
            lines = list(printer.returned(condition(claim), WIDTH - 4))
            code = "\n".join(lines)
            yield from ("", "", f"def {self.claims[said]}({it}: {flow}, now: datetime) -> bool:")
            yield f"    {docstring(f'{said} ({place}{self.kernel.source.line(claim.span)})')}"
            if "inputs." in code:
                yield f"    inputs = {it}.inputs"
            if "data." in code:
                yield f"    data = {it}.data"
            yield from (f"    {line}" for line in lines)
        yield from ("", "")
        timers = tupled([quoted(timer.id) for timer in self.kernel.timers()])
        compared = tupled([self.values.value(value, type) for value, type in constants(self.kernel)])
        total = "" if self.sheet.total else ", total=False"
        given = f"properties={tupled(list(self.claims.values()))}, timers={timers}, constants={compared}{total}"
        yield f"{flow}Run = machine.of({flow}, {given})"
        doc = f"Random runs of {self.kernel.name}: after every step the laws of all flows hold, and its properties."
        yield from self._function("whatever_happens_the_laws_and_properties_hold", doc)
        yield f"    machine.run({flow}Run)"
