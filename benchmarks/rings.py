"""One machine, written for penstock, by hand and for other libraries: a number of states in, the text of modules out.

It is a ring of states with the largest amount that was ever seen. `go(amount)` moves on by one state and keeps the
amount if it is larger; an amount that is no int of 0..10 is refused, and nothing has changed then. `stop` ends it, and
an ended machine refuses everything. Each module is driven in the way that its library means to be, by these names:

    create()                    a new machine
    prepared(amounts)           what `run` takes
    run(machine, amounts)       that many times `go`; the machine then
    tell(machine, event, ...)   one event; the machine then
    seen(machine)               its state and its largest amount
    REFUSED                     what is raised where an event is refused
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """`module` is imported; `texts` are the files it is made of, by name. package: what it needs besides Python, by
    its import name."""

    name: str
    module: str
    texts: Callable[[int], dict[str, str]]
    package: str = ""


def names(size: int) -> list[str]:
    return [f"S{number}" for number in range(size)]


def after(number: int, size: int) -> str:
    return f"S{(number + 1) % size}"


# ---------------------------------------------------------------- penstock


def spec(size: int, flow: str) -> str:
    """The flow. Its deadline is there because `penstock check` will not have it wait for ever."""
    states = "".join(
        f"  state {state} {{\n"
        f"    on go(amount) when amount > largest {{ largest = amount }} -> {after(number, size)}\n"
        f"    on go(amount) when amount <= largest -> {after(number, size)}\n"
        f"    on stop -> Done\n  }}\n"
        for number, state in enumerate(names(size))
    )
    return (
        f"flow {flow} version 1 {{\n  deadline 9d -> Late\n  data {{ largest: int 0..10 = 0 }}\n"
        f"  event go(amount: int 0..10)\n  event stop\n  start -> S0\n{states}"
        f"  final Done\n  final failure Late\n}}\n"
    )


RECORD = """\
from datetime import UTC, datetime

from penstock.runtime.core import Rejected
from {module} import Go, {flow}, Mutable{flow}

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REFUSED = Rejected


def create():
    return {flow}.start(now=NOW)[0]


def tell(machine, event, *payload):
    return getattr(machine, event)(*payload, now=NOW)[0]


def seen(machine):
    return machine.state.value, machine.data.largest
"""

METHOD = """

prepared = list


def run(machine, amounts, now=NOW):
    for amount in amounts:
        machine, _ = machine.go(amount, now=now)
    return machine
"""

STEP = """

def prepared(amounts):
    return [Go(amount) for amount in amounts]


def run(machine, triggers, now=NOW):
    for trigger in triggers:
        machine, _ = machine.step(trigger, now=now)
    return machine
"""

MUTABLE = """

prepared = list


def create():
    return Mutable{flow}({flow}.start(now=NOW)[0])


def run(machine, amounts):
    for amount in amounts:
        machine.go(amount)
    return machine


def tell(machine, event, *payload):
    getattr(machine, event)(*payload)
    return machine


def seen(machine):
    return machine.state.value, machine.largest
"""


def record(flow: str, drive: str, name: str) -> Callable[[int], dict[str, str]]:
    """A generated record (its module is built apart) or mutable instance, by its methods or by `step`."""
    return lambda size: {name: (RECORD + drive).format(module=f"{flow.lower()}_flow", flow=flow)}


# ---------------------------------------------------------------- by hand

REFUSAL = """\
class Refused(Exception):
    def __init__(self, state, event, reason):
        super().__init__(state, event, reason)


REFUSED = Refused
"""

OBJECT = """

prepared = list
create = Ring


def run(machine, amounts):
    for amount in amounts:
        machine.go(amount)
    return machine


def tell(machine, event, *payload):
    getattr(machine, event)(*payload)
    return machine


def seen(machine):
    return machine.state, machine.largest
"""

SLOTS = """

class Ring:
    __slots__ = ("largest", "state")

    def __init__(self):
        self.state = S0
        self.largest = 0
