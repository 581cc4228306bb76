"""The pictures of the real specs: complete, accepted by the layout engine, and the same text every time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

import kernels
from penstock.compiler.diagrams import dot, layout, mermaid, svg
from penstock.compiler.diagrams.graph import ANYWHERE, Edge, EdgeLook, NodeLook, Picture
from penstock.compiler.diagrams.picture import picture
from penstock.compiler.kernel import Kernel, Stay
from penstock.dsl.source import Source

SPECS = Path(__file__).parents[2] / "specs"
SVG = "{http://www.w3.org/2000/svg}"


def read(path: Path) -> Mapping[str, Kernel]:
    """The kernels of a spec by `<spec>.<flow>`; of the only one, by the name of the spec."""
    text = path.read_text(encoding="utf-8")
    source = Source(f"specs/{path.name}", text)
    found = {name: replace(kernel, source=source) for name, kernel in kernels.kernels(text).items()}
    return {path.stem if len(found) == 1 else f"{path.stem}.{name}": kernel for name, kernel in found.items()}


KERNELS = {name: kernel for path in sorted(SPECS.glob("*.flow")) for name, kernel in read(path).items()}
NAMES = sorted(KERNELS)


def kernel(name: str) -> Kernel:
    return KERNELS[name]


def edge(drawn: Picture, source: str, target: str, look: EdgeLook = EdgeLook.MOVE) -> Edge:
    (found,) = (e for e in drawn.edges if (e.source, e.target, e.look) == (source, target, look))
    return found


@pytest.mark.parametrize("name", ["order", "support"])
def test_the_texts_are_as_they_were(name: str, golden: Callable[[str, str], None]) -> None:
    drawn = picture(kernel(name))
    golden(f"{name}.dot", dot.render(drawn))
    golden(f"{name}.mmd", mermaid.render(drawn))


@pytest.mark.parametrize("name", NAMES)
def test_every_leaf_choice_and_written_transition_is_in_the_picture(name: str) -> None:
    flow = kernel(name)
    drawn = picture(flow)
    assert {leaf.name for leaf in flow.leaves} | {choice.name for choice in flow.choices} <= {n.id for n in drawn.nodes}
    shown = "\n".join((*(e.tooltip for e in drawn.edges), *(n.tooltip for n in drawn.nodes)))
    branches = [branch.span for choice in flow.choices for branch in choice.branches]
    moves = [command.span for command in flow.commands if not isinstance(command.target, Stay)]
    for span in (*branches, *moves):
        assert f"({flow.source.name}:{flow.source.line(span)})" in shown
    stays = {command.span for command in flow.commands if isinstance(command.target, Stay)}
    assert sum(line.endswith("stays") for node in drawn.nodes for line in node.lines) == len(stays)


@pytest.mark.parametrize("name", NAMES)
def test_the_svg_shows_every_node_and_links_it_to_its_line(name: str) -> None:
    flow = kernel(name)
    drawn = picture(flow)
    root = ElementTree.fromstring(svg.render(dot.render(drawn)))
    words = {text.text for text in root.iter(f"{SVG}text")}
    links = {a.get("{http://www.w3.org/1999/xlink}href") for a in root.iter(f"{SVG}a")}
    for node in drawn.nodes:
        assert node.title in words or node.look is NodeLook.START
        assert f"{flow.source.name}#L{node.line}" in links
    assert {drawn.title, *drawn.doc} <= words


def test_edges_that_look_alike_are_merged_and_the_others_are_not() -> None:
    drawn = picture(kernel("order"))
    assert edge(drawn, "Reserving", "Cancelled", EdgeLook.UNDO).lines == ("↩ failed", "↩ cancel")
    assert edge(drawn, "Quoting", "NeedsApproval").lines == ("done(best)", "failed")
    assert edge(drawn, "Approval", "Charging").lines == ("review(verdict, comment)", "  [verdict == accept]")


def test_each_meaning_has_its_look() -> None:
    looks = {node.id: node.look for node in picture(kernel("order")).nodes}
    assert looks["Reserving"] is NodeLook.WORK
    assert looks["Approval"] is NodeLook.TASK
    assert looks["NeedsApproval"] is NodeLook.CHOICE
    assert (looks["Delivered"], looks["Cancelled"]) == (NodeLook.SUCCESS, NodeLook.FAILURE)


def test_a_deadline_leaves_from_one_node_that_stands_for_every_state() -> None:
    drawn = picture(kernel("trip"))
    assert edge(drawn, ANYWHERE, "Expired", EdgeLook.UNDO).lines == ("↩ ◷ deadline 3d",)
    assert not [e for e in drawn.edges if e.source != ANYWHERE and "deadline" in "".join(e.lines)]


def test_what_a_timer_counts_from_and_what_is_done_for_each_item_is_said() -> None:
    drawn = picture(
        kernels.flow("""
          input { parts: list<text> at most 4 }
          activity pack(part: text) { readonly }
          start -> Early
          state Early { after 1h -> Packing }
          state Packing { do for part in parts until 2 done: pack(part)  on done -> Good  on failed -> Good
                          after 2h since Early -> Late }
          final Good
          final Late
        """)
    )
    assert edge(drawn, "Packing", "Late", EdgeLook.TIMER).lines == ("◷ 2h since Early",)
    (lines,) = (node.lines for node in drawn.nodes if node.id == "Packing")
    assert lines[:2] == ("⚙ pack ↻ 3×", "each of parts until 2 done")


@pytest.mark.parametrize(
    ("name", "href"),
    [
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("//elsewhere.example/x.flow", "x.flow"),
        ("/home/me/my order.flow", "my%20order.flow"),
        ("\\\\server\\share\\x.flow", "x.flow"),
        ("../specs/order.flow", "../specs/order.flow"),
        ('a"><b>.flow', "a%22%3E%3Cb%3E.flow"),
    ],
)
def test_a_link_only_leads_to_a_file_nearby(name: str, href: str) -> None:
    order = kernel("order")
    assert picture(order, name).link(7) == f"{href}#L7"
    assert picture(replace(order, source=Source(name, order.source.text))).link(7) == f"{href}#L7"


def test_what_cannot_be_laid_out_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(layout.LayoutError, match="Graphviz refused the picture: Failed to parse DOT"):
        layout.lay_out_here("digraph {")
    with pytest.raises(layout.LayoutError, match="not readable as SVG"):
        svg.dress("<svg")
    with pytest.raises(layout.LayoutError, match="empty picture"):
        svg.dress("<svg/>")
    monkeypatch.setattr(layout, "FUEL", 1_000_000)
    with pytest.raises(layout.LayoutError, match="too big to lay out"):
        layout.lay_out_here(dot.render(picture(kernel("order"))))


def test_after_an_error_the_next_layout_is_fine() -> None:
    with pytest.raises(layout.LayoutError):
        layout.lay_out_here("digraph {")
    assert "</svg>" in layout.lay_out_here("digraph { a -> b }")


def test_a_picture_is_drawn_where_nothing_can_be_cached(tmp_path: Path) -> None:
    """As in a container whose user has no home."""
    (tmp_path / "file").touch()
    nowhere = str(tmp_path / "file" / "home")
    program = "from penstock.compiler.diagrams import layout; print(layout.lay_out_here('digraph { a -> b }'))"
    environment = {**os.environ, "HOME": nowhere, "XDG_CACHE_HOME": nowhere}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "</svg>" in done.stdout


def test_an_installed_graphviz_is_asked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\ncat >/dev/null\necho '<svg>by dot</svg>'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert layout.lay_out("digraph {}") == "<svg>by dot</svg>\n"
    program.write_text("#!/bin/sh\ncat >/dev/null\necho 'no such font' >&2\nexit 3\n")
    with pytest.raises(layout.LayoutError, match="`dot` failed: no such font"):
        layout.lay_out("digraph {}")
