"""What each command of `penstock` does: parsed arguments and a terminal in, an exit code out."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..dsl.diagnostics import Rule
from . import outputs, pipeline, report
from .cache import shelf
from .formats.style import clean
from .pipeline import Examined
from .report import CLEAN, FINDINGS, INCONCLUSIVE
from .terminal import Terminal

if TYPE_CHECKING:
    from .checks.inquiry import Inquiry
    from .kernel import Kernel
    from .staff import Staff
    from .testing.cases import Case

Command = Callable[[argparse.Namespace, Terminal, str], int]
"""Arguments, terminal, penstock's version -> exit code. Raises Trouble for what only the user can mend."""

PICTURES = {"svg": ".svg", "dot": ".dot", "mermaid": ".mmd"}
SUFFIX = ".flow"


class Trouble(Exception):
    """The command cannot be done as asked; the text is one sentence for the user."""


# ---------------------------------------------------------------- check, test


def check(args: argparse.Namespace, terminal: Terminal, tool: str) -> int:
    from .recall import Recall

    staff = _staff(args.staff) if args.staff else None
    likely, edits = args.format in report.LIKELY, args.format in report.WITH_EDITS
    anew = args.no_cache or args.mutate or args.certificate  # what is remembered has no flows
    recall = Recall(None if anew or args.keep_cases else shelf(os.environ), staff, (likely, edits))
    read = [recall.read(path) for path in gather(args.files)]
    if staff is not None:
        _refuse_misspelt(args.staff, staff, [roles for file in read if (roles := recall.roles(file)) is not None])
    makers = _makers(read, Path(args.certificate)) if args.certificate else [None] * len(read)
    explored = [pipeline.Explorations() for _ in read] if args.keep_cases else [None] * len(read)
    files: list[Examined] = []
    with terminal.progress() as tell:
        for file, maker, kept in zip(read, makers, explored, strict=True):
            audit = _all(each.audit for each in (maker, kept) if each is not None)
            files.append(pipeline.check(file, args.timeout, staff, args.max_memory, tell, likely, audit))
    for file, maker in zip(files, makers, strict=True):
        if maker is not None:
            maker.systems(file)
            _certify(Path(args.certificate), file, maker, terminal, args.format == "full")
    for file, kept in zip(files, explored, strict=True):
        if kept is not None:
            _keep_cases(file, kept, terminal if args.format in report.FOR_PEOPLE else None)
    files = [recall.keep(file) for file in (pipeline.mend(files, staff) if edits else files)]
    if args.mutate:
        from .mutation import survey

        files = [survey.survey(file, survey.Budget(args.mutate_seconds)) for file in files]
    terminal.say(report.render(args.format, files, terminal.style, tool))
    if args.story:
        quiet = args.format not in report.FOR_PEOPLE
        _write(Path(args.story), report.stories(files, Path(args.story)), None if quiet else terminal)
    return report.exit_code(files)


def _all(audits: Iterable[pipeline.Audit]) -> pipeline.Audit | None:
    """All of them as one; None where there is none."""
    every = tuple(audits)

    def audit(inquiry: Inquiry) -> None:
        for each in every:
            each(inquiry)

    return audit if every else None


def _makers(files: Sequence[Examined], folder: Path) -> list[pipeline.Certifier | None]:
    """For each file what makes certificates of its flows, which all have names of their own."""
    made: dict[str, str] = {}
    for name, flow in ((file.source.name, kernel.name) for file in files for kernel in file.kernels):
        if made.setdefault(flow, name) != name:
            raise Trouble(f"{made[flow]} and {name} both have a flow {flow}: certify them apart")
    return [pipeline.Certifier(_spec_name(folder, Path(file.source.name))) for file in files]


def _certify(folder: Path, file: Examined, maker: pipeline.Certifier, terminal: Terminal, told: bool) -> None:
    """Write the certificates of a file; told: and say so."""
    for each in maker.made:
        _write_all(folder, [outputs.Output(name, text) for name, text in each.files])
    if not told:
        return
    for each in maker.made:
        where = clean(str(folder / each.index))
        terminal.say(f"certificate {where}: {each.obligations} obligations for {each.proofs} proved answers\n")
    made = {each.index for each in maker.made}
    expected = {f"flow {kernel.name}": f"{kernel.name}.json" for kernel in file.kernels}
    expected |= {f"system {system.name}": f"{system.name}.system.json" for system in file.systems}
    for what in sorted(what for what, index in expected.items() if index not in made):
        terminal.say(f"no certificate for the {what}: time or memory were used up before\n")


