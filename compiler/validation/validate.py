"""Translation validation: the text of a generated module and the kernel of its flow in; whether it is that, out.

Classes and tables are compared as they are declared; of every function Z3 proves that it ends as the kernel says, with
any values of the types that the flow declares.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

from ..checks.solver import Solver
from ..codegen.names import Names
from ..kernel import Kernel
from .classes import Check, Classes, differs
from .compare import Comparison
from .demands import Demands, Kind
from .errors import Refused
from .findings import DECLARES, FOREIGN, Finding, Open
from .functions import Functions
from .identity import Identity
from .methods import Methods
from .python import Python
from .reading import Text, read
from .shows import ended
from .specs import Specs
from .tables import Tables, Wanted
from .things import Known, Made, Thing
from .trail import Trail
from .vocabulary import ABI, MODULES
from .world import World

BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True, slots=True)
class Validated:
    """What is known of one module. counts: how many functions and moves were proved, by kind; questions: to Z3."""

    path: str  # of the spec, as the module calls it
    findings: tuple[Finding, ...]
    open: tuple[Open, ...] = ()
    counts: Mapping[Kind, int] | None = None
    questions: int = 0


def validate(text: str, kernel: Kernel, digest: str) -> Validated:
    """Raises Unreadable. digest: of the spec as it is now."""
    try:
        module = read(text)
    except Refused as refused:
        return Validated("", (Finding(FOREIGN, refused.line, refused.why),))
    return _Validation(module, kernel, digest).done()


class _Validation:
    def __init__(self, module: Text, kernel: Kernel, digest: str) -> None:
        self.module = module
        self.kernel = kernel
        self.digest = digest
        self.solver = Solver()
        self.names = Names(kernel)
        self.logic = Identity(self.solver.z3, {record.name: record for record in kernel.records})
        self.world = World(self.logic)
        self.demands = Demands(self.logic, kernel, self.names, module.header.path)
        self.comparison = Comparison(self.logic)
        self.methods = Methods(self.demands, self.world).wanted
        self.classes: dict[str, Check] = {**Classes(self.demands, self.world).wanted, **self.methods}
        self.flows: list[ast.ClassDef] = []  # those with methods, which are looked at when all else is known
        self.rules: tuple[Thing, int] | None = None
        self.spec: tuple[Thing, int] | None = None
        self.used: set[str] = set()

    def done(self) -> Validated:
        findings = self.comparison.findings
        findings += self._head()
        self._imported()
        for statement in self.module.statements:
            findings += self._unbound(statement)
            findings += self._statement(statement)
        findings += [finding for node in self.flows for finding in self.methods[node.name](node)]
        findings += self._unknown()
        findings += [Finding(DECLARES, 1, f"there is no class `{name}`") for name in self.classes]
        tables = Tables(self.demands)
        initial = Made(self.names.data, tuple(default for _, default in self.world.classes[self.names.data] if default))
        self._compare(self.rules, tables.rules(initial), "_RULES")
        self._compare(self.spec, Specs(tables, self.digest).spec(), f"{self.names.flow}.spec")
        functions = Functions(self.demands, self.world, self.solver, self.module.functions)
        counts: Counter[Kind] = Counter()
        opens: list[Open] = []
        for meeting in self.comparison.meetings:
            if isinstance(meeting.found, Known):
                self.used.add(meeting.found.name)
            said = functions.check(meeting)
            if isinstance(said, Finding):
                findings.append(said)
            elif isinstance(said, Open):
                opens.append(said)
            else:
                counts[meeting.demand.kind] += 1
        findings += self._unused()
        ordered = sorted(dict.fromkeys(findings), key=lambda finding: finding.line)
        return Validated(self.module.header.path, tuple(ordered), tuple(opens), counts, self.solver.asked)

    # ------------------------------------------------------------ statement by statement

    def _head(self) -> Iterator[Finding]:
        header = self.module.header
        if header.digest != self.digest:
            yield Finding(DECLARES, 2, "it was generated from another text of the flow")
        if header.abi != ABI:
            yield Finding(DECLARES, 3, f"it is for ABI {header.abi}, and this reads ABI {ABI}")

    def _imported(self) -> None:
        for name in self.module.imported:
            self.world.names[name] = Known("module" if name in MODULES else "imported", name)

    def _statement(self, node: ast.stmt) -> Generator[Finding, None, None]:
        match node:
            case ast.ClassDef(name=name):
                check = self.classes.pop(name, None)
                if check is None:
                    yield Finding(FOREIGN, node.lineno, f"the flow has nothing that is called `{name}`")
                elif name in self.methods:
                    self.flows.append(node)
                else:
                    yield from check(node)
                self.world.names[name] = Known("class", name, node.lineno)
            case ast.FunctionDef(name=name):
                self.world.names[name] = Known("function", name, node.lineno)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=note, value=ast.expr() as value):
                yield from self._annotated(name, note, value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield from self._assigned(name, value)
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=name))], value=value) if name == self.names.flow:
                if self.spec is not None:
                    yield Finding(FOREIGN, node.lineno, "this is said twice")
                found = yield from self._evaluated(value)
                self.spec = None if found is None else (found, node.lineno)
            case _:
                yield Finding(FOREIGN, node.lineno, "this is not what penstock writes")

    def _annotated(self, name: str, note: ast.expr, value: ast.expr) -> Generator[Finding, None, None]:
        names = self.names
        of = f"[{names.data}, {names.states}]"
        aliases = {"_Answer": f"rules.Answer{of}", "_Moved": f"rules.Moved{of}"}
        if name == names.event_type:
            yield from differs(note, note.lineno, "TypeAlias")
            if _members(value) != (sorted(names.event.values()) or ["Never"]):
                yield Finding(DECLARES, value.lineno, f"`{name}` is not every event and task")
            self.world.names[name] = Known("alias", name)
        elif name in aliases:
            yield from differs(note, note.lineno, "TypeAlias")
            yield from differs(value, value.lineno, aliases[name])
            self.world.names[name] = Known("alias", name)
        elif name == "_RULES":
            wanted = f"rules.Rules[{names.inputs}, {names.data}, {names.states}, {names.event_type}]"
            yield from differs(note, note.lineno, wanted)
            found = yield from self._evaluated(value)
            self.rules = None if found is None else (found, value.lineno)
            self.world.names[name] = Known("rules", name)
        else:
            yield Finding(FOREIGN, note.lineno, f"`{name}` is not what penstock writes")

    def _assigned(self, name: str, value: ast.expr) -> Generator[Finding, None, None]:
        if not name.startswith("_"):
            yield Finding(FOREIGN, value.lineno, f"`{name}` is not what penstock writes")
        match value:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="_RULES"), attr="quick"), args=[ast.Name(id=cls)]):
                if value.keywords or not isinstance(self.world.names.get("_RULES"), Known):
                    yield Finding(FOREIGN, value.lineno, "this is not what penstock writes")
                self.world.names[name] = Known("quick", cls, value.lineno)
            case _:
                found = yield from self._evaluated(value)
                if found is not None:
                    self.world.names[name] = found

    def _evaluated(self, value: ast.expr) -> Generator[Finding, None, Thing | None]:
        """What a constant of the module is; None where it cannot be said."""
        python = Python(self.world, Trail(self.logic))
        try:
            found = python.value(value)
        except Refused as refused:
            yield Finding(FOREIGN, refused.line, refused.why)
            return None
        for event in python.trail.events:
            yield Finding(DECLARES, event.where, f"importing it raises {ended(self.logic, event.end)}")
        return None if python.trail.events else found

    # ------------------------------------------------------------ names

    def _unbound(self, node: ast.stmt) -> Iterator[Finding]:
        """What a statement asks of the module when it is imported must be there by then."""
        for name in _asked(node):
            if name.id not in self.world.names and name.id not in BUILTINS:
                yield Finding(DECLARES, name.lineno, f"importing it raises NameError: `{name.id}` is not there yet")

    def _unknown(self) -> Iterator[Finding]:
        """Annotations are never evaluated; what they name must be there all the same."""
        for note in (note for statement in self.module.statements for note in _notes(statement)):
            for name in (each for each in ast.walk(note) if isinstance(each, ast.Name)):
                if name.id not in self.world.names and name.id not in BUILTINS:
                    yield Finding(DECLARES, name.lineno, f"there is nothing that is called `{name.id}`")

    # ------------------------------------------------------------ as a whole

    def _compare(self, found: tuple[Thing, int] | None, wanted: Wanted, what: str) -> None:
        if found is None:
            self.comparison.differ(1, f"there is no `{what}`, or it cannot be read")
        else:
            self.comparison.compare(found[0], wanted, "", found[1])

    def _unused(self) -> Iterator[Finding]:
        for name, node in self.module.functions.items():
            if name not in self.used:
                yield Finding(FOREIGN, node.lineno, f"nothing asks `{name}`")


def _asked(node: ast.AST) -> Iterator[ast.Name]:
    """The names that are looked up when a statement of a module or a class is executed."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            parts: list[ast.AST | None] = [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults]
        case ast.ClassDef():
            parts = [*node.decorator_list, *node.bases, *node.keywords, *node.body]
        case ast.AnnAssign() | ast.Assign() | ast.Expr():
            parts = [node.value]
        case ast.Name():
            yield node
            return
        case _:
            parts = [*ast.iter_child_nodes(node)]
    for part in parts:
        if part is not None:
            yield from _asked(part)


def _notes(node: ast.stmt) -> Iterator[ast.expr]:
    """The annotations of a definition, and of those in it."""
    match node:
        case ast.FunctionDef(args=args, returns=returns) | ast.AsyncFunctionDef(args=args, returns=returns):
            yield from (arg.annotation for arg in (*args.args, *args.kwonlyargs) if arg.annotation is not None)
            yield from () if returns is None else (returns,)
        case ast.ClassDef(body=body):
            for inner in body:
                yield from _notes(inner)
        case ast.AnnAssign(annotation=annotation):
            yield annotation
        case _:
            pass


def _members(union: ast.expr) -> list[str]:
    """Of `A | B`, in alphabetical order."""
    if isinstance(union, ast.BinOp) and isinstance(union.op, ast.BitOr):
        return sorted([*_members(union.left), *_members(union.right)])
    return [ast.unparse(union)]
