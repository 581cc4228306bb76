"""Picture in, Mermaid flowchart text out: what code forges and wikis draw by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .graph import Edge, EdgeLook, GroupLook, Node, NodeLook, Picture, printable
from .palette import LOOKS

_BRACKETS = {
    NodeLook.START: ("((", "))"),
    NodeLook.CHOICE: ("{", "}"),
    NodeLook.SUCCESS: ("([", "])"),
    NodeLook.FAILURE: ("([", "])"),
    NodeLook.TASK: ("[/", "/]"),
}
_LINES: Mapping[NodeLook | GroupLook | EdgeLook, str] = {
    NodeLook.SUCCESS: "stroke-width:4px",
    NodeLook.ANYWHERE: "stroke-dasharray:4",
    EdgeLook.TIMER: "stroke-dasharray:2",
    EdgeLook.UNDO: "stroke-dasharray:6 3",
}
_PLAIN = set(" .,:;_-+/()=*?!'" + "⚙↻↩◷×·∞→…")


def render(picture: Picture) -> str:
    """The Mermaid text, deterministic, ending in a newline."""
    ids = {node.id: f"n{place}" for place, node in enumerate(picture.nodes)}
    lines = ["---", f'title: "{_yaml(picture.title)}"', "---", "flowchart TD"]
    lines += [f"  %% {_comment(line)}" for line in picture.doc]
    ids |= {group.id: f"g{place}" for place, group in enumerate(picture.groups)}
    lines += _inside(picture, ids, "", "  ")
    lines += [_edge(ids[edge.source], ids[edge.target], edge) for edge in picture.edges]
    lines += [_click(picture, ids[node.id], node) for node in picture.nodes if node.line]
    lines += [*_node_styles(picture), *_edge_styles(picture)]
    return "\n".join(lines) + "\n"


def _inside(picture: Picture, ids: Mapping[str, str], group: str, indent: str) -> Iterator[str]:
    """What lies directly in a group, or ("") in none, the groups in it with what lies in them."""
    for node in picture.nodes:
        if node.group == group:
            yield indent + _node(ids[node.id], node)
    for inner in picture.groups:
        if inner.group == group:
            words = "<br/>".join(_escaped(line) for line in (inner.title, *inner.lines))
            yield f'{indent}subgraph {ids[inner.id]}["{words}"]'
            yield from _inside(picture, ids, inner.id, f"{indent}  ")
            yield f"{indent}end"
            yield f"{indent}class {ids[inner.id]} {inner.look}"


def _node(id: str, node: Node) -> str:
    opening, closing = _BRACKETS.get(node.look, ("(", ")"))
    words = "<br/>".join(_escaped(line) for line in (node.title or " ", *node.lines))
    return f'{id}{opening}"{words}"{closing}:::{node.look}'


def _edge(source: str, target: str, edge: Edge) -> str:
    words = "<br/>".join(_escaped(line) for line in edge.lines)
    arrow = "-->" if edge.look is EdgeLook.MOVE else "-.->"
    return f'  {source} {arrow}|"{words}"| {target}' if words else f"  {source} {arrow} {target}"


def _click(picture: Picture, id: str, node: Node) -> str:
    return f'  click {id} href "{picture.link(node.line)}" "{_escaped(f"{picture.source}:{node.line}")}"'


def _node_styles(picture: Picture) -> Iterator[str]:
    for look in dict.fromkeys(_looks(picture)):
        hue = LOOKS[look][0]
        fill = hue.stroke if look is NodeLook.START else hue.fill
        extra = f",{_LINES[look]}" if look in _LINES else ""
        yield f"  classDef {look} fill:{fill},stroke:{hue.stroke},color:{hue.text}{extra}"


def _looks(picture: Picture) -> Iterator[NodeLook | GroupLook]:
    yield from (node.look for node in picture.nodes)
    yield from (group.look for group in picture.groups)


def _edge_styles(picture: Picture) -> Iterator[str]:
    for look in dict.fromkeys(edge.look for edge in picture.edges):
        numbers = ",".join(str(place) for place, edge in enumerate(picture.edges) if edge.look is look)
        extra = f",{_LINES[look]}" if look in _LINES else ""
        yield f"  linkStyle {numbers} stroke:{LOOKS[look][0].stroke}{extra}"


def _escaped(text: str) -> str:
    """Safe inside a quoted label: every character but letters, digits and a few known ones as `#code;`, and what
    Markdown would take for a list or a heading at the beginning of a line as well."""
    tame = printable(text).replace("\n", " ")
    safe = "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in tame)
    return safe if safe[:1].isalpha() or not safe.strip() else _lead(safe)


def _lead(text: str) -> str:
    """A first character that is no letter, as a code: `1.` and `-` begin lists, and `*` emphasis."""
    return text if text[0] in "#⚙↻↩◷ " else f"#{ord(text[0])};{text[1:]}"


def _yaml(text: str) -> str:
    return "".join(c for c in printable(text) if c.isalnum() or c in " ·._-")


def _comment(text: str) -> str:
    """Mermaid reads `%%{` as a directive; a comment of ours has no braces."""
    return printable(text).replace("\n", " ").replace("{", "(").replace("}", ")")
