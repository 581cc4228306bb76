"""Payloads sealed with AES-GCM, under keys that can be changed: a codec for `SqliteHost`."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from penstock.runtime.sealing import Place

NONCE = 12


@dataclass(frozen=True)
class KeyRing:
    """Keys of 32 bytes by their ids, `AESGCM.generate_key(256)`; new texts are sealed with the current one."""

    keys: Mapping[str, bytes] = field(repr=False)
    current: str

    def seal(self, text: str, place: Place) -> str:
        nonce = os.urandom(NONCE)
        sealed = AESGCM(self.keys[self.current]).encrypt(nonce, text.encode(), place.data)
        return f"{self.current}:{b64encode(nonce + sealed).decode()}"

    def unseal(self, sealed: str, place: Place) -> str:
        id, _, text = sealed.partition(":")
        if id not in self.keys:
            raise LookupError(f"the key {id!r} is missing")
        content = b64decode(text)
        return AESGCM(self.keys[id]).decrypt(content[:NONCE], content[NONCE:], place.data).decode()
