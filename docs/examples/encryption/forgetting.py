"""A key for each instance, so that what one of them was told can be forgotten: its key is destroyed."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from penstock.runtime.sealing import FORGOTTEN, Place

NONCE = 12


@dataclass(frozen=True)
class KeyPerInstance:
    """The keys lie in a folder, which is not where the file is, and in none of its copies. Flows that an instance does
    share its key."""

    folder: Path

    def seal(self, text: str, place: Place) -> str:
        nonce = os.urandom(NONCE)
        sealed = AESGCM(self._key(place.instance)).encrypt(nonce, text.encode(), place.data)
        return b64encode(nonce + sealed).decode()

    def unseal(self, sealed: str, place: Place) -> str:
        if self._mark(place.instance).exists():
            return FORGOTTEN
        content = b64decode(sealed)
        key = self._file(place.instance).read_bytes()
        return AESGCM(key).decrypt(content[:NONCE], content[NONCE:], place.data).decode()

    def forget(self, instance: str) -> None:
        """Nobody will read again what it was told. It has ended, and so have those that it started."""
        self._mark(instance).touch()
        self._file(instance).unlink(missing_ok=True)

    def _key(self, instance: str) -> bytes:
        """Raises PermissionError for one that was forgotten."""
        file = self._file(instance)
        if self._mark(instance).exists():
            raise PermissionError(f"{instance} was forgotten")
        if not file.exists():
            made = self.folder / f"{os.getpid()}.new"
            made.write_bytes(AESGCM.generate_key(256))
            with made.open("rb") as written:
                os.fsync(written.fileno())
            with suppress(FileExistsError):  # another process was faster
                os.link(made, file)
            made.unlink()
            folder = os.open(self.folder, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        return file.read_bytes()

    def _file(self, instance: str) -> Path:
        root = instance.partition("/")[0]
        return self.folder / f"{sha256(root.encode()).hexdigest()}.key"

    def _mark(self, instance: str) -> Path:
        return self._file(instance).with_suffix(".forgotten")