def _staff(name: str) -> Staff:
    """The people of a staff file."""
    from . import staff

    try:
        return staff.read(Path(name))
    except staff.StaffError as error:
        raise Trouble(str(error)) from error


def _refuse_misspelt(name: str, staff: Staff, known: Sequence[frozenset[str]]) -> None:
    """Raises Trouble where the roles of a staff file are not spelt as in the flows, if there are any."""
    wrong = staff.misspelt(frozenset[str]().union(*known)) if known else None
    if wrong is not None:
        raise Trouble(f"{name}: {wrong}")


def test(args: argparse.Namespace, terminal: Terminal, tool: str) -> int:
    files = [pipeline.rehearse(pipeline.read(path)) for path in gather(args.files)]
    terminal.say(report.render(args.format, files, terminal.style, tool))
    return report.exit_code(files)


def gather(names: Sequence[str]) -> list[Path]:
    """The `.flow` files that the arguments name, each once; folders are searched, hidden ones skipped."""
    chosen = [Path(name) for name in names] or [Path("specs") if Path("specs").is_dir() else Path()]
    found: list[Path] = []
    for path in chosen:
        inside = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
        found += [file for file in inside if not any(part.startswith(".") for part in file.relative_to(path).parts)]
        if not inside:
            raise Trouble(f"there is no {SUFFIX} file in {path.absolute()}")
    return list(dict.fromkeys(found))


# ---------------------------------------------------------------- build


def build(args: argparse.Namespace, terminal: Terminal, tool: str) -> int:
    folder = Path(args.out)
    made: dict[str, Path] = {}
    codes: list[int] = []
    results: list[outputs.Output] = []
    for path in gather(args.files):
        file, code = _sound(path, args, terminal, tool)
        codes.append(code)
        if file is None:
            continue
        for output in pipeline.outputs(file, _spec_name(folder, path), folder, path, args.mutable):
            other = made.setdefault(output.name, path)
            if other is not path:
                how = "rename one of the flows, or build them apart, with --out"
                raise Trouble(f"{other} and {path} would both be {output.name}: {how}")
            results.append(output)
    if results:
        codes.append(_compare(folder, results, terminal) if args.check else _write(folder, results, terminal))
        codes.append(_settle_extensions(folder, results, args, terminal))
    return report.worst(codes)


def _sound(path: Path, args: argparse.Namespace, terminal: Terminal, tool: str) -> tuple[Examined | None, int]:
    """The file, if it may be built; and what checking it says."""
    file = pipeline.read(path)
    if not args.no_verify:
        with terminal.progress() as tell:
            file = pipeline.check(file, args.timeout, None, args.max_memory, tell)
    code = report.exit_code([file])
    if code == INCONCLUSIVE and not args.strict:
        terminal.say(report.render("concise", [file], terminal.style, tool))
        terminal.say("built all the same: nothing is refuted (--strict refuses)\n")
        return file, CLEAN
    if code != CLEAN:
        terminal.say(report.render("full", [file], terminal.style, tool))
        terminal.complain(f"{clean(str(path))} is not built")
        return None, code
    return file, CLEAN


def _spec_name(folder: Path, path: Path) -> str:
    """How generated files call their spec: as seen from their folder or beside it, so the same wherever that stands."""
    spec = path.resolve()
    seen = (base for base in (folder.resolve(), folder.resolve().parent) if spec.is_relative_to(base))
    base = next(seen, spec.parent)
    return spec.relative_to(base).as_posix()


def _write_all(folder: Path, results: Sequence[outputs.Output]) -> list[Path]:
    try:
        return outputs.write(folder, results)
    except outputs.Refused as refused:
        raise Trouble(str(refused)) from refused


def _write(folder: Path, results: Sequence[outputs.Output], terminal: Terminal | None) -> int:
    """terminal: where to say what was written."""
    changed = _write_all(folder, results)
    for output in results:
        path = folder / output.name
        if terminal is not None:
            terminal.say(f"{'wrote' if path in changed else 'unchanged'} {clean(str(path))}\n")
    return CLEAN


def _compare(folder: Path, results: Sequence[outputs.Output], terminal: Terminal, command: str = "build") -> int:
    """command: what writes them anew."""
    drifted = outputs.drift(folder, results)
    for each in drifted:
        what = "is missing" if each.missing else "differs from its spec"
        terminal.say(f"{clean(str(each.path))} {what}\n")
        terminal.say("".join(f"  {clean(line)}\n" for line in each.diff.splitlines()))
    if drifted:
        terminal.say(f"`penstock {command}` writes them anew.\n")
    return FINDINGS if drifted else CLEAN


