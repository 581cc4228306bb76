"""The command, in process: what it says, where it says it, and its exit codes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import repository
from penstock.compiler import cli, commandline, commands, pipeline
from penstock.compiler.terminal import wants_color

HELLO = """\
flow Hello version 1 {
  event greet
  start -> Waiting
  state Waiting {
    on greet -> Done
    wait forever "somebody may come"
  }
  final Done

  scenario "a greeting ends it" {
    start()
    greet
    expect in Done
  }
}
"""
MISSPELT = HELLO.replace("-> Done", "-> Dome")
UNSOUND = HELLO.replace('    wait forever "somebody may come"\n', "")
WRONG_SCENARIO = HELLO.replace("expect in Done", "expect in Waiting")
SPECS = sorted(str(path.relative_to(repository.ROOT)) for path in (repository.ROOT / "specs").rglob("*.flow"))
RUN = [sys.executable, "-m", "penstock.compiler.cli"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in; no colours asked for or refused."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return tmp_path


@pytest.fixture
def hello(here: Path) -> Path:
    (here / "hello.flow").write_text(HELLO)
    return here / "hello.flow"


# ---------------------------------------------------------------- usage


def test_the_version_and_the_help_are_told_and_no_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"penstock {commandline.version()}\n"
    assert cli.main(["help"]) == 0
    assert "check" in capsys.readouterr().out
    assert cli.main([]) == 2
    said = capsys.readouterr()
    assert (said.out, "usage: penstock" in said.err) == ("", True)


def test_a_misspelt_command_is_met_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["biuld"]) == 2
    assert "did you mean `build`?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--format", "xml"],
        ["check", "--timeout", "0"],
        ["check", "--timeout", "x"],
        ["draw"],
        ["build", "--max-memory", "1.5"],
        ["check", "--max-memory", "0"],
    ],
)
def test_wrong_usage_ends_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err.startswith("penstock")


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize("command", ["check", "build"])
def test_a_limit_of_memory_ends_in_unknown_and_not_in_a_crash(
    command: str, hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strict = ["--strict"] if command == "build" else []
    assert cli.main([command, "hello.flow", "--max-memory", "1", *strict]) == 3
    said = capsys.readouterr()
    assert "it took more than 1 MB of memory" in said.out and "help allow it more, with" in said.out
    assert said.err == ("" if command == "check" else "penstock: hello.flow is not built\n")


# ---------------------------------------------------------------- check


def test_a_sound_flow_is_clean(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "hello.flow"]) == 0
    assert "Hello: " in capsys.readouterr().out


def test_an_unsound_flow_is_a_finding_with_its_code(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hello.write_text(UNSOUND)
    assert cli.main(["check", "hello.flow", "--format", "concise"]) == 1
    assert "hello.flow:4:" in (out := capsys.readouterr().out)
    assert "error[F201]" in out


def test_an_error_of_the_language_is_a_finding_with_a_suggestion(
    hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hello.write_text(MISSPELT)
    assert cli.main(["check", "hello.flow"]) == 1
    assert "did you mean `Done`?" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.flow", b""),
        ("blank.flow", b"\n\n# nothing but a remark\n"),
        ("binary.flow", bytes(range(256))),
        ("latin.flow", "flow Überweisung version 1 {}".encode("latin-1")),
        ("enormous.flow", b"# x\n" * 600_000),
    ],
)
def test_a_file_that_is_no_flow_at_all_ends_with_two(
    here: Path, name: str, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / name).write_bytes(content)
    assert cli.main(["check", name]) == 2
    said = capsys.readouterr()
    assert name in said.out
    assert "Traceback" not in said.out + said.err


def test_a_deeply_nested_file_is_a_finding(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "deep.flow").write_text("flow A { always " + "(" * 5000 + "true" + ")" * 5000 + " }")
    assert cli.main(["check", "deep.flow"]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_missing_file_ends_with_two_and_a_folder_without_flows_too(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check", "nowhere.flow"]) == 2
    assert "nowhere.flow" in capsys.readouterr().out
    assert cli.main(["check"]) == 2
    assert "there is no .flow file" in capsys.readouterr().err


def test_folders_are_searched_each_file_once_hidden_ones_never(here: Path) -> None:
    for name in ("specs/b.flow", "specs/deep/a.flow", "specs/.hidden/c.flow", "specs/notes.txt"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(HELLO)
    names = [path.as_posix() for path in commands.gather(["specs", "specs/b.flow"])]
    assert names == ["specs/b.flow", "specs/deep/a.flow"]
    assert [path.as_posix() for path in commands.gather([])] == names


def test_json_tells_the_exit_code_and_stays_json_when_we_crash(
    hello: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["check", "hello.flow", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["exit"] == 0

    def crash(path: Path) -> pipeline.Examined:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(pipeline, "read", crash)
    assert cli.main(["check", "hello.flow", "--format", "json"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["kind"] == "internal"
    assert "ZeroDivisionError: a bug" in said.err
    assert "Traceback" not in said.err
    assert cli.main(["check", "hello.flow", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_interruption_ends_with_130_and_no_word(
    hello: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(path: Path) -> pipeline.Examined:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "read", interrupt)
    assert cli.main(["check", "hello.flow"]) == 130
    assert capsys.readouterr() == ("", "")


# ---------------------------------------------------------------- build


def test_build_writes_three_files_and_check_finds_their_drift(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["build", "hello.flow"]) == 0
    names = ["hello_flow.dot", "hello_flow.mmd", "hello_flow.py"]
    generated = hello.parent / "generated"
    assert sorted(path.name for path in generated.iterdir()) == names
    for name in names:
        assert "@generated by penstock from hello.flow. DO NOT EDIT" in (generated / name).read_text()
        assert str(hello.parent) not in (generated / name).read_text()
    assert cli.main(["build", "--check", "hello.flow"]) == 0
    capsys.readouterr()

    (generated / "hello_flow.py").write_text((generated / "hello_flow.py").read_text() + "# edited\n")
    (generated / "hello_flow.mmd").unlink()
    assert cli.main(["build", "--check", "hello.flow"]) == 1
    out = capsys.readouterr().out
    assert "hello_flow.py differs from its spec" in out
    assert "-# edited" in out
    assert "hello_flow.mmd is missing" in out
    assert not (generated / "hello_flow.mmd").exists()
    assert cli.main(["build", "hello.flow"]) == 0
    assert cli.main(["build", "--check", "hello.flow"]) == 0


def test_build_is_the_same_from_every_working_folder(hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (hello.parent / "specs").mkdir()
    hello.rename(hello.parent / "specs" / "hello.flow")
    assert cli.main(["build"]) == 0
    monkeypatch.chdir(hello.parent / "specs")
    assert cli.main(["build", "hello.flow", "--out", "../generated", "--check"]) == 0


def test_comments_and_layout_do_not_make_drift_in_the_digest(hello: Path) -> None:
    assert cli.main(["build", "hello.flow"]) == 0
    hello.write_text(HELLO + "# a remark at the end\n")
    assert cli.main(["build", "hello.flow", "--check"]) == 0


def test_build_refuses_a_refuted_flow_unless_told_not_to_check(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hello.write_text(UNSOUND)
    assert cli.main(["build", "hello.flow"]) == 1
    assert "not built" in capsys.readouterr().err
    assert not (hello.parent / "generated").exists()
    assert cli.main(["build", "hello.flow", "--no-verify"]) == 0


def test_build_never_overwrites_what_it_did_not_write(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (hello.parent / "generated").mkdir()
    (hello.parent / "generated" / "hello_flow.py").write_text("mine = True\n")
    assert cli.main(["build", "hello.flow"]) == 2
    assert "left alone" in capsys.readouterr().err
    assert (hello.parent / "generated" / "hello_flow.py").read_text() == "mine = True\n"


def test_two_flows_of_one_name_are_not_built_over_each_other(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (hello.parent / "again.flow").write_text(HELLO)
    assert cli.main(["build", "hello.flow", "again.flow"]) == 2
    assert "would both be hello_flow.py" in capsys.readouterr().err
    assert not (hello.parent / "generated").exists(), "nothing is written before it is refused"


def test_a_start_with_many_inputs_is_told_in_lines(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = ", ".join(f"input_number_{number}: text" for number in range(6))
    hello.write_text(
        f"flow Hello version 1 {{ input {{ {inputs} }}\nstart -> Stuck\nstate Stuck {{ }}\nfinal Done }}\n"
    )
    assert cli.main(["check", "hello.flow"]) == 1
    assert (
        '   ✗  start(input_number_0: "", input_number_1: "", input_number_2: "",\n'
        '          input_number_3: "", input_number_4: "", input_number_5: "")  → Stuck    :2\n'
    ) in capsys.readouterr().out


# ---------------------------------------------------------------- draw, test, fmt, explain


@pytest.mark.parametrize(("form", "start"), [("dot", "// @generated"), ("mermaid", "---"), ("svg", "<!-- @generated")])
def test_draw_prints_a_picture(hello: Path, form: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["draw", "hello.flow", "--format", form]) == 0
    out = capsys.readouterr().out
    assert out.startswith(start)
    assert "Waiting" in out


def test_draw_writes_the_format_that_the_name_asks_for(hello: Path) -> None:
    for name, start in (("a.svg", "<!-- @generated"), ("b.dot", "// @generated"), ("pictures/c.mmd", "---")):
        assert cli.main(["draw", "hello.flow", "-o", name]) == 0
        assert (hello.parent / name).read_text().startswith(start)
    (hello.parent / "photo.svg").write_text("<svg/>")
    assert cli.main(["draw", "hello.flow", "-o", "photo.svg"]) == 2


def test_draw_says_what_it_does_not_understand(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        (["-o", "a.pdf"], "a.pdf does not say what to draw: end its name in .svg, .dot, .mmd, or use --format"),
        (["--flow", "Nope"], "hello.flow has no flow Nope; it has Hello"),
    ):
        assert cli.main(["draw", "hello.flow", *arguments]) == 2
        assert capsys.readouterr().err == f"penstock: {said}\n"
    assert not (hello.parent / "a.pdf").exists()


def test_scenarios_are_run_and_a_failing_one_shows_its_step(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["test", "hello.flow"]) == 0
    assert capsys.readouterr().out == "Hello: 1 scenario passed\n"
    hello.write_text(WRONG_SCENARIO)
    assert cli.main(["test", "hello.flow"]) == 1
    out = capsys.readouterr().out
    assert "hello.flow:13:5" in out
    assert "the scenario up to here" in out


def test_fmt_formats_in_place_and_check_only_tells(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fmt", "hello.flow"]) == 0
    formatted = hello.read_text()
    hello.write_text(formatted.replace("  event greet", "     event greet   "))
    assert cli.main(["fmt", "hello.flow", "--check"]) == 1
    assert "\n+  event greet\n" in capsys.readouterr().out
    assert cli.main(["fmt", "hello.flow"]) == 0
    assert hello.read_text() == formatted
    assert cli.main(["fmt", "hello.flow", "--check"]) == 0


def test_fmt_leaves_line_ends_as_they_are(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fmt", "hello.flow"]) == 0
    formatted = hello.read_bytes()
    windows = formatted.replace(b"\n", b"\r\n")
    hello.write_bytes(windows.replace(b"  event greet", b"     event greet   "))
    assert cli.main(["fmt", "hello.flow"]) == 0
    assert hello.read_bytes() == windows
    assert cli.main(["fmt", "hello.flow", "--check"]) == 0

    hello.write_bytes(formatted.replace(b"\n", b"\r\n", 1))
    capsys.readouterr()
    assert cli.main(["fmt", "hello.flow", "--check"]) == 1
    assert capsys.readouterr().out == "hello.flow: its lines end in different ways\n"
    assert cli.main(["fmt", "hello.flow"]) == 0
    assert hello.read_bytes() == windows


def test_fmt_is_a_filter_too(hello: Path) -> None:
    def filtered(text: str, *more: str) -> tuple[int, str, str]:
        narrow = {**os.environ, "PYTHONIOENCODING": "ascii"}
        done = subprocess.run([*RUN, "fmt", "-", *more], input=text.encode(), capture_output=True, env=narrow)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    text = "## Grüße.\r\nflow Hello version 1 {\r\n start -> Done\r\n  final Done\r\n}\r\n"
    right = text.replace("\n start", "\n  start")
    assert filtered(text) == (0, right, "")
    assert filtered(right) == (0, right, "")
    assert filtered(right, "--check") == (0, "", "")
    code, out, _ = filtered(text, "--check")
    assert code == 1 and "+  start -> Done" in out
    code, out, err = filtered("flow Hello version 1 { start Done")
    assert (code, out) == (1, "") and err.startswith("penstock: -:1:")
    assert filtered("") == (2, "", "penstock: -:1:1: error[E104] `-` is empty.\n-: 1 error\n")


def test_fmt_leaves_a_file_with_errors_as_it_is(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hello.write_text("flow Hello version 1 { start Done")
    assert cli.main(["fmt", "hello.flow"]) == 1
    assert "error[E1" in capsys.readouterr().out
    assert hello.read_text() == "flow Hello version 1 { start Done"


def test_every_code_can_be_explained_and_a_wrong_one_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain"]) == 0
    rows = capsys.readouterr().out.splitlines()
    codes, names = zip(*(row.split()[:2] for row in rows), strict=True)
    assert list(codes) == sorted(set(codes))
    assert len(set(names)) == len(names)
    assert {"E101", "F001", "F101", "F301", "F403", "F801"} <= set(codes)
    for code in codes:
        assert cli.main(["explain", code]) == 0
        assert len(capsys.readouterr().out.splitlines()) > 2, code
    assert cli.main(["explain", "missing-compensation"]) == 0
    assert capsys.readouterr().out.startswith("F101 ")
    assert cli.main(["explain", "F1001"]) == 2
    assert "did you mean `F" in capsys.readouterr().err


# ---------------------------------------------------------------- the terminal


def test_colours_are_for_terminals_unless_somebody_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, file = io.StringIO(), io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    assert wants_color("auto", terminal, {})
    assert not wants_color("auto", file, {})
    assert not wants_color("auto", terminal, {"NO_COLOR": "1"})
    assert not wants_color("auto", terminal, {"TERM": "dumb"})
    assert wants_color("always", file, {"NO_COLOR": "1"})
    assert not wants_color("never", terminal, {})


def test_a_reader_that_leaves_early_is_nobodys_error(hello: Path) -> None:
    with subprocess.Popen([*RUN, "explain"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_told_in_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*RUN, "explain"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (2, "penstock: No space left on device\n")


def test_a_narrow_encoding_is_no_reason_to_fail(hello: Path) -> None:
    hello.write_text(MISSPELT)
    narrow = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*RUN, "check", "hello.flow"], capture_output=True, env=narrow)
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"did you mean" in done.stdout


def test_escape_sequences_in_a_flow_do_not_reach_the_terminal(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hello.write_text(MISSPELT.replace("somebody may come", "\x1b]0;pwned\x07\x1b[31m").replace("Dome", "Dome \x1b[2J"))
    assert cli.main(["check", "hello.flow"]) == 1
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err


def test_the_order_is_sound_and_the_scenarios_of_all_specs_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository.ROOT)
    assert cli.main(["check", "specs/order.flow"]) == 0
    assert cli.main(["test", *SPECS]) == 0


def test_generated_has_not_drifted_from_the_specs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository.ROOT)
    assert cli.main(["build", "--check", "--no-verify", *SPECS]) == 0


# ---------------------------------------------------------------- the staff


PAY = """\
flow Pay version 1 {
  roles clerk
  start -> Preparing
  state Preparing {
    task prepare for clerk { title "Prepare" }
    on prepare -> Releasing
    after 1d   -> Paid
  }
  state Releasing {
    task release for clerk {
      title "Release"
      except actor of prepare
    }
    on release -> Paid
    after 1d   -> Paid
  }
  final Paid
}
"""


@pytest.mark.parametrize(
    ("staff", "code", "said"),
    [
        ('[people]\nann = ["clerk"]\nbob = ["clerk"]\n', 0, "Pay: "),
        ('[people]\nann = ["clerk"]\n', 1, "nobody can do `release` here, whoever did what before"),
        ('[people]\nann = ["clrk"]\n', 2, "staff.toml: no flow has the role `clrk`; did you mean `clerk`?"),
        ("[people\n", 2, "staff.toml is not TOML"),
        (None, 2, "cannot read staff.toml"),
    ],
)
def test_check_asks_of_a_staff_whether_it_suffices(
    here: Path, staff: str | None, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "pay.flow").write_text(PAY)
    if staff is not None:
        (here / "staff.toml").write_text(staff)
    assert cli.main(["check", "pay.flow", "--staff", "staff.toml"]) == code
    told = capsys.readouterr()
    assert said in told.out + told.err
