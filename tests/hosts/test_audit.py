"""Whoever tampers with a host's file is found out: every column of every row is edited, every row is taken away."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from order_flow import Cancel, Order, Review, ReviewVerdict
from orders import CLEO, LARGE, MAX, OLGA, SMALL, House, finishing, pass_time
from penstock.runtime.audit import Finding, Report, verify
from penstock.runtime.chain import Head, Row, linked
from penstock.runtime.hosts.sqlite import SqliteClient
from penstock.runtime.hosts.sqlite_transaction import SqliteTransaction
from penstock.runtime.sealing import FORGOTTEN

HOUR = timedelta(hours=1)
COLUMNS = Row._fields
INSTANCE = ("id", "flow", "sequence", "at", "status", "configuration", "snapshot")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A host's file after an eventful day: every kind of row of three instances."""
    house = House("sqlite", tmp_path_factory.mktemp("audit"))
    lost = ConnectionError("lost")
    house.shop.script["charge_card"] = [lost] * 5
    house.shop.script["refund"] = [lost] * 24

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL, by=CLEO)
            await host.start(Order, "o-2", LARGE, by=CLEO)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 20)
            await host.retry("o-1", "charge_card#3/undo", reason="they are back", by=OLGA)
            await host.claim("o-2", "review", by=MAX)
            await pass_time(host, house.clock, *[HOUR] * 20)
            await host.skip("o-1", "charge_card#3/undo", reason="never charged", by=OLGA)
            await host.complete("o-2", Review(ReviewVerdict.ACCEPT, None), by=MAX, request="r-1")
            await host.start(Order, "o-3", LARGE, by=CLEO)
            await host.run_until_idle()
            await host.send("o-3", Cancel(), by=CLEO)
            await host.run_until_idle()

    finishing(run())
    return house.folder / "orders.db"


@pytest.fixture(scope="module")
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """The file as somebody opens it who keeps to no rules. All that is done to it is taken back."""
    db = sqlite3.connect(file, isolation_level=None)
    yield db
    db.close()


@contextmanager
def tampered(db: sqlite3.Connection) -> Generator[None]:
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def audited(db: sqlite3.Connection, noted: Head | None = None, with_code: bool = True) -> Report:
    return verify(SqliteTransaction(db), {"Order/1": Order} if with_code else {}, noted)


def rows(db: sqlite3.Connection) -> list[Row]:
    return [Row(*row) for row in db.execute("SELECT * FROM journal ORDER BY position")]


def head(db: sqlite3.Connection) -> Head:
    last = rows(db)[-1]
    return Head(last.position, str(last.hash))


def set_row(db: sqlite3.Connection, position: int, column: str, value: object) -> None:
    db.execute(f"UPDATE journal SET {column} = ? WHERE position = ?", (value, position))


def others(value: object, more: str = " ") -> list[object]:
    """Values that a column might have been given instead."""
    if isinstance(value, int):
        return [value + 1, value + 0.5, str(value) + "x", -value]
    if value is None:
        return ["", "r-9"]
    text = str(value)
    return [text + more, "" if text else "x", text.encode(), None]


def test_a_file_that_nobody_touched_is_clean(opened: sqlite3.Connection) -> None:
    with tampered(opened):
        report = audited(opened, head(opened))
        assert (report.findings, report.unknown, report.instances) == ((), {}, 3)
        assert report.rows == len(rows(opened)) == report.head.position > 20
        kinds = {row.kind for row in rows(opened)}
        assert kinds == {"start", "step", "attempt", "parked", "retry", "skipped"}
        assert audited(opened, Head(1, str(rows(opened)[0].hash))).findings == ()


