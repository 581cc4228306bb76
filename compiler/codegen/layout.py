"""Layout of Python text: lines of any length in, lines that fit the page out, broken as `ruff format` breaks them."""

from __future__ import annotations

import re
from collections.abc import Iterator

WIDTH = 120
OPEN, CLOSE = "([{", ")]}"
OPERATORS = (" or ", " and ", " | ")
_STATEMENT = re.compile(r"( *)((?:return|if|case) |[\w.: ]+ = )(.*?)(:?)")


def fit(line: str, width: int = WIDTH) -> list[str]:
    """One logical line, indented as it is written, as lines of at most `width` where brackets allow it.

    A chain of operators gets parentheses, and breaks before each of the loosest ones if it must. Otherwise what stands
    in the last outermost brackets goes on a line of its own, or else item by item."""
    if len(line) <= width:
        return [line]
    text, comment = _split_comment(line)
    if (parts := _STATEMENT.fullmatch(text)) and (operands := _operands(parts[3])):
        return _chained(parts, operands, comment, width)
    pair = _brackets(text, first=text.lstrip().startswith(("def ", "async def ", "class ")))
    return [line] if pair is None else _opened(text, *pair, comment, width) or [line]


def _chained(parts: re.Match[str], operands: list[str], comment: str, width: int) -> list[str]:
    indent, opening, body, colon = parts.groups()
    whole = f"{indent}    {body}"
    inner = [whole] if len(whole) <= width else [f"{indent}    {operand}" for operand in operands]
    fitted = [line for each in inner for line in fit(each, width)]
    return [f"{indent}{opening}(", *fitted, f"{indent}){colon}{comment}"]


def _opened(text: str, start: int, end: int, comment: str, width: int) -> list[str]:
    """The lines with the brackets at `start` and `end` opened; none where that would change the meaning."""
    indent = text[: len(text) - len(text.lstrip())]
    head, body, tail = text[: start + 1], text[start + 1 : end], indent + text[end:] + comment
    called = text[:start][-1:].isalnum() or text[:start][-1:] in "_])"
    whole = f"{indent}    {body}"
    if called and len(whole) <= width and not body.endswith(","):
        return [head, whole, tail]
    if turn := next((i for i, _, depth in _scan(body) if not depth and body.startswith(" for ", i)), 0):
        parts = (body[:turn], body[turn + 1 :])  # of a generator
        return [head, *(line for part in parts for line in fit(f"{indent}    {part}", width)), tail]
    items = _items(body)
    if not items or (len(items) == 1 and not called and text[start] == "("):
        return []
    return [head, *(line for item in items for line in fit(f"{indent}    {item},", width)), tail]


def _scan(text: str) -> Iterator[tuple[int, str, int]]:
    """Every character outside of strings, with its place and the depth of brackets before it."""
    depth = index = 0
    while index < len(text):
        char = text[index]
        if char in "\"'":
            index += 1
            while index < len(text) and text[index] != char:
                index += 2 if text[index] == "\\" else 1
        else:
            depth -= char in CLOSE
            yield index, char, depth
            depth += char in OPEN
        index += 1


def _operands(text: str) -> list[str]:
    """The operands of the loosest operators outside of brackets, each but the first after its operator."""
    for operator in OPERATORS:
        places = [i for i, char, depth in _scan(text) if char == " " and not depth and text.startswith(operator, i)]
        if places:
            return [text[i:j].strip() for i, j in zip([0, *places], [*places, len(text)], strict=True)]
    return []


def _split_comment(line: str) -> tuple[str, str]:
    for index, char, _ in _scan(line):
        if char == "#":
            return line[:index].rstrip(), "  " + line[index:]
    return line, ""


def _brackets(text: str, first: bool) -> tuple[int, int] | None:
    """Where the last outermost brackets with something in them open and close; of a definition, the first."""
    pair = None
    start = 0
    for index, char, depth in _scan(text):
        if depth == 0 and char in OPEN:
            start = index
        elif depth == 0 and char in CLOSE and index > start + 1:
            pair = start, index
            if first:
                break
    return pair


def _items(body: str) -> list[str]:
    items: list[str] = []
    start = 0
    for index, char, depth in _scan(body):
        if char == "," and depth == 0:
            items.append(body[start:index].strip())
            start = index + 1
    rest = body[start:].strip()
    return [*items, rest] if rest else items
