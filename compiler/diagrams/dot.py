"""Picture in, Graphviz DOT text out: readable as it is, and laid out by any `dot`.

Every node and edge carries its look as a class, for `svg` to style by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .graph import ANYWHERE, START, Edge, EdgeLook, Group, GroupLook, Node, NodeLook, Picture, inner_start, printable
from .palette import LIGHT_PAPER, LOOKS

FONT = "Verdana"
"""The widest of the common sans-serif fonts, so that boxes measured with it hold whatever a browser has instead."""

_SHAPES = {
    NodeLook.START: 'shape=circle width=0.16 fixedsize=true label=""',
    NodeLook.CHOICE: 'shape=diamond style=filled width=0.3 height=0.3 fixedsize=true label=""',
    NodeLook.SUCCESS: "peripheries=2",
    NodeLook.ANYWHERE: 'style="rounded,filled,dashed"',
}
_FRAMES = {
    GroupLook.OUTER: 'style="rounded,filled" penwidth=1.2',
    GroupLook.PARALLEL: 'style="rounded,filled" penwidth=1.6',
    GroupLook.REGION: 'style="rounded,filled,dashed" penwidth=1',
}
_LINES = {EdgeLook.MOVE: "solid", EdgeLook.TIMER: "dotted penwidth=1.8", EdgeLook.UNDO: "dashed"}


HASTY = 100
"""From so many nodes on, the layout stops polishing early: it would take minutes, and nobody sees the difference."""


def render(picture: Picture) -> str:
    """The DOT text, deterministic, ending in a newline."""
    effort = " nslimit=2 nslimit1=2" if len(picture.nodes) >= HASTY else ""
    heading = _lines([picture.title, *picture.doc], end="\\l")
    ends = (node for node in picture.nodes if node.look in (NodeLook.SUCCESS, NodeLook.FAILURE) and not node.group)
    finals = " ".join(_id(node.id) for node in ends)
    compound = " compound=true" if picture.groups else ""
    return "\n".join(
        [
            f"digraph {_quoted(picture.title)} {{",
            f'  graph [rankdir=TB nodesep=0.4 ranksep=0.5 pad=0.3 bgcolor="{LIGHT_PAPER.ground}"{compound}{effort}',
            f'    labelloc=t labeljust=l fontname="{FONT}" fontsize=11 fontcolor="{LIGHT_PAPER.text}" label={heading}]',
            f'  node [shape=box style="rounded,filled" fontname="{FONT}" fontsize=11 margin="0.16,0.09" penwidth=1.2]',
            f'  edge [fontname="{FONT}" fontsize=9 arrowsize=0.7 penwidth=1.2]',
            "",
            *_inside(picture, "", "  "),
            "",
            *(_edge(picture, edge) for edge in picture.edges),
            *_ways_down(picture),
            "",
            f"  {{rank=sink {finals}}}",
            "}",
            "",
        ]
    )


def _inside(picture: Picture, group: str, indent: str) -> Iterator[str]:
    """What lies directly in a group, or ("") in none, the groups in it with what lies in them."""
    for node in picture.nodes:
        if node.group == group:
            yield f"{indent}{_node(picture, node)}"
    for inner in picture.groups:
        if inner.group == group:
            yield f"{indent}subgraph {_quoted(_cluster(inner.id))} {{"
            yield f"{indent}  {_frame(picture, inner)}"
            yield f'{indent}  {_id(_way_out(inner.id))} [shape=point style=invis label="" width=0.02]'
            yield from _inside(picture, inner.id, f"{indent}  ")
            yield f"{indent}}}"


def _frame(picture: Picture, group: Group) -> str:
    hue = LOOKS[group.look][0]
    style = _FRAMES[group.look]
    words = _lines([group.title, *group.lines], end=_LEFT)
    colours = f'fillcolor="{hue.fill}" color="{hue.stroke}" fontcolor="{hue.text}"'
    source = _source(picture, group.tooltip, group.line)
    return f'graph [class="{group.look}" label={words} labeljust=l fontsize=11 {style} {colours}{source}]'


def _cluster(group: str) -> str:
    return f"cluster {group}"


def _way_out(group: str) -> str:
    """The id of the point that edges from a group begin at; the frame hides how."""
    return f"{group}.."


def _node(picture: Picture, node: Node) -> str:
    hue = LOOKS[node.look][0]
    fill = hue.stroke if node.look is NodeLook.START else hue.fill
    shape = _SHAPES.get(node.look, "")
    if node.look is NodeLook.CHOICE:
        shape += f" fontsize=9 xlabel={_quoted(node.title)}"
    elif node.look is not NodeLook.START:
        shape = f"label={_lines([node.title, *node.lines])} {shape}".rstrip()
    colours = f'fillcolor="{fill}" color="{hue.stroke}" fontcolor="{hue.text}"'
    return f'{_id(node.id)} [class="{node.look}" {shape} {colours}{_source(picture, node.tooltip, node.line)}]'


def _edge(picture: Picture, edge: Edge) -> str:
    hue = LOOKS[edge.look][0]
    label = f" label={_lines([f' {line}' for line in edge.lines], end=_LEFT)}" if edge.lines else ""
    weight = " weight=8" if edge.main else " weight=0" if edge.look is EdgeLook.UNDO else ""
    style = f'style={_LINES[edge.look]} color="{hue.stroke}" fontcolor="{hue.text}"{weight}'
    tooltip = _source(picture, edge.tooltip, edge.line)
    groups = {group.id for group in picture.groups}
    source, target, clipped = edge.source, edge.target, ""
    if source in groups:
        source, clipped = _way_out(source), f" ltail={_quoted(_cluster(source))}"
    if target in groups:
        target, clipped = _way_in(picture, target), f"{clipped} lhead={_quoted(_cluster(target))}"
    return f'  {_id(source)} -> {_id(target)} [class="{edge.look}"{label} {style}{tooltip}{clipped}]'


def _ways_down(picture: Picture) -> Iterator[str]:
    """What leaves a group leaves it below its ends: edges that are not seen see to it."""
    outer = {group.id: group.group for group in picture.groups}
    leaving = {edge.source for edge in picture.edges} & outer.keys()
    for node in picture.nodes:
        group = node.group if node.look in (NodeLook.SUCCESS, NodeLook.FAILURE) else ""
        while group:
            if group in leaving:
                yield f"  {_id(node.id)} -> {_id(_way_out(group))} [style=invis weight=0]"
            group = outer[group]


def _way_in(picture: Picture, group: str) -> str:
    """A node in a group that edges to the group may end at: its start, or that of its first region."""
    starts = {node.id for node in picture.nodes}
    while inner_start(group) not in starts:
        group = next(inner.id for inner in picture.groups if inner.group == group)
    return inner_start(group)


_LEFT = "\\l"


def _source(picture: Picture, tooltip: str, line: int) -> str:
    link = f" URL={_quoted(picture.link(line))}" if line else ""
    return f"{link} tooltip={_lines(tooltip.splitlines())}"


def _id(name: str) -> str:
    """Node ids that cannot meet a port, a keyword or each other."""
    return _quoted({START: "(start)", ANYWHERE: "(any state)"}.get(name, name))


def _lines(lines: Iterable[str], end: str = "\\n") -> str:
    """A quoted string of several lines; `end` centres (`\\n`) or left-justifies (`\\l`) each."""
    escaped = [_escaped(line) for line in lines]
    text = end.join(escaped)
    return f'"{text}{end}"' if end == _LEFT and text else f'"{text}"'


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """Safe inside a quoted string: Graphviz reads backslashes (`\\N`), entities (`&lt;`) and quotes."""
    tame = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return tame.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