def test_an_edit_of_any_column_of_any_row_is_found_and_leads_to_the_row(opened: sqlite3.Connection) -> None:
    edits = 0
    for row in rows(opened):
        for column in COLUMNS[1:]:
            for value in others(getattr(row, column)):
                with tampered(opened):
                    try:
                        set_row(opened, row.position, column, value)
                    except sqlite3.IntegrityError:  # the table itself refuses it
                        continue
                    changed = opened.execute(
                        f"SELECT {column}, typeof({column}) FROM journal WHERE position = ?", [row.position]
                    )
                    if changed.fetchone()[0] == getattr(row, column) and not isinstance(value, bytes):
                        continue
                    edits += 1
                    first = audited(opened, with_code=False).findings[0]
                    assert first.position == row.position, (column, value, first)
    assert edits > 700


def test_a_row_that_is_taken_away_is_found_wherever_it_was(opened: sqlite3.Connection) -> None:
    all_rows, noted = rows(opened), head(opened)
    for row in all_rows:
        with tampered(opened):
            opened.execute("DELETE FROM journal WHERE position = ?", [row.position])
            (first, *_) = audited(opened, with_code=False).findings
            assert first in (
                Finding("it is missing", row.position),
                Finding("it is missing", instance=str(row.instance), sequence=int(str(row.sequence))),
            )
            assert audited(opened, noted).findings[0].position == row.position


def test_a_row_that_is_moved_is_missed_where_it_was(opened: sqlite3.Connection) -> None:
    for row in rows(opened):
        with tampered(opened):
            set_row(opened, row.position, "position", row.position + 1000)
            assert row.position in [finding.position for finding in audited(opened, with_code=False).findings]


def test_rows_that_change_places_are_found(opened: sqlite3.Connection) -> None:
    pairs = list(zip(rows(opened), rows(opened)[1:], strict=False))
    for one, other in pairs:
        for first in (1, 0):  # with their hashes, and without
            with tampered(opened):
                opened.execute("DELETE FROM journal WHERE position IN (?, ?)", [one.position, other.position])
                marks = ", ".join("?" * len(COLUMNS))
                for place, row in ((one, other), (other, one)):
                    kept = (place.position, *row[1:]) if first else (place.position, place.hash, *row[2:])
                    opened.execute(f"INSERT INTO journal VALUES ({marks})", kept)
                assert audited(opened, with_code=False).findings[0].position == one.position


@pytest.mark.parametrize("position", [0, -4, 10_000])
def test_a_row_that_is_put_in_is_found(opened: sqlite3.Connection, position: int) -> None:
    last = rows(opened)[-1]
    with tampered(opened):
        forged = last._replace(position=position, sequence=int(str(last.sequence)) + 1, note="added")
        opened.execute(f"INSERT INTO journal VALUES ({', '.join('?' * len(COLUMNS))})", forged)
        assert audited(opened, with_code=False).findings


def test_a_row_that_is_put_in_with_a_right_hash_leads_nowhere(opened: sqlite3.Connection) -> None:
    last = rows(opened)[-1]
    with tampered(opened):
        forged = last._replace(position=last.position + 1, sequence=int(str(last.sequence)) + 1, note="added")
        forged = forged._replace(hash=forged.hashed(str(last.hash)))
        opened.execute(f"INSERT INTO journal VALUES ({', '.join('?' * len(COLUMNS))})", forged)
        (found,) = audited(opened, with_code=False).findings
        assert (found.instance, found.sequence) == (last.instance, forged.sequence)
        with_it = "UPDATE instance SET sequence = ? WHERE id = ?"
        opened.execute(with_it, [forged.sequence, last.instance])
        assert [f.sequence for f in audited(opened).findings] == [forged.sequence]


def test_an_edit_of_any_column_of_an_instance_is_found_and_leads_to_it(opened: sqlite3.Connection) -> None:
    for id, *_ in opened.execute("SELECT id FROM instance").fetchall():
        for column in INSTANCE:
            ((old,),) = opened.execute(f"SELECT {column} FROM instance WHERE id = ?", [id])
            for value in others(old, "x"):  # blanks around places mean nothing
                if column == "at" and value == old + 0.5:
                    continue  # half a microsecond is nothing: it is read as the same moment
                with tampered(opened):
                    try:
                        opened.execute(f"UPDATE instance SET {column} = ? WHERE id = ?", [value, id])
                    except sqlite3.IntegrityError:
                        continue
                    named = {finding.instance for finding in audited(opened).findings}
                    assert id in named or value in named, (column, value)


