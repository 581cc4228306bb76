"""`penstock run`: an app in; its host works until it is told to stop, gives back what it had begun, and says so.

The first SIGTERM or SIGINT stops it in order; a second one at once. What ended the worker by itself (a damaged file)
ends the command, so that whatever supervises the process starts another.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

from ..errors import StoreError
from ..hosts.sqlite import SqliteHost
from ..journal import label
from ..logs import Correlated, JsonLines
from . import apps
from .answers import DONE, FileTrouble
from .layout import count

LOG = logging.getLogger("penstock")

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(args: argparse.Namespace) -> int:
    """Raises Trouble."""
    host = apps.host(args.app or args.given, os.environ, Path.cwd())
    if not LOG.handlers and not logging.getLogger().handlers:  # an app that has set up its logging keeps it
        logging.basicConfig(handlers=[_handler(args.json)])
        LOG.setLevel(args.log.upper())
    try:
        asyncio.run(_work(host))
    except StoreError as error:
        raise FileTrouble(host.path, error) from error
    return DONE


def _handler(as_json: bool) -> logging.Handler:
    """To the error stream, each line with the instance and the attempt that it is about, as JSON or as text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Correlated())
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if as_json else text)
    return handler


async def _work(host: SqliteHost) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stopping() -> None:
        stop.set()
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    for number in SIGNALS:
        with contextlib.suppress(NotImplementedError):  # where there are no such signals, Ctrl-C still interrupts
            loop.add_signal_handler(number, stopping)
    async with host:
        flows = ", ".join(map(label, host.flows))
        LOG.info("working on %s: %s", host.path, flows)
        looking = asyncio.create_task(look_around(host))
        try:
            await host.work(stop)
        finally:
            looking.cancel()
        LOG.info("stopping")
    LOG.info("stopped")


async def look_around(host: SqliteHost) -> None:
    """Say which instances nobody here goes on with: after a deployment, the code of an earlier version may be gone."""
    with contextlib.suppress(StoreError):  # then there is other trouble
        for flow, number in (await host.unknown()).items():
            LOG.warning(
                "%s: nobody here goes on with it, for this app does not run %s", count(number, "instance"), flow
            )
