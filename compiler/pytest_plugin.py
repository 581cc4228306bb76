"""`.flow` files as tests: pytest collects a file in; an item for each property, check and scenario of it out.

It is asked for with `--flow`, or `flow_files = true` in pytest's configuration; otherwise no file is looked at and
nothing of penstock but this module is loaded. A file is checked once, by the pipeline of `penstock check`, when the
first of its items runs; answers that `penstock check` keeps are used, and kept. A failure shows what `penstock check`
would print of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from ..dsl.diagnostics import Diagnostic
    from ..dsl.model import Property, Scenario, System
    from ..dsl.source import Span
    from .checks.verdict import Answer, Report
    from .kernel import Kernel
    from .pipeline import Examined

SUFFIX = ".flow"
UNKNOWN = ("fail", "skip", "xfail")
_LONGEST = 150  # characters of the name of an item


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("penstock", "flows of penstock")
    group.addoption("--flow", action="store_true", dest="flow_files", help="collect .flow files as tests")
    group.addoption(
        "--flow-unknown",
        choices=UNKNOWN,
        default=None,
        help="what to make of a check that neither proves nor refutes; default: fail",
    )
    group.addoption(
        "--flow-timeout",
        type=float,
        default=None,
        metavar="S",
        help="processor seconds for a flow; default: 120",
    )
    parser.addini("flow_files", "collect .flow files, as --flow does", type="bool", default=False)
    parser.addini("flow_unknown", "as --flow-unknown", default="fail")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> FlowFile | None:
    if file_path.suffix != SUFFIX or not _wanted(parent.config):
        return None
    return _made(FlowFile, parent, {"path": file_path})


def _wanted(config: pytest.Config) -> bool:
    return bool(config.getoption("flow_files")) or bool(config.getini("flow_files"))


class Broken(Exception):
    """What an item has to say of itself; the text is for the user."""


class FlowFile(pytest.File):
    """One file; its items lie in it, or in one collector for each flow where it holds several."""

    _checked: Examined | None = None

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        from . import pipeline, report

        file = pipeline.read(self._place())
        if file.errors or not file.readable:
            raise self.CollectError(report.render("full", [self._named(file)], _plain(), ""))
        if len(file.kernels) + len(file.systems) == 1 and file.kernels:
            yield from items(self, self, file.kernels[0])
            return
        for kernel in file.kernels:
            yield _made(FlowPart, self, {"name": kernel.name}, kernel=kernel)
        for system in file.systems:
            yield _made(SystemPart, self, {"name": system.name}, system=system)

    def checked(self) -> Examined:
        """The file with the answers of every check, worked out once."""
        if self._checked is None:
            from . import pipeline
            from .cache import shelf
            from .recall import Recall

            recall = Recall(shelf(os.environ), None, (False, True))
            file = pipeline.check(recall.read(self._place()), self.config.getoption("flow_timeout"))
            self._checked = recall.keep(pipeline.mend([file])[0])
        return self._checked

    def told(self, diagnostics: Sequence[Diagnostic], flow: str) -> str:
        """Pages of some of what was said, as `penstock check` has them."""
        from .formats.finding import findings
        from .formats.page import page

        wanted = {id(each) for each in diagnostics}
        found = findings([self._named(self.checked())])
        pages = [page(each, _plain()) for each in found if id(each.diagnostic) in wanted and each.flow == flow]
        codes = dict.fromkeys(each.rule.code for each in diagnostics)
        return "\n".join([*pages, f"`penstock explain {next(iter(codes))}` says more about a code.\n"])

    def page(self, diagnostic: Diagnostic, kernel: Kernel) -> str:
        """The page of something that only one item knows of."""
        from . import pipeline
        from .formats.finding import findings
        from .formats.page import page

        file = pipeline.Examined(kernel.source.called(self._name()), (diagnostic,))
        return page(findings([file])[0], _plain())

    def _named(self, file: Examined) -> Examined:
        from dataclasses import replace

        return replace(file, source=file.source.called(self._name()))

    def _name(self) -> str:
        """As seen from where pytest was started."""
        return os.path.relpath(self.path, self.config.invocation_params.dir)

    def _place(self) -> Path:
        """The file, called as `penstock check` calls it there, which shares what is remembered."""
        return Path(self._name()) if Path.cwd() == self.config.invocation_params.dir else self.path

    def line(self, span: Span, kernel: Kernel) -> int | None:
        """The line a part stands in, from 0, if it is in this file."""
        inside = kernel.source.file(span) is kernel.source
        return kernel.source.line(span) - 1 if inside else None


class FlowPart(pytest.Collector):
    """One flow of several in a file."""

    kernel: Kernel

    def collect(self) -> Iterable[pytest.Item]:
        assert isinstance(self.parent, FlowFile), "a flow lies in a file"
        return items(self, self.parent, self.kernel)


class SystemPart(pytest.Collector):
    """A system of flows in a file."""

    system: System

    def collect(self) -> Iterator[pytest.Item]:
        from .checks import systems

        assert isinstance(self.parent, FlowFile), "a system lies in a file"
        for rule in systems.RULES:
            name = f"{rule.code} {rule.name}"
            line = self.system.source.line(self.system.span) - 1
            yield _item(CheckItem, self, name, file=self.parent, flow=self.system.name, line=line, code=rule.code)


def items(parent: pytest.Collector, file: FlowFile, kernel: Kernel) -> Iterator[pytest.Item]:
    """The properties of a flow, its scenarios, then each check that is asked of every flow."""
    from .checks import suite

    taken: set[str] = set()

    def unique(text: str) -> str:
        name, number = _short(text), 2
        while name in taken:
            name, number = f"{_short(text)} ({number})", number + 1
        taken.add(name)
        return name

    for claim in kernel.properties:
        name, line = unique(kernel.source.slice(claim.span)), file.line(claim.span, kernel)
        yield _item(PropertyItem, parent, name, file=file, flow=kernel.name, line=line, claim=claim)
    for scenario in kernel.scenarios:
        name, line = unique(f"scenario {scenario.title}"), file.line(scenario.span, kernel)
        yield _item(ScenarioItem, parent, name, file=file, flow=kernel.name, line=line, kernel=kernel, play=scenario)
    for rule in suite.RULES:
        if rule.code != PROPERTY:
            name, line = unique(f"{rule.code} {rule.name}"), file.line(kernel.span, kernel)
            spans = frozenset(claim.span for claim in kernel.properties)
            asked = {"code": rule.code, "spans": spans}
            yield _item(CheckItem, parent, name, file=file, flow=kernel.name, line=line, **asked)


PROPERTY = "F301"
_Node = TypeVar("_Node", bound="pytest.Item | pytest.Collector")


def _made(kind: type[_Node], parent: pytest.Collector, node: Mapping[str, object], **own: object) -> _Node:
    """A node as pytest makes them, and then its own attributes."""
    make: Callable[..., _Node] = getattr(kind, "from_parent")  # noqa: B009 (pytest does not say its types)
    made = make(parent, **node)
    for name, value in own.items():
        setattr(made, name, value)
    return made


def _item(kind: type[FlowItem], parent: pytest.Collector, name: str, **own: object) -> FlowItem:
    item = _made(kind, parent, {"name": name}, **own)
    item.add_marker(pytest.mark.flow)
    return item


class FlowItem(pytest.Item):
    """One promise. `line`: where it stands, from 0."""

    file: FlowFile
    flow: str
    line: int | None

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, self.line, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Broken):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def report(self) -> Report:
        """The answers about this item's flow."""
        return next(each for each in self.file.checked().reports if each.flow == self.flow)

    def judge(self, answers: Sequence[Answer]) -> None:
        """Raises Broken where one of the answers is a refutation; see `--flow-unknown` for those that are none."""
        from .checks.verdict import Verdict

        mine = [answer for answer in answers if answer.accepted is None]
        refuted = [a.diagnostic for a in mine if a.verdict is Verdict.REFUTED and a.diagnostic is not None]
        if refuted:
            raise Broken(self.file.told(refuted, self.flow))
        unknown = [a.diagnostic for a in mine if a.verdict is Verdict.UNKNOWN and a.diagnostic is not None]
        if unknown:
            text = self.file.told(unknown, self.flow)
            chosen = self.config.getoption("flow_unknown") or self.config.getini("flow_unknown")
            if chosen == "fail":
                raise Broken(f"inconclusive: nothing is refuted, something is not proved\n\n{text}")
            reason = f"unknown: {unknown[0].message}"
            (pytest.skip if chosen == "skip" else pytest.xfail)(reason)


