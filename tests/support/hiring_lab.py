"""A laboratory of crashes, as `crash_lab`, in which people do the tasks of a hiring: reminded, and one handed on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

from crash_lab import Mine, SavedClock, serve
from hiring_flow import Decide, Hiring, HiringInputs, Interview, Report, Screen, Sign
from penstock.runtime.core import Actor
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.worker import Limits

RITA, ROB, LEO = Actor("rita"), Actor("rob"), Actor("leo", frozenset({"lead"}))
HUGO, MIA = Actor("hugo", frozenset({"head"})), Actor("mia", frozenset({"recruiter"}))
WORK: Mapping[str, tuple[object, Actor]] = {
    "screen": (Screen(True), ROB),
    "interview": (Interview(9), LEO),
    "report": (Report("fine"), LEO),
    "decide": (Decide(True), HUGO),
    "sign": (Sign(True), MIA),
}


class Mail:
    def send_offer(self, candidate: str, score: int, *, key: str) -> str:
        return f"offer to {candidate}, {score}, {key}"

    def revoke_offer(self, result: str | None, *, key: str) -> None:
        raise AssertionError("nobody takes an offer back")


async def hire(folder: Path, ids: list[str], mine: Mine) -> None:
    """Start a hiring if it is not, and see it through to its end, as its inbox asks."""
    clock = SavedClock(folder / "clock")
    limits = Limits(poll=timedelta(milliseconds=1), pause=timedelta(milliseconds=1))
    async with SqliteHost(folder / "orders.db", {Hiring: Mail()}, clock=clock, limits=limits) as host:
        for id in ids:
            await host.start(Hiring, id, HiringInputs("Kim", "rita"))
        while True:
            await host.run_until_idle()
            if all([(await host.instance(id)).status.finished for id in ids]):
                return
            items = await host.tasks()
            if not items:  # the offer waits for its next attempt
                clock.advance(timedelta(minutes=1))
            for item in items:
                work, by = WORK[item.task]
                if item.persons == ("rita",):
                    await host.delegate(item.instance, item.task, "rob", by=RITA)
                elif item.task == "screen" and not item.reminders:
                    clock.advance(timedelta(hours=8))
                else:
                    await host.complete(item.instance, work, by=by)


if __name__ == "__main__":
    serve(partial(print, flush=True), hire)
