"""The stages in their order: a path in; its flow, its kernel, its answers out. No other module knows the order."""

from __future__ import annotations

from dataclasses import dataclass

from ..dsl.diagnostics import Diagnostic, Severity
from ..dsl.source import Source
from .checks.verdict import Report
from .kernel import Kernel


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of one file. `kernels` are its flows that no error stands in the way of; `reports` are theirs once
    they were checked; `readable` is False where there is no text at all."""

    source: Source
    diagnostics: tuple[Diagnostic, ...]
    kernels: tuple[Kernel, ...] = ()
    reports: tuple[Report, ...] = ()
    readable: bool = True

    @property
    def errors(self) -> bool:
        return any(said.severity is Severity.ERROR for said in self.diagnostics)
