"""`build --compile`: what it says, what it leaves, and that nothing stale is left for Python to import."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from compiled import require_tools
from penstock.compiler import cli, extension
from penstock.compiler.outputs import MARK
from penstock.runtime import compiled
from repository import ROOT

HELLO = """\
flow Hello version 1 {
  event greet
  start -> Waiting
  state Waiting {
    on greet -> Done
    wait forever "somebody may come"
  }
  final Done
}
"""
EXTENSION = f"hello_flow{extension.SUFFIX}"


@pytest.fixture
def hello(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a flow, to work in; its modules go to `generated`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hello.flow").write_text(HELLO)
    return tmp_path / "generated"


def build(*arguments: str) -> int:
    return cli.main(["build", "--no-verify", *arguments, "hello.flow"])


def test_a_module_is_compiled_once_and_again_when_its_text_has_changed(
    hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_tools()
    assert build("--compile") == 0
    assert f"compiled generated/{EXTENSION}\n" in capsys.readouterr().out
    assert sorted(path.suffix for path in hello.iterdir()) == [".dot", ".mmd", ".py", ".so"]
    assert build("--compile") == 0
    assert f"unchanged generated/{EXTENSION}\n" in capsys.readouterr().out
    assert build("--check", "--compile") == 0
    Path("hello.flow").write_text(HELLO.replace("version 1", "version 2"))
    assert build("--check") == 1
    assert f"generated/{EXTENSION} was compiled from another text\n" in capsys.readouterr().out
    assert build() == 0
    assert f"removed generated/{EXTENSION}: it was compiled from another text\n" in capsys.readouterr().out
    assert not (hello / EXTENSION).exists()


def test_check_finds_a_missing_extension_only_where_one_is_wanted(
    hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build() == 0
    assert build("--check") == 0
    capsys.readouterr()
    assert build("--check", "--compile") == 1
    said = f"generated/{EXTENSION} is missing\n`penstock build --compile` mends that.\n"
    assert capsys.readouterr().out == said
    assert not (hello / EXTENSION).exists()


def test_stale_extensions_for_other_pythons_are_removed_and_nobody_elses_files_are(hello: Path) -> None:
    assert build() == 0
    (hello / "hello_flow.cpython-399-other.so").write_bytes(f"\0{MARK}, compiled from {'0' * 64}\0".encode())
    (hello / "hello_flow.abi3.so").write_bytes(b"somebody else's")
    assert build("--check") == 1
    assert build() == 0
    assert [path.name for path in hello.glob("*.so")] == ["hello_flow.abi3.so"]


def without_mypyc(name: str, find: Callable[[str], object] = importlib.util.find_spec) -> object:
    return None if name == "mypyc" else find(name)


def test_without_mypyc_or_a_compiler_it_says_what_to_install(
    hello: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -O2")
    assert build("--compile") == 2
    said = "--compile needs a C compiler (`no-such-compiler` is not there): install one, or name it in CC"
    assert said in capsys.readouterr().err
    monkeypatch.setattr(importlib.util, "find_spec", without_mypyc)
    assert build("--compile") == 2
    assert "--compile needs mypy: python -m pip install 'penstock[compile]'" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted((ROOT / "generated").glob("*_flow.py")), ids=lambda path: path.stem)
def test_what_is_compiled_is_the_text_line_for_line(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    copy = extension.prepared(text)
    assert len(copy.splitlines()) == len(text.splitlines())

    def functions(source: str) -> dict[str, tuple[int, str]]:
        nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
        return {node.name: (node.lineno, ast.unparse(node.body[-1])) for node in nodes}

    ours, theirs = functions(copy), functions(text)
    assert ours.items() <= {name: (line, _without_super(body)) for name, (line, body) in theirs.items()}.items()
    assert len(ours) > 5


def _without_super(body: str) -> str:
    return body.replace("super().step(", "flow.Flow.step(self, ")


def test_both_wings_name_the_text_of_an_extension_alike() -> None:
    assert extension.TEXT == compiled.TEXT
