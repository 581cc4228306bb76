"""SQLite's way to the disk, watched: each thing it does with a file in, and what it is told became of it out.

A virtual file system over SQLite's own (`unix`), made with ctypes in the library that the `sqlite3` module is linked
to, and the default one while `watched` runs: whoever connects then, on whatever thread, is watched until the connection
is closed. Files are opened by SQLite itself; only the methods that are watched are put in the place of theirs. See
https://sqlite.org/c3ref/vfs.html and https://sqlite.org/c3ref/io_methods.html.
"""

from __future__ import annotations

import ctypes
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

OK, BUSY, LOCK_SHM = 0, 5, 2
OPEN_MAIN_DB, OPEN_MAIN_JOURNAL, OPEN_WAL = 0x100, 0x800, 0x80000
POWERSAFE_OVERWRITE = 0x1000


class Kind(StrEnum):
    OPEN = "open"
    READ = "read"
    WRITE = "write"
    TRUNCATE = "truncate"
    SYNC = "sync"
    FOLDER = "folder"  # the sync of the folder, as a part of a sync or a deletion that is under way
    SIZE = "size"
    LOCK = "lock"
    SHARE = "share"  # a lock of the log's index
    MAP = "map"  # the log's index itself
    DELETE = "delete"
    ACCESS = "access"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Operation:
    """What SQLite does with the file at `path`. `address`: where the bytes of a read or write are in memory; `offset`
    in the file. `value`: the flags of an opening or a sync, the lock that is wanted, the new size."""

    kind: Kind
    path: Path
    offset: int = 0
    size: int = 0
    address: int = 0
    value: int = 0

    def content(self) -> bytes:
        """The bytes of a write, or of a read that is over."""
        return ctypes.string_at(self.address, self.size)

    def flip(self, bit: int) -> None:
        """Change a bit of what has been read."""
        byte = ctypes.cast(self.address + bit // 8 % self.size, POINTER(ctypes.c_ubyte))
        byte[0] ^= 1 << bit % 8


Forward = Callable[[Operation], int]
"""Have SQLite's own file system do it; answers SQLite's code. Of a write, a smaller size is a part of it."""

Watch = Callable[[Operation, Forward], int]
"""Answers the code that SQLite is given."""


@dataclass(frozen=True, slots=True)
class Device:
    """What SQLite is told of the device. Its own file system says `safe`: what is near a write is never damaged."""

    safe: bool = True
    sector: int = 4096


SAFE = Device()

F, N, P = c_void_p, c_int, c_void_p

METHODS: dict[str, Any] = {
    "close": CFUNCTYPE(N, F),
    "read": CFUNCTYPE(N, F, P, N, c_int64),
    "write": CFUNCTYPE(N, F, P, N, c_int64),
    "truncate": CFUNCTYPE(N, F, c_int64),
    "sync": CFUNCTYPE(N, F, N),
    "file_size": CFUNCTYPE(N, F, P),
    "lock": CFUNCTYPE(N, F, N),
    "unlock": CFUNCTYPE(N, F, N),
    "check_reserved_lock": CFUNCTYPE(N, F, P),
    "file_control": CFUNCTYPE(N, F, N, P),
    "sector_size": CFUNCTYPE(N, F),
    "device_characteristics": CFUNCTYPE(N, F),
    "shm_map": CFUNCTYPE(N, F, N, N, N, P),
    "shm_lock": CFUNCTYPE(N, F, N, N, N),
    "shm_barrier": CFUNCTYPE(None, F),
    "shm_unmap": CFUNCTYPE(N, F, N),
    "fetch": CFUNCTYPE(N, F, c_int64, N, P),
    "unfetch": CFUNCTYPE(N, F, c_int64, P),
}
SYSTEM: dict[str, Any] = {
    "open": CFUNCTYPE(N, P, P, F, N, P),
    "delete": CFUNCTYPE(N, P, P, N),
    "access": CFUNCTYPE(N, P, P, N, P),
    "full_pathname": CFUNCTYPE(N, P, P, N, P),
    "dl_open": P,
    "dl_error": P,
    "dl_sym": P,
    "dl_close": P,
    "randomness": P,
    "sleep": CFUNCTYPE(N, P, N),
    "current_time": P,
    "last_error": P,
    "current_time_64": P,
    "set_system_call": CFUNCTYPE(N, P, c_char_p, P),
    "get_system_call": CFUNCTYPE(P, P, c_char_p),
    "next_system_call": P,
}
OPEN_FOLDER = CFUNCTYPE(N, c_char_p, P)


class Methods(Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = [("version", c_int), *METHODS.items()]


class System(Structure):
    """sqlite3_vfs, version 3."""

    _fields_ = [
        ("version", c_int),
        ("file_size", c_int),
        ("max_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        *SYSTEM.items(),
    ]


class File(Structure):
    """sqlite3_file."""

    _fields_ = [("methods", c_void_p)]


class Opened(NamedTuple):
    path: Path
    real: Any  # Methods


def _pass(operation: Operation, forward: Forward) -> int:
    return forward(operation)


@dataclass
class Layer:
    """The one file system of this process. `missed`: what went wrong in a watch, where nobody could raise it."""

    library: Any
    real: Any  # System
    watch: Watch = _pass
    device: Device = SAFE
    files: dict[int, Opened] = field(default_factory=dict[int, Opened])
    missed: list[BaseException] = field(default_factory=list[BaseException])

    def __post_init__(self) -> None:
        self.ours = System.from_buffer_copy(self.real)
        self.ours.next, self.ours.name = None, b"watched"
        self.ours.open = SYSTEM["open"](self._open)
        self.ours.delete = SYSTEM["delete"](self._delete)
        self.ours.access = SYSTEM["access"](self._access)
        self.ours.sleep = SYSTEM["sleep"](self._sleep)
        address = self.real.get_system_call(byref(self.real), b"openDirectory")
        self.open_folder = OPEN_FOLDER(address)
        self.our_open_folder = OPEN_FOLDER(self._open_folder)
        self.patched: dict[int, Any] = {}  # ours, by the address of the real ones: SQLite has them for ever
        self.methods: dict[str, Callable[..., int]] = {
            "close": self._close,
            "read": self._read,
            "write": self._write,
            "truncate": self._truncate,
            "sync": self._sync,
            "file_size": self._size,
            "lock": self._lock,
            "shm_lock": self._share,
            "shm_map": self._map,
            "sector_size": self._sector,
            "device_characteristics": self._characteristics,
        }

    def register(self) -> None:
        self.real.set_system_call(byref(self.real), b"openDirectory", ctypes.cast(self.our_open_folder, c_void_p))
        assert self.library.sqlite3_vfs_register(byref(self.ours), 1) == OK

    def unregister(self) -> None:
        """Connections that are open go on; whoever connects now has SQLite's own again."""
        assert self.library.sqlite3_vfs_unregister(byref(self.ours)) == OK
        assert self.library.sqlite3_vfs_register(byref(self.real), 1) == OK
        self.real.set_system_call(byref(self.real), b"openDirectory", None)

    # ------------------------------------------------------------ the file system

    def _open(self, _: int, name: int | None, file: int, flags: int, out: int | None) -> int:
        if name is None:  # a temporary file of a statement: nobody's data
            return self.real.open(byref(self.real), name, file, flags, out)
        path = Path(ctypes.string_at(name).decode())
        code = self._told(
            Operation(Kind.OPEN, path, value=flags),
            lambda _: self.real.open(byref(self.real), name, file, flags, out),
        )
        opened = File.from_address(file)
        if code != OK:
            if opened.methods is not None:
                Methods.from_address(opened.methods).close(file)
            opened.methods = None
        else:
            real = Methods.from_address(opened.methods)
            self.files[file] = Opened(path, real)
            opened.methods = ctypes.addressof(self._patched(opened.methods))
        return code

    def _patched(self, address: int) -> Any:
        if address not in self.patched:
            ours = Methods.from_buffer_copy(Methods.from_address(address))
            for name, method in self.methods.items():
                setattr(ours, name, METHODS[name](method))
            self.patched[address] = ours
        return self.patched[address]

    def _delete(self, _: int, name: int, sync: int) -> int:
        path = Path(ctypes.string_at(name).decode())
        operation = Operation(Kind.DELETE, path, value=sync)
        return self._told(operation, lambda _: self.real.delete(byref(self.real), name, sync))

    def _access(self, _: int, name: int, flags: int, out: int) -> int:
        path = Path(ctypes.string_at(name).decode())
        operation = Operation(Kind.ACCESS, path, value=flags)
        return self._told(operation, lambda _: self.real.access(byref(self.real), name, flags, out))

    def _sleep(self, _: int, micros: int) -> int:
        return micros  # whoever waits for a lock has waited

    def _open_folder(self, name: bytes, out: int) -> int:
        path = Path(name.decode()).parent
        return self._told(Operation(Kind.FOLDER, path), lambda _: self.open_folder(name, out))

    # ------------------------------------------------------------ a file

    def _read(self, file: int, address: int, size: int, offset: int) -> int:
        path, real = self.files[file]
        operation = Operation(Kind.READ, path, offset, size, address)
        return self._told(operation, lambda o: real.read(file, address, o.size, offset))

    def _write(self, file: int, address: int, size: int, offset: int) -> int:
        path, real = self.files[file]
        operation = Operation(Kind.WRITE, path, offset, size, address)
        return self._told(operation, lambda o: real.write(file, address, o.size, offset))

    def _truncate(self, file: int, size: int) -> int:
        path, real = self.files[file]
        return self._told(Operation(Kind.TRUNCATE, path, value=size), lambda _: real.truncate(file, size))

    def _sync(self, file: int, flags: int) -> int:
        path, real = self.files[file]
        return self._told(Operation(Kind.SYNC, path, value=flags), lambda _: real.sync(file, flags))

    def _size(self, file: int, out: int) -> int:
        path, real = self.files[file]
        return self._told(Operation(Kind.SIZE, path), lambda _: real.file_size(file, out))

    def _lock(self, file: int, lock: int) -> int:
        path, real = self.files[file]
        return self._told(Operation(Kind.LOCK, path, value=lock), lambda _: real.lock(file, lock))

    def _map(self, file: int, region: int, size: int, extend: int, out: int) -> int:
        path, real = self.files[file]
        return self._told(Operation(Kind.MAP, path), lambda _: real.shm_map(file, region, size, extend, out))

    def _sector(self, file: int) -> int:
        return self.device.sector

    def _close(self, file: int) -> int:
        path, real = self.files.pop(file)
        self._told(Operation(Kind.CLOSE, path), lambda _: OK)
        return int(real.close(file))

    def _share(self, file: int, offset: int, number: int, flags: int) -> int:
        path, real = self.files[file]
        if not flags & LOCK_SHM:  # a lock can always be given back
            return int(real.shm_lock(file, offset, number, flags))
        operation = Operation(Kind.SHARE, path, offset, value=flags)
        return self._told(operation, lambda _: real.shm_lock(file, offset, number, flags))

    def _characteristics(self, file: int) -> int:
        real = int(self.files[file].real.device_characteristics(file))
        return real | POWERSAFE_OVERWRITE if self.device.safe else real & ~POWERSAFE_OVERWRITE

    def _told(self, operation: Operation, forward: Forward) -> int:
        try:
            return int(self.watch(operation, forward))
        except BaseException as error:  # noqa: BLE001 - nobody above can take it; `watched` raises it
            self.missed.append(error)
            return forward(operation)


@cache
def _layer() -> Layer | str:
    """Made once and kept: SQLite knows its address. Or why it cannot be."""
    try:
        module: ModuleType = __import__("_sqlite3")
        library = ctypes.CDLL(str(module.__file__))
        library.sqlite3_libversion.restype = c_char_p
        library.sqlite3_vfs_find.restype = POINTER(System)
    except (AttributeError, OSError) as error:
        return f"the sqlite3 module does not let its library be reached: {error}"
    found = library.sqlite3_vfs_find(None)
    if library.sqlite3_libversion().decode() != sqlite3.sqlite_version or not found:
        return "the library that was found is not the one of the sqlite3 module"
    if found.contents.name != b"unix" or found.contents.version < 3:
        return f"SQLite's file system here is {found.contents.name!r}, not `unix`"
    return Layer(library, found.contents)


@contextmanager
def watched(watch: Watch, device: Device = SAFE) -> Generator[None]:
    """Have what is opened inside watched, and what is opened then watched by `watch` until the end. Skips the test
    where that is not possible."""
    layer = _layer()
    if isinstance(layer, str):
        pytest.skip(layer)
    layer.watch, layer.device, layer.missed = watch, device, []
    layer.register()
    try:
        yield
    finally:
        layer.unregister()
        layer.watch = _pass
    if layer.missed:
        raise layer.missed[0]
