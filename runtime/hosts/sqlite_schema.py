"""The tables of the SQLite host: the statements that make an empty file ours."""

from __future__ import annotations

SCHEMA = 4
"""Counts the changes of the tables."""

TABLES = """
CREATE TABLE instance (
  id            TEXT PRIMARY KEY,
  flow          TEXT NOT NULL,
  sequence      INTEGER NOT NULL,
  at            INTEGER NOT NULL,
  status        TEXT NOT NULL,
  configuration TEXT NOT NULL,
  snapshot      TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX instance_other ON instance (status, id) WHERE status <> 'succeeded';

CREATE TABLE journal (
  position      INTEGER PRIMARY KEY,
  hash          TEXT NOT NULL,
  instance      TEXT NOT NULL REFERENCES instance (id) DEFERRABLE INITIALLY DEFERRED,
  sequence      INTEGER NOT NULL,
  at            INTEGER NOT NULL,
  kind          TEXT NOT NULL,
  actor         TEXT NOT NULL,
  trigger       TEXT NOT NULL,
  note          TEXT NOT NULL,
  request       TEXT,
  effects       TEXT NOT NULL,
  status        TEXT NOT NULL,
  configuration TEXT NOT NULL,
  attempt       TEXT NOT NULL,
  UNIQUE (instance, sequence)
);
CREATE UNIQUE INDEX journal_request ON journal (instance, request) WHERE request IS NOT NULL;

CREATE TABLE call (
  instance      TEXT NOT NULL REFERENCES instance (id) DEFERRABLE INITIALLY DEFERRED,
  key           TEXT NOT NULL,
  flow          TEXT NOT NULL,
  name          TEXT NOT NULL,
  args          TEXT NOT NULL,
  forward       TEXT,
  due           INTEGER,
  attempts      INTEGER NOT NULL,
  forgiven      INTEGER NOT NULL,
  owner         TEXT,
  began         INTEGER,
  interrupted   INTEGER NOT NULL,
  error         TEXT NOT NULL,
  PRIMARY KEY (instance, key)
) WITHOUT ROWID;
CREATE INDEX call_due ON call (due) WHERE owner IS NULL AND due IS NOT NULL;
CREATE INDEX call_owner ON call (owner) WHERE owner IS NOT NULL;
CREATE INDEX call_parked ON call (instance) WHERE due IS NULL;

CREATE TABLE child (
  instance      TEXT PRIMARY KEY REFERENCES instance (id) DEFERRABLE INITIALLY DEFERRED,
  parent        TEXT NOT NULL REFERENCES instance (id),
  key           TEXT NOT NULL,
  answers       TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX child_parent ON child (parent, key);

CREATE TABLE timer (
  instance      TEXT NOT NULL REFERENCES instance (id) DEFERRABLE INITIALLY DEFERRED,
  name          TEXT NOT NULL,
  flow          TEXT NOT NULL,
  due           INTEGER NOT NULL,
  PRIMARY KEY (instance, name)
) WITHOUT ROWID;
CREATE INDEX timer_due ON timer (due);

CREATE TABLE task (
  instance      TEXT NOT NULL REFERENCES instance (id) DEFERRABLE INITIALLY DEFERRED,
  key           TEXT NOT NULL,
  task          TEXT NOT NULL,
  roles         TEXT NOT NULL,
  title         TEXT NOT NULL,
  due           INTEGER,
  excluded      TEXT NOT NULL,
  persons       TEXT NOT NULL,
  reminders     INTEGER NOT NULL,
  form          TEXT NOT NULL,
  PRIMARY KEY (instance, key)
) WITHOUT ROWID;

CREATE TABLE gate (
  flow          TEXT NOT NULL,
  name          TEXT NOT NULL,
  begun         TEXT NOT NULL,
  failed        TEXT NOT NULL,
  opens         INTEGER,
  PRIMARY KEY (flow, name)
) WITHOUT ROWID;

CREATE TABLE tick (
  flow          TEXT NOT NULL,
  schedule      TEXT NOT NULL,
  due           INTEGER NOT NULL,
  PRIMARY KEY (flow, schedule)
) WITHOUT ROWID;

CREATE TABLE worker (
  id            TEXT PRIMARY KEY,
  lease         INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE message (
  position      INTEGER PRIMARY KEY,
  id            TEXT NOT NULL UNIQUE,
  instance      TEXT NOT NULL REFERENCES instance (id) DEFERRABLE INITIALLY DEFERRED,
  flow          TEXT NOT NULL,
  event         TEXT NOT NULL,
  payload       TEXT NOT NULL,
  at            INTEGER NOT NULL
);

CREATE TABLE letter (
  position      INTEGER PRIMARY KEY,
  id            TEXT NOT NULL UNIQUE,
  sender        TEXT NOT NULL REFERENCES instance (id) DEFERRABLE INITIALLY DEFERRED,
  flow          TEXT NOT NULL,
  recipient     TEXT NOT NULL,
  event         TEXT NOT NULL,
  payload       TEXT NOT NULL,
  at            INTEGER NOT NULL,
  reason        TEXT NOT NULL
);
CREATE INDEX letter_waiting ON letter (recipient, position) WHERE reason = '';
"""
