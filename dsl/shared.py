"""What the flows of a file may use that stands outside them: the trees of a source in, its declarations and those it
imports out, each typed in the file it is written in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from . import rules, syntax
from . import rules_of_meaning as meaning
from . import rules_of_use as use
from .activities import Activities, Signature, signature
from .diagnostics import Label
from .expressions import Typing
from .findings import Findings
from .model import Activity
from .resolve import Kind, Names, Types
from .scope import Scope
from .source import Source, Span, beside
from .values import dataclass, replace
from .walk import nodes


@dataclass(frozen=True, slots=True)
class Shared:
    """The names a file knows outside its flows: its own and, under the same names, those of what it imports."""

    names: Names
    types: Types
    signatures: Mapping[str, Signature]
    activities: Mapping[str, Activity]
    sound: bool  # whether nothing of it was reported


class Files:
    """The files of one source, each given its meaning once."""

    def __init__(self, tree: syntax.File, source: Source, findings: Findings) -> None:
        self._source = source
        self._findings = findings
        self._trees = {file.name: each for file, each in zip(source.files, (tree, *tree.imported), strict=True)}
        self._known: dict[str, Shared | None] = {}  # None while it is being found out

    def shared(self, name: str) -> Shared | None:
        """What the file called `name` knows; None for one that is not there, or imports the file that asks: `load` has
        reported that."""
        if name in self._trees and name not in self._known:
            self._known[name] = None
            self._known[name] = self._analyse(name)
        return self._known.get(name)

    def flow(self, place: Span) -> tuple[syntax.Flow, Shared]:
        """The flow whose name is declared at a place, and what its file knows."""
        name = self._source.file(place).name
        found = (each for each in self._trees[name].members if isinstance(each, syntax.Flow))
        shared = self.shared(name)
        assert shared is not None
        return next(each for each in found if each.name.span == place), shared

    def root(self) -> Shared:
        """What the examined file itself knows."""
        known = self.shared(self._source.name)
        assert known is not None
        return known

    def others(self) -> Iterator[tuple[syntax.Flow, Shared]]:
        """The flows of the files imported, each with what its file knows. Of their mistakes the file itself tells."""
        for name, tree in self._trees.items():
            shared = self._known.get(name)
            if shared is not None and name != self._source.name:
                names = shared.names.quiet()
                for each in tree.members:
                    if isinstance(each, syntax.Flow):
                        yield each, replace(shared, names=names, types=Types(names, shared.types))

    def _analyse(self, name: str) -> Shared:
        tree, before = self._trees[name], self._findings.errors
        names, imports = self._imports(name, tree)
        found = [shared for _, shared in imports]
        types = Types(names)
        for each in found:
            types.take(each.types)
        declare_all(names, tree)
        types.declare(each for each in tree.members if isinstance(each, syntax.Declaration))
        ours = [each for each in tree.members if isinstance(each, syntax.ActivityDeclaration)]
        signatures = {each.name.text: signature(each, types) for each in ours}
        activities = Activities(names, Typing(names, types.enums, types.records), Scope({}))
        known = {key: each for shared in found for key, each in shared.activities.items()}
        activities.agree_with(known.values())
        known |= {each.name.text: activities.activity(each, signatures[each.name.text]) for each in ours}
        return Shared(
            names,
            types,
            {key: each for shared in found for key, each in shared.signatures.items()} | signatures,
            known,
            names.complete and self._findings.errors == before and all(each.sound for each in found),
        )

    # ------------------------------------------------------------ imports

    def _imports(self, name: str, tree: syntax.File) -> tuple[Names, list[tuple[syntax.Import, Shared]]]:
        """The names of what a file imports, in a table that it adds its own to."""
        trees = [each for each in tree.members if isinstance(each, syntax.Import)]
        targets = {id(each): beside(name, each.path) for each in trees}
        asked = [(each, self.shared(targets[id(each)])) for each in trees]
        found = [(each, shared) for each, shared in asked if shared is not None]
        complete = tree.complete and len(found) == len(trees) and all(each.names.complete for _, each in found)
        names = Names(self._findings, complete)
        first: dict[str, Span] = {}
        for each in trees:
            if targets[id(each)] in first:
                message = f"`{each.path}` is imported twice."
                others = (Label(first[targets[id(each)]], "first imported here"),)
                self._findings.error(meaning.DUPLICATE_NAME, each.span, message, "imported again", others=others)
            first.setdefault(targets[id(each)], each.span)
        late = next((each for each in tree.members if not isinstance(each, syntax.Import)), None)
        for each, shared in found:
            if late is not None and each.span.start > late.span.start:
                message = "Imports stand at the top of a file, above all declarations."
                others = (Label(late.span, "the first declaration"),)
                self._findings.error(rules.IMPORT, each.span, message, "too far down")
            names.take(shared.names, each.path, each.span)
        self._warn_of_unused(tree, found)
        return names, found

    def _warn_of_unused(self, tree: syntax.File, imports: list[tuple[syntax.Import, Shared]]) -> None:
        """Warns of an import none of whose names occurs in the file itself."""
        if not imports or tree is not self._trees[self._source.name] or not tree.complete:
            return
        words = {each.text for each in nodes(tree.members) if isinstance(each, syntax.Name)}
        for each, shared in imports:
            if words.isdisjoint(shared.names.all(*Kind)):
                message = f"Nothing of `{each.path}` is used here."
                self._findings.warning(use.UNUSED_IMPORT, each.span, message, "not used")


def declare_all(names: Names, tree: syntax.File) -> None:
    """Declares the flows, roles and activities of a file."""
    for each in tree.members:
        match each:
            case syntax.Roles(roles):
                for role in roles:
                    names.declare(Kind.ROLE, role)
            case syntax.ActivityDeclaration(name):
                names.declare(Kind.ACTIVITY, name)
            case syntax.Flow(name):
                names.declare(Kind.FLOW, name)
            case syntax.System(name):
                names.declare(Kind.SYSTEM, name)
            case _:
                pass
    declare_compensations(names, [each for each in tree.members if isinstance(each, syntax.ActivityDeclaration)])


def declare_compensations(names: Names, activities: Iterable[syntax.ActivityDeclaration]) -> None:
    """Declares what undoes these activities; one compensation may serve several."""
    for activity in activities:
        for clause in activity.clauses:
            if isinstance(clause, syntax.Compensate) and not names.has(Kind.COMPENSATION, clause.name.text):
                names.declare(Kind.COMPENSATION, clause.name)
