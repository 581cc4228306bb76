"""The door of the operators' commands: arguments in, an exit code out; every mistake is a message, never a traceback.

Exit codes: 0 done, 1 refused (by a flow or a host; or the audit found something), 2 asked wrongly or out of order.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import COMMANDS
from .streams import say, speak_anywhere
from .usage import INTERRUPTED, TROUBLE, Parser


def parser(program: str) -> Parser:
    top = Parser(prog=program, description="Operate durable flows.")
    groups = top.add_subparsers(dest="group", metavar="COMMAND", title="commands", required=True)
    group = {
        name: groups.add_parser(name, help=text, description=f"{_capital(text)}.") for name, text in COMMANDS.items()
    }
    run = group["run"]
    run.add_argument("given", nargs="?", metavar="MODULE:NAME", help="a SqliteHost, or a function that returns one")
    run.add_argument("--app", metavar="MODULE:NAME", help="the same")
    run.add_argument("--log", choices=("debug", "info", "warning", "error"), default="info", help="default: info")
    run.add_argument("--debug", action="store_true", help="show a traceback for what goes wrong")
    run.add_argument("--json", action="store_true", help="log JSON lines, with the fields of what they are about")
    run.set_defaults(command="run", act="run", usage=run)
    _instances(_acts(group["instances"]))
    _tasks(_acts(group["tasks"]))
    _letters(_acts(group["letters"]))
    _audit(_acts(group["audit"]))
    return top


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


class Acts:
    """The commands of a group."""

    def __init__(self, group: argparse.ArgumentParser) -> None:
        self._acts = group.add_subparsers(dest="act", metavar="ACT", title="acts", required=True, parser_class=Parser)

    def add(self, name: str, what: str, command: str) -> argparse.ArgumentParser:
        """`command`: the module and function that do it."""
        act = self._acts.add_parser(name, help=what, description=f"{_capital(what)}.")
        act.add_argument("--app", metavar="MODULE:NAME", help="the host, or a function that returns it")
        act.add_argument("--db", metavar="FILE", help="the file; without --app, no code is loaded")
        act.add_argument("--json", action="store_true", help="print JSON")
        act.add_argument("--debug", action="store_true", help="show a traceback for what goes wrong")
        act.set_defaults(command=command, usage=act)
        return act

    def by(self, name: str, what: str, command: str, why: str = "why, for the journal") -> argparse.ArgumentParser:
        """One that is somebody's."""
        act = self.add(name, what, command)
        act.add_argument("--by", metavar="NAME", help="who you are; default: PENSTOCK_BY")
        act.add_argument("--role", metavar="ROLE", action="append", default=[], help="a role you have; may come twice")
        act.add_argument("--reason", metavar="TEXT", help=why)
        return act


def _acts(group: argparse.ArgumentParser) -> Acts:
    return Acts(group)


def _payload(act: argparse.ArgumentParser) -> None:
    act.add_argument("fields", nargs="*", default=[], metavar="FIELD=VALUE", help="what it takes")
    act.add_argument("--payload", metavar="JSON", help="all fields, as a JSON object; @FILE reads one, - the input")


def _instances(acts: Acts) -> None:
    listing = acts.add("list", "list the instances that have not ended", "questions.instances")
    listing.add_argument("--all", action="store_true", help="those that have ended, too")
    listing.add_argument("--status", choices=("running", "compensating", "succeeded", "failed"), help="only these")
    listing.add_argument("--trouble", action="store_true", help="only those with which something is the matter")
    listing.add_argument("--parked", action="store_true", help="only those that wait for an operator")
    listing.add_argument("--flow", metavar="FLOW", help="only those of this flow, such as Order or Order/1")
    listing.add_argument("--limit", type=_positive, default=100, metavar="N", help="at most so many; default: 100")
    listing.add_argument("--after", default="", metavar="ID", help="only those whose ids come after this one")
    show = acts.add("show", "show where one is, what it waits for, and what to do", "questions.show")
    start = acts.by("start", "start an instance", "acts.start")
    start.add_argument("flow", metavar="FLOW", help="such as Order; its newest version, or Order/1")
    signal = acts.by("signal", "send an event", "acts.signal")
    mends = [
        acts.by(
            "retry",
            "give a call that is parked, or has failed, a new round of attempts, which begins now",
            "acts.retry",
        ),
        acts.by("skip", "give such a call up: a compensation counts as done, an activity as failed", "acts.skip"),
        acts.by("resolve", "answer such a call by hand", "acts.resolve"),
    ]
    cancel = acts.by("cancel", "withdraw an instance: what it has done is undone", "acts.cancel")
    export = acts.add("export", "write one down, whole", "questions.export")
    for act in (show, start, signal, *mends, cancel, export):
        act.add_argument("id", metavar="ID", help="the instance")
    signal.add_argument("event", metavar="EVENT")
    for act in (start, signal):
        _payload(act)
    for act in mends:
        act.add_argument(
            "--call", metavar="KEY", help="which, such as ship#4; not needed where only one could be meant"
        )
    mends[-1].add_argument("outcome", metavar="OUTCOME", help="done, or a declared error")
    mends[-1].add_argument("value", nargs="?", metavar="VALUE", help="the result, of done")
    forms = ("story", "json", "cloudevents", "cloudevents-lines")
    export.add_argument("--format", choices=forms, default="story", help="default: story")
    export.add_argument("--output", metavar="FILE", help="where to; default: the standard output")
    export.add_argument("--source", default="", metavar="URI", help="what the source of the CloudEvents begins with")


