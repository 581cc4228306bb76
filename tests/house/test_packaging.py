"""The repository is the package: its layout, its list of packages, and a wheel that works where nothing else is."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import repository

ROOT = repository.ROOT
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOT_SOURCES = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")


def test_pyproject_names_every_package() -> None:
    folders = {path.parent for wing in repository.WINGS for path in (ROOT / wing).rglob("*.py")}
    packages = {".".join(("penstock", *folder.relative_to(ROOT).parts)) for folder in folders}
    assert sorted({"penstock"} | packages) == PROJECT["tool"]["setuptools"]["packages"]
    assert all((folder / "__init__.py").exists() for folder in folders)


def test_the_root_holds_no_module_of_its_own() -> None:
    modules = {path.name for pattern in ("*.py", "*.pyi", "py.typed") for path in ROOT.glob(pattern)}
    assert modules == {"__init__.py", "py.typed", "dev.py"}


def test_every_third_party_import_is_a_declared_dependency() -> None:
    declared = {plain(requirement) for requirement in PROJECT["project"]["dependencies"]}
    extras = PROJECT["project"]["optional-dependencies"]
    testing, otel = ({plain(requirement) for requirement in extras[name]} for name in ("testing", "otel"))
    providers = metadata.packages_distributions()
    for module in repository.product().values():
        for name in {name.split(".")[0] for name in module.imports} - {"penstock", "", *sys.stdlib_module_names}:
            allowed = testing if repository.of_testing(module) else declared
            allowed = otel if repository.of_telemetry(module) else allowed
            assert {plain(provider) for provider in providers[name]} & allowed, f"{module.path} imports {name}"


def test_a_wheel_built_from_the_sdist_works_in_a_clean_environment(tmp_path: Path) -> None:
    tree, dist, clean, work = (tmp_path / name for name in ("tree", "dist", "clean", "work"))
    shutil.copytree(ROOT, tree, ignore=NOT_SOURCES)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, tree)
    (sdist,) = dist.glob("*.tar.gz")
    (wheel,) = dist.glob("*.whl")
    assert sdist.name == f"penstock-{PROJECT['project']['version']}.tar.gz"
    names = zipfile.ZipFile(wheel).namelist()
    assert {"penstock/dsl/grammar.lark", "penstock/dsl/grammar.json"} <= {*names}
    assert [name for name in names if name.startswith("penstock/compiler/codegen/templates/")]
    assert {name.split("/")[1] for name in names if name.startswith("penstock/")} == {
        "__init__.py", "py.typed", "dev.py", "compiler", "dsl", "runtime"
    }  # fmt: skip

    run(sys.executable, "-m", "venv", "--without-pip", clean)
    run(sys.executable, "-m", "pip", "--python", clean / "bin/python", "install", "--no-index", "--no-deps", wheel)
    lend_dependencies(clean)
    work.mkdir()
    shutil.copy(ROOT / "specs/order.flow", work)
    penstock = clean / "bin/penstock"
    assert run(penstock, "--version", cwd=work) == f"penstock {PROJECT['project']['version']}\n"
    assert " proved (" in run(penstock, "check", "order.flow", cwd=work)
    run(penstock, "build", "order.flow", "--out", "generated", cwd=work)
    run(penstock, "draw", "order.flow", cwd=work)
    assert sorted(path.name for path in (work / "generated").iterdir()) == [
        "order_flow.dot", "order_flow.mmd", "order_flow.py"
    ]  # fmt: skip
    where = "import order_flow, penstock; print(penstock.__file__)"
    assert str(clean) in run(clean / "bin/python", "-c", where, cwd=work / "generated")


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def lend_dependencies(clean: Path) -> None:
    """Link into a clean environment what penstock declares, and what that declares, without asking an index."""
    target = next(clean.glob("lib/python*/site-packages"))
    for distribution in closure(PROJECT["project"]["dependencies"]):
        for file in distribution.files or ():
            top = Path(file.parts[0])
            if file.parts[0] != ".." and not (target / top).exists():
                (target / top).symlink_to(Path(str(distribution.locate_file(top))))


def closure(requirements: list[str]) -> list[metadata.Distribution]:
    """The distributions that requirement strings without extras lead to."""
    found: dict[str, metadata.Distribution] = {}
    waiting = list(requirements)
    while waiting:
        name = plain(waiting.pop())
        if name not in found:
            found[name] = metadata.distribution(name)
            waiting += [line for line in found[name].requires or () if ";" not in line]
    return list(found.values())


def plain(requirement: str) -> str:
    """`Z3_Solver==5.4` -> `z3-solver`."""
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def test_continuous_integration_runs_the_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert "python3 dev.py test" in script.read_text(encoding="utf-8")
    assert script.stat().st_mode & 0o111
    assert "python3 dev.py test" in (ROOT / "README.md").read_text(encoding="utf-8")
