"""Rendering: a Kernel in, the text of its generated module out. The templates have the words, `plan` the decisions.

The text depends on the kernel, the digest and the spec's path alone: no time, no version, no place on a disk.
"""

from __future__ import annotations

import ast
from functools import cache
from textwrap import wrap

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..kernel import Kernel
from .layout import WIDTH, fit
from .literals import quoted, visible
from .plan import plan

ABI = 4
"""What the text expects of `penstock.runtime`; a test holds it to `runtime.core.ABI`."""


IMPORTS = (
    ("dataclasses", ("dataclass",)),
    ("datetime", ("UTC", "datetime", "timedelta")),
    ("decimal", ("Decimal",)),
    ("enum", ("StrEnum",)),
    ("typing", ("NamedTuple", "Never", "Protocol", "Self", "TypeAlias", "final")),
    (
        "penstock.runtime",
        ("codec", "core", "flow", "gates", "inplace", "records", "rules", "schedules", "spec", "values"),
    ),
)
"""All that a module may import; it imports what it uses."""


def module(kernel: Kernel, digest: str, spec_path: str, mutable: bool = False) -> str:
    """The module of a flow. `digest` is the hash of its formatted source; `spec_path` is how the text calls it.
    mutable: with a class that changes in place, where that saves anything."""
    decided = plan(kernel, digest, spec_path, mutable)
    body = _environment().get_template("module.jinja").render(m=decided)
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)} | {"core"}
    imports = [(source, wanted) for source, names in IMPORTS if (wanted := [name for name in names if name in used])]
    head = _environment().get_template("head.jinja").render(m=decided, abi=ABI, imports=imports)
    lines = [fitted for line in (head + body).splitlines() for fitted in fit(line.rstrip(), WIDTH)]
    return "\n".join(_spaced(lines)) + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("penstock.compiler.codegen"),
        autoescape=False,  # Python text: everything from a flow goes through `quoted`, `visible` or `docstring`
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {"docstring": docstring, "visible": visible, "quoted": quoted, "tuple": as_tuple}
    return environment


def docstring(text: str, indent: int = 4) -> str:
    """The text in triple quotes, whatever is in it."""
    wrapped: list[str] = []
    for line in text.strip().splitlines():
        wrapped += wrap(visible(line), WIDTH - indent - 6, break_long_words=False, break_on_hyphens=False) or [""]
    margin = " " * indent
    body = "\n".join(margin + line if line and number else line for number, line in enumerate(wrapped))
    body = body.replace('"""', '\\"\\"\\"')
    if body.endswith('"'):
        body = body[:-1] + '\\"'
    return f'"""{body}"""' if len(wrapped) < 2 else f'"""{body}\n{margin}"""'


def as_tuple(items: tuple[str, ...]) -> str:
    """The items as a tuple's text."""
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def _spaced(lines: list[str]) -> list[str]:
    """The lines with blank ones as Python is written: two before what starts at the margin after a gap, one elsewhere,
    none below the head of a block, and nothing at all between the braces of an empty table."""
    spaced: list[str] = []
    gap = False
    for line in lines:
        if not line:
            gap = True
            continue
        if line.lstrip() == "}," and spaced[-1].endswith("{"):
            spaced[-1] += line.lstrip()
            continue
        if gap and spaced and not spaced[-1].endswith(("(", "[", "{")):
            opens = line.startswith(("class ", "def ", "@", "_RULES", "async ")) or spaced[-1][:1] in " )"
            spaced += ["", ""] if line[0] not in " )" and opens else [""]
        spaced.append(line)
        gap = False
    return spaced
