"""Lines of pieces in, their columns out: what the author aligned over adjacent lines is aligned again."""

from __future__ import annotations

from collections.abc import Sequence

from .values import dataclass, field


@dataclass(slots=True)
class Piece:
    """A token on its way to a line. `gap`: the least blanks before it; `column`: where the author had it, None when it
    begins a line of the language or stood on another one; `padded`: the author left more blanks before it."""

    text: str
    gap: int
    column: int | None = None
    padded: bool = False


@dataclass(slots=True)
class Line:
    """`depth`: the depth of the block it is in, which only lines of one block share; `indent`: where it begins."""

    indent: int
    depth: int = 0
    pieces: list[Piece] = field(default_factory=list[Piece])
    comment: Piece | None = None
    blank: bool = False  # a blank line stands before it


def rendered(lines: Sequence[Line]) -> str:
    """The text of the lines, each ended by a line break."""
    shifts = _shifts(lines)
    text: list[str] = []
    for number, line in enumerate(lines):
        if line.blank:
            text.append("\n")
        text.append(f"{_code(line, shifts.get(number, {}))}\n")
    return "".join(text)


LAST_COMMENT_COLUMN = 100


def _code(line: Line, columns: dict[int, int]) -> str:
    code = ""
    for index, piece in enumerate(line.pieces):
        least = len(code) + piece.gap if index else line.indent
        code = code.ljust(max(columns.get(index, 0), least)) + piece.text
    if line.comment is None:
        return code
    if not line.pieces:
        return " " * line.indent + line.comment.text
    column = line.comment.column or 0
    return code.ljust(max(len(code) + 2, column if column <= LAST_COMMENT_COLUMN else 0)) + line.comment.text


def _shifts(lines: Sequence[Line]) -> dict[int, dict[int, int]]:
    """The column of each aligned piece, by line and place in it. Lines of one block without a blank one between them
    are joined where both have a piece in one column and the author padded one of them; joined pieces stand where the
    widest of them must."""
    groups = _groups(lines)
    columns: dict[int, dict[int, int]] = {}
    for _, members in sorted(groups, key=lambda group: group[0]):
        widest = 0
        for number, index in members:
            line = lines[number]
            before = Line(line.indent, pieces=line.pieces[:index])
            end = len(_code(before, columns.get(number, {})))
            widest = max(widest, end + line.pieces[index].gap if index else line.indent)
        for number, index in members:
            columns.setdefault(number, {})[index] = widest
    return columns


def _groups(lines: Sequence[Line]) -> list[tuple[int, list[tuple[int, int]]]]:
    """Runs of joined pieces (line, place), each with its column."""
    groups: list[tuple[int, list[tuple[int, int]]]] = []
    runs: dict[tuple[int, int], list[tuple[int, int]]] = {}  # what may be joined yet, by depth and column
    deepest = 0
    for number, line in enumerate(lines):
        if line.blank:
            runs = {}
        elif line.depth < deepest:
            runs = {key: run for key, run in runs.items() if key[0] <= line.depth}
        deepest = line.depth
        for place, piece in enumerate(line.pieces):
            if piece.column is None:
                continue
            run = runs.get((line.depth, piece.column))
            if run is not None and (piece.padded or lines[run[-1][0]].pieces[run[-1][1]].padded):
                run.append((number, place))
                if len(run) == 2:
                    groups.append((piece.column, run))
            else:
                runs[line.depth, piece.column] = [(number, place)]
    return groups
