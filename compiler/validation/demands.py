"""What a kernel demands of each function of its module: a place and a trigger in, how the function has to end out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ...dsl.model import (
    Activity,
    ActivityCall,
    Assign,
    Compensation,
    DurationType,
    EnumType,
    Expr,
    InstantType,
    InState,
    Parameter,
    Send,
    Task,
    Type,
    Update,
)
from ...dsl.source import Span
from ...dsl.walk import nodes
from ..checks.symbols import Symbol
from ..codegen.names import Names
from ..kernel import Branch, Choice, Command, Goto, Kernel, Leaf, On, Place, Stay, Target, Timer, TriggerKind, Undo
from . import situation as situations
from . import vocabulary
from .logic import Logic
from .meaning import Meaning, Seen
from .situation import Signature, Situation
from .texts import written
from .things import CHOICES, NONE, STATES, Known, Made, Mapped, Plain, Several, Shown, Thing


class Kind(Enum):
    """Of a function: what it is called with, and what it gives."""

    ANSWER = "answer"
    BRANCH = "branch"
    WAY = "way"
    ENTRY = "arrival"
    MOMENT = "moment"
    UNDO = "undo"
    PROMISE = "promise"
    PROMPT = "prompt answer"


@dataclass(frozen=True, eq=False)
class Demand:
    """A function that has to be there. what: whom it answers, in words; tell: how it has to end."""

    kind: Kind
    what: str
    span: Span
    signature: Signature
    tell: Callable[[Meaning, Situation], None]

    @property
    def movable(self) -> bool:
        """Whether a move may stand for it, which leaves the data as they are."""
        return self.kind in (Kind.ANSWER, Kind.WAY)


class Demands:
    """Of one kernel. path: how the module calls its spec."""

    def __init__(self, logic: Logic, kernel: Kernel, names: Names, path: str) -> None:
        self.logic = logic
        self.kernel = kernel
        self.names = names
        self.source = kernel.source.called(path)
        places = [place.name for place in sorted(kernel.place.values(), key=lambda p: p.span.start) if place.name]
        self.states = EnumType(STATES, tuple(places))
        self.choices = EnumType(CHOICES, tuple(choice.name for choice in kernel.choices))
        guards = [c.guard for c in kernel.commands] + [b.guard for c in kernel.choices for b in c.branches]
        self.located = any(isinstance(node, InState) for node in nodes(tuple(guards)))

    def place(self, span: Span) -> str:
        return self.source.place(span)

    def text(self, text: str) -> Plain:
        return self.logic.words(text)

    def texts(self, texts: Sequence[str]) -> Several:
        return Several(tuple(map(self.text, texts)))

    # ------------------------------------------------------------ where to go

    def node(self, name: str) -> Plain:
        """A place or a choice."""
        of = self.choices if name in self.kernel.choice else self.states
        return Plain(of, Symbol(of.members.index(name)))

    def calm(self, name: str) -> bool:
        """Whether entering a place is nothing but to be there, so that the runtime may be spared the work: nothing
        begins there, nobody asks when or whether it was entered, and no place is in another."""
        kernel, leaf = self.kernel, self.kernel.leaf.get(name)
        asked = kernel.savepoints | kernel.resumed | kernel.counted
        if leaf is None or leaf.kind != "state" or len(kernel.scopes) > 1 or name in asked:
            return False
        return leaf.call is None and not leaf.tasks and not leaf.timers

    def move(self, target: Target) -> Made:
        match target:
            case Goto(node, resume):
                at = Several((self.node(node),) if self.calm(node) and not resume else ())
                return made("rules.Goto", self.node(node), self.logic.truth(resume), at)
            case Undo(since, node):
                return made("rules.Undo", self.node(node), NONE if since is None else self.node(since))
            case Stay():
                return made("rules.Stay")

    # ------------------------------------------------------------ answers

    def answer(self, place: Place, on: On) -> Demand:
        """What a place says to a trigger for which commands are written there."""
        commands = self.kernel.answering[place.name, on]
        signature = Signature(situations.of(commands[0].params), located=self.located)

        def tell(meaning: Meaning, at: Situation) -> None:
            trail = meaning.trail
            held = [
                (c, True if c.guard is None else meaning.condition(c.guard, self.seen(at, c.params)))
                for c in commands
                if not c.otherwise
            ]
            for command, guard in [*held, *((c, True) for c in commands if c.otherwise)]:
                with trail.under(guard):
                    self.take(meaning, at, command, command.params)
            quiet = "IGNORE" if on.name in place.ignores else "DEFER" if on.name in place.defers else ""
            said = quiet and on.kind is TriggerKind.EVENT
            trail.end(True, Known("runtime", f"rules.{quiet}") if said else NONE)

        return Demand(Kind.ANSWER, f"`{on.name}` in {place.name}", commands[0].span, signature, tell)

    def prompt(self, place: Place, on: On) -> Demand:
        """That what a place says to an event always moves it."""
        return replace(self.answer(place, on), kind=Kind.PROMPT)

    def seen(self, at: Situation, params: Sequence[Parameter] = (), data: Mapping[str, Thing] | None = None) -> Seen:
        values = [value for _, value in at.payload]
        given = dict(zip((param.name for param in params), values, strict=True)) if params else {}
        result = NONE if at.result is None else at.result
        return Seen(at.inputs, at.data if data is None else data, at.now, given, result, at.active)

    def take(
        self, meaning: Meaning, at: Situation, command: Command | Branch, params: Sequence[Parameter] = ()
    ) -> None:
        """A command or a branch is taken: its updates in order, then its target."""
        data: dict[str, Thing] = dict(at.data)
        messages: list[Thing] = []
        for update in command.updates:
            seen = self.seen(at, params, dict(data))
            if isinstance(update, Assign):
                type = self.kernel.variable[update.name].type
                data[update.name] = meaning.stored(update.value, type, update.span, seen)
            else:
                messages.append(self.message(meaning, update, seen))
        move: Thing = self.move(command.target)
        if messages:
            move = made("rules.Say", move, Several(tuple(messages)))
        meaning.trail.where = command.span.start
        meaning.trail.end(True, Several((self.record(data), move)))

    def record(self, data: Mapping[str, Thing]) -> Made:
        names = tuple(self.names.variable[each.name] for each in self.kernel.data)
        return Made(self.names.data, tuple(data[each.name] for each in self.kernel.data), names)

    def message(self, meaning: Meaning, update: Update, seen: Seen) -> Made:
        assert not isinstance(update, Assign), "a message is none"
        carried = self.kernel.carried(update)
        values = tuple(meaning.stored(arg, type, arg.span, seen) for arg, type in carried)
        if isinstance(update, Send):
            *payload, key = values
            texts = (self.text(update.flow), self.text(update.event))
            return made("core.SendEvent", *texts, Several(tuple(payload)), key)
        return made("core.EmitEvent", self.text(update.message), Several(values))

    # ------------------------------------------------------------ ways and branches

    def way(self, what: str, command: Command | Branch) -> Demand:
        """Where something leads that has neither payload nor guard."""

        def tell(meaning: Meaning, at: Situation) -> None:
            self.take(meaning, at, command)

        return Demand(Kind.WAY, what, command.span, Signature(), tell)

    def branch(self, choice: Choice) -> Demand:
        def tell(meaning: Meaning, at: Situation) -> None:
            for branch in sorted(choice.branches, key=lambda branch: branch.guard is None):
                seen = self.seen(at)
                taken = True if branch.guard is None else meaning.condition(branch.guard, seen)
                with meaning.trail.under(taken):
                    self.take(meaning, at, branch)
                meaning.trail.path = meaning.logic.all(meaning.trail.path, meaning.logic.no(taken))
            meaning.trail.end(True, NONE)

        return Demand(Kind.BRANCH, f"choice {choice.name}", choice.span, Signature(located=self.located), tell)

    # ------------------------------------------------------------ entering

    def entry(self, place: Place) -> Demand | None:
        """What entering a place begins; None: nothing."""
        call = place.call if isinstance(place, Leaf) else None
        if not place.timers and not place.tasks and call is None:
            return None

        def tell(meaning: Meaning, at: Situation) -> None:
            seen = self.seen(at)
            timers = Several(tuple(self.armed(meaning, timer, seen) for timer in place.timers))
            tasks = Several(tuple(self.opened(meaning, task, seen) for task in place.tasks))
            begun = NONE if call is None else self.called(meaning, call, seen)
            meaning.trail.where = place.span.start
            meaning.trail.end(True, made("rules.Arrival", timers, tasks, begun))

        return Demand(Kind.ENTRY, f"entry to {place.name}", place.span, Signature(), tell)

    def armed(self, meaning: Meaning, timer: Timer, seen: Seen) -> Made:
        if timer.since is None:
            return made("core.ArmTimer", self.text(timer.id), self.due(meaning, timer, seen))
        assert timer.after is not None, "only durations are counted since"
        return made("rules.Since", self.text(timer.id), meaning.value(timer.after, seen), self.node(timer.since))

    def due(self, meaning: Meaning, timer: Timer, seen: Seen) -> Thing:
        """When a timer fires that is armed now."""
        moment = timer.at if timer.after is None else timer.after
        assert moment is not None, "a timer has an `after` or an `at`"
        value = meaning.value(moment, seen)
        return self.later(meaning, value, seen) if isinstance(moment.type, DurationType) else value

    def later(self, meaning: Meaning, after: Thing, seen: Seen) -> Plain:
        assert isinstance(after, Plain) and isinstance(seen.now, Plain), "both are plain"
        return meaning.trail.summed(seen.now.symbol.term + after.symbol.term, InstantType())

    def opened(self, meaning: Meaning, task: Task, seen: Seen) -> Made:
        title = self.title(meaning, task.title, seen)
        due = NONE if task.due is None else self.later(meaning, self.logic.plain(task.due, DurationType()), seen)
        person: Thing = self.text("")
        if task.person is not None:
            person = meaning.value(task.person, seen)
            assert isinstance(person, Plain), "typecheck lets a text only name a person"
            meaning.fault(person.symbol.term == 0, "F502", task.person.span)
        doer = self.text(task.doer or "")
        names = self.text(task.name), self.texts(task.roles)
        return made("rules.NewTask", *names, title, due, self.texts(task.excluded), person, doer)

    def title(self, meaning: Meaning, parts: Sequence[str | Expr], seen: Seen) -> Thing:
        shown = [part if isinstance(part, str) else Shown("shown", meaning.value(part, seen)) for part in parts]
        return written(self.logic, shown)

    def called(self, meaning: Meaning, call: ActivityCall, seen: Seen) -> Thing:
        params = self.kernel.activity[call.activity].params
        if call.each is None:
            return made("rules.NewCall", self.text(call.activity), self.arguments(meaning, call.args, params, seen))
        items = meaning.value(call.each.items, seen)
        many = meaning.logic.count(items) > call.each.most
        meaning.fault(many, "F401", call.each.items.span)
        return made("rules.NewCalls", self.text(call.activity), self.each(meaning, call, items, seen))

    def each(self, meaning: Meaning, call: ActivityCall, items: Thing, seen: Seen) -> Thing:
        """The arguments of the call for each item."""
        params, each = self.kernel.activity[call.activity].params, call.each
        assert each is not None, "it is for each"

        def called(inner: Meaning, item: Thing) -> Several:
            return self.arguments(inner, call.args, params, situated(seen, each.param.name, item))

        parts = meaning.logic.parts(items)
        assert parts is not None, "typecheck lets calls go through lists only"
        if (known := meaning.logic.expanded(parts)) is not None:
            return Several(tuple(called(meaning, item) for item in known))
        whole = meaning.logic.list_of(parts)
        assert whole is not None, "a list has items of one type"
        item = meaning.logic.item_of(whole)
        inner = meaning.apart()
        inner.trail.where = call.span.start
        inner.trail.end(True, called(inner, item))
        return Mapped(items, item, tuple(inner.trail.events))

    def arguments(self, meaning: Meaning, args: Sequence[Expr], params: Sequence[Parameter], seen: Seen) -> Several:
        pairs = zip(args, params, strict=True)
        return Several(tuple(meaning.stored(arg, param.type, arg.span, seen) for arg, param in pairs))

    # ------------------------------------------------------------ the rest

    def deadline(self, timer: Timer) -> Demand:
        def tell(meaning: Meaning, at: Situation) -> None:
            due = self.due(meaning, timer, self.seen(at))
            meaning.trail.where = timer.span.start
            meaning.trail.end(True, due)

        return Demand(Kind.MOMENT, "the deadline", timer.span, Signature(), tell)

    def undo(self, activity: Activity, compensation: Compensation) -> Demand:
        """What the compensation of an activity is called with."""
        result: Type | None = None if activity.result is None else situations.optional(activity.result)
        signature = Signature(situations.of(activity.params), result)

        def tell(meaning: Meaning, at: Situation) -> None:
            seen = self.seen(at, activity.params, {})
            values = self.arguments(meaning, compensation.values, compensation.args, seen)
            meaning.trail.where = compensation.span.start
            meaning.trail.end(True, values)

        return Demand(Kind.UNDO, f"what undoes {activity.name}", compensation.span, signature, tell)

    def promise(self, activity: Activity) -> Demand:
        """What an activity ensures of its result."""
        signature = Signature(situations.of(activity.params), activity.result)

        def tell(meaning: Meaning, at: Situation) -> None:
            seen = self.seen(at, activity.params, {})
            logic, path = meaning.logic, meaning.trail.path
            whole = logic.truth(True)
            for condition in activity.ensures:
                meaning.trail.path = logic.all(path, whole.symbol.term)
                whole = logic.truth(logic.all(whole.symbol.term, meaning.condition(condition, seen)))
            meaning.trail.path = path
            meaning.trail.where = activity.ensures[0].span.start
            meaning.trail.end(True, whole)

        return Demand(Kind.PROMISE, f"what {activity.name} ensures", activity.ensures[0].span, signature, tell)


def made(of: str, *fields: Thing) -> Made:
    """What something of the runtime is made of."""
    names = tuple(name for name, _ in vocabulary.parameters(vocabulary.MAKES[of]))
    assert len(names) == len(fields), "every field is said"
    return Made(of, fields, names)


def situated(seen: Seen, name: str, item: Thing) -> Seen:
    """With a name for an item of a list."""
    return Seen(seen.inputs, seen.data, seen.now, {**seen.params, name: item}, seen.result, seen.active)
