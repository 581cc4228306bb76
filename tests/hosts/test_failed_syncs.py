"""A sync that fails, and then a loss of power: what the system has in memory is no longer what is on the disk.

After a failed sync Linux takes the pages for clean, so that a later sync says nothing about them: see
https://www.usenix.org/conference/atc20/presentation/rebello. Whoever goes on has to write again what was not synced.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from pathlib import Path
from unittest import mock

import pytest

import penstock.runtime.hosts.sqlite_store as sqlite_store
from faults import FAULTS, Injector, patient
from penstock.runtime.errors import StoreError
from power_lab import SCENES, Recording, asked, drive, found, losses, on_disk, promise, told
from watched_disk import SAFE
from what_is_kept import Violation, fresh

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot be asked to read from the disk")

EVERY = "PENSTOCK_FAULTS" in os.environ


@pytest.mark.parametrize("length", [1, 3])
def test_a_host_that_goes_on_after_a_failed_sync_loses_nothing(place: Path, length: int) -> None:
    dice = random.Random(length)
    images = failed = 0
    at = 0
    while True:
        at += 1 if EVERY else dice.randint(3, 8)
        with fresh(place) as folder:
            recording = Recording(SCENES["order broken"], folder)
            injector = Injector(FAULTS["a sync fails"], at, length, 0, recording.watch, recording.recorder.fail)
            with on_disk(injector.watch, SAFE), told(recording.tell), asked(recording.recorder), patient():
                while True:
                    try:
                        drive(recording.scene, folder)
                        break
                    except StoreError:  # it could not be opened
                        continue
            recording.catch_up()
            if not injector.hits:
                break
            failed += injector.hits
            promised = promise(recording.events, place)
            moments = range(len(recording.events) + 1)
            where = set(dice.sample(moments, min(len(moments), 400 if EVERY else 30)))
            for position, image in losses(recording.events, 2, dice, where=where):
                images += 1
                promised.kept_by(found(place, image), position)
    assert failed and images > 50


def died(place: Path, at: int) -> tuple[Recording, int]:
    """A sync fails, the process dies of it, and another one goes on where it was: its run, and where it begins."""
    left = 0
    with fresh(place) as folder, fresh(place) as copy:
        recording = Recording(SCENES["order broken"], folder)

        def fail(path: Path) -> None:
            nonlocal left
            recording.recorder.fail(path)
            left = len(recording.events)
            for file in folder.iterdir():
                if not file.name.endswith("-shm"):  # nobody has it open any more, so it counts for nothing
                    shutil.copy(file, copy)

        injector = Injector(FAULTS["a sync fails"], at, 1, 0, recording.watch, fail)
        with on_disk(injector.watch, SAFE, 40), told(recording.tell), patient():
            drive(recording.scene, folder)  # what happens after the failure is not looked at
        again = Recording(SCENES["order broken"], copy, recording.recorder.again(left))
        with on_disk(again.watch, SAFE, 40), told(again.tell), asked(again.recorder):
            drive(again.scene, copy)
    return again, left


def lost(place: Path) -> tuple[int, int]:
    """How many images were looked at, and how many of them were not what was promised."""
    dice = random.Random(7)
    images = broken = 0
    for at in range(7, 30 if EVERY else 13):
        recording, left = died(place, at)
        if not left:
            break
        promised = promise(recording.events, place)
        where = set(dice.sample(range(left, len(recording.events) + 1), 20))
        for position, image in losses(recording.events, 2, dice, where=where):
            images += 1
            try:
                promised.kept_by(found(place, image), position)
            except Violation:
                broken += 1
    return images, broken


def test_a_process_that_finds_a_log_believes_what_is_on_the_disk(place: Path) -> None:
    images, broken = lost(place)
    assert images > 50 and broken == 0


def test_a_log_that_is_believed_as_the_system_shows_it_loses_what_was_acknowledged(place: Path) -> None:
    with mock.patch.object(sqlite_store, "reread"):
        images, broken = lost(place)
    assert images > 50 and broken > 0
