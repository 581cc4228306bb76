"""What a kernel demands of the class of instances and of the Protocols of activities in its module."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from ...dsl.model import Parameter, Type
from ...dsl.source import Span
from .classes import Check, annotation, differs, said
from .demands import Demands
from .errors import Refused
from .findings import DECLARES, FOREIGN, Finding
from .python import Python
from .quick import Quick
from .things import Made, Plain
from .trail import Trail
from .world import World

Method = Callable[[ast.FunctionDef], Iterator[Finding]]

BY = "by: core.Actor = core.NOBODY, now: datetime"


class Methods:
    """Checks them; `wanted` has a check for each class, by its name."""

    def __init__(self, demands: Demands, world: World) -> None:
        self.demands = demands
        self.kernel = demands.kernel
        self.names = demands.names
        self.world = world
        self.quick = Quick(demands, world)
        self.hurried: list[str] = []  # the events with a quick path
        names = self.names
        self.wanted: dict[str, Check] = {
            names.flow: self._flow,
            names.activities: lambda node: self._protocol(node, ""),
            names.async_activities: lambda node: self._protocol(node, "async "),
        }

    # ------------------------------------------------------------ the flow

    def _flow(self, node: ast.ClassDef) -> Iterator[Finding]:
        names = self.names
        of = f"[{names.inputs}, {names.data}, {names.states}, {names.event_type}]"
        if [ast.unparse(each) for each in node.decorator_list] != ["final"] or node.keywords:
            yield Finding(DECLARES, node.lineno, f"`{node.name}` is not the kind of class it should be")
        if len(node.bases) != 1:
            yield Finding(DECLARES, node.lineno, f"`{node.name}` should be a `flow.Flow`")
        for base in node.bases[:1]:
            yield from differs(base, node.lineno, f"flow.Flow{of}")
        wanted: dict[str, Method] = {
            "start": self._start,
            "_rules": lambda method: self._rules(method, of),
            "_driven": self._driven,
            **{names.method[name]: self._sender(name) for name in names.event},
            **{names.may[name]: self._asker(name) for name in names.event},
        }
        steps: list[ast.FunctionDef] = []
        slots = 0
        for line in said(node):
            match line:
                case ast.FunctionDef(name=name) if name in wanted:
                    yield from wanted.pop(name)(line)
                case ast.FunctionDef(name="step"):
                    steps.append(line)
                case ast.Assign() if ast.unparse(line) == "__slots__ = ()":
                    slots += 1
                case _:
                    yield Finding(FOREIGN, line.lineno, f"`{node.name}` has something in it that is not penstock's")
        if slots != 1:
            yield Finding(DECLARES, node.lineno, f"`{node.name}` should have no attributes of its own")
        for name in wanted:
            yield Finding(DECLARES, node.lineno, f"`{node.name}` should have a method `{name}`, once")
        if len(steps) != bool(self.hurried):
            yield Finding(DECLARES, node.lineno, "there is one `step` of its own where an event has a quick path")
        for step in steps:
            yield from self._step(step)

    def _step(self, node: ast.FunctionDef) -> Iterator[Finding]:
        """It hands the events that have a quick path on to their methods, and all else to the runtime."""
        names = self.names
        taken = f"{names.event_type} | core.Outcome | core.Delegation | core.Fired | core.Withdraw"
        yield from self._head(node, f"(self, trigger: {taken}, *, {BY}) -> core.Step[{names.flow}]", [], None)
        *rest, last = said(node) or [ast.Pass(lineno=node.lineno)]
        yield from differs(last, last.lineno, "return super().step(trigger, by=by, now=now)")
        wanted: dict[str, str] = {}
        for name in self.hurried:
            fields = "".join(f"trigger.{field}, " for field in names.field[name].values())
            call = f"return self.{names.method[name]}({fields}by=by, now=now)"
            wanted[ast.unparse(ast.parse(f"if type(trigger) is {names.event[name]}:\n    {call}"))] = name
        for line in rest:
            if wanted.pop(ast.unparse(line), None) is None:
                yield Finding(FOREIGN, line.lineno, "this is not what penstock writes")

    def _head(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, signature: str, decorators: Sequence[str], span: Span | None
    ) -> Iterator[Finding]:
        wanted = ast.parse(f"def {node.name}{signature}: ...").body[0]
        assert isinstance(wanted, ast.FunctionDef), "it is written as one"
        pair = (node.args, node.returns), (wanted.args, wanted.returns)
        found, expected = (tuple("" if part is None else ast.dump(part) for part in parts) for parts in pair)
        if found != expected:
            yield Finding(DECLARES, node.lineno, f"`{node.name}` should be declared as `{node.name}{signature}`", span)
        if [ast.unparse(each) for each in node.decorator_list] != [*decorators]:
            yield Finding(DECLARES, node.lineno, f"`{node.name}` is not the kind of method it should be", span)

    def _params(self, params: Sequence[tuple[str, Type]]) -> str:
        return "".join(f"{name}: {annotation(type, self.names)}, " for name, type in params)

    def _start(self, node: ast.FunctionDef) -> Iterator[Finding]:
        params = [(self.names.argument[each.name], each.type) for each in self.kernel.inputs]
        signature = f"(cls, *, {self._params(params)}{BY}) -> core.Step[{self.names.flow}]"
        yield from self._head(node, signature, ["classmethod"], None)
        yield from self._passes(node, said(node), "cls.begin", self.names.inputs, params, None)

    def _sender(self, name: str) -> Method:
        """Of the method of an event or a task."""
        params, roles, span = self._triggered(name)
        fields = [(self.names.field[name][each.name], each.type) for each in params]
        cls = self.names.event[name]

        def check(node: ast.FunctionDef) -> Iterator[Finding]:
            yield from self._head(
                node, f"(self, {self._params(fields)}*, {BY}) -> core.Step[{self.names.flow}]", [], span
            )
            body = said(node)
            if len(body) > 1:
                self.hurried.append(name)
                yield from self.quick.check(body[:-1], cls, fields, roles, span)
            to = "super().step" if len(body) > 1 else "self.step"  # which would come back here
            yield from self._passes(node, body[-1:], to, cls, fields, span)

        return check

    def _triggered(self, name: str) -> tuple[Sequence[Parameter], Sequence[str], Span]:
        if name in self.kernel.event:
            event = self.kernel.event[name]
            return event.params, event.roles, event.span
        task = self.kernel.task[name]
        return task.form, (), task.span

    def _asker(self, name: str) -> Method:
        """Of the method that says whether an event or task may come now."""
        cls, span = self.names.event[name], self._triggered(name)[2]

        def check(node: ast.FunctionDef) -> Iterator[Finding]:
            yield from self._head(node, "(self, by: core.Actor | None = None) -> bool", [], span)
            yield from self._says(node, f"return self.accepts({cls}, by)")

        return check

    def _rules(self, node: ast.FunctionDef, of: str) -> Iterator[Finding]:
        yield from self._head(node, f"(cls) -> rules.Rules{of}", ["classmethod"], None)
        yield from self._says(node, "return _RULES")

    def _driven(self, node: ast.FunctionDef) -> Iterator[Finding]:
        names = self.names
        params = f"by: {names.activities}, awaiting: {names.async_activities}"
        yield from self._head(node, f"(self, {params}) -> {names.flow}", [], None)
        yield from self._says(node, "return self")

    def _says(self, node: ast.FunctionDef, wanted: str) -> Iterator[Finding]:
        body = said(node)
        if len(body) != 1:
            yield Finding(FOREIGN, node.lineno, f"`{node.name}` says more, or less, than `{wanted}`")
        for line in body[:1]:
            yield from differs(line, line.lineno, wanted)

    def _passes(
        self,
        node: ast.FunctionDef,
        body: Sequence[ast.stmt],
        to: str,
        cls: str,
        params: Sequence[tuple[str, Type]],
        span: Span | None,
    ) -> Iterator[Finding]:
        """That it hands what it is called with on as one thing of a class."""
        match body:
            case [ast.Return(value=ast.Call(func=func, args=[made], keywords=words))] if ast.unparse(func) == to:
                given = {word.arg: ast.unparse(word.value) for word in words}
                if given != {"by": "by", "now": "now"}:
                    yield Finding(DECLARES, body[0].lineno, "`by` and `now` are not handed on", span)
                yield from self._hands_on(made, cls, params, span)
            case _:
                yield Finding(FOREIGN, node.lineno, f"`{node.name}` does not end in `return {to}(..)`", span)

    def _hands_on(
        self, made: ast.expr, cls: str, params: Sequence[tuple[str, Type]], span: Span | None
    ) -> Iterator[Finding]:
        logic = self.world.logic
        local = {name: Plain(type, logic.variable(name, type)) for name, type in params}
        python = Python(self.world, Trail(logic), local)
        try:
            found = python.value(made)
        except Refused as refused:
            yield Finding(FOREIGN, refused.line, refused.why, span)
            return
        wanted = Made(cls, tuple(local.values()))
        if python.trail.events or logic.identical(found, wanted) is not True:
            whole = f"{cls}({', '.join(local)})"
            yield Finding(DECLARES, made.lineno, f"`{ast.unparse(made)}` should be `{whole}`", span)

    # ------------------------------------------------------------ activities

    def _calls(self) -> dict[str, tuple[Sequence[tuple[str, Type]], str, Span]]:
        """The methods of the Protocols: parameters, result, and where each is declared."""
        kernel, names = self.kernel, self.names
        flows = {activity.name for activity in kernel.activities if activity.flow}
        found: dict[str, tuple[Sequence[tuple[str, Type]], str, Span]] = {}
        for activity in kernel.activities:
            if activity.name not in flows:
                params = [(names.parameter[activity.name][each.name], each.type) for each in activity.params]
                result = "None" if activity.result is None else annotation(activity.result, names)
                found[names.call[activity.name]] = params, result, activity.span
        for compensation in kernel.compensations:
            if compensation.name not in flows:
                params = [(names.parameter[compensation.name][each.name], each.type) for each in compensation.args]
                found[names.call[compensation.name]] = params, "None", compensation.span
        return found

    def _protocol(self, node: ast.ClassDef, kind: str) -> Iterator[Finding]:
        if [ast.unparse(each) for each in node.bases] != ["Protocol"] or node.decorator_list or node.keywords:
            yield Finding(DECLARES, node.lineno, f"`{node.name}` should be a Protocol")
        wanted = self._calls()
        of: type[ast.FunctionDef | ast.AsyncFunctionDef] = ast.AsyncFunctionDef if kind else ast.FunctionDef
        for line in said(node):
            if (
                isinstance(line, ast.FunctionDef | ast.AsyncFunctionDef)
                and isinstance(line, of)
                and line.name in wanted
            ):
                params, result, span = wanted.pop(line.name)
                yield from self._head(line, f"(self, {self._params(params)}*, key: str) -> {result}", [], span)
                if [ast.unparse(each) for each in said(line)] != ["..."]:
                    yield Finding(FOREIGN, line.lineno, f"`{line.name}` is only declared here", span)
            else:
                yield Finding(FOREIGN, line.lineno, f"`{node.name}` has something in it that is not penstock's")
        for name in wanted:
            yield Finding(DECLARES, node.lineno, f"`{node.name}` should have a method `{name}`, once", wanted[name][2])