class PropertyItem(FlowItem):
    """An `always`, `never`, `reach` or `leads to`, its deadline included."""

    claim: Property

    def runtest(self) -> None:
        self.judge([answer for answer in self.report().answers if _about(answer, self.claim.span)])


class ScenarioItem(FlowItem):
    """A scenario, played on the reference interpreter."""

    kernel: Kernel
    play: Scenario

    def runtest(self) -> None:
        from . import scenario

        failed = scenario.play(self.kernel, self.play)
        if failed is not None:
            raise Broken(self.file.page(failed, self.kernel))


class CheckItem(FlowItem):
    """All answers of one check, but for those about a property."""

    code: str
    spans: frozenset[Span] = frozenset()

    def runtest(self) -> None:
        answers = [each for each in self.report().answers if each.rule.code == self.code]
        self.judge([each for each in answers if not any(_about(each, span) for span in self.spans)])


def _about(answer: Answer, span: Span) -> bool:
    """Whether an answer is about the property at a place."""
    return answer.span == span and answer.rule.code in {PROPERTY, "F204"}


def _short(text: str) -> str:
    """A name for the command line: on one line, without the `::` that parts names, and not too long."""
    line = re.sub(r"\s+", " ", text).replace("::", ":").strip()
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _plain() -> Any:
    from .formats.style import PLAIN

    return PLAIN


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "flow: a promise of a .flow file")
    chosen = config.getini("flow_unknown")
    if chosen not in UNKNOWN:
        raise pytest.UsageError(f"flow_unknown is {chosen!r}; it may be {', '.join(UNKNOWN)}")
