"""Files that import files: what is known where, what is refused, and that what is said points into the right file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from penstock.compiler import pipeline
from penstock.compiler.formats import page
from penstock.compiler.formats.finding import findings
from penstock.compiler.formats.style import PLAIN
from penstock.compiler.pipeline import Examined, read
from penstock.dsl.diagnostics import Severity

ORDER = """\
import "shared/common.flow"

flow Order version 1 {
  input { total: Money, carrier: Carrier }
  event cancel by manager
  start -> Paying
  state Paying {
    do pay(total)
    on done(_) -> Paid
    on failed  -> compensate -> Failed
    on cancel  -> compensate -> Failed
  }
  final Paid
  final failure Failed
  always carrier != ups or total >= 0.00 or true
}
"""
COMMON = """\
import "money.flow"

## Who brings it.
enum Carrier { ups, dhl }
enum Colour { red, green }
roles manager, clerk

## Takes the money.
activity pay(total: Money) -> text { compensate refund(result) }
activity idle() { readonly }
"""
MONEY = "type Money = decimal(2)\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write("order.flow", ORDER)
    write("shared/common.flow", COMMON)
    write("shared/money.flow", MONEY)
    return tmp_path


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


def said(file: Examined) -> list[str]:
    """The findings with their places, and the labels elsewhere."""
    return [
        f"{file.source.place(each.span)} {each.rule.code} {each.message}"
        + "".join(f" [{file.source.place(other.span)} {other.text}]" for other in each.others)
        for each in file.diagnostics
        if each.span is not None
    ]


def test_a_flow_has_what_it_uses_of_an_import_and_no_more(folder: Path) -> None:
    file = read(Path("order.flow"))
    assert said(file) == []
    (kernel,) = file.kernels
    assert [each.name for each in kernel.activities] == ["pay"]
    assert [each.name for each in kernel.compensations] == ["refund"]
    assert [each.name for each in kernel.enums] == ["Carrier"]
    assert kernel.roles == ("manager",)
    assert kernel.source.place(kernel.activities[0].span) == "shared/common.flow:9"
    assert kernel.activities[0].doc == "Takes the money."
    assert [each.name for each in kernel.source.files] == [
        "order.flow",
        "shared/common.flow",
        "shared/money.flow",
    ]


def test_a_shared_file_stands_by_itself(folder: Path) -> None:
    file = read(Path("shared/common.flow"))
    assert (said(file), file.kernels) == ([], ())


def test_an_imported_file_sees_nothing_of_who_imports_it(folder: Path) -> None:
    write("shared/common.flow", COMMON.replace('import "money.flow"\n', ""))
    write("order.flow", ORDER.replace("\nflow", 'import "shared/money.flow"\n\nflow', 1))
    assert said(read(Path("order.flow"))) == ["shared/common.flow:8 E201 There is no type called `Money`."]


def test_one_file_may_come_two_ways(folder: Path) -> None:
    write("order.flow", ORDER.replace("\nflow", 'import "./shared/money.flow"\n\nflow', 1))
    assert said(read(Path("order.flow"))) == []


def test_a_name_of_an_import_is_taken(folder: Path) -> None:
    write("order.flow", ORDER.replace("\nflow", "enum Carrier { post }\n\nflow", 1))
    (first, *_) = said(read(Path("order.flow")))
    assert first == (
        "order.flow:2 E202 `Carrier` is already the name of a type. [shared/common.flow:4 first used here]"
    )


def test_two_imports_that_bring_one_name(folder: Path) -> None:
    write("order.flow", 'import "other.flow"\n' + ORDER)
    write("other.flow", "enum Carrier { post }\n")
    assert said(read(Path("order.flow"))) == [
        (
            "order.flow:2 E202 `Carrier` of `shared/common.flow` is already the name of a type of another import."
            " [other.flow:1 first used here] [shared/common.flow:4 the same name again]"
        )
    ]


def test_a_compensation_of_two_activities_has_to_be_called_alike(folder: Path) -> None:
    more = "  activity pay_more() -> int { compensate refund(result) }\n"
    write("order.flow", ORDER.replace("  start", f"{more}  start", 1))
    assert said(read(Path("order.flow")))[0].startswith("order.flow:6 E308 `refund` is used twice, with different")


def test_an_import_that_is_not_there_is_said_once(folder: Path) -> None:
    write("order.flow", ORDER.replace("common", "comon"))
    file = read(Path("order.flow"))
    assert said(file) == ["order.flow:1 E101 There is no file `shared/comon.flow`."]
    assert file.diagnostics[0].fixes[0].text == "did you mean `shared/common.flow`?"
    assert file.kernels == ()


def test_what_is_wrong_in_an_import_is_said_of_its_own_lines(folder: Path) -> None:
    write("shared/money.flow", "type Money = decimal(2))\n")
    assert said(read(Path("order.flow"))) == [
        "shared/money.flow:1 E122 After `)`, the end of the line or `?` is expected, but there is `)`."
    ]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/etc/common.flow", "is not a path from here"),
        ("shared\\\\common.flow", "is not a path from here"),
        ("c:/common.flow", "is not a path from here"),
        ("common.txt", "is not a path from here"),
        ("shared/../../x.flow", "leads out of the folder"),
        ("", "is not a path from here"),
        ("../outside.flow", "leads out of the folder"),
    ],
)
def test_a_path_that_is_not_followed(folder: Path, path: str, problem: str) -> None:
    write("order.flow", f'import "{path}"\n' + ORDER)
    (only,) = said(read(Path("order.flow")))
    assert only.startswith("order.flow:1 E106 ") and problem in only


def test_a_link_does_not_lead_out_either(folder: Path) -> None:
    inside = folder / "inside"
    inside.mkdir()
    (inside / "order.flow").write_text('import "money.flow"\n')
    (inside / "money.flow").symlink_to(folder / "shared" / "money.flow")
    assert said(read(Path("inside/order.flow"))) == ["inside/order.flow:1 F705 Nothing of `money.flow` is used here."]
    assert _from(inside, "order.flow") == [
        "order.flow:1 E106 `money.flow` leads out of the folder that imports are taken from."
    ]


def test_links_that_lead_round_are_no_file(folder: Path) -> None:
    (folder / "round.flow").symlink_to(folder / "round.flow")
    write("order.flow", 'import "round.flow"\n' + ORDER)
    assert said(read(Path("order.flow"))) == [
        "order.flow:1 E101 `round.flow` cannot be read: its links lead round in a circle."
    ]


def test_of_more_imports_than_there_may_be_none_is_looked_for(folder: Path) -> None:
    write("many.flow", "".join(f'import "f{n}.flow"\n' for n in range(1000)) + MONEY)
    lines = said(read(Path("many.flow")))
    assert len([line for line in lines if "There is no file" in line]) == 100
    assert [line for line in lines if "There is no file" not in line] == [
        "many.flow:101 E106 `many.flow` imports more than 100 files, directly or not."
    ]


def _from(folder: Path, name: str) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return said(read(Path(name)))


def test_a_file_outside_takes_its_own_folder(folder: Path) -> None:
    inside = folder / "inside"
    inside.mkdir()
    assert _from(inside, "../order.flow") == []
    assert _from(inside, str(folder / "order.flow")) == []


def test_a_circle_is_named_whole(folder: Path) -> None:
    write("shared/money.flow", 'import "../order.flow"\n' + MONEY)
    (only, *_) = said(read(Path("order.flow")))
    assert only == (
        "shared/money.flow:1 E107 These files import each other: "
        "`order.flow` -> `shared/common.flow` -> `shared/money.flow` -> `order.flow`."
    )


def test_a_file_that_imports_itself(folder: Path) -> None:
    write("shared/money.flow", 'import "money.flow"\n' + MONEY)
    assert said(read(Path("shared/money.flow"))) == [
        "shared/money.flow:1 E107 These files import each other: `shared/money.flow` -> `shared/money.flow`."
    ]


def test_an_import_of_which_nothing_is_used(folder: Path) -> None:
    write("other.flow", "enum Shape { round }\n")
    write("order.flow", 'import "other.flow"\n' + ORDER)
    file = read(Path("order.flow"))
    assert said(file) == ["order.flow:1 F705 Nothing of `other.flow` is used here."]
    assert file.diagnostics[0].severity is Severity.WARNING and len(file.kernels) == 1


def test_imports_stand_at_the_top_and_once(folder: Path) -> None:
    write("order.flow", ORDER + 'import "shared/money.flow"\nimport "shared/money.flow"\n')
    codes = [each.split()[1] for each in said(read(Path("order.flow")))]
    assert codes.count("E106") == 2 and codes.count("E202") == 1


def test_a_finding_shows_the_lines_of_both_files(folder: Path) -> None:
    write("order.flow", ORDER.replace("\nflow", "enum Carrier { post }\n\nflow", 1))
    file = read(Path("order.flow"))
    assert page.full([replace(file, diagnostics=file.diagnostics[:1])], PLAIN).startswith(
        "error[E202]: `Carrier` is already the name of a type.\n"
        "  ╭─ order.flow:2:6\n"
        "2 │ enum Carrier { post }\n"
        "  │      ^^^^^^^ the same name again\n"
        "  ├─ shared/common.flow:4:6\n"
        "4 │ enum Carrier { ups, dhl }\n"
        "  │      ─────── first used here\n"
        "  ╰─\n"
    )


def test_what_is_wrong_in_an_import_is_told_once_in_a_run(folder: Path) -> None:
    write("shared/money.flow", "type Money = decimal(99)\n")
    files = [read(Path(name)) for name in ("order.flow", "shared/common.flow", "shared/money.flow")]
    assert all(file.errors for file in files)
    assert [(each.file, each.place.line, each.diagnostic.rule.code) for each in findings(files)] == [
        ("shared/money.flow", 1, "E303")
    ]


def test_a_generated_module_knows_the_files_its_lines_come_from(folder: Path) -> None:
    def built() -> str:
        path = Path("order.flow")
        outputs = pipeline.outputs(read(path), "specs/order.flow", Path("generated"), path)
        return next(each.text for each in outputs if each.name.endswith(".py"))

    module = built()
    assert "shared/common.flow:9" in module and "specs/shared/common.flow" in module
    write("shared/money.flow", "# the same\n" + MONEY)
    assert built() == module
    write("shared/money.flow", MONEY.replace("2", "3"))
    assert built() != module
