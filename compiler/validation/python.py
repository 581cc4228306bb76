"""Python as generated modules use it: the tree of an expression or a function in, what it evaluates to out, as things.

This is a reading of the language, not of what penstock writes: operators give what Python gives (`and` its operand,
`//` the floor, a comparison of unlike types False or a TypeError), and a path on which Python would raise ends in that.
What is neither read nor sure to be raised is Refused. Nothing is imported or executed.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from string import Formatter

from ...dsl.model import BoolType, EnumType, TextType
from ..checks.solver import Term
from .calls import Calls
from .errors import Refused
from .logic import Unlike
from .texts import written
from .things import (
    NONE,
    VOID,
    Either,
    Event,
    Group,
    Known,
    Made,
    Mapped,
    Plain,
    Several,
    Shown,
    Spread,
    Table,
    Thing,
    Void,
)
from .trail import Trail
from .world import World

OPERATORS: Mapping[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%"
}  # fmt: skip


MOST_WAYS = 2_000
"""A generated function has as many branches as its trigger has guards; what has more would take for ever to read."""


class Python(Calls):
    """Evaluates on one trail, with some locals."""

    def __init__(self, world: World, trail: Trail, local: Mapping[str, Thing] | None = None) -> None:
        super().__init__(world, trail)
        self.local: dict[str, Thing] = dict(local or {})
        self.bound: frozenset[str] = frozenset()  # every name that the function binds somewhere
        self.ways = 0  # branches until now

    # ------------------------------------------------------------ expressions

    def value(self, node: ast.expr) -> Thing:
        before, self.trail.where = self.trail.where, node.lineno
        try:
            return self._value(node)
        finally:
            self.trail.where = before

    def _value(self, node: ast.expr) -> Thing:
        match node:
            case ast.Constant(value=value):
                return self._constant(node, value)
            case ast.Name(id=name):
                return self._named(name)
            case ast.Attribute(value=of, attr=name):
                return self.attribute(self.value(of), name)
            case ast.Tuple(elts=items):
                return Several(self._items(items), node.lineno)
            case ast.BoolOp():
                return self._joined(node)
            case ast.UnaryOp(op=op, operand=operand):
                return self._unary(op, operand)
            case ast.BinOp(left=left, op=op, right=right):
                return self._computed(op, self.value(left), self.value(right))
            case ast.Compare():
                return self._compared(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._chosen(self.trail.truth(self.value(test)), body, orelse)
            case ast.Call():
                return self._called(node)
            case ast.JoinedStr(values=parts):
                return self._formatted(parts)
            case ast.Dict():
                return self._table(node)
            case ast.Subscript(value=of, slice=ast.Name(id=name)):
                return self._generic(self.value(of), name)
            case _:
                raise Refused(node.lineno, f"{_kind(node)} is not what penstock writes")

    def _constant(self, node: ast.expr, value: object) -> Thing:
        match value:
            case None:
                return NONE
            case bool():
                return self.logic.truth(value)
            case int():
                return self.logic.integer(value)
            case str():
                return self.logic.words(value)
            case float():
                return Known("float", repr(value), node.lineno)
            case _:
                raise Refused(node.lineno, f"`{ast.unparse(node)}` is not what penstock writes")

    def _named(self, name: str) -> Thing:
        if name in self.local:
            return self.local[name]
        if name in self.bound:
            return self.trail.crash("UnboundLocalError", f"`{name}` has no value yet")
        if name in self.world.names:
            return self.world.names[name]
        if name in self.FUNCTIONS:
            return Known("builtin", name)
        return self.trail.crash("NameError", f"`{name}` is not defined")

    def _generic(self, of: Thing, name: str) -> Thing:
        """`rules.Goto[OrderState]`, which is `rules.Goto` to all but type checkers."""
        states = self.world.names.get(name)
        if isinstance(of, Known) and of.kind == "runtime" and isinstance(states, Known) and states.kind == "class":
            return of
        raise Refused(self.trail.where, "such an item is not what penstock writes")

    def _own(self, name: str) -> bool:
        """Whether a name means what Python has under it."""
        return name not in self.local and name not in self.bound and name not in self.world.names

    def _items(self, nodes: Sequence[ast.expr]) -> tuple[Thing | Spread, ...]:
        found: list[Thing | Spread] = []
        for node in nodes:
            if not isinstance(node, ast.Starred):
                found.append(self.value(node))
                continue
            of = self.value(node.value)
            parts = self.logic.parts(of)
            if parts is None:
                if self.logic.split(of) is None and not isinstance(of, Void):
                    raise Refused(node.lineno, "what is spread out here is no list")
                parts = self._spread(of)
            found += parts
        return tuple(found)

    def _spread(self, of: Thing) -> tuple[Thing | Spread, ...]:
        """The items of a list that may be none, or one of two lists: where it is none, Python raises a TypeError."""
        kept = self._list_or_crash(of)
        if isinstance(kept, Void):
            return ()
        parts = self.logic.parts(kept)
        if parts is None:
            raise Refused(self.trail.where, "what is spread out here may be one of two lists")
        return parts

    def _list_or_crash(self, of: Thing) -> Thing:
        def listed(atom: Thing) -> Thing:
            if self.logic.parts(atom) is None:
                raise Unlike("cannot be spread out")
            return atom

        found = self.trail.each(listed, of)
        if isinstance(found, Either):
            merged = self._merged(found)
            return found if merged is None else merged
        return found

    def _merged(self, found: Either) -> Thing | None:
        """One list for one of two."""
        one, other = self.logic.parts(found.then), self.logic.parts(found.otherwise)
        if one is None or other is None:
            return None
        first, second = self.logic.list_of(one), self.logic.list_of(other)
        if first is None or second is None:
            return None
        merged = self.logic.choose_thing(found.condition, first, second)
        return merged if isinstance(merged, Plain) else None

    def _joined(self, node: ast.BoolOp) -> Thing:
        """`and` and `or`, which give one of their operands."""
        found = self.value(node.values[0])
        either = isinstance(node.op, ast.Or)
        path = self.trail.path
        try:
            for operand in node.values[1:]:
                true = self.trail.truth(found)
                on = self.logic.no(true) if either else true
                self.trail.path = self.logic.all(self.trail.path, on)
                right: Thing = VOID if self.trail.path is False else self.value(operand)
                found = self._operand(either, true, found, right)
        finally:
            self.trail.path = path
        return found

    def _operand(self, either: bool, true: Term, left: Thing, right: Thing) -> Thing:
        match left, right:
            case Plain(type=BoolType(), symbol=a), Plain(type=BoolType(), symbol=b):
                join = self.logic.any if either else self.logic.all
                return self.logic.truth(join(a.term, b.term))
            case _:
                on = self.logic.no(true) if either else true
                return self.logic.choose_thing(on, right, left)

    def _unary(self, op: ast.unaryop, operand: ast.expr) -> Thing:
        value = self.value(operand)
        if isinstance(op, ast.Not):
            return self.logic.truth(self.logic.no(self.trail.truth(value)))
        if isinstance(op, ast.USub):
            return self.trail.each(self.negated, value)
        raise Refused(operand.lineno, f"{_kind(op)} is not what penstock writes")

    def _computed(self, op: ast.operator, left: Thing, right: Thing) -> Thing:
        sign = OPERATORS.get(type(op))
        if sign is None:
            raise Refused(self.trail.where, f"{_kind(op)} is not what penstock writes")
        return self.trail.two(lambda one, other: self.computed(sign, one, other), left, right)

    def _compared(self, node: ast.Compare) -> Thing:
        """A chain holds if each of its links does; what comes after one that does not is not evaluated."""
        whole: Term = True
        left = self.value(node.left)
        path = self.trail.path
        try:
            for op, right in zip(node.ops, node.comparators, strict=True):
                self.trail.path = self.logic.all(path, whole)
                value = self.value(right)
                whole = self.logic.all(whole, self._link(op, left, value, right))
                left = value
        finally:
            self.trail.path = path
        return self.logic.truth(whole)

    def _link(self, op: ast.cmpop, left: Thing, right: Thing, node: ast.expr) -> Term:
        logic = self.logic
        match op:
            case ast.Eq() | ast.NotEq():
                if isinstance(left, Void) or isinstance(right, Void):
                    return False
                same = logic.equal(left, right)
                return same if isinstance(op, ast.Eq) else logic.no(same)
            case ast.Lt():
                return self._ordered(left, right, False)
            case ast.Gt():
                return self._ordered(right, left, False)
            case ast.LtE():
                return self._ordered(right, left, True)
            case ast.GtE():
                return self._ordered(left, right, True)
            case ast.Is() | ast.IsNot():
                if not isinstance(node, ast.Constant) or node.value is not None:
                    raise Refused(node.lineno, "`is` is asked of None only")
                none = self._is_none(left)
                return none if isinstance(op, ast.Is) else logic.no(none)
            case ast.In() | ast.NotIn():
                found = self.trail.one(lambda items: self._among(left, items), right)
                term = found.symbol.term if isinstance(found, Plain) else False
                return term if isinstance(op, ast.In) else logic.no(term)
            case _:
                raise Refused(node.lineno, f"{_kind(op)} is not what penstock writes")

    def _ordered(self, less: Thing, more: Thing, denied: bool) -> Term:
        def ordered(one: Thing, other: Thing) -> Thing:
            term = self.logic.less(one, other)
            return self.logic.truth(self.logic.no(term) if denied else term)

        found = self.trail.each(ordered, less, more)
        return found.symbol.term if isinstance(found, Plain) else False

    def _is_none(self, thing: Thing) -> Term:
        cut = self.logic.split(thing)
        if cut is None:
            return thing is NONE or (isinstance(thing, Plain) and thing.symbol.some is False)
        one, other = self._is_none(cut[1]), self._is_none(cut[2])
        return self.logic.any(self.logic.all(cut[0], one), self.logic.all(self.logic.no(cut[0]), other))

    def _among(self, left: Thing, items: Thing) -> Thing:
        if isinstance(left, Void):
            return VOID
        if isinstance(items, Plain) and isinstance(items.type, TextType | EnumType):
            raise Refused(self.trail.where, "`in` is asked of lists, tuples and places only")
        return self.logic.truth(self.logic.among(left, items))

    def _chosen(self, test: Term, body: ast.expr, orelse: ast.expr) -> Thing:
        with self.trail.under(test):
            then: Thing = VOID if self.trail.path is False else self.value(body)
        with self.trail.under(self.logic.no(test)):
            otherwise: Thing = VOID if self.trail.path is False else self.value(orelse)
        return self.logic.choose_thing(test, then, otherwise)

    def _table(self, node: ast.Dict) -> Thing:
        rows: list[tuple[Thing, Thing, int]] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                raise Refused(value.lineno, "a table is written out row by row")
            rows.append((self.value(key), self.value(value), key.lineno))
        return Table(tuple(rows), node.lineno)

    # ------------------------------------------------------------ texts

    def _formatted(self, nodes: Sequence[ast.expr]) -> Thing:
        parts: list[str | Shown] = []
        for node in nodes:
            match node:
                case ast.Constant(value=str() as text):
                    parts.append(text)
                case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                    parts.append(Shown("format", self.value(value)))
                case _:
                    raise Refused(node.lineno, "such a format is not what penstock writes")
        return written(self.logic, parts)

    def _filled(self, template: str, values: Sequence[Thing]) -> Thing:
        """`template.format(*values)`, of braces without anything in them."""
        parts: list[str | Shown] = []
        left = list(values)
        try:
            pieces = list(Formatter().parse(template))
        except ValueError as error:
            return self.trail.crash("ValueError", str(error))
        for text, name, spec, conversion in pieces:
            parts.append(text)
            if name is None:
                continue
            if name or spec or conversion:
                raise Refused(self.trail.where, "such a format is not what penstock writes")
            if not left:
                return self.trail.crash("IndexError", "the text asks for more values than there are")
            parts.append(Shown("format", left.pop(0)))
        return written(self.logic, parts)

    # ------------------------------------------------------------ calls

    def _called(self, node: ast.Call) -> Thing:
        match node.func, node.args:
            case ast.Attribute(value=of, attr="_replace"), []:
                return self._replaced(self.value(of), node)
            case ast.Attribute(value=ast.Constant(value=str(template)), attr="format"), given:
                if node.keywords or any(isinstance(arg, ast.Starred) for arg in given):
                    raise Refused(node.lineno, "such a format is not what penstock writes")
                return self._filled(template, [self.value(arg) for arg in given])
            case ast.Name(id="tuple"), [ast.GeneratorExp() as generator] if self._own("tuple") and not node.keywords:
                return self._mapped(generator)
            case ast.Name(id="frozenset"), [ast.Set(elts=items)] if self._own("frozenset") and not node.keywords:
                return Group(tuple(self.value(item) for item in items), node.lineno)
            case _:
                pass
        called = self.value(node.func)
        if any(isinstance(arg, ast.Starred) for arg in node.args) or any(word.arg is None for word in node.keywords):
            raise Refused(node.lineno, "arguments are written out one by one")
        args = [self.value(arg) for arg in node.args]
        words = {word.arg: self.value(word.value) for word in node.keywords if word.arg is not None}
        if isinstance(called, Void):
            return VOID
        match called:
            case Known(kind="class", name=name):
                return self._made(name, args, words, node.lineno)
            case Known(kind="new"):
                return self._new(args, words, node.lineno)
            case Known():
                return self.call(called, args, words)
            case _:
                raise Refused(node.lineno, "this is nothing that penstock calls")

    def _made(self, name: str, args: Sequence[Thing], words: Mapping[str, Thing], line: int) -> Thing:
        """A record, an event: what a class with fields is called for."""
        fields = self.world.classes.get(name)
        if fields is None:
            raise Refused(line, f"`{name}` is nothing that penstock calls")
        bound = self.bind(fields, args, words, name)
        return VOID if bound is None else Made(self._called_so(name), bound, tuple(field for field, _ in fields), line)

    def _called_so(self, name: str) -> str:
        """What things of a class are said to be of: a record of the flow under its name there."""
        return self.world.records[name].name if name in self.world.records else name

    def _new(self, args: Sequence[Thing], words: Mapping[str, Thing], line: int) -> Thing:
        """`rules.new(Class, (a, b))`: a record of just these fields."""
        match args, words:
            case [Known(kind="class", name=name), Several(parts=parts)], {} if name in self.world.classes:
                names = tuple(field for field, _ in self.world.classes[name])
                fields = tuple(part for part in parts if not isinstance(part, Spread))
                if len(fields) == len(parts):
                    return Made(self._called_so(name), fields, names, line)
            case _:
                pass
        raise Refused(line, "such a record is not what penstock writes")

    def _replaced(self, of: Thing, node: ast.Call) -> Thing:
        if any(word.arg is None for word in node.keywords):
            raise Refused(node.lineno, "arguments are written out one by one")
        words = {word.arg: self.value(word.value) for word in node.keywords if word.arg is not None}

        def replaced(record: Thing) -> Thing:
            if not isinstance(record, Made) or not record.names:
                raise Refused(node.lineno, "`_replace` is asked of data only")
            unknown = sorted(words.keys() - {*record.names})
            if unknown:
                return self.trail.crash("ValueError", f"`{record.of}` has no field `{unknown[0]}`")
            pairs = zip(record.names, record.fields, strict=True)
            return Made(record.of, tuple(words.get(name, old) for name, old in pairs), record.names, node.lineno)

        return self.trail.each(replaced, of)

    def _mapped(self, node: ast.GeneratorExp) -> Thing:
        """`tuple(.. for item in items)`."""
        match node.generators:
            case [ast.comprehension(target=ast.Name(id=name), iter=iterated, ifs=[], is_async=0)]:
                items = self.value(iterated)
            case _:
                raise Refused(node.lineno, "such a generator is not what penstock writes")
        if isinstance(items, Void):
            return VOID
        parts = self.logic.parts(items)
        if parts is None:
            raise Refused(node.lineno, "what is gone through here is no list")
        if (known := self.logic.expanded(parts)) is not None:
            return self._each_known(node, name, known)
        whole = self.logic.list_of(parts)
        if whole is None:
            raise Refused(node.lineno, "what is gone through here is no list")
        item = self.logic.item_of(whole)
        inner = Python(self.world, Trail(self.logic), {**self.local, name: item})
        inner.bound = self.bound
        inner.trail.where = node.lineno
        inner.trail.end(True, inner.value(node.elt))
        return self.trail.mapped(Mapped(items, item, tuple(inner.trail.events)))

    def _each_known(self, node: ast.GeneratorExp, name: str, items: Sequence[Thing]) -> Thing:
        made: list[Thing] = []
        for item in items:
            inner = Python(self.world, self.trail, {**self.local, name: item})
            inner.bound = self.bound
            made.append(inner.value(node.elt))
        return Several(tuple(made), node.lineno)

    # ------------------------------------------------------------ functions

    def run(self, function: ast.FunctionDef) -> None:
        """The body of a function, to the end of the trail. Raises Refused for statements that penstock does not
        write."""
        self.bound = frozenset(
            target.id
            for statement in ast.walk(function)
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        )
        self._block(function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body)
        self.trail.where = function.lineno
        self.trail.end(True, NONE)

    def _block(self, statements: Sequence[ast.stmt]) -> None:
        """Statements one after the other; what has ended before is behind on the trail."""
        for index, statement in enumerate(statements):
            self.trail.where = statement.lineno
            match statement:
                case ast.Return(value=value):
                    self.trail.end(True, NONE if value is None else self.value(value))
                    return
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    found = self.value(value)
                    if isinstance(found, Void):
                        return
                    self.local[name] = found
                case ast.If(test=test, body=body, orelse=orelse):
                    rest = statements[index + 1 :]
                    self._branch(self.trail.truth(self.value(test)), [*body, *rest], [*orelse, *rest])
                    return
                case ast.Pass():
                    pass
                case _:
                    raise Refused(statement.lineno, f"{_kind(statement)} is not what penstock writes")

    def _branch(self, test: Term, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt]) -> None:
        """Both ways, each with what comes after it. Raises Refused where there are too many to go."""
        self.ways += 1
        if self.ways > MOST_WAYS:
            raise Refused(self.trail.where, "there are too many ways through this")
        local = dict(self.local)
        with self.trail.under(test):
            if self.trail.path is not False:
                self._block(body)
        self.local = local
        with self.trail.under(self.logic.no(test)):
            if self.trail.path is not False:
                self._block(orelse)


def _kind(node: ast.AST) -> str:
    return f"`{type(node).__name__}`"


def events(world: World, function: ast.FunctionDef, given: Mapping[str, Thing]) -> tuple[Event, ...]:
    """How a function ends that is called with these arguments."""
    python = Python(world, Trail(world.logic), given)
    python.run(function)
    python.trail.settled()
    return tuple(python.trail.events)
