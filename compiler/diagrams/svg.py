"""DOT text in, the SVG that people see out: laid out by Graphviz, then dressed.

Dressing takes Graphviz's plain SVG and gives it a card to lie on, a style sheet for light and dark, a person's badge on
tasks, tooltips and links of our own, and a legend of the looks that occur.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from .graph import CLOCK, UNDO, WORK, EdgeLook, GroupLook, NodeLook
from .layout import LayoutError, lay_out
from .palette import DARK_PAPER, LIGHT_PAPER, LOOKS, Paper

__all__ = ["LayoutError", "render"]

FONTS = "Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"
_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_LEGEND: tuple[tuple[NodeLook | EdgeLook, str], ...] = (
    (NodeLook.WORK, f"{WORK} work"),
    (NodeLook.TASK, "a person's task"),
    (NodeLook.SUCCESS, "success"),
    (NodeLook.FAILURE, "failure"),
    (EdgeLook.UNDO, f"{UNDO} undo, newest first"),
    (EdgeLook.TIMER, f"{CLOCK} time passes"),
)
_LINE_CLASSES = {WORK: "how", UNDO: "undo", CLOCK: "clock"}
_PERSON = "M-3.6,4.6 a3.6,3.9 0 0 1 7.2,0 z M-2,-1.9 a2,2 0 1 0 4,0 a2,2 0 1 0 -4,0 z"
_MARGIN, _ROW, _SWATCH, _GAP, _ADVANCE = 28.0, 18.0, 16.0, 14.0, 4.8


def render(dot_text: str) -> str:
    """The SVG of a DOT text made by `dot.render`. Raises LayoutError when it cannot be laid out."""
    return dress(lay_out(dot_text))


def dress(plain: str) -> str:
    """Graphviz's SVG, dressed. Raises LayoutError when the text is not SVG."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    try:
        root = ElementTree.fromstring(plain)
    except ElementTree.ParseError as error:
        raise LayoutError(f"Graphviz's answer is not readable as SVG: {error}") from None
    left, top, width, height = (float(number) for number in root.get("viewBox", "0 0 0 0").split())
    drawing = root.find(_tag("g"))
    if drawing is None or width <= 0:
        raise LayoutError("Graphviz's answer is an empty picture")
    for group in list(drawing.iter(_tag("g"))):
        _dress_group(group)
    name = _dress_heading(drawing)
    looks = {look for group in drawing.iter(_tag("g")) for look in group.get("class", "").split()}
    legend, rows = _legend(looks, left + _MARGIN, top + height + _ROW / 2, width - 2 * _MARGIN)
    height += _ROW * (rows + 1)
    root.attrib.update(width=f"{width:g}", height=f"{height:g}", viewBox=f"{left:g} {top:g} {width:g} {height:g}")
    root.attrib.update({"role": "img", "aria-label": name, "font-family": FONTS})
    style = Element(_tag("style"))
    style.text = _style_sheet()
    root[0:0] = [style, _card(left, top, width, height)]
    root.append(legend)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _tag(name: str) -> str:
    return f"{{{_SVG}}}{name}"


def _dress_group(group: Element) -> None:
    """One node or edge: its tooltip as `<title>`, its words classed, its fonts the style sheet's."""
    kind, _, look = group.get("class", "").partition(" ")
    if kind not in ("node", "edge", "cluster"):
        return
    tooltip = ""
    for anchor in group.iter(_tag("a")):
        tooltip = tooltip or anchor.attrib.get(f"{{{_XLINK}}}title", "")
        anchor.attrib.pop(f"{{{_XLINK}}}title", None)
    title = group.find(_tag("title"))
    if title is not None:
        title.text = tooltip or title.text
    for place, text in enumerate(group.iter(_tag("text"))):
        first = kind != "edge" and look != NodeLook.CHOICE and place == 0
        _class_text(text, "name" if first else _LINE_CLASSES.get((text.text or "").strip()[:1], "line"))
    if look == NodeLook.TASK:
        _badge(group)


def _class_text(text: Element, name: str) -> None:
    text.set("class", name)
    text.attrib.pop("font-family", None)
    text.set(_SPACE, "preserve")  # old versions of Graphviz do not say so


def _badge(group: Element) -> None:
    """A small head and shoulders on the upper left corner of a task's box."""
    outline = next((path for path in group.iter(_tag("path"))), None)
    if outline is None:
        return
    xs, ys = _corner(outline.get("d", ""))
    hue = LOOKS[NodeLook.TASK][0]
    place = {"class": "badge", "transform": f"translate({xs + 3:g} {ys + 1:g})"}
    badge = SubElement(group, _tag("g"), place)
    SubElement(
        badge, _tag("circle"), {"r": "8", "fill": hue.stroke, "stroke": LIGHT_PAPER.ground, "stroke-width": "1.5"}
    )
    SubElement(badge, _tag("path"), {"d": _PERSON, "fill": LIGHT_PAPER.ground})


def _corner(path: str) -> tuple[float, float]:
    numbers = [float(n) for n in "".join(c if c.isdigit() or c in ".-" else " " for c in path).split()]
    return min(numbers[0::2]), min(numbers[1::2])


def _card(left: float, top: float, width: float, height: float) -> Element:
    """What everything lies on, so that the picture can be read on any page."""
    place = {"x": f"{left + 0.5:g}", "y": f"{top + 0.5:g}", "width": f"{width - 1:g}", "height": f"{height - 1:g}"}
    return Element(
        _tag("rect"), place | {"class": "card", "rx": "10", "fill": LIGHT_PAPER.ground, "stroke": LIGHT_PAPER.line}
    )


