"""The commands about texts: arguments in, an exit code out. Heavy parts are imported by the commands that need them."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence

from ..runtime.operating import COMMANDS as OPERATING
from ..runtime.operating.streams import speak_anywhere
from ..runtime.operating.usage import INTERRUPTED, Parser
from . import commands
from .commands import Command, Trouble
from .formats.style import Style, clean
from .report import FORMS, TROUBLE, VERSIONED
from .terminal import Terminal, wants_color

VERIFIED = ("full", "concise", "json")
"""The formats of `verify`."""

COMMANDS: dict[str, tuple[Command, str]] = {
    "check": (commands.check, "prove flows sound, or show the shortest run that breaks them"),
    "build": (commands.build, "check flows, then write their Python, DOT and Mermaid files"),
    "verify": (commands.verify, "prove that generated modules do what their flows say"),
    "draw": (commands.draw, "draw a flow"),
    "test": (commands.test, "run the scenarios that flows contain"),
    "tests": (commands.tests, "write pytest modules that test the Python of flows"),
    "fmt": (commands.fmt, "format flows"),
    "explain": (commands.explain, "explain a code, or list them all"),
}


def parser(wanted: str = "") -> Parser:
    """What reads the arguments of one command; else of all of them, which takes a while to make."""
    known = COMMANDS if wanted not in COMMANDS else {wanted: COMMANDS[wanted]}
    top = Parser(prog="penstock", description="A language for workflows whose soundness is proved before they run.")
    top.add_argument("--version", action="store_true", help="say which version this is")
    everywhere = Parser(add_help=False)
    everywhere.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour the text")
    everywhere.add_argument("--debug", action="store_true", help="show a traceback for an internal error")
    subcommands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, (_, purpose) in known.items():
        of = subcommands.add_parser(
            name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.", parents=[everywhere]
        )
        _options(name, of)
        of.set_defaults(usage=of)
    if known is COMMANDS:
        for name, purpose in OPERATING.items():  # `cli` hands them over: they are the runtime's
            subcommands.add_parser(name, help=purpose, add_help=False)
        subcommands.add_parser("help", help="show this help, or that of a command")
    return top


def _options(command: str, of: argparse.ArgumentParser) -> None:
    """What a command takes."""
    if command in ("check", "build", "test", "tests", "fmt"):
        files = "a .flow file, or a folder of them; default: specs, or else this folder"
        files += "; - is the input, and the output" if command == "fmt" else ""
        of.add_argument("files", nargs="*", metavar="FILE", help=files)
    if command in ("check", "test"):
        of.add_argument("--format", choices=FORMS, default="full", help="how to report; default: full")
    if command in ("check", "build", "tests"):
        of.add_argument("--timeout", type=seconds, metavar="S", help="processor seconds for a flow; default: 120")
        of.add_argument("--max-memory", type=megabytes, metavar="MB", help="memory that checking may take")
    match command:
        case "check":
            of.add_argument("--staff", metavar="FILE", help="a TOML file that says who has which role")
            of.add_argument("--certificate", metavar="DIR", help="write what others can check the proofs with")
            of.add_argument("--no-cache", action="store_true", help="answer anew, even what has not changed")
            of.add_argument("--keep-cases", action="store_true", help="keep the runs found, beside the spec")
            of.add_argument("--story", metavar="DIR", help="draw the run of each finding there, as SVG")
            of.add_argument("--mutate", action="store_true", help="say which small changes nobody would notice")
            limit = "for all changes of a flow; default: 600"
            of.add_argument("--mutate-seconds", type=seconds, default=600.0, metavar="S", help=limit)
        case "build":
            of.add_argument("--out", default="generated", metavar="DIR", help="where to write; default: generated")
            of.add_argument("--check", action="store_true", help="write nothing; say whether the files have drifted")
            of.add_argument("--no-verify", action="store_true", help="build without checking soundness")
            compiled = "compile the modules as well, with mypyc and a C compiler"
            of.add_argument("--compile", action="store_true", help=compiled)
            mutable = "with a class that changes in place, where that is faster"
            of.add_argument("--mutable", action="store_true", help=mutable)
            of.add_argument("--strict", action="store_true", help="refuse to build where a check is inconclusive")
        case "tests":
            of.add_argument("--out", default="tests", metavar="DIR", help="where to write; default: tests")
            modules = "where the generated modules are imported"
            of.add_argument("--package", default="", metavar="NAME", help=modules)
            drifted = "write nothing; say whether the tests have drifted"
            of.add_argument("--check", action="store_true", help=drifted)
        case "verify":
            of.add_argument("files", nargs="+", metavar="FILE", help="a module that penstock generated")
            of.add_argument("--spec", metavar="FILE", help="its .flow file, where the module does not lead there")
            of.add_argument("--format", choices=VERIFIED, default="full", help="how to report; default: full")
        case "draw":
            of.add_argument("file", metavar="FILE", help="a .flow file")
            of.add_argument("--flow", metavar="NAME", help="which flow, where the file holds several")
            of.add_argument("-o", "--output", metavar="FILE", help="where to write; default: standard output")
            pictures = "default: by the name, else svg"
            of.add_argument("--format", dest="form", choices=commands.PICTURES, help=pictures)
        case "fmt":
            of.add_argument("--check", action="store_true", help="only say what would change")
        case "explain":
            of.add_argument("code", nargs="?", metavar="CODE", help="such as F101, or missing-compensation")
            of.add_argument("--all", action="store_true", help="every page, as one Markdown document")
        case _:
            pass


def seconds(text: str) -> float:
    """A positive number of seconds, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86_400:
        raise argparse.ArgumentTypeError("takes a number of seconds between 0 and 86400")
    return value