# ---------------------------------------------------------------- tests


def tests(args: argparse.Namespace, terminal: Terminal, tool: str) -> int:
    from .testing import kit

    folder = Path(args.out)
    codes: list[int] = []
    results: list[outputs.Output] = []
    for path in gather(args.files):
        explored = pipeline.Explorations()
        with terminal.progress() as tell:
            file = pipeline.read(path)
            file = pipeline.check(file, args.timeout, None, args.max_memory, tell, False, explored.audit)
        code = report.exit_code([file])
        if not args.check:
            _keep_cases(file, explored, terminal)
        if code in (CLEAN, INCONCLUSIVE):
            kept = _cases(Path(file.source.name))
            results += kit.modules(file, explored.inquiries, _spec_name(folder, path), kept, args.package)
        else:
            terminal.say(report.render("full", [file], terminal.style, tool))
            terminal.complain(f"there are no tests of {clean(str(path))} until that is mended")
            codes.append(code)
    if len({output.name for output in results}) != len(results):
        raise Trouble("two flows have one name: write their tests into different folders, with --out")
    if results:
        made = _compare(folder, results, terminal, "tests") if args.check else _write(folder, results, terminal)
        codes.append(made)
    return report.worst(codes)


def _cases(spec: Path) -> tuple[Case, ...]:
    """The cases that are kept beside a spec."""
    from .testing import cases

    place = cases.beside(spec)
    try:
        return cases.parse(place.read_text(encoding="utf-8")) if place.exists() else ()
    except (cases.Unreadable, UnicodeDecodeError) as error:
        raise Trouble(f"cannot read {place}: {error}") from error


def _keep_cases(file: Examined, explored: pipeline.Explorations, terminal: Terminal | None) -> None:
    """Add the runs that break a file's flows to those that are kept beside it. terminal: where to say so."""
    from .testing import cases, kit

    spec = Path(file.source.name)
    old = _cases(spec)
    both = cases.together(old, kit.found(file, explored.inquiries, spec.name))
    if len(both) == len(old):
        return
    place = cases.beside(spec)
    try:
        outputs.replace(place.resolve(), cases.render(both))
    except OSError as error:
        raise Trouble(f"cannot write {place}: {error.strerror}") from error
    if terminal is not None:
        number = len(both) - len(old)
        terminal.say(f"kept {number} run{'s' if number > 1 else ''} in {clean(str(place))}\n")


def _settle_extensions(folder: Path, results: Sequence[outputs.Output], args: argparse.Namespace, to: Terminal) -> int:
    from . import compiling

    modules = [output for output in results if output.name.endswith(".py")]
    try:
        return (compiling.compare if args.check else compiling.write)(folder, modules, args.compile, to)
    except compiling.Uncompilable as refused:
        raise Trouble(str(refused)) from refused


def verify(args: argparse.Namespace, terminal: Terminal, tool: str) -> int:
    from .formats import translation
    from .verifying import Unverifiable, Verified
    from .verifying import verify as verified

    files: list[Verified] = []
    for name in args.files:
        try:
            files.append(verified(Path(name), None if args.spec is None else Path(args.spec)))
        except Unverifiable as failure:
            raise Trouble(str(failure)) from failure
    results = [file.result for file in files]
    codes = [FINDINGS if r.findings else INCONCLUSIVE if r.open else CLEAN for r in results]
    code = report.worst(codes)
    terminal.say(translation.render(args.format, files, terminal.style, tool, code))
    return code


# ---------------------------------------------------------------- draw, fmt, explain


def draw(args: argparse.Namespace, terminal: Terminal, tool: str) -> int:
    target = Path(args.output) if args.output else None
    by_suffix = {suffix: form for form, suffix in PICTURES.items()}
    form: str | None = args.form or (by_suffix.get(target.suffix) if target else "svg")
    if form is None:
        raise Trouble(f"{target} does not say what to draw: end its name in {', '.join(by_suffix)}, or use --format")
    file = pipeline.read(Path(args.file))
    if not file.kernels or file.errors:
        terminal.say(report.render("full", [file], terminal.style, tool))
        return report.exit_code([file])
    folder = target.parent if target else Path()
    try:
        picture = pipeline.draw(_chosen(file, args.flow), form, folder, Path(args.file))
    except pipeline.Undrawable as failure:
        raise Trouble(str(failure)) from failure
    if target is None:
        terminal.say(picture)
        return CLEAN
    return _write(folder, [outputs.Output(target.name, picture)], terminal)


