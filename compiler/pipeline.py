"""The stages in their order: a path in; its flows, their answers, texts and pictures out. No other module knows it.

Each stage is imported when it is first needed: a command that only formats does not load Z3.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..dsl.diagnostics import Diagnostic, Rule, Severity
from ..dsl.source import Source
from ..dsl.values import dataclass, replace
from .checks.verdict import Report
from .outputs import MARK, Output

if TYPE_CHECKING:  # sixty dataclasses that `penstock --help` can do without
    from ..dsl.load import Loaded
    from ..dsl.model import System
    from .certificates.certificate import Certificate
    from .checks.explore import Limits
    from .checks.inquiry import Inquiry
    from .kernel import Kernel
    from .staff import Staff


class Undrawable(Exception):
    """A picture cannot be laid out; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of one file. `kernels` are its flows that no error stands in the way of; `reports` are theirs once
    they were checked."""

    source: Source
    diagnostics: tuple[Diagnostic, ...]
    kernels: tuple[Kernel, ...] = ()
    reports: tuple[Report, ...] = ()
    systems: tuple[System, ...] = ()
    imported: tuple[Kernel, ...] = ()  # flows of other files that are done, or members of systems

    @property
    def readable(self) -> bool:
        """Whether there is a flow to say something about: all diagnostics have a place in the text."""
        return all(said.span is not None for said in self.diagnostics)

    @property
    def errors(self) -> bool:
        return any(said.severity is Severity.ERROR for said in self.diagnostics)


# ---------------------------------------------------------------- text to kernel to answers


def load(path: Path) -> Examined:
    """The text alone."""
    from ..dsl.load import load as load_text

    return _loaded(str(path), load_text(path))


def given() -> Examined:
    """The text that comes in on standard input."""
    from ..dsl.load import standard_input

    return _loaded("-", standard_input())


def _loaded(name: str, loaded: Source | tuple[Diagnostic, ...]) -> Examined:
    return Examined(loaded, ()) if isinstance(loaded, Source) else Examined(Source(name, ""), loaded)


def read(path: Path) -> Examined:
    """The kernels of a file, and everything the language has to say about it."""
    loaded = load_all(path)
    return loaded if isinstance(loaded, Examined) else understood(loaded)


def load_all(path: Path) -> Loaded | Examined:
    """The text with those that it imports; where it cannot be read, what is to be said of that."""
    from ..dsl import load

    loaded = load.load_all(path)
    return Examined(Source(str(path), ""), loaded) if isinstance(loaded, tuple) else loaded


def understood(loaded: Loaded) -> Examined:
    """The kernels of a text that was loaded, and everything the language has to say about it."""
    return meaning(loaded.source, loaded.diagnostics)


def meaning(source: Source, diagnostics: tuple[Diagnostic, ...] = ()) -> Examined:
    """The kernels of a text that was loaded; diagnostics: what was said about it until now."""
    from ..dsl.parse import parse
    from ..dsl.typecheck import analyse
    from .lower import lower

    parsed = parse(source)
    analysed = analyse(parsed.tree, source)
    said = (*diagnostics, *parsed.diagnostics, *analysed.diagnostics)
    kernels, imported = tuple(map(lower, analysed.flows)), tuple(map(lower, analysed.imported))
    systems = () if any(each.severity is Severity.ERROR for each in said) else analysed.systems
    return Examined(source, said, kernels, systems=systems, imported=imported)


def check(
    file: Examined,
    seconds: float | None = None,
    staff: Staff | None = None,
    memory: int | None = None,
    tell: Callable[[str], None] | None = None,
    likely: bool = False,
    audit: Audit | None = None,
) -> Examined:
    """The file with the answers of every check for each flow, which may take so many seconds (else as usual), and so
    many megabytes. tell: takes lines about how far it has come, when it takes long; likely: also how likely each flow
    ends where; audit: looks at each flow that was checked."""
    if not file.kernels and not file.systems:
        return file
    from .checks import suite

    limits = _limits(seconds, memory, tell)
    reports = suite.check_all(file.kernels, file.imported, limits, staff, likely, audit)
    return replace(file, reports=(*reports, *check_systems(file, limits)))


Audit = Callable[["Inquiry"], None]
"""Looks at each flow that was checked."""


class Certifier:
    """Makes a certificate of each flow that it is shown. spec: how they call the file of the flows."""

    def __init__(self, spec: str) -> None:
        self.spec = spec
        self.made: list[Certificate] = []

    def audit(self, inquiry: Inquiry) -> None:
        """Raises Undischarged, a bug of ours, where a certificate does not say what was proved."""
        from .certificates.certificate import make

        self.made.append(make(inquiry, self.spec))

    def systems(self, file: Examined) -> None:
        """The certificates of the systems of a file, if they were checked to the end. Raises Undischarged."""
        from .certificates.system import make

        kernels = {kernel.name: kernel for kernel in (*file.imported, *file.kernels)}
        reports = file.reports[len(file.reports) - len(file.systems) :]
        for system, report in zip(file.systems, reports, strict=True):
            if not report.cut:
                self.made.append(make(system, kernels, report, self.spec))


class Explorations:
    """Keeps what was explored of the flows of one file, for its tests."""

    def __init__(self) -> None:
        self.inquiries: dict[str, Inquiry] = {}

    def audit(self, inquiry: Inquiry) -> None:
        self.inquiries[inquiry.kernel.name] = inquiry


def _limits(seconds: float | None, memory: int | None, tell: Callable[[str], None] | None) -> Limits:
    from .checks.explore import Limits

    usual = Limits(memory=memory, tell=tell)
    return usual if seconds is None else replace(usual, seconds=seconds)


def mend(files: Sequence[Examined], staff: Staff | None = None) -> list[Examined]:
    """The checked files, with the edits that are suggested checked as well, as far as that does not take long."""
    from . import mending

    budget = mending.Budget()

    def recheck(source: Source, flow: str) -> Report | None:
        from .checks import suite

        again = meaning(source)
        kernel = next((each for each in again.kernels if each.name == flow), None)
        if again.errors or kernel is None:
            return None
        others = (*again.imported, *(each for each in again.kernels if each is not kernel))
        return suite.check_all((kernel,), others, suite.Limits(nodes=1500, seconds=60), staff)[0]

    def mended(file: Examined) -> Examined:
        reports = (mending.mended(file.source, report, recheck, budget) for report in file.reports)
        return replace(file, reports=tuple(reports))

    return list(map(mended, files))


def check_systems(file: Examined, limits: Limits | None = None) -> tuple[Report, ...]:
    """What the checks say of the systems of a file alone."""
    if not file.systems:
        return ()
    from .checks import systems

    kernels = {kernel.name: kernel for kernel in (*file.imported, *file.kernels)}
    return tuple(systems.check(system, kernels, limits) for system in file.systems)


def rehearse(file: Examined) -> Examined:
    """The file with an answer for each of its scenarios."""
    if not file.kernels:
        return file
    from . import scenario

    return replace(file, reports=tuple(scenario.rehearse(kernel) for kernel in file.kernels))


# ---------------------------------------------------------------- kernel to text and pictures


def outputs(file: Examined, spec: str, folder: Path, path: Path, mutable: bool = False) -> tuple[Output, ...]:
    """What `build` leaves for a file: a module and two pictures for each flow. `spec` is how they call their source;
    `folder` is where they will lie, and `path` where the source does, for the links between the two. mutable:
    modules with classes that change in place."""
    from ..dsl.format import canonical
    from .codegen import names, render
    from .diagrams import dot, mermaid
    from .diagrams.picture import picture

    made: list[Output] = []
    digest = hashlib.sha256(canonical(file.source).encode()).hexdigest()
    for kernel in (_called(each, spec) for each in file.kernels):
        stem = names.module(kernel)
        drawn = picture(kernel, _address(path, folder))
        made += [
            Output(f"{stem}.py", render.module(kernel, digest, spec, mutable)),
            Output(f"{stem}.dot", _marked("dot", dot.render(drawn), spec)),
            Output(f"{stem}.mmd", _marked("mermaid", mermaid.render(drawn), spec)),
        ]
    return tuple(made)


def draw(kernel: Kernel, form: str, folder: Path, path: Path) -> str:
    """One picture of a flow, `svg`, `dot` or `mermaid`, to lie in `folder`. Raises Undrawable."""
    from .diagrams import dot, mermaid
    from .diagrams.picture import picture

    drawn = picture(_called(kernel, path.name), _address(path, folder))
    if form == "mermaid":
        return _marked(form, mermaid.render(drawn), path.name)
    text = dot.render(drawn)
    if form == "svg":
        from .diagrams import svg

        try:
            text = svg.render(text)
        except svg.LayoutError as error:
            raise Undrawable(f"cannot draw `{kernel.name}`: {error}") from error
    return _marked(form, text, path.name)


def _called(kernel: Kernel, name: str) -> Kernel:
    """The kernel with its source under another name, so that nothing written depends on where it was written from."""
    return replace(kernel, source=kernel.source.called(name))


def _address(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _marked(form: str, text: str, spec: str) -> str:
    """The text with the mark of a generated file, as a comment where its format takes one."""
    mark = f"{MARK} from {spec.replace('--', '- -')}. DO NOT EDIT."
    if form == "mermaid":
        head, kind, rest = text.partition("flowchart TD\n")
        return f"{head}{kind}  %% {mark}\n{rest}"
    return f"// {mark}\n{text}" if form == "dot" else f"<!-- {mark} -->\n{text}"


# ---------------------------------------------------------------- the rest


def formatted(file: Examined) -> str | Examined:
    """The text of a loaded file in the one layout; the file with its errors where it cannot be read."""
    if file.errors:
        return file
    from ..dsl.format import format_text

    text = format_text(file.source)
    return text if isinstance(text, str) else replace(file, diagnostics=text)


def rules() -> Sequence[Rule]:
    """Every rule there is, by code."""
    from ..dsl.rules import RULES
    from . import scenario
    from .checks import suite, systems, vacuity
    from .mutation.rule import SURVIVES
    from .validation import findings

    found = (*RULES, *suite.RULES, *vacuity.RULES, *systems.RULES, SURVIVES, scenario.FAILED, *findings.RULES)
    return sorted(found, key=lambda rule: rule.code)
