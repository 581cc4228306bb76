"""`docs/encryption.md`: the example that it quotes, and what it says is sealed."""

from __future__ import annotations

import re

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from penstock.runtime.hosts.sqlite_schema import TABLES
from penstock.runtime.sealing import Place
from repository import ROOT
from vault import KeyRing

PAGE = (ROOT / "docs" / "encryption.md").read_text(encoding="utf-8")
HERE = Place("journal.trigger", "o-1", "1")


def test_the_page_quotes_the_example() -> None:
    example = (ROOT / "docs" / "examples" / "encryption" / "vault.py").read_text(encoding="utf-8")
    quoted = next(block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "class" in block)
    assert example.endswith(quoted)


def test_a_text_is_opened_with_its_key_in_its_place_alone() -> None:
    old = KeyRing({"a": AESGCM.generate_key(256)}, "a")
    new = KeyRing({**old.keys, "b": AESGCM.generate_key(256)}, "b")
    sealed = old.seal("hello", HERE)
    assert old.unseal(sealed, HERE) == new.unseal(sealed, HERE) == "hello"
    assert sealed != old.seal("hello", HERE)
    assert new.seal("hello", HERE).startswith("b:")
    for elsewhere in (HERE._replace(column="journal.note"), HERE._replace(instance="o-2"), HERE._replace(row="2")):
        with pytest.raises(InvalidTag):
            old.unseal(sealed, elsewhere)
    with pytest.raises(LookupError, match="the key 'b' is missing"):
        old.unseal(new.seal("hello", HERE), HERE)
    assert repr(old) == "KeyRing(current='a')"


def test_no_two_places_are_bound_alike() -> None:
    assert Place("call.args", "a b", "c").data != Place("call.args", "a", "b c").data


def test_every_table_with_payloads_is_in_the_list() -> None:
    listed = {
        name for names in re.findall(r"^\| (`[\w`, ]+`) \|", PAGE, re.MULTILINE) for name in re.findall(r"\w+", names)
    }
    tables = {*re.findall(r"CREATE TABLE (\w+)", TABLES)}
    assert listed == tables - {"child", "timer", "gate", "tick", "worker"}
