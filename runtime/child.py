"""The process in which CPU-bound activities run: calls come in over a pipe; heartbeats, log records, answers go out.

It does one call at a time, and ends when its host has gone, even in the middle of a call.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import NamedTuple, Protocol

from .heartbeat import PULSE
from .logs import CORRELATION, Correlated, Correlation
from .outbox import told

READY, BEAT, LOG, DONE, RAISED = "ready", "beat", "log", "done", "raised"
"""What a message to the host begins with. DONE and RAISED end a call, with a pickle of what was answered or raised;
READY ends a Load."""

SLACK = 8
"""A pickle is never so many times as large as the JSON of the same answer, or tiny."""


class Pipe(Protocol):
    """An end of a pipe of `multiprocessing`, which is loaded only where it is used: it takes its time."""

    def send(self, obj: object, /) -> None: ...
    def send_bytes(self, buf: bytes, /) -> None: ...
    def recv(self) -> object: ...
    def recv_bytes(self) -> bytes: ...
    def poll(self, timeout: float | None, /) -> bool: ...
    def close(self) -> None: ...


class Call(NamedTuple):
    """What is to be done. most: bytes that the JSON of the answer may have; None: any number."""

    function: Callable[..., object]
    args: tuple[object, ...]
    key: str
    correlation: Correlation | None
    most: int | None


class Load(NamedTuple):
    """Have at hand what the function is made of, so that importing it takes nothing of a call's time."""

    function: Callable[..., object]


class Unpicklable(Exception):
    """Stands for an exception that cannot leave its process, and says what that said."""


class Mouth:
    """Says things to the host, from any thread."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def say(self, kind: str, content: object = None) -> None:
        with self._lock:
            self._pipe.send((kind, content))

    def beat(self) -> None:
        self.say(BEAT)


class Teller(logging.handlers.QueueHandler):
    """Hands log records to the host, which has the handlers."""

    def __init__(self, mouth: Mouth) -> None:
        super().__init__(SimpleQueue())
        self._mouth = mouth
        self.addFilter(Correlated())

    def enqueue(self, record: logging.LogRecord) -> None:
        self._mouth.say(LOG, record)


def main(pipe: Pipe, levels: Mapping[str, int]) -> None:
    """Do calls until the host closes the pipe. levels: those of loggers, by name."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the host, which ends its processes itself
    mouth, calls = Mouth(pipe), SimpleQueue[bytes]()
    logging.root.addHandler(Teller(mouth))
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    PULSE.set(mouth)
    threading.Thread(target=_listen, args=(pipe, calls), daemon=True).start()
    mouth.say(READY)
    while True:
        mouth.say(*_answer(calls.get()))


def _listen(pipe: Pipe, calls: SimpleQueue[bytes]) -> None:
    """Meanwhile: take calls, and end with the host."""
    while True:
        try:
            calls.put(pipe.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)


def _answer(text: bytes) -> tuple[str, bytes]:
    try:
        call: Call | Load = pickle.loads(text)
        if isinstance(call, Load):
            return READY, b""
        CORRELATION.set(call.correlation)
        answer = pickle.dumps(call.function(*call.args, key=call.key))
        if call.most is not None and len(answer) > SLACK * (call.most + 1024):
            raise ValueError(f"an answer of {len(answer)} bytes; `Limits.answer` allows {call.most} of JSON")
        return DONE, answer
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the attempt that failed
        return RAISED, _packed(error)


def _packed(error: BaseException) -> bytes:
    """The exception with its traceback as a note, since a traceback does not leave its process."""
    trace = error.__traceback__.tb_next if error.__traceback__ is not None else None
    text = "".join(traceback.format_exception(type(error), error, trace))
    try:
        error.add_note(f"in its process:\n{text}")
        packed = pickle.dumps(error)
        pickle.loads(packed)
        return packed
    except Exception:  # noqa: BLE001 - its class cannot be pickled, or not be made again
        return pickle.dumps(Unpicklable(f"{told(error)}\n{text}"))
