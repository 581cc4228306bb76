"""The meaning of a text: the tree as written in, typed Flows and diagnostics out.

It gathers every mistake and goes on; a flow with a mistake in it, or in the declarations around it, is not returned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from . import rules_of_meaning as rules
from . import syntax
from .acceptance import accepts
from .activities import Activities, Signature, signature
from .behaviour import Behaviour
from .diagnostics import Diagnostic, Label
from .expressions import Typing
from .findings import Findings
from .handlers import Vocabulary
from .messages import Flows, Hearing
from .model import (
    MOST_DEFERRED,
    Activity,
    ActivityCall,
    Actor,
    EnumType,
    Escalation,
    Event,
    Flow,
    Goto,
    Literal,
    Message,
    NoneType,
    OptionalType,
    Parameter,
    RecordType,
    RefKind,
    Start,
    System,
    Task,
    Type,
    Variable,
)
from .nodes import Nodes
from .promises import Promises, constant
from .resolve import BROKEN, Kind, Types, refuse_own_meaning
from .scope import Scope
from .shared import Files, Shared, declare_compensations
from .source import Source
from .subflows import SubFlows
from .systems import system
from .unused import warn_of_unused
from .values import dataclass, replace
from .walk import nodes

MOST_STATES = 10_000

Member = TypeVar("Member")


@dataclass(frozen=True, slots=True)
class Analysed:
    """The flows without a mistake, and what was found, in the order of the text."""

    flows: tuple[Flow, ...]
    diagnostics: tuple[Diagnostic, ...]
    systems: tuple[System, ...] = ()  # only of files without any mistake
    imported: tuple[Flow, ...] = ()  # that are done, or members of systems


def analyse(tree: syntax.File, source: Source) -> Analysed:
    """Gives the flows of a file their meaning; of those it imports, what these use."""
    findings = Findings()
    files = Files(tree, source, findings)
    shared = files.root()
    heard: dict[str, Mapping[str, Hearing]] = {}
    sub_flows = SubFlows(files)
    analyses: list[tuple[_Analysis, bool]] = []  # and whether its declarations are sound
    for each in tree.members:
        if isinstance(each, syntax.Flow):
            before = findings.errors
            analysis = _Analysis(each, shared, heard, sub_flows)
            heard.setdefault(each.name.text, analysis.hearings())
            analyses.append((analysis, findings.errors == before))
    away = [_Analysis(each, known, heard, sub_flows) for each, known in files.others()]
    for analysis in away:
        heard.setdefault(analysis.tree.name.text, analysis.hearings())
    flows: list[Flow] = []
    for analysis, declared in analyses:
        before = findings.errors
        flow = analysis.flow(source)
        if shared.sound and declared and flow is not None and findings.errors == before:
            warn_of_unused(flow, analysis.names)
            flows.append(flow)
    members = {name: shared.names.place(Kind.FLOW, name) for name in shared.names.all(Kind.FLOW)}
    systems = [system(each, members, shared.names, source) for each in tree.members if isinstance(each, syntax.System)]
    playing = {member.flow for each in systems for member in each.members}
    around = {analysis.tree.name.text: analysis for analysis in away}
    imported: list[Flow | None] = []
    wanted = [*sorted(playing), *(name for flow in flows for name in _done_by(flow))]
    for name in wanted:  # which grows by what these do
        if name in around:
            away_flow = around.pop(name).flow(source)
            imported.append(away_flow)
            wanted += () if away_flow is None else _done_by(away_flow)
    broken = {analysis.tree.name.text for analysis in away if analysis.findings.errors}
    for made in systems:
        for member in made.members:
            if member.flow in broken:
                message = f"`{member.flow}`, or a flow beside it, has mistakes, so `{made.name}` cannot be checked."
                findings.error(rules.MISSING_PART, member.span, message, "see its own file")
    whole = findings.errors == 0 and tree.complete
    return Analysed(
        tuple(flows),
        findings.sorted(),
        tuple(systems) if whole else (),
        tuple(flow for flow in imported if flow is not None),
    )


def _done_by(flow: Flow) -> list[str]:
    return [each.name for each in flow.activities if each.flow]


class _Analysis:
    """One flow on its way from the tree to the model."""

    def __init__(self, tree: syntax.Flow, shared: Shared, heard: Flows, flows: SubFlows) -> None:
        self.tree = tree
        self.flows = flows
        self.shared = shared
        self.heard = heard
        self.names = shared.names.inner()
        self.findings = shared.names.findings
        self.types = Types(self.names, shared.types)
        self.nodes = Nodes(tree)
        self._declare()
        self.defers = self._defers()
        self.done = self._done()
        self.known = self._vocabulary()
        self.typing = Typing(self.names, self.types.enums, self.types.records)
        self.inputs = Scope({name: each for name, each in self.known.variables.items() if each[0] is RefKind.INPUT})

    def flow(self, source: Source) -> Flow | None:
        """The flow; None where it has no start, which has then been reported."""
        tree, name, known = self.tree, self.tree.name, self.known
        behaviour = Behaviour(self.names, self.typing, known, self.nodes)
        promises = Promises(self.names, self.typing, known)
        activities = Activities(self.names, self.typing, self.inputs)
        activities.agree_with(self.shared.activities.values())
        version = self.findings.only(self._all(syntax.Version), f"The version of `{name.text}` is said")
        if version and version.number < 1:
            self.findings.error(rules.OUT_OF_RANGE, version.span, "Versions count from 1.", "below 1")
        start = self._start(behaviour)
        deadline = self.findings.only(self._all(syntax.Deadline), f"The deadline of `{name.text}` is said")
        properties = (each for each in tree.members if isinstance(each, syntax.Always | syntax.Reach | syntax.LeadsTo))
        flow = Flow(
            name=name.text,
            version=version.number if version else 1,
            doc=tree.doc,
            enums=tuple(self.types.enums.values()),
            inputs=tuple(self._input(each) for block in self._all(syntax.Input) for each in block.fields),
            data=tuple(self._data(each) for block in self._all(syntax.Data) for each in block.fields),
            roles=tuple(self.names.all(Kind.ROLE)),
            outputs=self._outputs(),
            events=tuple(self._event(each) for each in self._all(syntax.EventDeclaration)),
            activities=tuple(
                activities.activity(each, known.activities[each.name.text])
                for each in self._all(syntax.ActivityDeclaration)
            ),
            start=start or Start((), Goto(""), name.span),
            states=tuple(behaviour.state(each) for each in self.nodes.blocks),
            choices=tuple(behaviour.choice(each, around) for around, each in self.nodes.choices),
            finals=tuple(behaviour.final(each, around) for around, each in self.nodes.finals),
            deadline=behaviour.deadline(deadline, self.inputs) if deadline else None,
            properties=tuple(promises.property(each) for each in properties),
            scenarios=tuple(promises.scenario(each) for each in self._all(syntax.Scenario)),
            accepts=accepts(tree.members, self.findings),
            source=source,
            span=name.span,
            messages=tuple(self._message(each) for each in self._all(syntax.Emits)),
            schedules=tuple(promises.schedule(each) for each in self._all(syntax.Schedule)),
            records=tuple(self.types.records.values()),
        )
        behaviour.ways.check_starts(flow.states, flow.choices)
        return self._with_shared(flow) if start else None

    def _with_shared(self, flow: Flow) -> Flow:
        """The flow with what it uses of the activities, roles and enumerations around it."""
        if not self.shared.names.all(Kind.ACTIVITY, Kind.ROLE, Kind.TYPE):
            return replace(flow, activities=(*flow.activities, *self.done.values()))
        called = {each.activity for each in nodes(flow.states) if isinstance(each, ActivityCall)}
        outside = tuple(each for each in self.shared.activities.values() if each.name in called)
        flow = replace(flow, activities=(*outside, *flow.activities, *self.done.values()))
        parts = list(nodes(replace(flow, enums=(), records=())))
        named = {role for each in parts if isinstance(each, Event | Task) for role in each.roles}
        named.update(each.role for each in parts if isinstance(each, Escalation | Actor))
        own = {role.text for each in self._all(syntax.Roles) for role in each.names}
        used = {each.name for each in parts if isinstance(each, EnumType | RecordType)}
        return replace(
            flow,
            roles=tuple(role for role in flow.roles if role in own or role in named),
            enums=tuple(each for each in flow.enums if each.name in used or each.name not in self.shared.types.enums),
            records=tuple(r for r in flow.records if r.name in used or r.name not in self.shared.types.records),
        )

    def _all(self, kind: type[Member]) -> list[Member]:
        return [each for each in self.tree.members if isinstance(each, kind)]

    # ------------------------------------------------------------ names first

    def _declare(self) -> None:
        """Declares every name of the flow, so that each may be used before the line it is declared in."""
        named: list[tuple[Kind, syntax.Name]] = []
        for each in self.tree.members:
            match each:
                case syntax.Input() | syntax.Data():
                    kind = Kind.INPUT if isinstance(each, syntax.Input) else Kind.DATA
                    named += [(kind, field.name) for field in each.fields]
                    for field in each.fields:
                        refuse_own_meaning(field.name, self.findings)
                case syntax.Roles(roles):
                    named += [(Kind.ROLE, role) for role in roles]
                case syntax.EventDeclaration(name):
                    named.append((Kind.EVENT, name))
                case syntax.Emits(name):
                    named.append((Kind.MESSAGE, name))
                case syntax.ActivityDeclaration(name):
                    named.append((Kind.ACTIVITY, name))
                case _:
                    pass
        for kind, name in named:
            self.names.declare(kind, name)
        self.nodes.declare(self.names)
        declare_compensations(self.names, self._all(syntax.ActivityDeclaration))
        states = self.nodes.blocks
        if len(states) > MOST_STATES:
            message = (
                f"`{self.tree.name.text}` has {len(states)} states, and {MOST_STATES} are the most a flow may have."
            )
            self.findings.error(
                rules.TOO_MANY_STATES, states[MOST_STATES].tree.name.span, message, "one state too many"
            )

    def _done(self) -> dict[str, Activity]:
        """The flows that this one does, as activities, which their names count as from now on."""
        found: dict[str, Activity] = {}
        for call in self.nodes.calls:
            name = call.activity
            if call.named is None or name.text in found or not self.names.find(name, Kind.FLOW):
                continue
            activity = self.flows.activity(self.names, name.text)
            label = Label(self.names.place(Kind.FLOW, name.text), "the flow")
            if isinstance(activity, str):
                message = f"`{name.text}` {activity.partition(';')[0]}."
                note = activity.partition("; ")[2].capitalize()
                self.findings.error(
                    rules.SUB_FLOW, name.span, message, "cannot be done", others=(label,), note=note and f"{note}."
                )
                continue
            if way := self.flows.circle(self.names, name.text):
                message = f"`{name.text}` would do itself through others: {' -> '.join(f'`{each}`' for each in way)}."
                self.findings.error(rules.SUB_FLOW, name.span, message, "does itself", others=(label,))
            if isinstance(activity.result, RecordType) and self.names.has(Kind.TYPE, activity.result.name):
                message = f"What `{name.text}` answers is called `{activity.result.name}`, which is another type here."
                self.findings.error(rules.DUPLICATE_NAME, name.span, message, "takes a name", others=(label,))
            elif isinstance(activity.result, RecordType):
                self.types.know(activity.result, name.span)
            self.names.lend(name, Kind.FLOW, Kind.ACTIVITY, Kind.COMPENSATION)
            found[name.text] = activity
        return found

    def _outputs(self) -> tuple[Variable, ...]:
        said = self.findings.only(self._all(syntax.Output), f"The output of `{self.tree.name.text}` is said")
        found: dict[str, Variable] = {}
        for name in said.names if said else ():
            if name.text in found:
                self.names.already(name, "is already among the outputs", found[name.text].span)
            elif self.names.find(name, Kind.INPUT, Kind.DATA):
                type_ = self.known.variables[name.text][1]
                found[name.text] = Variable(name.text, type_, None, "", name.span)
        return tuple(found.values())

    def _vocabulary(self) -> Vocabulary:
        """What each name carries: the types of variables, payloads, forms and calls."""
        types = self.types
        types.declare(each for each in self.tree.members if isinstance(each, syntax.Declaration))
        variables: dict[str, tuple[RefKind, Type]] = {}
        for each in self.tree.members:
            if isinstance(each, syntax.Input | syntax.Data):
                kind = RefKind.INPUT if isinstance(each, syntax.Input) else RefKind.DATA
                for field in each.fields:
                    variables.setdefault(field.name.text, (kind, types.resolve(field.type, field.name.text)))
        events = {
            each.name.text: types.parameters(each.params, each.name.text) for each in self._all(syntax.EventDeclaration)
        }
        ours = {each.name.text: signature(each, types) for each in self._all(syntax.ActivityDeclaration)}
        flows = {
            name: Signature(each.params, each.result, tuple(f.name for f in each.fails), True, flow=True)
            for name, each in self.done.items()
        }
        activities = {**self.shared.signatures, **ours, **flows}
        tasks: dict[str, tuple[Parameter, ...]] = {}
        owners: dict[str, str] = {}
        for block in self.nodes.blocks:
            for task in block.tree.members:
                if isinstance(task, syntax.Task):
                    forms = (each for each in task.clauses if isinstance(each, syntax.Form))
                    tasks[task.name.text] = types.parameters((f for form in forms for f in form.fields), task.name.text)
                    owners.setdefault(task.name.text, block.path)
        messages: dict[str, tuple[Parameter, ...]] = {}
        for each in self._all(syntax.Emits):
            messages.setdefault(each.name.text, types.parameters(each.params, each.name.text))
        return Vocabulary(variables, events, tasks, owners, activities, messages, self.heard)

    def hearings(self) -> Mapping[str, Hearing]:
        """The events as other flows see them."""
        return {
            each.name.text: Hearing(self.known.events[each.name.text], bool(each.roles), each.name.span)
            for each in self._all(syntax.EventDeclaration)
        }

    # ------------------------------------------------------------ then what uses them

    def _input(self, field: syntax.Field) -> Variable:
        if field.initial is not None:
            message = f"`{field.name.text}` is given at the start, so it has no initial value."
            note = "What has a value of its own belongs into `data`."
            self.findings.error(rules.CONTRADICTION, field.initial.span, message, "has an initial value", note=note)
        return Variable(field.name.text, self.known.variables[field.name.text][1], None, field.doc, field.name.span)

    def _data(self, field: syntax.Field) -> Variable:
        name, type_ = field.name, self.known.variables[field.name.text][1]
        if field.initial is not None:
            initial = constant(field.initial, type_, self.typing, Scope(self.known.variables))
        elif isinstance(type_, OptionalType):
            initial = self.typing.conversions.fit(Literal(None, NoneType(), field.span), type_)
        else:
            initial = Literal(None, BROKEN, field.span)
            if type_ != BROKEN:
                message = f"`{name.text}` needs an initial value, as in `{name.text}: {type_} = ..`."
                note = f"With the type `{type_}?` it would start as `none`."
                self.findings.error(rules.MISSING_PART, name.span, message, "starts as what?", note=note)
        return Variable(name.text, type_, initial, field.doc, name.span)

    def _event(self, tree: syntax.EventDeclaration) -> Event:
        for role in tree.roles:
            self.names.find(role, Kind.ROLE)
        self.findings.once(tree.roles, f"among those who may send `{tree.name.text}`")
        roles = tuple(dict.fromkeys(role.text for role in tree.roles))
        most = self._most(tree.name.text)
        return Event(tree.name.text, self.known.events[tree.name.text], roles, tree.doc, tree.name.span, most)

    def _most(self, event: str) -> int:
        """How many of an event wait: as every `defer` that says so says alike."""
        said = self.defers.get(event, [])
        for each in said:
            if each.most != said[0].most:
                message = f"How many of `{event}` wait is the same everywhere, but here it is another number."
                label = Label(said[0].span, "first said here")
                self.findings.error(rules.CONTRADICTION, each.span, message, "another number", others=(label,))
            elif each.most == 0:
                message = "At most none may wait: then it is not deferred at all."
                self.findings.error(rules.OUT_OF_RANGE, each.span, message, "below 1")
        return next((each.most for each in said if each.most is not None), MOST_DEFERRED)

    def _defers(self) -> Mapping[str, list[syntax.Defer]]:
        """By the event, every `defer` that says how many of it wait, in the order of the text."""
        found: dict[str, list[syntax.Defer]] = {}
        written = (each for block in self.nodes.blocks for each in block.tree.members if isinstance(each, syntax.Defer))
        for each in sorted(written, key=lambda defer: defer.span.start):
            for name in dict.fromkeys(name.text for name in each.names if each.most is not None):
                found.setdefault(name, []).append(each)
        return found

    def _message(self, tree: syntax.Emits) -> Message:
        return Message(tree.name.text, self.known.messages[tree.name.text], tree.doc, tree.name.span)

    def _start(self, behaviour: Behaviour) -> Start | None:
        name = self.tree.name
        start = self.findings.only(self._all(syntax.Start), f"`{name.text}` starts in one place, but `start` is said")
        if start is None and self.names.complete:
            message = f"`{name.text}` does not say where it starts."
            note = "Write `start -> S`, with S its first state."
            self.findings.error(rules.MISSING_PART, name.span, message, "no `start`", note=note)
        return behaviour.start(start, "") if start else None
