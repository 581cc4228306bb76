"""Files that are no flows are refused with a message that says why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from penstock.dsl.load import LARGEST, load, text_of
from penstock.dsl.source import Source


def refused(path: Path) -> tuple[str, str]:
    made = load(path)
    assert isinstance(made, tuple)
    (each,) = made
    assert each.span is None
    return each.rule.code, each.message.replace(str(path), "PATH")


def test_a_text_is_loaded_under_its_name_without_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.flow"
    path.write_bytes("\ufeffflow Ä {\r\n}".encode())
    made = load(path)
    assert isinstance(made, Source) and (made.name, made.text) == (str(path), "flow Ä {\r\n}")


def test_a_path_without_a_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.flow") == ("E101", "There is no file `PATH`.")
    assert refused(tmp_path) == ("E101", "`PATH` is a directory, not a file.")
    (tmp_path / "file").write_text("x")
    code, message = refused(tmp_path / "file" / "a.flow")
    assert code == "E101" and message.startswith("`PATH` cannot be read: ")
    assert refused(tmp_path / "nul\0.flow")[0] == "E101"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.flow"
    path.write_text("flow")
    path.chmod(0)
    assert refused(path) == ("E101", "`PATH` may not be read.")


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b"", "E104", "`PATH` is empty."),
        (b" \r\n\t", "E104", "`PATH` is empty."),
        (b"flow A {\n  # caf\xe9\n}", "E102", "`PATH` is not text in UTF-8: line 2 has the byte 0xe9."),
        (b"\x7fELF\0\0\0", "E102", "`PATH` is not text but a binary file."),
        ("flow".encode("utf-16"), "E102", "`PATH` is text in UTF-16; save it as UTF-8."),
        (b"#" * (LARGEST + 1), "E103", "`PATH` is larger than 8,388,608 bytes, the most a flow file may have."),
    ],
    ids=["empty", "blank", "latin-1", "binary", "utf-16", "large"],
)
def test_a_file_that_is_no_text(tmp_path: Path, data: bytes, code: str, message: str) -> None:
    path = tmp_path / "a.flow"
    path.write_bytes(data)
    assert refused(path) == (code, message)


def test_the_largest_text_is_taken() -> None:
    assert isinstance(text_of("a.flow", b"#" * LARGEST), Source)
