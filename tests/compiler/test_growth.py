"""What is done with a flow grows as the flow does, not as its square: counted in calls, the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.compiler import pipeline
from penstock.dsl.format import format_text
from penstock.dsl.load import load
from penstock.dsl.source import Source

FEW, MANY = 20, 80
WORST = 1.25
"""Four times the flow may take five times the calls; its square would be sixteen."""


def saga(states: int) -> str:
    """One state after the other, each with an activity, a compensation, a task, an event and a timer of its own."""
    activities = (
        f"  activity a{n}(t: int) -> text {{ timeout 30s fails bad compensate u{n}(result) }}\n" for n in range(states)
    )
    ways = "on bad -> compensate -> Gone  on failed -> compensate -> Gone  on e{n} -> compensate -> Gone"
    body = "".join(
        f"  event e{n}\n  state S{n} {{ do a{n}(total) on done(id) {{ d{n} = id }} -> C{n}  {ways.format(n=n)} }}\n"
        f"  choice C{n} {{ when total > {n} -> T{n} else -> S{n + 1} }}\n"
        f"  state T{n} {{ task t{n} for clerk {{ form {{ ok: bool }} }} on t{n}(ok) when ok -> S{n + 1}"
        f"  on t{n} else -> compensate -> Gone  after 1h -> compensate -> Gone  defer e{n} }}\n"
        for n in range(states)
    )
    data = "  data {\n" + "".join(f"    d{n}: text?\n" for n in range(states)) + "  }\n"
    head = f"flow Saga version 1 {{\n  input {{ total: int 0..1000 }}\n  roles clerk\n{data}"
    last = f"  state S{states} {{ after 1h -> Done }}\n  final Done\n  final failure Gone\n"
    return f"{head}{''.join(activities)}  start -> S0\n{body}{last}}}\n"


def calls(do: Callable[[], object]) -> int:
    """How many functions are called, of Python and of C, by what is done."""
    count = 0

    def noting(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(noting)
    try:
        do()
    finally:
        sys.setprofile(before)
    return count


def kernel_of(path: Path) -> pipeline.Examined:
    file = pipeline.read(path)
    assert len(file.kernels) == 1 and not file.errors, file.diagnostics
    return file


def drawn(path: Path, form: str) -> Callable[[], object]:
    kernel = kernel_of(path).kernels[0]
    return lambda: pipeline.draw(kernel, form, path.parent, path)


def built(path: Path) -> Callable[[], object]:
    file = kernel_of(path)
    return lambda: pipeline.outputs(file, path.name, path.parent, path)


def formatted(path: Path) -> Callable[[], object]:
    source = load(path)
    assert isinstance(source, Source)
    return lambda: format_text(source)


def read(path: Path) -> Callable[[], object]:
    return lambda: kernel_of(path)


def dot(path: Path) -> Callable[[], object]:
    return drawn(path, "dot")


def mermaid(path: Path) -> Callable[[], object]:
    return drawn(path, "mermaid")


@pytest.mark.parametrize("work", [read, dot, mermaid, built, formatted], ids=lambda work: work.__name__)
def test_the_work_grows_as_the_flow_does(work: Callable[[Path], Callable[[], object]], tmp_path: Path) -> None:
    counted: list[int] = []
    for states in (FEW, FEW, MANY):  # once more, for what is worked out once in a process
        path = tmp_path / f"saga{states}.flow"
        path.write_text(saga(states))
        counted.append(calls(work(path)))
    _, few, many = counted
    assert many / few < WORST * MANY / FEW