def test_a_snapshot_that_was_edited_with_care_is_found_where_the_code_is_at_hand(opened: sqlite3.Connection) -> None:
    ((text,),) = opened.execute("SELECT snapshot FROM instance WHERE id = 'o-2'")
    snapshot = json.loads(text)
    snapshot["data"]["payment"] = "p-2"
    with tampered(opened):
        edited = json.dumps(snapshot, separators=(",", ":"))
        opened.execute("UPDATE instance SET snapshot = ? WHERE id = 'o-2'", [edited])
        assert audited(opened, with_code=False).findings == ()
        (found,) = audited(opened).findings
        assert str(found) == "o-2: its snapshot is not what its rows lead to"


def test_an_instance_that_was_taken_away_is_missed(opened: sqlite3.Connection) -> None:
    with tampered(opened):
        opened.execute("DELETE FROM instance WHERE id = 'o-1'")
        assert [str(each) for each in audited(opened).findings] == ["o-1: there are rows of it, and no such instance"]
        opened.execute("DELETE FROM journal")
        opened.execute("DELETE FROM instance")
        assert audited(opened).findings == ()  # all of it: only a head that was noted tells
        (found,) = audited(opened, Head(7, "a" * 64)).findings
        assert str(found) == "row 1: it and all up to row 7 are missing: the journal was longer when its head was noted"


def rewrite(db: sqlite3.Connection, change: Callable[[Row], Row]) -> None:
    """What somebody does who knows how the chain is made: all rows anew, each with its right hash."""
    before = ""
    for row in rows(db):
        new = change(row)
        before = linked(before, (new.position, *new[2:]))
        new = new._replace(hash=before)
        db.execute(f"INSERT OR REPLACE INTO journal VALUES ({', '.join('?' * len(COLUMNS))})", new)


def test_a_chain_that_was_written_anew_is_found_by_a_head_that_was_noted(opened: sqlite3.Connection) -> None:
    noted = head(opened)
    with tampered(opened):
        rewrite(opened, lambda row: row._replace(note="something else") if row.note == "never charged" else row)
        assert audited(opened).findings == ()
        assert audited(opened, noted).findings[0].position == noted.position


def test_nobody_can_say_of_a_file_without_a_codec_that_something_was_forgotten(opened: sqlite3.Connection) -> None:
    with tampered(opened):
        rewrite(opened, lambda row: row._replace(trigger=FORGOTTEN) if row.instance == "o-1" else row)
        opened.execute("UPDATE instance SET snapshot = ? WHERE id = 'o-1'", [FORGOTTEN])
        report = audited(opened)
        assert report.forgotten == 0 and [finding.instance for finding in report.findings] == ["o-1"]


def test_a_chain_that_was_written_anew_must_still_lead_where_the_instances_are(opened: sqlite3.Connection) -> None:
    (step,) = [row for row in rows(opened) if '"review"' in str(row.trigger) and "verdict" in str(row.trigger)]
    with tampered(opened):
        refused = str(step.trigger).replace("accept", "refuse")
        rewrite(opened, lambda row: row._replace(trigger=refused) if row.position == step.position else row)
        (found,) = audited(opened).findings
        assert (found.instance, found.sequence, found.problem) == ("o-2", step.sequence, "other effects follow")


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_whatever_is_edited_deleted_and_moved_at_once_is_found(opened: sqlite3.Connection, data: st.DataObject) -> None:
    all_rows = rows(opened)
    with tampered(opened):
        for _ in range(data.draw(st.integers(1, 3))):
            row = data.draw(st.sampled_from(all_rows))
            if data.draw(st.booleans()):
                opened.execute("DELETE FROM journal WHERE position = ?", [row.position])
            else:
                column = data.draw(st.sampled_from([*COLUMNS[1:3], *COLUMNS[4:]]))
                value = data.draw(st.one_of(st.text(max_size=5), st.integers(-9, 9), st.binary(max_size=3)))
                with suppress(sqlite3.IntegrityError):  # two rows of one request
                    set_row(opened, row.position, column, value)
        before = {tuple(row) for row in all_rows}
        raw = {tuple(row) for row in rows_as_stored(opened)}
        report = audited(opened, with_code=False)
        assert bool(report.findings) == (raw != before)


