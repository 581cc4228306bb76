"""Random small flows: a seeded generator in, the text of one well-typed and often unsound flow out.

Every domain is small (bool, `int 0..2`, `int 0..3`, an enum of three, optionals of them) and every duration a few
seconds, so that a flow's whole state space can be enumerated (`brute_force`). Shared by the comparison of the checker
with brute force and of the generated code with the reference interpreter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

SCALARS = ("bool", "int 0..2", "int 0..3", "Color")
COLORS = ("red", "green", "blue")


@dataclass(frozen=True)
class Name:
    """A variable or payload field and its type as written (`int 0..2`, `Color?`)."""

    name: str
    type: str

    @property
    def scalar(self) -> str:
        return self.type.rstrip("?")

    @property
    def optional(self) -> bool:
        return self.type.endswith("?")


@dataclass(frozen=True)
class Call:
    name: str
    params: tuple[Name, ...]
    result: str | None
    errors: tuple[str, ...]
    park: bool


@dataclass(frozen=True)
class Message:
    name: str
    fields: tuple[Name, ...]


@dataclass
class Draft:
    rng: Random
    inputs: list[Name] = field(default_factory=list[Name])
    data: list[Name] = field(default_factory=list[Name])
    calls: list[Call] = field(default_factory=list[Call])
    events: list[Message] = field(default_factory=list[Message])
    states: list[str] = field(default_factory=list[str])
    choices: list[str] = field(default_factory=list[str])
    finals: list[str] = field(default_factory=list[str])
    here: int = -1  # the state being written

    # ------------------------------------------------------------ expressions

    def constant(self, scalar: str) -> str:
        if scalar == "bool":
            return self.rng.choice(("true", "false"))
        if scalar == "Color":
            return self.rng.choice(COLORS)
        return str(self.rng.randint(0, int(scalar[-1])))

    def value(self, type: str, scope: list[Name]) -> str:
        """An expression that can be assigned to `type`; sometimes out of range, sometimes a read of none."""
        rng = self.rng
        scalar = type.rstrip("?")
        if type.endswith("?") and rng.random() < 0.35:
            return "none"
        same = [n for n in scope if n.scalar.split()[0] == scalar.split()[0]]
        same = [n for n in same if not n.optional or type.endswith("?") or rng.random() < 0.3]
        if same and rng.random() < 0.6:
            name = rng.choice(same)
            if scalar.startswith("int") and not name.optional:
                if rng.random() < 0.5:
                    return f"{name.name} {rng.choice('+-')} 1"
                if rng.random() < 0.1:
                    return f"{name.name} / {rng.choice([n for n in same if not n.optional] or [name]).name}"
            return name.name
        return self.constant(scalar)

    def atom(self, scope: list[Name]) -> str:
        rng = self.rng
        if not scope:
            return rng.choice(("true", "false"))
        name = rng.choice(scope)
        if name.optional and rng.random() < 0.7:
            return f"{name.name} is {rng.choice(('some', 'none'))}"
        test = self._comparison(name, scope)
        if name.optional and rng.random() < 0.8:
            return f"({name.name} is some and {test})"
        return test

    def _comparison(self, name: Name, scope: list[Name]) -> str:
        rng = self.rng
        if name.scalar == "bool":
            return name.name if rng.random() < 0.6 or name.optional else f"not {name.name}"
        if name.scalar == "Color":
            if rng.random() < 0.3:
                return f"{name.name} in {{{', '.join(rng.sample(COLORS, 2))}}}"
            return f"{name.name} {rng.choice(('==', '!='))} {rng.choice(COLORS)}"
        others = [n for n in scope if n.scalar.startswith("int") and not n.optional and n != name]
        op = rng.choice(("==", "!=", "<", "<=", ">", ">="))
        if others and rng.random() < 0.3:
            other = rng.choice(others)
            return (
                f"{name.name} + {other.name} {op} {rng.randint(0, 4)}"
                if rng.random() < 0.4
                else f"{name.name} {op} {other.name}"
            )
        return f"{name.name} {op} {rng.randint(0, 3)}"

    def guard(self, scope: list[Name]) -> str:
        rng = self.rng
        roll = rng.random()
        if roll < 0.65:
            return self.atom(scope)
        if roll < 0.95:
            return f"{self.atom(scope)} {rng.choice(('and', 'or', 'implies'))} {self.atom(scope)}"
        return f"not ({self.atom(scope)})"

    # ------------------------------------------------------------ behaviour

    def updates(self, scope: list[Name]) -> str:
        rng = self.rng
        if not self.data or rng.random() < 0.55:
            return ""
        chosen = rng.sample(self.data, rng.randint(1, min(2, len(self.data))))
        return " { " + ", ".join(f"{v.name} = {self.value(v.type, scope)}" for v in chosen) + " }"

    def node(self) -> str:
        """Mostly onward, so that most states can be reached and most runs come to an end."""
        rng = self.rng
        later = self.states[self.here + 1 :]
        if later and rng.random() < 0.5:
            return rng.choice(later)
        return rng.choice(self.states * 2 + self.choices * 2 + self.finals * 3)

    def target(self, stay: bool = True) -> str:
        rng = self.rng
        roll = rng.random()
        if stay and roll < 0.12:
            return "stay"
        if roll < 0.32:
            since = f" since {rng.choice(self.states)}" if rng.random() < 0.2 else ""
            failures = [f for f in self.finals if f.startswith("Bad")] or self.finals
            return f"-> compensate{since} -> {rng.choice(failures) if rng.random() < 0.7 else self.node()}"
        return f"-> {self.node()}"

    def handlers(self, head: str, fields: tuple[Name, ...], scope: list[Name]) -> list[str]:
        """One handler, or two or three guarded ones (exhaustive by `else`, by complement, or not at all)."""
        rng = self.rng
        inner = [*scope, *fields]
        binds = f"({', '.join(f.name for f in fields)})" if fields else ""
        roll = rng.random()
        if roll < 0.6:
            return [f"on {head}{binds}{self.updates(inner)} {self.target()}"]
        guard = self.guard(inner)
        first = f"on {head}{binds} when {guard}{self.updates(inner)} {self.target()}"
        if roll < 0.75:
            return [first, f"on {head}{binds} when not ({guard}){self.updates(inner)} {self.target()}"]
        if roll < 0.9:
            return [first, f"on {head} else{self.updates(scope)} {self.target()}"]
        if roll < 0.95:
            return [first, f"on {head}{binds} when {self.guard(inner)}{self.updates(inner)} {self.target()}"]
        return [first]

    def outcome_handlers(self, call: Call, scope: list[Name]) -> list[str]:
        rng = self.rng
        result = (Name("res", call.result),) if call.result else ()
        lines = self.handlers("done", result, scope) if rng.random() < 0.97 else []
        open_outcomes = [*call.errors, *(() if call.park else ("timeout", "failed"))]
        for outcome in list(open_outcomes):
            if outcome != "failed" and rng.random() < 0.4:
                lines += self.handlers(outcome, (), scope)
                open_outcomes.remove(outcome)
        if open_outcomes and not call.park and rng.random() < 0.95:
            lines += self.handlers("failed", (), scope)
        elif open_outcomes and call.park:
            for outcome in open_outcomes:
                if rng.random() < 0.9:
                    lines += self.handlers(outcome, (), scope)
        return lines

    def state(self, name: str) -> str:
        self.here = self.states.index(name)
        body = "\n    ".join(self.inside(name))
        return f"  state {name} {{\n    {body}\n  }}\n"

    def inside(self, name: str) -> list[str]:
        """The lines of a state that has no states in it."""
        rng = self.rng
        scope = [*self.inputs, *self.data]
        lines: list[str] = []
        call = rng.choice(self.calls) if self.calls and rng.random() < 0.55 else None
        if call:
            args = ", ".join(self.value(p.type, scope) for p in call.params)
            lines.append(self.call(call, args))
            lines += self.outcome_handlers(call, scope)
        if rng.random() < (0.1 if call else 0.3):
            form = Name(f"form_{name.lower()}", rng.choice(SCALARS))
            task = f"job_{name.lower()}"
            escalate = f"  escalate to boss after {rng.randint(1, 3)}s" if rng.random() < 0.3 else ""
            lines.append(f'task {task} for clerk {{ title "work"  form {{ {form.name}: {form.type} }}{escalate} }}')
            lines += self.handlers(task, (form,), scope)
        for event in self.events:
            roll = rng.random()
            if roll < (0.25 if call else 0.55):
                lines += self.handlers(event.name, event.fields, scope)
            elif roll < 0.7:
                lines.append(f"ignore {event.name}")
            elif roll < 0.75:
                lines.append(f"defer {event.name}")
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2)) if call else rng.choice((0, 1, 1, 1, 2))):
            update, target = self.updates(scope), self.target()
            lines.append(f"after {rng.randint(1, 3)}s{update} {target}")
        if rng.random() < 0.08:
            lines.append('wait forever "on purpose"')
        return lines

    def call(self, call: Call, args: str) -> str:
        return f"do {call.name}({args})"

    def choice(self, name: str, later: list[str]) -> str:
        rng = self.rng
        scope = [*self.inputs, *self.data]
        guarded = range(rng.randint(1, 2))
        lines = [f"when {self.guard(scope)}{self.updates(scope)} {self._branch(later)}" for _ in guarded]
        if rng.random() < 0.85:
            lines.append(f"else{self.updates(scope)} {self._branch(later)}")
        body = "\n    ".join(lines)
        return f"  choice {name} {{\n    {body}\n  }}\n"

    def _branch(self, later: list[str]) -> str:
        """Only later choices, so that choices make no cycle (a cycle of choices is refused by itself)."""
        rng = self.rng
        node = rng.choice(self.states * 2 + self.finals * 2 + later)
        return f"-> compensate -> {node}" if rng.random() < 0.15 else f"-> {node}"

    def activity(self, call: Call) -> str:
        rng = self.rng
        params = ", ".join(f"{p.name}: {p.type}" for p in call.params)
        clauses = [f"retry 2 backoff 1s..2s{' then park' if call.park else ''}"]
        clauses += [f"fails {error}" for error in call.errors]
        if call.result and call.result.startswith("int") and rng.random() < 0.25:
            clauses.append("ensures result > 0")
        roll = rng.random()
        if roll < 0.5:
            clauses.append(f"compensate undo_{call.name}({self.handed(call)})")
        elif roll < 0.7:
            clauses.append("readonly")
        elif roll < 0.98:
            clauses.append("irreversible")
        result = f" -> {call.result}" if call.result else ""
        return f"  activity {call.name}({params}){result} {{ {'  '.join(clauses)} }}\n"

    def handed(self, call: Call) -> str:
        """What its compensation is handed; sometimes what needs a result, which may be none."""
        rng = self.rng
        if call.result is None:
            return ""
        if not call.result.startswith(("int", "bool")) or rng.random() < 0.3:
            return "result"
        needs = f"result {rng.choice('+<')} {rng.randint(0, 2)}" if call.result.startswith("int") else "not result"
        flag = [param.name for param in call.params if param.type == "bool"]
        safe = f"result is some and {needs}" if "+" not in needs else f"if result is some then {needs} else 0"
        return rng.choice((needs, needs, safe, safe, f"{flag[0]} or {needs}" if flag and "+" not in needs else safe))

    def properties(self) -> list[str]:
        rng = self.rng
        scope = [*self.inputs, *self.data]
        lines: list[str] = []
        for _ in range(rng.randint(0, 2)):
            place = f"in {rng.choice(self.states + self.finals)}"
            extra = [f"done({c.name})" for c in self.calls] + ["compensating"]
            extra += [f"count({c.name}) <= {rng.randint(0, 2)}" for c in self.calls]
            claim = rng.choice(extra) if rng.random() < 0.4 else self.atom(scope)
            lines.append(rng.choice((f"always {place} implies {claim}", f"never {place} and {claim}")))
        if rng.random() < 0.3:
            lines.append(f"reach {rng.choice(self.states + self.finals)} when {self.atom(scope)}")
        return lines

    def text(self) -> str:
        rng = self.rng
        self.inputs = [Name(f"i{k}", rng.choice(SCALARS)) for k in range(rng.randint(0, 2))]
        self.data = [Name(f"v{k}", rng.choice(SCALARS) + rng.choice(("", "", "?"))) for k in range(rng.randint(0, 3))]
        self.calls = [
            Call(
                f"act{k}",
                tuple(Name(f"a{j}", rng.choice(SCALARS)) for j in range(rng.randint(0, 1))),
                rng.choice((None, *SCALARS)),
                tuple(f"err{k}{j}" for j in range(rng.choice((0, 0, 1, 2)))),
                rng.random() < 0.2,
            )
            for k in range(rng.randint(1, 3))
        ]
        self.events = [
            Message(f"ev{k}", tuple(Name(f"q{k}{j}", rng.choice(SCALARS)) for j in range(rng.choice((0, 0, 1)))))
            for k in range(rng.randint(1, 2))
        ]
        self.names()
        return self.head() + self.behaviour()

    def names(self) -> None:
        rng = self.rng
        self.states = [f"S{k}" for k in range(rng.randint(2, 4))]
        self.choices = [f"C{k}" for k in range(rng.choice((0, 1, 1, 2)))]
        self.finals = ["Good", *(f"Bad{k}" for k in range(rng.randint(0, 2)))]

    def head(self) -> str:
        """What the behaviour is about: types, data, events, activities."""
        rng = self.rng
        parts = ["enum Color { red, green, blue }\n\nflow R version 1 {\n"]
        if self.inputs:
            parts.append("  input { " + ", ".join(f"{v.name}: {v.type}" for v in self.inputs) + " }\n")
        if self.data:
            initial = [
                f"{v.name}: {v.type}" + ("" if v.optional else f" = {self.constant(v.scalar)}") for v in self.data
            ]
            parts.append("  data { " + ", ".join(initial) + " }\n")
        parts.append("  roles clerk, boss\n")
        for event in self.events:
            fields = ", ".join(f"{f.name}: {f.type}" for f in event.fields)
            parts.append(f"  event {event.name}{f'({fields})' if fields else ''}{rng.choice(('', ' by clerk'))}\n")
        parts += [self.activity(call) for call in self.calls]
        return "".join(parts)

    def behaviour(self) -> str:
        rng = self.rng
        parts = [f"  start -> {rng.choice([self.states[0]] * 3 + self.choices)}\n"]
        parts += [self.state(name) for name in self.states]
        parts += [self.choice(name, self.choices[k + 1 :]) for k, name in enumerate(self.choices)]
        parts += [f"  final {'failure ' if name.startswith('Bad') else ''}{name}\n" for name in self.finals]
        if rng.random() < 0.25:
            parts.append(f"  deadline {rng.randint(2, 6)}s {self.target(stay=False)}\n")
        parts += [f"  {line}\n" for line in self.properties()]
        parts.append("}\n")
        return "".join(parts)


def random_flow(seed: int) -> str:
    """The text of the flow that belongs to `seed`; the same on every machine and in every run."""
    return Draft(Random(seed)).text()
