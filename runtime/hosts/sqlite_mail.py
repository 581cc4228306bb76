"""`letters.Post` over the tables of messages and letters: values in, rows out, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..letters import Letter, Message
from ..timers import micros, moment
from .sqlite_rows import SqliteRows

MESSAGES = "SELECT id, instance, flow, event, payload, at FROM message"
LETTERS = "SELECT letter.id, sender, letter.flow, recipient, event, payload, letter.at, reason FROM letter"
PUT_LETTER = """
INSERT INTO letter (id, sender, flow, recipient, event, payload, at, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET reason = excluded.reason
"""


class SqliteMail(SqliteRows):
    """`letters.Post` in SQL."""

    def put_message(self, m: Message) -> None:
        columns = "(id, instance, flow, event, payload, at)"
        row = m.id, m.instance, m.flow, m.event, m.payload, micros(m.at)
        self._run(f"INSERT INTO message {columns} VALUES (?, ?, ?, ?, ?, ?)", *row)

    def drop_message(self, id: str) -> None:
        self._run("DELETE FROM message WHERE id = ?", id)

    def messages(self, limit: int) -> Sequence[Message]:
        return [*map(_message, self._all(f"{MESSAGES} ORDER BY position LIMIT ?", limit))]

    def put_letter(self, letter: Letter) -> None:
        row = letter.id, letter.sender, letter.flow, letter.to, letter.event, letter.payload
        self._run(PUT_LETTER, *row, micros(letter.at), letter.reason)
        self.news.touched.add(letter.to)
        if not letter.reason:
            self.news.falls_due(letter.at)

    def drop_letter(self, id: str) -> None:
        self._run("DELETE FROM letter WHERE id = ?", id)

    def letter(self, id: str) -> Letter | None:
        return next(map(_letter, self._all(f"{LETTERS} WHERE letter.id = ?", id)), None)

    def letters(self) -> Sequence[Letter]:
        return [*map(_letter, self._all(f"{LETTERS} ORDER BY position"))]

    def waiting(self, to: str) -> int:
        return int(self._all("SELECT count(*) FROM letter WHERE recipient = ? AND reason = ''", to)[0][0])

    def next_letter(self, flows: Sequence[str]) -> Letter | None:
        here = f"reason = '' AND instance.flow IN ({', '.join('?' * len(flows))})"
        sql = f"{LETTERS} JOIN instance ON instance.id = recipient WHERE {here} ORDER BY position LIMIT 1"
        return next(map(_letter, self._all(sql, *flows)), None)


def _message(row: tuple[Any, ...]) -> Message:
    id, instance, flow, event, payload, at = row
    return Message(id, instance, flow, event, payload, moment(at))


def _letter(row: tuple[Any, ...]) -> Letter:
    id, sender, flow, to, event, payload, at, reason = row
    return Letter(id, sender, flow, to, event, payload, moment(at), reason)
