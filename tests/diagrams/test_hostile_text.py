"""Whatever a spec says is shown as it was written, and is never more than text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.compiler.diagrams import dot, mermaid, svg
from penstock.compiler.diagrams.graph import (
    Edge,
    EdgeLook,
    Group,
    GroupLook,
    Node,
    NodeLook,
    Picture,
    inner_start,
    printable,
)

SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
NASTY = [
    '"];} digraph x {',
    "<script>alert(1)</script>",
    "</text></a></svg>",
    "&lt; &amp; &#65; &quot;",
    r"\N \G \L \l \" \\",
    'a"-->b',
    "javascript:alert(1)",
    "click n0 href",
    "%%{init: {}}%%",
    "`**bold**`",
    "- list",
    "1. list",
    "#quot; #35; #lt;",
    "]]> <!-- -->",
    "end",
    "subgraph",
    "\x00\x07\x1b[31m\u202e\ud800\ufffe",
    "two\nlines",
    "日本語 🎉 é",
    "' or \" or `",
    "$(echo) %s {0} {{x}}",
]
texts = st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=20))


def drawn(text: str) -> Picture:
    """A small picture that says `text` wherever a spec can say anything."""
    nodes = tuple(Node(f"{look}{text}", look, text, (text, f"⚙ {text}"), f"{text}\n{text}", 3) for look in NodeLook)
    frames = [f"{look} frame {text}" for look in GroupLook]
    groups = tuple(
        Group(id, look, text, (text,), text, 3, outer)
        for id, look, outer in zip(frames, GroupLook, ("", *frames), strict=False)
    )
    starts = tuple(Node(inner_start(id), NodeLook.START, "", (), text, 3, id) for id in frames)
    ends = [(nodes[0].id, nodes[1].id), (frames[0], nodes[1].id), (nodes[0].id, frames[-1])]
    edges = tuple(Edge(*end, look, (text, text), text, 7, True) for look in EdgeLook for end in ends)
    return Picture(text, (text,), text, "a%22b.flow", (*nodes, *starts), edges, groups)


def shown(root: ElementTree.Element, name: str) -> Iterator[str]:
    for group in root.iter(f"{SVG}g"):
        if group.get("class", "").endswith(name):
            yield from (text.text or "" for text in group.iter(f"{SVG}text"))


@pytest.mark.parametrize("text", NASTY)
def test_a_nasty_text_is_shown_as_it_was_written(text: str) -> None:
    root = ElementTree.fromstring(svg.render(dot.render(drawn(text))))
    written = printable(text).replace("\n", " ")
    assert list(shown(root, "node state"))[:2] == [written, written]
    assert [line.strip() for line in shown(root, "edge undo")][:2] == [written.strip()] * 2


@given(texts)
@settings(deadline=None, max_examples=60)
def test_any_text_gives_well_formed_svg_with_no_element_or_link_of_its_own(text: str) -> None:
    root = ElementTree.fromstring(svg.render(dot.render(drawn(text))))
    allowed = {"svg", "g", "title", "a", "path", "polygon", "ellipse", "circle", "rect", "text", "style"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= allowed
    assert {a.get(f"{XLINK}href") for a in root.iter(f"{SVG}a")} == {"a%22b.flow#L3", "a%22b.flow#L7"}
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on")]


@given(texts)
@settings(deadline=None)
def test_any_text_keeps_mermaid_to_one_statement_a_line(text: str) -> None:
    rendered, plain = (mermaid.render(drawn(words)).splitlines() for words in (text, "x"))
    assert len(rendered) == len(plain)
    assert rendered[4].startswith("  %% ")
    assert not set("{}") & set(rendered[4])
    assert [line.count('"') for line in rendered[5:]] == [line.count('"') for line in plain[5:]]
    labels = [line.split('"')[1].replace("<br/>", "") for line in rendered[5:] if '"' in line]
    assert not set("<>`\\&[]{}|") & set("".join(labels))


def test_the_texts_do_not_depend_on_anything_but_the_picture() -> None:
    one, other = drawn("x"), replace(drawn("x"))
    assert (dot.render(one), mermaid.render(one)) == (dot.render(other), mermaid.render(other))
