"""Answers kept from one run to the next: a key in, what was kept under it out; or nothing, whenever anything is odd.

The folder is `$PENSTOCK_CACHE_DIR`, else `penstock` in the user's cache folder; an empty `PENSTOCK_CACHE_DIR` turns it
off. It is used only if it is the user's own and nobody else may write to it. An entry holds its key and a digest, and
is written whole or not at all. What cannot be read or written does no harm: the question is answered anew.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..dsl.values import dataclass

FOLDER = "PENSTOCK_CACHE_DIR"
LARGEST = 16 << 20  # bytes of one entry
MOST_BYTES = 64 << 20
MOST_ENTRIES = 512

_MARK = b"penstock answers 1"
_SUFFIX = ".answers"


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of entries, by key: 64 hexadecimal digits."""

    folder: Path

    def get(self, key: str) -> str | None:
        """The text kept under a key, if it is there and whole."""
        place = self._place(key)
        try:
            if not self._safe() or place.stat().st_size > LARGEST:
                return None
            head, _, body = place.read_bytes().partition(b"\n")
            if head != _head(key, body):
                return None
            os.utime(place)  # the entries used last stay longest
            return body.decode()
        except (OSError, UnicodeDecodeError):
            return None

    def put(self, key: str, text: str) -> None:
        """Keep a text, if that can be done."""
        from .outputs import replace

        body = text.encode()
        if len(body) > LARGEST - 200:
            return
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._safe():
                replace(self._place(key), f"{_head(key, body).decode()}\n{text}")
                self._place(key).chmod(0o600)
                self._clear()

    def _place(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"

    def _safe(self) -> bool:
        """Whether only the user can have written what lies here."""
        found = self.folder.stat()
        mine = not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o022)
        return mine and stat.S_ISDIR(found.st_mode)

    def _clear(self) -> None:
        """Remove those that were not used for the longest time, while there are too many."""
        entries: list[tuple[int, int, Path]] = []
        for place in self.folder.glob(f"*{_SUFFIX}"):
            with suppress(OSError):  # another process may have removed it
                found = place.stat()
                entries.append((found.st_mtime_ns, found.st_size, place))
        entries.sort(reverse=True)
        size = 0
        for number, (_, bytes_, place) in enumerate(entries):
            size += bytes_
            if number >= MOST_ENTRIES or size > MOST_BYTES:
                with suppress(OSError):
                    place.unlink()


def _head(key: str, body: bytes) -> bytes:
    return b" ".join((_MARK, key.encode(), hashlib.sha256(body).hexdigest().encode()))


def shelf(environment: Mapping[str, str]) -> Shelf | None:
    """The user's own; None where there is no place for one, or it is turned off."""
    if FOLDER in environment:
        return Shelf(Path(environment[FOLDER])) if environment[FOLDER] else None
    if os.name == "nt":
        local = environment.get("LOCALAPPDATA", "")
        return Shelf(Path(local) / "penstock" / "cache") if local else None
    chosen, home = environment.get("XDG_CACHE_HOME", ""), environment.get("HOME", "")
    if Path(chosen).is_absolute():
        return Shelf(Path(chosen) / "penstock")
    return Shelf(Path(home) / ".cache" / "penstock") if Path(home).is_absolute() else None
