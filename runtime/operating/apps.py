"""Where a command works: its options, the environment and the folder in; a client of the file, or the host, out.

An app is `MODULE:NAME`: a `SqliteHost`, or a function without arguments that gives one. It is named by `--app`, else by
PENSTOCK_APP, else by `[tool.penstock] app = ".."` in the pyproject.toml of the folder, where `path = ["generated"]`
names folders that modules are looked for in, too. With `--db FILE` alone no code is loaded; with both, the app's code
is used on that file.
"""

from __future__ import annotations

import argparse
import importlib
import stat
import sys
import tomllib
import traceback
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, cast

from ..hosts.sqlite import SqliteClient, SqliteHost
from .answers import NAME, Place, Trouble

VARIABLE = "PENSTOCK_APP"
HOW = (
    "name it with --app MODULE:NAME, in PENSTOCK_APP, or in pyproject.toml:\n\n"
    '    [tool.penstock]\n    app = "shop:host"\n\n'
    "NAME is a SqliteHost, or a function that returns one."
)


def place(args: argparse.Namespace, environment: Mapping[str, str], folder: Path, program: str) -> Place:
    """For a command that asks or acts. Raises Trouble."""
    words: list[str] = []
    usual = ""
    if args.app or not args.db:
        client = loaded(named(args.app, environment, folder), folder).client(args.db)
    else:
        client, usual = SqliteClient(args.db), _usual(environment, folder)
    words += ["--app", args.app] if args.app else []
    words += ["--db", args.db] if args.db else []
    _require_file(client.path)
    return Place(client, tuple(words), program, environment.get(NAME, ""), usual)


def _usual(environment: Mapping[str, str], folder: Path) -> str:
    """The app that is meant where none is given; empty, where none is named, or settings cannot be read."""
    try:
        return environment.get(VARIABLE) or _settings(folder / "pyproject.toml").app
    except Trouble:
        return ""


def _require_file(path: Path) -> None:
    """Raises Trouble where a question would make a new file of a misspelt name, or of an empty file."""
    never = "has a worker ever run on it? `penstock run` makes it"
    try:
        found = path.stat()
    except FileNotFoundError:
        raise Trouble(f"there is no file {path}", never) from None
    except OSError as error:
        raise Trouble(f"{path} cannot be read: {error.strerror}") from error
    if stat.S_ISDIR(found.st_mode):
        raise Trouble(f"{path} is a folder, and no file of a host")
    if not found.st_size:
        raise Trouble(f"{path} is empty", never)


def host(app: str | None, environment: Mapping[str, str], folder: Path) -> SqliteHost:
    """For a worker. Raises Trouble."""
    name = named(app, environment, folder)
    found = loaded(name, folder)
    if not isinstance(found, SqliteHost):
        raise Trouble(f"{name} is a client, and only a host has a worker", "make it a SqliteHost, with its activities")
    return found


def named(given: str | None, environment: Mapping[str, str], folder: Path) -> str:
    """Which app is meant. Raises Trouble where none is."""
    found = given or environment.get(VARIABLE) or _settings(folder / "pyproject.toml").app
    if not found:
        raise Trouble("no app is named", HOW)
    return found


class Settings(NamedTuple):
    """`[tool.penstock]`: the app, and the folders its modules are looked for in."""

    app: str = ""
    path: Sequence[str] = ()


def _settings(file: Path) -> Settings:
    """Raises Trouble."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"{file} cannot be read: {error}") from error
    try:
        settings: dict[str, Any] = tomllib.loads(text).get("tool", {}).get("penstock", {})
    except tomllib.TOMLDecodeError as error:
        raise Trouble(f"{file} is no TOML: {error}") from error
    app, path = settings.get("app", ""), settings.get("path", [])
    if not isinstance(app, str):
        raise Trouble(f'{file}: app is a text, such as "shop:host"')
    if not isinstance(path, list) or not all(isinstance(part, str) for part in cast("list[object]", path)):
        raise Trouble(f'{file}: path is a list of folders, such as ["generated"]')
    return Settings(app, cast("list[str]", path))


def loaded(name: str, folder: Path) -> SqliteClient:
    """The host or client of this name; modules are looked for in the folder first, then in those that its settings
    name. Raises Trouble."""
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise Trouble(f"{name!r} is no app: it takes MODULE:NAME, such as shop:host")
    for place in (*(folder / part for part in reversed(_settings(folder / "pyproject.toml").path)), folder):
        if str(place) not in sys.path:
            sys.path.insert(0, str(place))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            places = f"it was looked for in {folder} and on PYTHONPATH"
            raise Trouble(f"there is no module {error.name!r}", places) from None
        raise _broken(f"{module_name} cannot be imported", error, _nearby(error.name or "", folder)) from error
    except Exception as error:
        raise _broken(f"{module_name} cannot be imported", error) from error
    return _made(name, _found(module, module_name, attribute))


def _found(module: object, module_name: str, attribute: str) -> object:
    found = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            close = get_close_matches(part, dir(found), n=1)
            raise Trouble(f"{module_name} has no {part!r}", f"did you mean `{close[0]}`?" if close else "")
        found = getattr(found, part)
    return found


def _made(name: str, found: object) -> SqliteClient:
    if not isinstance(found, SqliteClient) and callable(found):
        try:
            found = found()
        except Exception as error:
            raise _broken(f"{name}() fails", error) from error
    if not isinstance(found, SqliteClient):
        raise Trouble(f"{name} is {type(found).__name__}, and no SqliteHost or a function that returns one")
    return found


def _nearby(module: str, folder: Path) -> str:
    """Where a module that an app imports, and Python does not find, probably is: generated ones lie in a folder."""
    found = sorted(folder.glob(f"*/{module}.py"))
    if not found:
        return ""
    where = found[0].parent.name
    how = f'set PYTHONPATH={where}, or in pyproject.toml [tool.penstock] path = ["{where}"]'
    return f"{where}/{found[0].name} is there: {how}"


def _broken(what: str, error: Exception, hint: str = "") -> Trouble:
    """What the user's own code raised, and the line of it: where it was, not how we came there."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if len(frames) > 1 else ""
    if isinstance(error, SyntaxError):
        where = f" ({error.filename}:{error.lineno})"
    usual = "with --debug the whole traceback is shown"
    return Trouble(f"{what}: {type(error).__name__}: {error}{where}", hint or usual)
