"""Answers that are remembered: printed as those that are new, in every format, and never when anything has changed."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import repository
from examined import BROKEN, CHECKED, INCONCLUSIVE, SOUND, SOURCE
from penstock.compiler import cache, cli, pipeline, recall, report
from penstock.compiler.cache import Shelf, shelf
from penstock.compiler.formats.style import PLAIN
from penstock.compiler.pipeline import Examined
from penstock.compiler.recall import packed, unpacked
from penstock.compiler.report import FORMS
from penstock.dsl.load import Loaded

TYPES = "enum Color { red, green }\nroles clerk\n"
FLOW = """\
import "types.flow"

flow Paint version 1 {
  input { color: Color }
  data { spare: int 0..9 = 0 }
  event stop by clerk
  start -> Waiting
  state Waiting {
    on stop -> Gone
    after 1h -> Done
  }
  final Done
  final failure Gone
}
"""
STAFF = '[people]\nann = ["clerk"]\n'
KEY = "0" * 64


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache; beside it stand a flow, the file it imports and a staff."""
    for name, text in (("paint.flow", FLOW), ("types.flow", TYPES), ("staff.toml", STAFF)):
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are checked from now on, and not remembered."""
    names: list[str] = []
    real = pipeline.understood

    def noting(loaded: Loaded) -> Examined:
        names.append(loaded.source.name)
        return real(loaded)

    monkeypatch.setattr(pipeline, "understood", noting)
    return names


def check(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = cli.main(["check", "paint.flow", *args])
    said = capsys.readouterr()
    return code, said.out, said.err


# ---------------------------------------------------------------- the same, whichever way


@pytest.mark.parametrize("form", FORMS)
def test_a_remembered_answer_is_printed_as_a_new_one(
    form: str, kept: Path, checked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    new = check(capsys, "--format", form, "--no-cache")
    assert not kept.exists()
    first, again = check(capsys, "--format", form), check(capsys, "--format", form)
    assert new == first == again
    assert checked == ["paint.flow"] * 2
    assert len(list(kept.iterdir())) == 1


@pytest.mark.parametrize("file", [CHECKED, BROKEN, SOUND, INCONCLUSIVE], ids=["found", "broken", "sound", "open"])
def test_what_is_packed_is_unpacked_whole(file: Examined) -> None:
    text = packed(file)
    assert text is not None
    again, roles = unpacked(SOURCE, text)
    assert (again, roles) == (file, frozenset())
    for form in FORMS:
        assert report.render(form, [again], PLAIN, "0") == report.render(form, [file], PLAIN, "0")


@pytest.mark.parametrize("name", ["order", "shop"])
def test_the_answers_about_a_spec_are_packed_whole(name: str) -> None:
    file = pipeline.check(pipeline.read(repository.ROOT / f"specs/{name}.flow"))
    text = packed(file)
    assert text is not None
    again, roles = unpacked(file.source, text)
    assert (again.diagnostics, again.reports) == (file.diagnostics, file.reports)
    assert roles == {role for kernel in file.kernels for role in kernel.roles}


def test_what_has_no_form_is_not_packed() -> None:
    class Odd(str):
        pass

    odd = replace(CHECKED.reports[0].answers[3], witness=Odd("a run"))
    assert packed(replace(CHECKED, reports=(replace(CHECKED.reports[0], answers=(odd,)),))) is None


# ---------------------------------------------------------------- never what is stale


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("paint.flow", "after 1h", "after 2h"),
        ("paint.flow", "flow Paint", "\nflow Paint"),
        ("types.flow", "red", "blue"),
        ("staff.toml", "ann", "bob"),
    ],
)
def test_whatever_the_answers_depend_on_makes_them_new(
    name: str, before: str, after: str, kept: Path, checked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    check(capsys, "--staff", "staff.toml")
    place = Path(name)
    place.write_text(place.read_text().replace(before, after))
    check(capsys, "--staff", "staff.toml")
    assert checked == ["paint.flow"] * 2
    check(capsys, "--staff", "staff.toml")
    assert checked == ["paint.flow"] * 2 and len(list(kept.iterdir())) == 2


def test_another_penstock_answers_anew(
    kept: Path, checked: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check(capsys)
    recall.machinery.cache_clear()
    monkeypatch.setattr(sys, "version", "another Python")
    try:
        check(capsys)
    finally:
        recall.machinery.cache_clear()
    assert checked == ["paint.flow"] * 2


def test_a_role_of_the_staff_that_is_misspelt_is_told_of_remembered_flows_too(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("staff.toml").write_text(STAFF.replace("clerk", "clark"))
    first, again = check(capsys, "--staff", "staff.toml"), check(capsys, "--staff", "staff.toml")
    assert first == again and "did you mean `clerk`?" in first[2]


def test_what_a_limit_cut_short_is_not_remembered(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = check(capsys, "--max-memory", "1")
    assert code == 3 and "MB of memory" in out
    assert not kept.exists()
    code, out, _ = check(capsys)
    assert code == 0 and len(list(kept.iterdir())) == 1


# ---------------------------------------------------------------- never what is damaged


@given(data=st.data())
def test_a_damaged_entry_is_no_entry(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = Shelf(tmp_path_factory.mktemp("shelf"))
    place.put(KEY, "what was answered: ✓")
    assert place.get(KEY) == "what was answered: ✓"
    (entry,) = place.folder.iterdir()
    whole = entry.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = data.draw(st.sampled_from([whole[:at], whole[:at] + b"?" + whole[at:], whole[:at] + whole[at + 1 :]]))
    entry.write_bytes(changed)
    assert place.get(KEY) is None


def test_an_entry_under_another_key_is_no_entry(tmp_path: Path) -> None:
    place = Shelf(tmp_path)
    place.put(KEY, "text")
    (entry,) = tmp_path.iterdir()
    entry.rename(tmp_path / entry.name.replace("0", "1"))
    assert place.get("1" * 64) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"said": 1}', '{"said": [7], "reports": [""], "rules": [], "roles": []}']
)
def test_an_entry_that_says_something_else_is_answered_anew(
    text: str, kept: Path, checked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    expected = check(capsys)
    (entry,) = kept.iterdir()
    Shelf(kept).put(entry.stem, text)
    assert check(capsys) == expected
    assert checked == ["paint.flow"] * 2
    assert check(capsys) == expected
    assert checked == ["paint.flow"] * 2


# ---------------------------------------------------------------- where it lies


def test_the_folder_is_the_users_own(tmp_path: Path) -> None:
    place = Shelf(tmp_path / "deep" / "kept")
    place.put(KEY, "text")
    (entry,) = place.folder.iterdir()
    assert (place.folder.stat().st_mode & 0o777, entry.stat().st_mode & 0o777) == (0o700, 0o600)
    place.folder.chmod(0o777)
    assert place.get(KEY) is None
    place.put("1" * 64, "text")
    assert list(place.folder.iterdir()) == [entry]


@pytest.mark.parametrize("kind", ["a file", "a folder that is no folder"])
def test_a_cache_that_cannot_be_written_does_no_harm(
    kind: str, kept: Path, checked: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.write_text("somebody's file")
    if kind != "a file":
        monkeypatch.setenv(cache.FOLDER, str(kept / "inside"))
    code, out, err = check(capsys)
    assert (code, err) == (0, "") and "proved" in out
    assert check(capsys) == (code, out, err)
    assert checked == ["paint.flow"] * 2 and kept.read_text() == "somebody's file"


def test_only_so_many_entries_are_kept_and_the_ones_used_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_ENTRIES", 2)
    place = Shelf(tmp_path)
    for number, digit in enumerate("123"):
        place.put(digit * 64, digit)
        if number < 2:
            os.utime(tmp_path / f"{digit * 64}.answers", (number, number))
        if digit == "2":
            assert place.get("1" * 64) == "1"
    assert [place.get(digit * 64) for digit in "123"] == ["1", None, "3"]


def test_too_large_an_answer_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LARGEST", 1000)
    place = Shelf(tmp_path)
    place.put(KEY, "x" * 1000)
    assert place.get(KEY) is None and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"PENSTOCK_CACHE_DIR": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"PENSTOCK_CACHE_DIR": "", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, None),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/penstock"),
        ({"XDG_CACHE_HOME": "not/absolute", "HOME": "/c"}, "/c/.cache/penstock"),
        ({"HOME": "/c"}, "/c/.cache/penstock"),
        ({}, None),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="Windows has one place for it")
def test_the_place_of_the_cache(environment: dict[str, str], folder: str | None) -> None:
    assert shelf(environment) == (Shelf(Path(folder)) if folder else None)