def _dress_heading(drawing: Element) -> str:
    """The flow's name large, its description quiet; the name of the graph is no tooltip of the whole picture.

    Answers the name."""
    for background in drawing.findall(_tag("polygon")):
        drawing.remove(background)
    for title in drawing.findall(_tag("title")):
        drawing.remove(title)
    heading, *doc = drawing.findall(_tag("text"))
    _class_text(heading, "title")
    heading.attrib.update({"font-size": "17", "y": f"{float(heading.get('y', '0')) - 5:g}"})
    for text in doc:
        _class_text(text, "doc")
    return heading.text or ""


def _legend(looks: set[str], left: float, top: float, width: float) -> tuple[Element, int]:
    """The looks that occur, in as many rows as the picture's width needs."""
    legend = Element(_tag("g"), {"class": "legend", "font-size": "9.5"})
    x, rows = 0.0, 1
    for look, words in _LEGEND:
        if look not in looks:
            continue
        room = _SWATCH + 6 + _ADVANCE * len(words)
        if x and x + room > width:
            x, rows = 0.0, rows + 1
        y = top + (rows - 1) * _ROW
        item = SubElement(legend, _tag("g"), {"class": f"{'edge' if isinstance(look, EdgeLook) else 'node'} {look}"})
        item.extend(_swatch(look, left + x, y))
        place = {"x": f"{left + x + _SWATCH + 6:g}", "y": f"{y + 3.4:g}"}
        SubElement(item, _tag("text"), place | {"class": "key", "fill": LIGHT_PAPER.quiet}).text = words
        x += room + _GAP
    return legend, rows


def _swatch(look: NodeLook | EdgeLook, x: float, y: float) -> Iterator[Element]:
    hue = LOOKS[look][0]
    if isinstance(look, EdgeLook):
        dash = {EdgeLook.UNDO: "5,2", EdgeLook.TIMER: "1,3"}.get(look, "none")
        line = {"d": f"M{x:g},{y:g} h{_SWATCH:g}", "fill": "none", "stroke": hue.stroke, "stroke-dasharray": dash}
        yield Element(_tag("path"), line | {"stroke-width": "1.4"})
        return
    for inset in (0.0, 2.0) if look is NodeLook.SUCCESS else (0.0,):
        box = {
            "x": x + inset,
            "y": y - 5 + inset,
            "width": _SWATCH - 2 * inset,
            "height": 10 - 2 * inset,
            "rx": 3 - inset / 2,
        }
        yield Element(_tag("rect"), {k: f"{v:g}" for k, v in box.items()} | {"fill": hue.fill, "stroke": hue.stroke})


# ---------------------------------------------------------------- the style sheet


def _style_sheet() -> str:
    fixed = (
        "svg{max-width:100%;height:auto}"
        "a{text-decoration:none}text{font-variant-emoji:text}"
        ".name{font-weight:600}.title{font-weight:700}"
        ".node .line,.node .how,.node .undo,.node .clock{font-size:10px}"
        ".edge text,.choice text{paint-order:stroke;stroke-width:3px;stroke-linejoin:round}"
        "a:hover .name,a:hover .line{text-decoration:underline}"
    )
    dark = "".join(_scheme(1, DARK_PAPER))
    return f"{fixed}{''.join(_scheme(0, LIGHT_PAPER))}@media (prefers-color-scheme:dark){{{dark}}}"


def _scheme(side: int, paper: Paper) -> Iterator[str]:
    yield f".card{{fill:{paper.ground};stroke:{paper.line}}}"
    yield f".title{{fill:{paper.text}}}.doc,.legend .key{{fill:{paper.quiet}}}"
    yield f".edge text,.node.choice text{{stroke:{paper.ground}}}"
    for look, hues in LOOKS.items():
        hue = hues[side]
        if isinstance(look, GroupLook):
            yield f".cluster.{look} path{{fill:{hue.fill};stroke:{hue.stroke}}}.cluster.{look} text{{fill:{hue.text}}}"
        elif isinstance(look, EdgeLook):
            yield f".{look} path{{stroke:{hue.stroke}}}.{look} polygon{{fill:{hue.stroke};stroke:{hue.stroke}}}"
            yield f".edge.{look} text{{fill:{hue.text}}}"
        else:
            fill = hue.stroke if look is NodeLook.START else hue.fill
            shapes = [f".node.{look} {shape}" for shape in ("path", "polygon", "ellipse", "rect")]
            yield f"{','.join(shapes)}{{stroke:{hue.stroke}}}"
            yield f"{','.join(f'{shape}:not([fill=none])' for shape in shapes)}{{fill:{fill}}}"
            yield f".node.{look} text{{fill:{hue.text}}}"
    undo, clock, task = (LOOKS[look][side] for look in (EdgeLook.UNDO, EdgeLook.TIMER, NodeLook.TASK))
    yield f".node text.undo{{fill:{undo.text}}}.node text.clock{{fill:{clock.text}}}"
    yield f".node.task .badge circle{{fill:{task.stroke};stroke:{paper.ground}}}"
    yield f".node.task .badge path{{fill:{paper.ground};stroke:none}}"
    yield f".legend .key.key{{fill:{paper.quiet};stroke:none}}"
