"""`penstock verify`, in process: what it says of modules that are their flows, and of those that are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import repository
from penstock.compiler import cli
from penstock.compiler.checks.solver import Reply, Solver

ORDER = (repository.ROOT / "generated" / "order_flow.py").read_text(encoding="utf-8")
SPEC = (repository.ROOT / "specs" / "order.flow").read_text(encoding="utf-8")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the order and its module, to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "generated").mkdir()
    (tmp_path / "specs" / "order.flow").write_text(SPEC)
    (tmp_path / "generated" / "order_flow.py").write_text(ORDER)
    return tmp_path


def changed(here: Path, old: str, new: str) -> None:
    assert old in ORDER
    (here / "generated" / "order_flow.py").write_text(ORDER.replace(old, new, 1))


def test_a_module_that_is_its_flow_is_told_in_a_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", "generated/order_flow.py"]) == 0
    assert capsys.readouterr().out == (
        "order_flow.py: 17 answers, 1 way, 1 choice, 5 arrivals, 2 undos are what specs/order.flow says "
        "(5 questions to Z3)\n"
    )


def test_lines_may_end_as_on_windows(here: Path) -> None:
    for file in (here / "specs" / "order.flow", here / "generated" / "order_flow.py"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert cli.main(["verify", "generated/order_flow.py"]) == 0


def test_its_flow_is_found_from_wherever_one_is(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert cli.main(["verify", "../generated/order_flow.py"]) == 0
    (here / "specs" / "order.flow").rename(here / "elsewhere" / "ours.flow")
    assert cli.main(["verify", "../generated/order_flow.py"]) == 2
    assert "say where it is with --spec" in capsys.readouterr().err
    assert cli.main(["verify", "../generated/order_flow.py", "--spec", "ours.flow"]) == 0


def test_a_module_that_does_otherwise_is_refuted_with_values_that_show_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(here, "if verdict == ReviewVerdict.ACCEPT:", "if verdict != ReviewVerdict.ACCEPT:")
    assert cli.main(["verify", "generated/order_flow.py"]) == 1
    told = capsys.readouterr().out
    assert "error[F901]: `review` in Approval does not do what the flow says" in told
    assert "generated/order_flow.py:" in told
    assert "specs/order.flow:7" in told
    assert "  with verdict = " in told
    assert told.endswith("order_flow.py: 1 finding\n")

    assert cli.main(["verify", "generated/order_flow.py", "--format", "concise"]) == 1
    line, summary = capsys.readouterr().out.splitlines()
    assert line.startswith("generated/order_flow.py:")
    assert summary == "order_flow.py: 1 finding"

    assert cli.main(["verify", "generated/order_flow.py", "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    (file,) = told["files"]
    (finding,) = file["findings"]
    assert (told["exit"], file["verdict"], finding["code"]) == (1, "refuted", "F901")
    assert finding["function"] == "_approval_review"
    assert finding["flow"]["path"] == "specs/order.flow"
    assert finding["witness"]["values"]["verdict"] in {"accept", "refuse"}
    assert finding["witness"]["flow"] != finding["witness"]["module"]


def test_a_module_of_another_flow_is_told_what_differs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "specs" / "order.flow").write_text(SPEC.replace("after 72h", "after 71h"))
    assert cli.main(["verify", "generated/order_flow.py"]) == 1
    told = capsys.readouterr().out
    assert "it was generated from another text of the flow" in told
    assert "entry to Approval does not do what the flow says" in told


def test_several_modules_are_told_one_after_the_other(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "copy_flow.py").write_text(ORDER.replace('DHL = "dhl"', 'DHL = "dhk"'))
    assert cli.main(["verify", "generated/order_flow.py", "copy_flow.py", "--format", "concise"]) == 1
    *_, first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("order_flow.py: 17 answers")
    assert second == "copy_flow.py: 1 finding"


def test_what_z3_does_not_know_is_open(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(self: Solver, *terms: object) -> Reply:
        return Reply(unknown="it has given up")

    monkeypatch.setattr(Solver, "ask", ask)
    assert cli.main(["verify", "generated/order_flow.py"]) == 3
    told = capsys.readouterr().out
    assert "unknown: " in told
    assert "Z3 does not know: it has given up" in told
    assert cli.main(["verify", "generated/order_flow.py", "--format", "json"]) == 3
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert file["verdict"] == "unknown"
    assert file["open"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\n", "does not begin as a module that penstock generated"),
        (ORDER + "\nif:\n", "it is no Python"),
        (ORDER.replace("specs/order.flow. DO", "specs/none.flow. DO"), "which is not there"),
        (ORDER.replace("specs/order.flow. DO", "specs/bad.flow. DO"), "cannot be read as a flow"),
        (
            ORDER.replace("specs/order.flow. DO", "specs/two.flow. DO").replace("\nOrder.spec", "\nOther.spec"),
            "none of",
        ),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_what_cannot_be_compared_is_the_users_to_mend(
    here: Path, capsys: pytest.CaptureFixture[str], text: str | bytes, told: str
) -> None:
    (here / "specs" / "bad.flow").write_text("flow {")
    one = "flow {} version 1 {{ start -> A  final A }}\n"
    (here / "specs" / "two.flow").write_text(one.format("One") + one.format("Two"))
    (here / "some.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert cli.main(["verify", "some.py"]) == 2
    assert told in capsys.readouterr().err


def test_a_missing_module_is_no_bug_of_ours(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", "nowhere.py"]) == 2
    assert "internal error" not in capsys.readouterr().err
