"""Loss of power at any moment: what was acknowledged is there, whole, and goes on to the same end.

PENSTOCK_IMAGES says how many images of a disk after it are looked at (by default a few hundred; `-o log_cli=1
--log-level=INFO` shows how it goes on).
"""

from __future__ import annotations

import itertools
import logging
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from power import Disk, Weather, write
from power_lab import BY_TURNS, SCENES, WEATHERS, Promise, found, go_on, losses, on_disk, promise, record
from watched_disk import SAFE, Device
from what_is_kept import FILE, Violation, emptied, ends, examine, mark, recovered
from write_log import Event, Recorder, Sync, Told, windows, without

LOG = logging.getLogger(__name__)

IMAGES = int(os.environ.get("PENSTOCK_IMAGES", "400"))
EACH = 4
"""Images for a number of events, in a long run."""
SHORT = 150
"""Images of a run in a short one."""
ON = 60
"""Of so many images, one is gone on with."""


def test_after_a_loss_of_power_what_was_acknowledged_is_there_and_goes_on_to_its_end(place: Path) -> None:
    dice = random.Random(IMAGES)
    images = runs = states = went_on = 0
    begun = time.monotonic()
    names = itertools.cycle(dice.sample([*SCENES], len(SCENES)))
    while images < IMAGES:
        name, pages = next(names), dice.choice((4, 8, 20))
        scene, runs = SCENES[name], runs + 1
        with emptied(place / "run") as folder:
            recording = record(scene, folder, pages=pages)
            promised = promise(recording.events, place / "state")
            for state in promised.states:
                examine(state, scene.flows)
            states += len(promised.states)
            some = [*range(len(recording.events) + 1)]
            where = set(some if IMAGES > 1000 else dice.sample(some, SHORT // EACH))
            for position, image in losses(recording.events, EACH, dice, where=where):
                images += 1
                promised.kept_by(found(place / "image", image), position)
                if images % ON == 0:
                    went_on += 1
                    assert go_on(recording, position, image, place / "on") == ends(promised.states[-1])
        rate = images / (time.monotonic() - begun)
        what = "%d images (%.0f a second), %d runs, %d states, %d gone on with; last: %s"
        LOG.info(what, images, rate, runs, states, went_on, name)
    assert went_on


def broken(place: Path, events: Sequence[Event], promised: Promise, where: set[int], weather: Weather) -> str:
    """The first promise that is not kept at these numbers of events; "" if all are."""
    for position, image in losses(events, 12, random.Random(1), (weather,), where):
        try:
            promised.kept_by(found(place, image), position)
        except Violation as violation:
            return str(violation)
    return ""


def ranges(windows: Sequence[range]) -> set[int]:
    """Of each, the first and the last few."""
    return {position for window in windows for position in (*window[:4], *window[-6:])}


@pytest.mark.parametrize("lost", [sync for sync in Sync if sync is not Sync.AGAIN])
def test_a_sync_that_is_left_out_is_missed(place: Path, lost: Sync) -> None:
    anew = lost is Sync.HEADER
    with emptied(place / "run") as folder:
        recording = record(BY_TURNS if anew else SCENES["order broken"], folder, pages=8 if anew else 20)
    promised = promise(recording.events, place / "state")
    where = ranges(windows(recording.events, lost))
    assert where
    assert broken(place / "image", without(recording.events, lost), promised, where, Weather())


def test_the_sync_of_the_log_before_a_checkpoint_has_nothing_to_do_where_each_commit_syncs(place: Path) -> None:
    told: dict[str, str] = {}
    for synchronous in ("FULL", "NORMAL"):
        with emptied(place / "run") as folder:
            recording = record(SCENES["order broken"], folder, pages=4, synchronous=synchronous)
        promised = promise(recording.events, place / "state")
        # Without NORMAL's other faults: nobody was told of anything.
        forgotten = Promise(promised.states, [0] * len(promised.floors))
        purpose = Sync.AGAIN if synchronous == "FULL" else Sync.COMMIT
        where = ranges(windows(recording.events, purpose))
        assert where
        told[synchronous] = broken(place / "image", without(recording.events, purpose), forgotten, where, Weather())
    assert told["FULL"] == "" != told["NORMAL"]


def test_a_log_that_is_synced_less_often_than_at_each_commit_loses_what_was_acknowledged(place: Path) -> None:
    with emptied(place / "run") as folder:
        recording = record(SCENES["order broken"], folder, synchronous="NORMAL")
    promised = promise(recording.events, place / "state")
    told = {n for n, event in enumerate(recording.events, 1) if isinstance(event, Told)}
    assert "somebody was told" in broken(place / "image", recording.events, promised, told, Weather())


@pytest.mark.parametrize(
    ("device", "weather", "kept"),
    [
        (Device(safe=False, sector=4096), Weather(4096, torn=0.8, safe=False), True),
        (Device(safe=False, sector=4096), Weather(512, torn=0.8, safe=False), True),
        (Device(safe=False, sector=512), Weather(512, torn=0.8, safe=False), True),
        (Device(safe=False, sector=512), Weather(4096, torn=0.8, safe=False), False),
        (SAFE, Weather(512, torn=0.8, safe=False), False),
    ],
)
def test_a_disk_that_damages_what_is_near_a_write_has_to_say_so(
    place: Path, device: Device, weather: Weather, kept: bool
) -> None:
    with emptied(place / "run") as folder:
        recording = record(SCENES["order broken"], folder, device)
    promised = promise(recording.events, place / "state")
    where = ranges(windows(recording.events, Sync.COMMIT))
    if kept:
        where = set(random.Random(1).sample(sorted(where), 20))
    assert (broken(place / "image", recording.events, promised, where, weather) == "") is kept


def test_the_power_may_be_lost_again_while_the_file_is_being_recovered(place: Path) -> None:
    with emptied(place / "run") as folder:
        recording = record(SCENES["order broken"], folder)
    promised = promise(recording.events, place / "state")
    dice = random.Random(2)
    some = set(dice.sample(range(len(recording.events)), 12))
    images = 0
    for position, image in losses(recording.events, 1, dice, where=some):
        recorder = Recorder(image)
        with emptied(place / "image") as folder:
            write(folder, image)
            with on_disk(recorder.watch, SAFE):
                first = recovered(folder)
        promised.kept_by(first, position)
        disk = Disk.of(image)
        for event in recorder.events:
            disk.take(event)
            if disk.unsynced() and dice.random() < 0.3:
                images += 1
                promised.kept_by(found(place / "again", disk.image(dice, dice.choice(WEATHERS))), position)
    assert images > 20
    assert mark(place / "run" / FILE) == promised.states[-1].mark
