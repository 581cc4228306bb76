"""One mutant of a flow in, who notices it out: language, checks, properties, scenarios; or that it is the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from ...dsl.source import Source
from .. import pipeline, scenario
from ..checks import suite, systems
from ..checks.explore import Explorer
from ..checks.inquiry import Inquiry
from ..checks.suite import Limits
from ..checks.verdict import Horizon, Verdict
from ..kernel import Kernel
from ..pipeline import Examined
from . import undone
from .equivalence import equal
from .site import Mutant

OWN = {"F204", "F301"}
"""What is refuted of properties that the flow itself states."""


class Net(StrEnum):
    """Who notices a mutant, in the order they are asked; or why nobody does."""

    LANGUAGE = "language"  # it cannot be read; or, asked last, it has a warning that the flow has not
    CHECKS = "checks"
    PROPERTIES = "properties"
    SCENARIOS = "scenarios"
    EQUIVALENT = "equivalent"
    SURVIVES = "survives"
    OPEN = "open"  # a check could not decide it within its limits, and nobody else noticed


@dataclass(frozen=True, slots=True)
class Trial:
    """codes: of the findings of that net, or of what is open."""

    mutant: Mutant
    net: Net
    codes: tuple[str, ...] = ()


class Bench:
    """One sound flow of a text, against which its mutants are tried. Each process that tries some makes its own."""

    def __init__(self, source: Source, flow: str, limits: Limits) -> None:
        self.flow = flow
        self.source = source
        self.limits = limits
        self.file = pipeline.meaning(source)
        kernel = self._kernel(self.file)
        assert kernel is not None, "only flows without errors are mutated"
        self.kernel = kernel
        self._warned = {(said.rule.code, said.message) for said in self.file.diagnostics}

    def try_out(self, mutant: Mutant) -> Trial:
        file = pipeline.meaning(mutant.of(self.source))
        kernel = self._kernel(file)
        if file.errors or kernel is None:
            return Trial(mutant, Net.LANGUAGE, tuple(dict.fromkeys(said.rule.code for said in file.diagnostics)))
        inquiry = Inquiry(Explorer(kernel, self.limits), children=self._children)
        found = self._checked(mutant, inquiry)
        if found.net in {Net.CHECKS, Net.PROPERTIES}:
            return found
        if codes := self._together(file):
            return Trial(mutant, Net.CHECKS, codes)
        if any(answer.verdict is Verdict.REFUTED for answer in scenario.rehearse(kernel).answers):
            return Trial(mutant, Net.SCENARIOS, (scenario.FAILED.code,))
        if warnings := [s.rule.code for s in file.diagnostics if (s.rule.code, s.message) not in self._warned]:
            return Trial(mutant, Net.LANGUAGE, tuple(dict.fromkeys(warnings)))
        return Trial(mutant, Net.EQUIVALENT) if self._same(kernel, inquiry) else found

    def _kernel(self, file: Examined) -> Kernel | None:
        return next((kernel for kernel in file.kernels if kernel.name == self.flow), None)

    def _checked(self, mutant: Mutant, inquiry: Inquiry) -> Trial:
        """What the checks say, up to the first of them that refutes something."""
        own: dict[str, None] = {}
        unknown: dict[str, None] = {}
        for answer in suite.answers(inquiry):
            code = answer.rule.code
            if answer.accepted is not None or answer.verdict is Verdict.PROVED:
                continue
            if answer.verdict is Verdict.UNKNOWN:
                unknown[code] = None
            elif code in OWN:
                own[code] = None
            else:
                return Trial(mutant, Net.CHECKS, (code,))
        if own:
            return Trial(mutant, Net.PROPERTIES, tuple(own))
        return Trial(mutant, Net.OPEN if unknown else Net.SURVIVES, tuple(unknown))

    def _together(self, file: Examined) -> tuple[str, ...]:
        """What the checks of systems that the flow plays in refute."""
        kernels = {kernel.name: kernel for kernel in (*file.imported, *file.kernels)}
        codes: dict[str, None] = {}
        for system in file.systems:
            if any(member.flow == self.flow for member in system.members):
                answers = systems.check(system, kernels, self.limits).answers
                refuted = (a for a in answers if a.verdict is Verdict.REFUTED and a.accepted is None)
                codes |= dict.fromkeys(answer.rule.code for answer in refuted)
        return tuple(codes)

    def _same(self, mutant: Kernel, inquiry: Inquiry) -> bool:
        """Whether the mutant provably does what the flow does."""
        return (
            equal(self.kernel, mutant, self.limits)
            or undone.since_the_bottom(inquiry, self.kernel)
            or (undone.compensates_less(self.kernel, mutant) and undone.of_nothing(self._inquiry, mutant))
            or (undone.compensates_less(self.kernel, mutant) and undone.since_the_bottom(self._inquiry, mutant))
        )

    @cached_property
    def _inquiry(self) -> Inquiry:
        return Inquiry(Explorer(self.kernel, self.limits), children=self._children)

    @cached_property
    def _children(self) -> Mapping[str, Horizon]:
        """How long the flows that it does take, as they are without a mutation."""
        names = {each.name for each in self.kernel.activities if each.flow}
        known = [*self.file.imported, *self.file.kernels]
        others = [kernel for kernel in known if kernel.name in names - {self.flow}]
        reports = suite.check_all(others, known, self.limits)
        itself = {self.flow: Horizon("", None, "it does itself")} if self.flow in names else {}
        return {kernel.name: suite.lasting(report) for kernel, report in zip(others, reports, strict=True)} | itself