def _tasks(acts: Acts) -> None:
    listing = acts.add("list", "list the open tasks", "questions.tasks")
    listing.add_argument("--by", metavar="NAME", help="only those that this person may do, with the roles given")
    listing.add_argument("--role", metavar="ROLE", action="append", default=[], help="only those for this role")
    listing.add_argument("--overdue", action="store_true", help="only those that are overdue")
    listing.add_argument("--limit", type=_positive, default=100, metavar="N", help="the most urgent; default: 100")
    optional = "why, if that should stand in the journal"
    claim = acts.by("claim", "take a task for yourself alone", "acts.claim", optional)
    delegate = acts.by("delegate", "hand a task on to one person", "acts.delegate")
    complete = acts.by("complete", "complete a task", "acts.complete", optional)
    for act in (claim, delegate, complete):
        act.add_argument("id", metavar="ID", help="the instance")
        act.add_argument("task", metavar="TASK")
    delegate.add_argument("to", metavar="TO", help="who shall do it")
    _payload(complete)


def _letters(acts: Acts) -> None:
    listing = acts.add("list", "list what flows sent each other and was not taken", "questions.letters")
    listing.add_argument("--dead", action="store_true", help="only those that were refused")
    for name, what in (("redeliver", "deliver a dead letter again"), ("discard", "take a dead letter away")):
        acts.by(name, what, f"acts.{name}").add_argument("letter", metavar="LETTER", help="its id, such as o-1/4/0")


def _audit(acts: Acts) -> None:
    verify = acts.add(
        "verify", "find every row that was edited or is missing, and replay all instances", "questions.verify"
    )
    verify.add_argument("--head", metavar="POSITION:HASH", help="one that was noted before, as `audit head` prints it")
    acts.add("head", "print the last position and its hash, to be noted elsewhere", "questions.head")


def _positive(text: str) -> int:
    """A whole positive number, for argparse."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or not int(text):
        raise argparse.ArgumentTypeError("takes a whole number from 1")
    return int(text)


def main(argv: Sequence[str], program: str = "penstock") -> int:
    """Run one command. Never raises: mistakes, refusals and bugs of ours end in a message and a code."""
    speak_anywhere()
    args = parser(program).parsed(argv)
    if isinstance(args, int):
        return args
    return _run(args, program)


def _run(args: argparse.Namespace, program: str) -> int:
    from ..codec import Invalid
    from ..core import Fault
    from ..errors import HostError, Unknown
    from .answers import Refusal, Trouble

    try:
        return _command(args, program)
    except Trouble as trouble:
        return _complain(args, trouble.kind, str(trouble), trouble.hint, trouble.code)
    except Unknown as unknown:
        return _complain(args, "input", str(unknown), "", TROUBLE)
    except (HostError, Invalid, Fault) as refused:
        return _complain(args, Refusal.kind, str(refused), "", Refusal.code)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as bug:  # noqa: BLE001 (the last line of defence: no traceback reaches a user unasked)
        hint = "This is a bug in penstock: please report it, with the output of the same command with --debug."
        return _complain(args, "internal", f"internal error: {type(bug).__name__}: {bug}", hint, TROUBLE)


def _command(args: argparse.Namespace, program: str) -> int:
    import asyncio

    from ..errors import StoreError
    from . import acts, apps, questions, running
    from .answers import Answer, FileTrouble, Trouble

    if args.command == "run":
        return running.run(args)
    module, _, name = str(args.command).partition(".")
    command = getattr({"acts": acts, "questions": questions}[module], name)
    place = apps.place(args, os.environ, Path.cwd(), program)

    async def answer() -> Answer:
        async with place.client:
            said: Answer = await command(args, place)
            return said

    try:
        said = asyncio.run(answer())
    except StoreError as error:
        raise FileTrouble(place.client.path, error) from error
    try:
        say(sys.stdout, _json(said.code, None, said.data) if args.json and said.data is not None else said.text)
    except OSError as error:
        raise Trouble(f"the answer cannot be written: {error.strerror}") from error
    return said.code


def _json(code: int, error: dict[str, str] | None, data: dict[str, Any]) -> str:
    from .answers import SCHEMA

    return json.dumps({"schema": SCHEMA, "exit": code, "error": error, **data}, indent=2) + "\n"


def _complain(args: argparse.Namespace, kind: str, problem: str, hint: str, code: int) -> int:
    """Say what is wrong: on the error stream, and as JSON where that was asked for."""
    from .layout import clean

    if args.debug:
        import traceback

        traceback.print_exc()
    lines = [f"penstock: {clean(problem)}", *(clean(line) for line in hint.splitlines())]
    with suppress(OSError):  # there is nobody else to tell
        say(sys.stderr, "".join(f"{line}\n" for line in lines))
        if args.json:
            say(sys.stdout, _json(code, {"kind": kind, "message": problem, "hint": hint}, {}))
    return code
