"""A staff file in; the people a flow can count on, and their roles, out.

outside = ["customer"]        # roles that people outside have, as many as are needed

[people]
ann  = ["manager"]
dora = ["manager", "director"]
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ..dsl.values import dataclass

MOST_BYTES = 1 << 20


class StaffError(ValueError):
    """The file does not say who there is, in one sentence."""


@dataclass(frozen=True, slots=True)
class Staff:
    """The roles of each person, and the roles that people outside have."""

    people: Mapping[str, frozenset[str]]
    outside: frozenset[str] = frozenset()

    @property
    def roles(self) -> frozenset[str]:
        """Every role that is spoken of."""
        return self.outside.union(*self.people.values())

    def misspelt(self, known: frozenset[str]) -> str | None:
        """What is wrong with a role that no flow has, if it looks like one that some flow has."""
        from difflib import get_close_matches

        for role in sorted(self.roles - known):
            close = get_close_matches(role, sorted(known - self.roles), n=1, cutoff=0.7)
            if close:
                return f"no flow has the role `{role}`; did you mean `{close[0]}`?"
        return None


def read(path: Path) -> Staff:
    """Raises StaffError."""
    try:
        data = path.read_bytes()
        if len(data) > MOST_BYTES:
            raise StaffError(f"{path} is larger than a staff file may be, 1 MiB")
        return parse(data.decode("utf-8"), str(path))
    except OSError as error:
        raise StaffError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise StaffError(f"{path} is not UTF-8 text") from None


def parse(text: str, name: str) -> Staff:
    """Raises StaffError; `name` is the file's."""
    import tomllib

    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StaffError(f"{name} is not TOML: {error}") from None
    except RecursionError:
        raise StaffError(f"{name} nests too deeply") from None
    for key in given:
        if key not in ("people", "outside"):
            raise StaffError(f"{name} speaks of `{key}`; a staff file has `[people]` and `outside`")
    people: object = given.get("people")
    if not isinstance(people, dict) or not people:
        raise StaffError(f'{name} names nobody; write `[people]`, and below it lines such as `ann = ["manager"]`')
    found: dict[str, frozenset[str]] = {}
    for person, roles in cast("dict[str, object]", people).items():
        if not person.strip():
            raise StaffError(f"{name} has a person without a name")
        found[person] = _roles(roles, f"the roles of `{person}`", name)
    return Staff(found, _roles(given.get("outside", []), "`outside`", name))


def _roles(given: object, what: str, name: str) -> frozenset[str]:
    texts = cast("list[object]", given) if isinstance(given, list) else [None]
    found = frozenset(text for text in texts if isinstance(text, str) and text)
    if len(found) != len(texts):
        raise StaffError(f'{name}: {what} are a list of different names, such as ["manager", "director"]')
    return found