def megabytes(text: str) -> int:
    """A whole positive number of megabytes, for argparse."""
    if not re.fullmatch(r"[0-9]{1,7}", text) or not int(text):
        raise argparse.ArgumentTypeError("takes a whole number of megabytes between 1 and 9999999")
    return int(text)


def version() -> str:
    from importlib import metadata

    return metadata.version("penstock")


def main(given: Sequence[str]) -> int:
    """Run one command. Never raises: every mistake and every bug of ours ends in a message and a code."""
    speak_anywhere()
    usage = parser(given[0] if given else "")
    args = usage.parsed(given)
    if isinstance(args, int):
        return args
    if args.command in (None, "help") and not args.version:
        usage.print_help(sys.stdout if args.command else sys.stderr)
        return 0 if args.command else TROUBLE
    style = Style(wants_color(getattr(args, "color", "never"), sys.stdout, os.environ))
    return _run(args, Terminal(sys.stdout, sys.stderr, style))


def _run(args: argparse.Namespace, terminal: Terminal) -> int:
    try:
        if args.version:
            terminal.say(f"penstock {version()}\n")
            return 0
        tool = version() if getattr(args, "format", "") in VERSIONED else ""  # which takes a while to find out
        return COMMANDS[args.command][0](args, terminal, tool)
    except Trouble as trouble:
        return _fail(args, terminal, "input", str(trouble))
    except OSError as error:  # a full disk, a lost network drive: nothing that a report to us would mend
        where = f": {error.filename}" if error.filename else ""
        return _fail(args, terminal, "input", f"{error.strerror or error}{where}")
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as bug:  # noqa: BLE001 (the last line of defence: no traceback reaches a user unasked)
        if args.debug:
            import traceback

            traceback.print_exc(file=terminal.err)
        summary = f"internal error: {type(bug).__name__}: {bug}".splitlines()[0]
        advice = "This is a bug in penstock: please report it on the project's issue tracker, with the flow and"
        advice += " the output of the same command with --debug."
        return _fail(args, terminal, "internal", f"{summary}\n{advice}")


def _fail(args: argparse.Namespace, terminal: Terminal, kind: str, message: str) -> int:
    terminal.complain(message if "\n" in message else clean(message))
    if getattr(args, "format", "") == "json":
        from .formats import data

        terminal.say(data.crash(kind, message, version(), TROUBLE))
    return TROUBLE