"""


def constants(size: int) -> str:
    return "\n" + "".join(f'{state} = "{state}"\n' for state in [*names(size), "Done"])


def branches(size: int) -> dict[str, str]:
    """A method for each event, with a branch for each state."""
    go = [
        f"        {'el' if number else ''}if state is {state}:\n"
        f"            if amount > self.largest:\n                self.largest = amount\n"
        f"            self.state = {after(number, size)}\n"
        for number, state in enumerate(names(size))
    ]
    lines = [REFUSAL, constants(size), SLOTS, "\n    def go(self, amount):\n        state = self.state\n"]
    lines += ["        if type(amount) is not int or not 0 <= amount <= 10:\n"]
    lines += ['            raise Refused(state, "go", "payload")\n', *go]
    lines += ['        else:\n            raise Refused(state, "go", "unhandled")\n']
    lines += ["\n    def stop(self):\n        if self.state is Done:\n"]
    lines += ['            raise Refused(self.state, "stop", "unhandled")\n        self.state = Done\n', OBJECT]
    return {"ring_branches.py": "".join(lines)}


def table(size: int) -> dict[str, str]:
    """A method for each event, which looks up the method for the state."""
    moves = [
        f"\n    def _go_{state.lower()}(self, amount):\n        if amount > self.largest:\n"
        f"            self.largest = amount\n        self.state = {after(number, size)}\n"
        for number, state in enumerate(names(size))
    ]
    lines = [REFUSAL, constants(size), SLOTS, "\n    def go(self, amount):\n"]
    lines += ["        if type(amount) is not int or not 0 <= amount <= 10:\n"]
    lines += ['            raise Refused(self.state, "go", "payload")\n']
    lines += ["        move = MOVES.get(self.state)\n        if move is None:\n"]
    lines += ['            raise Refused(self.state, "go", "unhandled")\n        move(self, amount)\n', *moves]
    lines += ["\n    def stop(self):\n        if self.state is Done:\n"]
    lines += ['            raise Refused(self.state, "stop", "unhandled")\n        self.state = Done\n\n\n']
    lines += ["MOVES = {\n", *(f"    {state}: Ring._go_{state.lower()},\n" for state in names(size)), "}\n", OBJECT]
    return {"ring_table.py": "".join(lines)}


FROZEN = """
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Go:
    amount: int


@dataclass(frozen=True, slots=True)
class Stop:
    pass


@dataclass(frozen=True, slots=True)
class Ring:
    state: str = "S0"
    largest: int = 0


create = Ring


def step(ring, event):
    if type(event) is Go:
        amount = event.amount
        if type(amount) is not int or not 0 <= amount <= 10:
            raise Refused(ring.state, event, "payload")
        move = MOVES.get(ring.state)
        if move is None:
            raise Refused(ring.state, event, "unhandled")
        return move(ring, amount)
    if ring.state is Done:
        raise Refused(ring.state, event, "unhandled")
    return Ring(Done, ring.largest)


def prepared(amounts):
    return [Go(amount) for amount in amounts]


def run(machine, events):
    for event in events:
        machine = step(machine, event)
    return machine


def tell(machine, event, *payload):
    return step(machine, {"go": Go, "stop": Stop}[event](*payload))


def seen(machine):
    return machine.state, machine.largest
"""


def frozen(size: int) -> dict[str, str]:
    """A frozen dataclass, and a function of it and an event."""
    moves = [
        f"\n\ndef _go_{state.lower()}(ring, amount):\n"
        f"    return Ring({after(number, size)}, amount if amount > ring.largest else ring.largest)\n"
        for number, state in enumerate(names(size))
    ]
    looked_up = "".join(f"    {state}: _go_{state.lower()},\n" for state in names(size))
    parts = (REFUSAL, constants(size), FROZEN, *moves, f"\n\nMOVES = {{\n{looked_up}}}\n")
    return {"ring_frozen.py": "".join(parts)}


CONTENDERS = (
    Contender("penstock, event method", "ring_method", record("Ring", METHOD, "ring_method.py")),
    Contender("penstock, `step`", "ring_step", record("Ring", STEP, "ring_step.py")),
    Contender("penstock, mutable", "ring_mutable", record("Ring", MUTABLE, "ring_mutable.py")),
    Contender("penstock compiled, event method", "swift_method", record("Swift", METHOD, "swift_method.py")),
    Contender("penstock compiled, `step`", "swift_step", record("Swift", STEP, "swift_step.py")),
    Contender("by hand, if/elif", "ring_branches", branches),
    Contender("by hand, a dict", "ring_table", table),
    Contender("by hand, frozen dataclass `step`", "ring_frozen", frozen),
)
