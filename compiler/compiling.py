"""What `build` does about the extensions of the modules it wrote: modules in, an exit code and a few lines out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import extension
from .extension import Uncompilable
from .formats.style import clean
from .outputs import Output
from .report import CLEAN, FINDINGS
from .terminal import Terminal

__all__ = ["Uncompilable", "compare", "write"]


def write(folder: Path, modules: Sequence[Output], wanted: bool, terminal: Terminal) -> int:
    """Compile the modules, if that is wanted. Extensions of other texts go in any case: Python would import them.

    Raises Uncompilable."""
    for path in (path for module in modules for path in extension.stale(folder, module)):
        path.unlink()
        terminal.say(f"removed {clean(str(path))}: it was compiled from another text\n")
    for path, anew in extension.compile_all(folder, modules) if wanted else ():
        terminal.say(f"{'compiled' if anew else 'unchanged'} {clean(str(path))}\n")
    return CLEAN


def compare(folder: Path, modules: Sequence[Output], wanted: bool, terminal: Terminal) -> int:
    """Tell which extensions are of other texts and, if they are wanted, which are missing. Nothing is written."""
    stale = [path for module in modules for path in extension.stale(folder, module)]
    missing = [extension.path(folder, each) for each in modules if wanted and not extension.current(folder, each)]
    for path in stale:
        terminal.say(f"{clean(str(path))} was compiled from another text\n")
    for path in (path for path in missing if path not in stale):
        terminal.say(f"{clean(str(path))} is missing\n")
    if stale or missing:
        terminal.say(f"`penstock build{' --compile' if wanted else ''}` mends that.\n")
    return FINDINGS if stale or missing else CLEAN
