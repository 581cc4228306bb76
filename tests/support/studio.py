"""The order's activities in processes: what a call does is scripted by files, since nothing else is shared."""

from __future__ import annotations

import logging
import os
import signal
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from order_flow import Carrier, Declined
from penstock.runtime.heartbeat import heartbeat
from penstock.runtime.logs import correlation
from penstock.runtime.processes import in_process

LOG = logging.getLogger("studio")


class Picky(Exception):
    """Cannot be made again from what it was made of."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


def wait_for(file: Path) -> None:
    while not file.exists():
        time.sleep(0.002)


def act(how: str, folder: Path, key: str) -> Any:
    """What a call comes to: an answer, an exception, or the end of its process."""
    match how:
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(3)
        case "declined":
            raise Declined("no money")
        case "broken":
            raise ConnectionError("the answer was lost")
        case "leaves":
            raise SystemExit(4)
        case "picky":
            raise Picky("this", "that")
        case "unpicklable":
            return lambda: None
        case "large":
            return "x" * 2_000_000
        case "huge":
            return "x" * 100_000_000
        case "logs":
            LOG.warning("line of %s", key)
            here = correlation()
            return f"{here.instance} {here.attempt}" if here is not None else "nobody"
        case "hangs":
            (folder / "begun").write_text(f"{os.getpid()}")
            wait_for(folder / "go")
        case "beats":
            (folder / "begun").write_text(f"{os.getpid()}")
            for number in range(4):
                wait_for(folder / f"beat {number}")
                heartbeat()
                LOG.warning("beat %d", number)
            wait_for(folder / "go")
        case _:
            pass
    return f"{os.getpid()}"


@dataclass(frozen=True)
class Studio:
    """Each activity does what the line of its name in `folder` says, once; the first line is taken."""

    folder: Path

    def script(self, name: str, *lines: str) -> None:
        (self.folder / name).write_text("\n".join(lines))

    def next(self, name: str) -> str:
        file = self.folder / name
        first, _, rest = (file.read_text() if file.exists() else "").partition("\n")
        file.write_text(rest)
        return first

    @in_process
    def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:
        answer: str = act(self.next("reserve_stock"), self.folder, key)
        return answer

    @in_process
    def charge_card(self, total: Decimal, *, key: str) -> str:
        answer: str = act(self.next("charge_card"), self.folder, key)
        return answer

    def quote(self, sku: str, *, key: str) -> Carrier:
        return Carrier.UPS

    @in_process
    def ship(self, sku: str, qty: int, carrier: Carrier, *, key: str) -> str:
        answer: str = act(self.next("ship"), self.folder, key)
        return answer

    @staticmethod
    @in_process
    def release_stock(result: str | None, *, key: str) -> None:
        pass

    @in_process
    @staticmethod
    def refund(result: str | None, *, key: str) -> None:
        pass


@dataclass(frozen=True)
class Fetching:
    """One activity, `fetch`, in a process."""

    folder: Path

    @in_process
    def fetch(self, n: int, *, key: str) -> int:
        act("beats", self.folder, key)
        return n