def _chosen(file: Examined, name: str | None) -> Kernel:
    flows = {kernel.name: kernel for kernel in file.kernels}
    if name is None and len(flows) == 1:
        return file.kernels[0]
    if name is not None and name not in flows:
        raise Trouble(f"{file.source.name} has no flow {name}; it has {', '.join(flows)}")
    if name is None:
        raise Trouble(f"{file.source.name} holds the flows {', '.join(flows)}: choose one with --flow")
    return flows[name]


def fmt(args: argparse.Namespace, terminal: Terminal, tool: str) -> int:
    if args.files == ["-"]:
        return _fmt_input(args, terminal, tool)
    codes: list[int] = []
    for path in gather(args.files):
        file = pipeline.load(path)
        text = _laid_out(file)
        if isinstance(text, Examined):
            terminal.say(report.render("full", [text], terminal.style, tool))
            codes.append(report.exit_code([text]))
        elif text != file.source.text:
            codes.append(_differs(path, file, text, terminal) if args.check else _replace(path, text, terminal))
    return report.worst(codes)


def _fmt_input(args: argparse.Namespace, terminal: Terminal, tool: str) -> int:
    """As a filter: what is wrong is told on the error stream, and nothing is handed on then."""
    file = pipeline.given()
    text = _laid_out(file)
    if isinstance(text, Examined):
        terminal.complain(report.render("concise", [text], terminal.style, tool).rstrip())
        return report.exit_code([text])
    if args.check:
        return _differs(Path(file.source.name), file, text, terminal) if text != file.source.text else CLEAN
    terminal.hand_on(text)
    return CLEAN


def _laid_out(file: Examined) -> str | Examined:
    """The formatted text; the file with its errors where it cannot be read."""
    text = pipeline.formatted(file)
    if isinstance(text, str) and "\r\n" in file.source.text:  # they stay as they are: git makes them so on Windows
        return text.replace("\n", "\r\n")
    return text


def _differs(path: Path, file: Examined, text: str, terminal: Terminal) -> int:
    import difflib

    before, after = file.source.text.splitlines(), text.splitlines()
    diff = [*difflib.unified_diff(before, after, str(path), f"{path} formatted", lineterm="", n=1)]
    terminal.say("".join(f"{clean(line)}\n" for line in diff or [f"{path}: its lines end in different ways"]))
    return FINDINGS


def _replace(path: Path, text: str, terminal: Terminal) -> int:
    try:
        outputs.replace(path.resolve(), text)
    except OSError as error:
        raise Trouble(f"cannot write {path}: {error.strerror}") from error
    terminal.say(f"formatted {clean(str(path))}\n")
    return CLEAN


def explain(args: argparse.Namespace, terminal: Terminal, _tool: str) -> int:
    rules = pipeline.rules()
    if args.all:
        terminal.say(book(rules))
        return CLEAN
    if args.code is None:
        wide = max(len(rule.name) for rule in rules)
        terminal.say("".join(f"{rule.code}  {rule.name:{wide}}  {rule.summary}\n" for rule in rules))
        return CLEAN
    known = {name: rule for rule in rules for name in (rule.code.lower(), rule.name)}
    wanted = str(args.code).lower()
    if wanted not in known:
        from difflib import get_close_matches

        close = get_close_matches(wanted, known, n=1)
        meant = [name.upper() if name == known[name].code.lower() else name for name in close]
        hint = f"did you mean `{meant[0]}`?" if meant else "`penstock explain` lists them all."
        raise Trouble(f"there is no code `{args.code}`; {hint}")
    rule = known[wanted]
    page = rule.page.strip() or rule.summary
    terminal.say(f"{terminal.style.strong(f'{rule.code} {rule.name}')}\n\n{page}\n")
    return CLEAN


def book(rules: Sequence[Rule]) -> str:
    """Every page in one Markdown text, behind a table: what `docs/checks.md` holds."""
    rows = "".join(
        f"| [{rule.code}](#{rule.code.lower()}-{rule.name}) | {rule.name} | {rule.summary} |\n" for rule in rules
    )
    pages = "".join(f"\n## {rule.code} {rule.name}\n\n{rule.page.strip() or rule.summary}\n" for rule in rules)
    return (
        "# Every finding, explained\n\n"
        "E1xx concern the text, E2xx names, E3xx types and meaning. F0xx to F4xx are proved or refuted by the checks.\n"
        "F7xx are warnings, F801 is a failed scenario; F9xx concern generated modules. `penstock explain CODE` shows\n"
        "one page; this one was written by `penstock explain --all`.\n\n"
        "| code | name | found when |\n"
        f"|---|---|---|\n{rows}{pages}"
    )
