"""Kernel in, Picture out."""

from __future__ import annotations

import textwrap
from pathlib import PurePosixPath
from urllib.parse import quote

from ..kernel import Kernel
from .arrows import edges
from .figures import group, nodes
from .graph import DOC_WIDTH, Picture, printable


def picture(kernel: Kernel, href: str | None = None) -> Picture:
    """The picture of a flow. `href` is the address of its source relative to where the picture will lie; without it
    the source's own name is taken (its last part, if that is an absolute path)."""
    source = kernel.source
    name = source.name if href is None else href
    return Picture(
        title=f"{kernel.name} · version {kernel.version}",
        doc=tuple(textwrap.wrap(kernel.doc, DOC_WIDTH)),
        source=source.name,
        href=relative(name),
        groups=tuple(group(kernel, scope) for scope in kernel.scopes[1:]),
        nodes=tuple(nodes(kernel)),
        edges=tuple(edges(kernel)),
    )


def relative(name: str) -> str:
    """A link that can only lead to a file below or beside: no scheme, no host, no root."""
    path = PurePosixPath(name.replace("\\", "/"))
    shown = path.name if path.is_absolute() else path.as_posix()
    return quote(printable(shown), safe="/")