def rows_as_stored(db: sqlite3.Connection) -> list[Row]:
    return [*SqliteTransaction(db).rows(-1, 10_000)]


# ---------------------------------------------------------------- what is still to be done


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A file with work of every kind: a parked call, a waiting one, a compensation, a task with its timers."""
    house = House("sqlite", tmp_path_factory.mktemp("busy"))
    lost = ConnectionError("lost")

    async def run() -> None:
        async with house.open() as host:
            house.shop.script["ship"] = [lost] * 24
            await host.start(Order, "parked", SMALL, by=CLEO)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 24)
            house.shop.script["reserve_stock"] = [lost] * 4
            house.shop.script["release_stock"] = [lost] * 4
            await host.start(Order, "undone", SMALL, by=CLEO)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[timedelta(minutes=1)] * 3)
            house.shop.script.clear()
            await host.start(Order, "open", LARGE, by=CLEO)
            await host.run_until_idle()
            house.shop.script["reserve_stock"] = [lost] * 4
            await host.start(Order, "waiting", SMALL, by=CLEO)
            await host.run_until_idle()

    finishing(run())
    db = sqlite3.connect(house.folder / "orders.db", isolation_level=None)
    yield db
    db.close()


def test_work_that_was_taken_away_is_missed(busy: sqlite3.Connection) -> None:
    with tampered(busy):
        assert audited(busy).findings == ()
    taken = 0
    for table, name in (("call", "key"), ("timer", "name"), ("task", "key")):
        for instance, key in busy.execute(f"SELECT instance, {name} FROM {table}").fetchall():
            with tampered(busy):
                busy.execute(f"DELETE FROM {table} WHERE instance = ? AND {name} = ?", [instance, key])
                (found,) = audited(busy).findings
                assert (found.instance, found.problem) == (instance, f"its {table} {key} is lost: nobody will do it")
                taken += 1
    assert taken == 3 + 2 + 1


def test_work_that_was_put_in_or_changed_is_found(busy: sqlite3.Connection) -> None:
    edits = {
        "UPDATE call SET instance = 'open' WHERE instance = 'parked'": 2,
        "UPDATE timer SET due = due - 1 WHERE name = 'Approval.after1'": 1,
        "INSERT INTO timer VALUES ('parked', 'Approval.after1', 'Order/1', 0)": 1,
        "UPDATE task SET roles = '[]', persons = '[\"cleo\"]'": 1,
        "UPDATE task SET excluded = '[]'": 1,
        "UPDATE task SET key = 'review#9'": 2,
    }
    for edit, number in edits.items():
        with tampered(busy):
            busy.execute(edit)
            assert len(audited(busy).findings) == number, edit


# ---------------------------------------------------------------- sealed payloads


def test_a_sealed_file_is_checked_without_its_key_and_replayed_with_it(tmp_path: Path) -> None:
    house = House("sealed", tmp_path)

    async def run() -> tuple[Report, Report]:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.run_until_idle()
        async with SqliteClient(tmp_path / "orders.db") as blind, house.client() as client:
            return await blind.audit(), await client.audit()

    blind, seeing = finishing(run())
    assert (blind.findings, blind.unknown, blind.rows) == ((), {"Order/1": 1}, 3)
    assert (seeing.findings, seeing.unknown, seeing.head) == ((), {}, blind.head)
    db = sqlite3.connect(tmp_path / "orders.db", isolation_level=None)
    set_row(db, 2, "trigger", "sealed:another")
    db.close()

    async def again() -> Report:
        async with SqliteClient(tmp_path / "orders.db") as blind:
            return await blind.audit()

    assert [finding.position for finding in finishing(again()).findings] == [2]
