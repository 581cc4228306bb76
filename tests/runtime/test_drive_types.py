"""Whoever drives a flow with activities that lack one, or are not as declared, is told by the type checker, there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from penstock import dev
from repository import ROOT

PROGRAM = """
from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from order_flow import Carrier, Order
from penstock.runtime.drive import Rest, drive, drive_async


class Half:
    def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:
        return "r"

    def charge_card(self, total: Decimal, *, key: str) -> str:
        return "p"

    def ship(self, sku: str, qty: int, carrier: Carrier, *, key: str) -> str:
        return "t"

    def quote(self, sku: str, *, key: str) -> Carrier:
        return Carrier.UPS

    def release_stock(self, result: str | None, *, key: str) -> None: ...


class Whole(Half):
    def refund(self, result: str | None, *, key: str) -> None: ...


class Wrong(Half):
    def refund(self, result: int, *, key: str) -> None: ...


class Awaited:
    async def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:
        return "r"

    async def charge_card(self, total: Decimal, *, key: str) -> str:
        return "p"

    async def ship(self, sku: str, qty: int, carrier: Carrier, *, key: str) -> str:
        return "t"

    async def quote(self, sku: str, *, key: str) -> Carrier:
        return Carrier.UPS

    async def release_stock(self, result: str | None, *, key: str) -> None: ...
    async def refund(self, result: str | None, *, key: str) -> None: ...


order, effects = Order.start(sku="A1", qty=1, total=Decimal(1), now=datetime.now(UTC))
rest: Rest[Order] = drive(order, effects, Whole(), id="o-1")
left: str | None = rest.record.data.payment


async def main() -> None:
    rest: Rest[Order] = await drive_async(order, effects, Awaited(), id="o-1")
    print(rest.record.data.payment)
    await drive_async(order, effects, Whole(), id="o-1")  # wrong: no coroutines


drive(order, effects, Half(), id="o-1")  # wrong: lacks refund
drive(order, effects, Wrong(), id="o-1")  # wrong: refund takes something else
drive(order, effects, Awaited(), id="o-1")  # wrong: coroutines
drive(order, effects, object(), id="o-1")  # wrong: nothing at all
drive("order", effects, Whole(), id="o-1")  # wrong: no flow
"""
WRONG = [number for number, line in enumerate(PROGRAM.splitlines(), 1) if "# wrong" in line]


def run(*command: str, **variables: str) -> str:
    environment = {**dev.tool_environment(), **variables}
    return subprocess.run([sys.executable, "-m", *command], env=environment, capture_output=True, text=True).stdout


@pytest.fixture
def program(tmp_path: Path) -> Path:
    dev.lay_links()
    file = tmp_path / "program.py"
    file.write_text(PROGRAM, encoding="utf-8")
    return file


def test_mypy_says_so(program: Path) -> None:
    path, cache = f"{ROOT / 'build' / 'types'}:{ROOT / 'generated'}", f"{program.parent / 'cache'}"
    said = run("mypy", "--strict", "--config-file", "", str(program), MYPYPATH=path, MYPY_CACHE_DIR=cache)
    errors = [(int(line), text) for line, text in re.findall(r"program\.py:(\d+): error: (.*)", said)]
    assert sorted({line for line, _ in errors}) == WRONG, said
    assert 'Cannot infer value of type parameter "Activities" of "drive"' in dict(errors)[WRONG[1]]


def test_pyright_says_so_and_names_what_is_missing(program: Path) -> None:
    paths = [str(ROOT / "build" / "types"), str(ROOT / "generated")]
    settings = {"typeCheckingMode": "strict", "extraPaths": paths, "include": ["program.py"]}
    (program.parent / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    said = json.loads(run("pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(program.parent)))
    errors = {each["range"]["start"]["line"] + 1: each["message"] for each in said["generalDiagnostics"]}
    assert sorted(errors) == WRONG, errors
    assert '"Half" is incompatible with protocol "OrderActivities"' in errors[WRONG[1]]
    assert '"refund" is not present' in errors[WRONG[1]]
