"""One function of a module against what is demanded of it: proved alike, refuted with a witness, or open."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...dsl.model import BoolType, ListType, Value
from ...dsl.source import Span
from ..checks.solver import Reply, Solver, Term, declared
from ..checks.symbols import Symbol
from .classes import annotation
from .compare import Meeting
from .demands import Demand, Demands, Kind
from .errors import Refused
from .findings import DECLARES, FOREIGN, OTHERWISE, Finding, Open, Witness
from .identity import Identity
from .meaning import Meaning
from .python import events
from .shows import ended, shown
from .situation import Signature, Situation, bounds, known, unknown
from .things import NONE, STATES, Active, Crash, End, Event, Fault, Known, Made, Several, Thing
from .trail import Trail
from .world import World

RETURNS: Mapping[Kind, str] = {
    Kind.ANSWER: "_Answer",
    Kind.BRANCH: "_Moved | None",
    Kind.WAY: "_Moved",
    Kind.ENTRY: "rules.Arrival",
    Kind.MOMENT: "datetime",
    Kind.UNDO: "tuple[object, ...]",
    Kind.PROMISE: "bool",
    Kind.PROMPT: "_Moved",
}


class Doubtful(Exception):
    """What was found to differ does not differ when it is looked at; the text says why."""


@dataclass(frozen=True)
class Functions:
    """Compares them. functions: of the module, by name; situations: the calls that were looked at."""

    demands: Demands
    world: World
    solver: Solver
    functions: Mapping[str, ast.FunctionDef]
    situations: dict[Signature, Situation] = field(default_factory=dict[Signature, Situation])

    @property
    def logic(self) -> Identity:
        return self.world.logic

    # ------------------------------------------------------------ one function

    def check(self, meeting: Meeting) -> Finding | Open | None:
        """None: proved."""
        demand, line = meeting.demand, meeting.line
        if demand.kind is Kind.PROMPT:
            return self._prompt(meeting)
        node = self._function(meeting.found)
        if node is None and not (demand.movable and isinstance(meeting.found, Made | Known)):
            what = f"{demand.what}: {shown(self.logic, meeting.found)} is no function"
            return Finding(DECLARES, line, what, demand.span)
        if node is not None and (wrong := self._declared(node, demand)):
            return Finding(DECLARES, node.lineno, wrong, demand.span)
        situation = self._situation(demand.signature)
        try:
            found = self._found(meeting, node, situation)
        except Refused as refused:
            return Finding(FOREIGN, refused.line, f"{demand.what}: {refused.why}", demand.span)
        wanted = self._wanted(demand, situation)
        differ = self.logic.no(self.logic.end_alike(found, wanted))
        if differ is False:
            return None
        reply = self._ask(situation, differ)
        if reply.impossible:
            return None
        if reply.unknown:
            return Open(node.lineno if node else line, demand.what, f"Z3 does not know: {reply.unknown}")
        try:
            return self._refuted(meeting, node, situation, self._fuller(situation, differ, reply), differ)
        except Doubtful as doubt:
            return Open(node.lineno if node else line, demand.what, str(doubt))

    def _prompt(self, meeting: Meeting) -> Finding | Open | None:
        """That an answer always moves, as the flow has it; that the function does what the flow says is looked at by
        itself."""
        demand = meeting.demand
        situation = self._situation(demand.signature)
        wanted = self.logic.first(self._wanted(demand, situation))
        still = self.logic.any(*(condition for condition, event in wanted if not _moves(event.end)))
        reply = Reply() if still is False else self._ask(situation, still)
        if reply.impossible:
            return None
        if reply.unknown:
            return Open(meeting.line, demand.what, f"Z3 does not know: {reply.unknown}")
        return Finding(DECLARES, meeting.line, f"{demand.what} does not always lead on", demand.span)

    def _situation(self, signature: Signature) -> Situation:
        """Any call; those with the same arguments are the same unknowns, as each question is put by itself."""
        if signature not in self.situations:
            self.situations[signature] = unknown(self.logic, self.demands.kernel, signature, self.situations)
        return self.situations[signature]

    def _function(self, found: Thing) -> ast.FunctionDef | None:
        return self.functions.get(found.name) if isinstance(found, Known) and found.kind == "function" else None

    def _ask(self, situation: Situation, *terms: Term) -> Reply:
        within = bounds(self.logic, self.demands.kernel, situation)
        self.solver.assume(self.logic.axioms)
        reply = self.solver.ask(*within, *terms)
        if reply.impossible and terms:  # which must not be because there is no such call at all
            assert not self._ask(situation).impossible, "every type of a flow has values"
        return reply

    def _fuller(self, situation: Situation, differ: Term, reply: Reply) -> Reply:
        """Values that show it at an item of a list, if it is about one: the first."""
        logic = self.logic
        held: list[Term] = []
        for plain in situation.named().values():
            type, items = plain.type, plain.symbol.items
            if isinstance(type, ListType) and items is not None and repr(type.item) in logic.items:
                held += [plain.symbol.term >= 1, logic.same(items.slot(0), logic.items[repr(type.item)].symbol)]
        more = self._ask(situation, differ, *held) if held else reply
        return reply if more.model is None else more

    # ------------------------------------------------------------ both sides

    def _declared(self, node: ast.FunctionDef, demand: Demand) -> str:
        """What is wrong with how a function is declared."""
        wanted = self._types(demand)
        names = [arg.arg for arg in node.args.args]
        if len(names) != len(wanted):
            return f"`{node.name}` takes {len(names)} arguments; {demand.what} brings {len(wanted)}"
        params = ", ".join(f"{name}: {type}" for name, type in zip(names, wanted, strict=True))
        narrow = demand.kind is Kind.ANSWER and node.returns is not None and ast.unparse(node.returns) == "_Moved"
        text = f"def {node.name}({params}) -> {'_Moved' if narrow else RETURNS[demand.kind]}: ..."
        like = ast.parse(text).body[0]
        assert isinstance(like, ast.FunctionDef) and like.returns is not None, "it is written as one"
        same = node.returns is not None and ast.dump(node.returns) == ast.dump(like.returns)
        if not same or ast.dump(node.args) != ast.dump(like.args) or node.decorator_list:
            return f"`{node.name}` should be declared as `{text[:-5]}`"
        return ""

    def _types(self, demand: Demand) -> list[str]:
        names, signature = self.demands.names, demand.signature
        payload = [annotation(type, names) for _, type in signature.payload]
        result = "None" if signature.result is None else annotation(signature.result, names)
        match demand.kind:
            case Kind.UNDO:
                return [names.inputs, result, *payload]
            case Kind.PROMISE:
                return [result, *payload]
            case _:
                located = [f"frozenset[{names.states}]"] if signature.located else []
                return [names.inputs, names.data, "datetime", *located, *payload]

    def _given(self, demand: Demand, situation: Situation) -> list[Thing]:
        """The arguments."""
        payload = [plain for _, plain in situation.payload]
        inputs = self._record(self.demands.names.inputs, list(situation.inputs.values()))
        result: Thing = situation.result if situation.result is not None else NONE
        match demand.kind:
            case Kind.UNDO:
                return [inputs, result, *payload]
            case Kind.PROMISE:
                return [result, *payload]
            case _:
                members = self.demands.states.members
                places = {members.index(name): there for name, there in situation.active.items()}
                located: list[Thing] = [Active(STATES, places)] if demand.signature.located else []
                return [inputs, self._data(situation), situation.now, *located, *payload]

    def _data(self, situation: Situation) -> Made:
        return self._record(self.demands.names.data, list(situation.data.values()))

    def _record(self, cls: str, fields: Sequence[Thing]) -> Made:
        return Made(cls, tuple(fields), tuple(name for name, _ in self.world.classes[cls]))

    def _found(self, meeting: Meeting, node: ast.FunctionDef | None, situation: Situation) -> Sequence[Event]:
        """How what the module has ends. Raises Refused."""
        if node is not None:
            given = self._given(meeting.demand, situation)
            return events(self.world, node, dict(zip((arg.arg for arg in node.args.args), given, strict=True)))
        found = meeting.found
        if isinstance(found, Known):
            return [Event(True, found, meeting.line)]
        return [Event(True, Several((self._data(situation), found)), meeting.line)]

    def _wanted(self, demand: Demand, situation: Situation) -> Sequence[Event]:
        meaning = Meaning(Trail(self.logic), self.demands.place)
        demand.tell(meaning, situation)
        return meaning.trail.events

    # ------------------------------------------------------------ a witness

    def _refuted(
        self, meeting: Meeting, node: ast.FunctionDef | None, situation: Situation, reply: Reply, differ: Term
    ) -> Finding:
        """Both sides with the values of a model. Raises Doubtful if they do not differ."""
        logic, demand = self.logic, meeting.demand
        values: dict[str, Value] = {
            name: logic.read(reply.model, plain.symbol, plain.type) for name, plain in situation.named().items()
        }
        active = {
            name: bool(logic.read(reply.model, Symbol(there), BoolType())) for name, there in situation.active.items()
        }
        given = known(logic, self.demands.kernel, demand.signature, values, active)
        found = self._first(self._found(meeting, node, given))
        wanted = self._first(self._wanted(demand, given))
        if logic.same_end(found.end, wanted.end) is not False:
            raise Doubtful("it may differ, but not for the values that Z3 names")
        witness = Witness(
            self._told(given, active, differ),
            ended(logic, wanted.end),
            ended(logic, found.end),
            values,
            tuple(name for name, there in active.items() if there),
        )
        span = Span(wanted.where, wanted.where + 1) if wanted.where else demand.span
        what = f"{demand.what} does not do what the flow says"
        if isinstance(found.end, Crash):
            what = f"{demand.what} raises {found.end.error}"
        return Finding(OTHERWISE, found.where, what, span, witness, node.name if node else "")

    def _first(self, events: Sequence[Event]) -> Event:
        """How it ends, where everything is known. Raises Doubtful where something is not."""
        for event in events:
            if not isinstance(event.condition, bool):
                raise Doubtful("what it does with the values that Z3 names is not known")
            if event.condition:
                return event
        raise AssertionError("every evaluation ends")

    def _told(self, given: Situation, active: Mapping[str, bool], differ: Term) -> tuple[tuple[str, str], ...]:
        """The values that matter."""
        spoken = " ".join(declared([differ]))
        values = [
            (name, shown(self.logic, replace(plain))) for name, plain in given.named().items() if f"{name}." in spoken
        ]
        places = [name for name, there in active.items() if there]
        return (*values, *((("places", ", ".join(places)),) if places and "in " in spoken else ()))


def _moves(end: End) -> bool:
    """Whether an answer is data and a move; a Fault is one on both ways."""
    return isinstance(end, Several | Fault)
