"""The machine of `rings` for other libraries, as their guides say that one should be written."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from rings import OBJECT, REFUSAL, Contender, after, names

CHECKED = """
    def checked(self, amount):
        if type(amount) is not int or not 0 <= amount <= 10:
            raise Refused(self.state, "go", "payload")
"""

# ---------------------------------------------------------------- transitions

TRANSITIONS = """
from transitions import Machine, MachineError

REFUSED = (Refused, MachineError)


class Ring:
    def __init__(self):
        self.largest = 0
        MACHINE.add_model(self)

    def larger(self, amount):
        return amount > self.largest

    def keep(self, amount):
        self.largest = amount
"""


def transitions(size: int) -> dict[str, str]:
    """One machine for all its models."""
    table = "".join(
        f'    {{"trigger": "go", "source": "{state}", "dest": "{after(number, size)}",'
        ' "prepare": "checked", "conditions": "larger", "before": "keep"},\n'
        f'    {{"trigger": "go", "source": "{state}", "dest": "{after(number, size)}"}},\n'
        f'    {{"trigger": "stop", "source": "{state}", "dest": "Done"}},\n'
        for number, state in enumerate(names(size))
    )
    made = (
        f"\n\nMACHINE = Machine(\n    model=None, initial='S0', auto_transitions=False,\n"
        f"    states={[*names(size), 'Done']},\n"
        f"    transitions=[\n{table}    ],\n)\n"
    )
    forget = "\n\ndef forget(machines):\n    MACHINE.models.clear()\n"
    return {"ring_transitions.py": REFUSAL + TRANSITIONS + CHECKED + made + OBJECT + forget}


# ---------------------------------------------------------------- python-statemachine

STATEMACHINE = """
from statemachine import State, StateMachine
from statemachine.exceptions import TransitionNotAllowed

REFUSED = (Refused, TransitionNotAllowed)


class Ring(StateMachine):
"""

STATEMACHINE_METHODS = """
    def __init__(self):
        self.largest = 0
        super().__init__()

    def checked(self, amount):
        if type(amount) is not int or not 0 <= amount <= 10:
            raise Refused(self.current_state_value, "go", "payload")

    def larger(self, amount):
        return amount > self.largest

    def keep(self, amount):
        self.largest = amount
""" + OBJECT.replace("machine.state,", "machine.current_state_value,")


def statemachine(size: int) -> dict[str, str]:
    states = "".join(f"    {state} = State({'initial=True' if state == 'S0' else ''})\n" for state in names(size))
    moves = "".join(
        f'    {state}.to({after(number, size)}, event="go", validators="checked", cond="larger", on="keep")\n'
        f'    {state}.to({after(number, size)}, event="go")\n'
        f'    {state}.to(Done, event="stop")\n'
        for number, state in enumerate(names(size))
    )
    text = f"{REFUSAL}{STATEMACHINE}{states}    Done = State(final=True)\n{moves}{STATEMACHINE_METHODS}"
    return {"ring_statemachine.py": text}


# ---------------------------------------------------------------- Automat

AUTOMAT = """
from dataclasses import dataclass
from typing import Protocol

from automat import NoTransition, TypeMachineBuilder

REFUSED = (Refused, NoTransition)


class Events(Protocol):
    def go(self, amount: int) -> None: ...
    def stop(self) -> None: ...


@dataclass
class Core:
    largest: int = 0


def keep(events: Events, core: Core, amount: int) -> None:
    if amount > core.largest:
        core.largest = amount


builder = TypeMachineBuilder(Events, Core)
"""

AUTOMAT_CLASS = """
machine = builder.build()


class Ring:
    __slots__ = ("core", "machine")

    def __init__(self):
        self.core = Core()
        self.machine = machine(self.core)

    def go(self, amount):
        if type(amount) is not int or not 0 <= amount <= 10:
            raise Refused(self.state, "go", "payload")
        self.machine.go(amount)

    def stop(self):
        self.machine.stop()

    @property
    def state(self):
        return self.machine.__automat_transitioner__._state.name

    @property
    def largest(self):
        return self.core.largest
"""


def automat(size: int) -> dict[str, str]:
    """It has no guards, and moves before it calls: a class around it checks."""
    states = "".join(f'{state} = builder.state("{state}")\n' for state in [*names(size), "Done"])
    moves = "".join(
        f"{state}.upon(Events.go).to({after(number, size)})(keep)\n{state}.upon(Events.stop).to(Done).returns(None)\n"
        for number, state in enumerate(names(size))
    )
    return {"ring_automat.py": REFUSAL + AUTOMAT + states + moves + AUTOMAT_CLASS + OBJECT}


# ---------------------------------------------------------------- sismic

SISMIC = """
from pathlib import Path

from sismic.interpreter import Interpreter
from sismic.io import import_from_yaml

CHART = import_from_yaml(filepath=Path(__file__).with_suffix(".yaml"))


class Ring:
    def __init__(self):
        self.interpreter = Interpreter(CHART, ignore_contract=True)
        self.interpreter.execute_once()

    def go(self, amount):
        if type(amount) is not int or not 0 <= amount <= 10:
            raise Refused(self.state, "go", "payload")
        self.send("go", amount=amount)

    def stop(self):
        self.send("stop")

    def send(self, event, **payload):
        step = self.interpreter.queue(event, **payload).execute_once()
        if step is None or not step.transitions:
            raise Refused(self.state, event, "unhandled")

    @property
    def state(self):
        return next(name for name in self.interpreter.configuration if name != "root")

    @property
    def largest(self):
        return self.interpreter.context["largest"]
"""


def sismic(size: int) -> dict[str, str]:
    """It ignores what no transition is for: a class around it refuses that."""
    states = "".join(
        f"      - name: {state}\n        transitions:\n"
        f"          - event: go\n            guard: event.amount > largest\n"
        f"            action: largest = event.amount\n            target: {after(number, size)}\n"
        f"          - event: go\n            guard: event.amount <= largest\n"
        f"            target: {after(number, size)}\n          - event: stop\n            target: Done\n"
        for number, state in enumerate(names(size))
    )
    chart = (
        "statechart:\n  name: Ring\n  preamble: largest = 0\n  root state:\n    name: root\n    initial: S0\n"
        f"    states:\n{states}      - name: Done\n"
    )
    return {"ring_sismic.py": REFUSAL + SISMIC + OBJECT, "ring_sismic.yaml": chart}


# ---------------------------------------------------------------- pyfcstm

FCSTM = """
from machine import RingMachine


class Ring:
    def __init__(self):
        self.machine = RingMachine()
        self.machine.cycle()

    def go(self, amount):
        if type(amount) is not int or not 0 <= amount <= 10:
            raise Refused(self.state, "go", "payload")
        self.machine.variables["amount"] = amount
        self.send("Ring.Go")

    def stop(self):
        self.send("Ring.Stop")

    def send(self, event):
        if self.machine.current_state_name == "Done":
            raise Refused("Done", event, "unhandled")
        self.machine.cycle(event)

    @property
    def state(self):
        return self.machine.current_state_name

    @property
    def largest(self):
        return self.machine.variables["largest"]
"""


def fcstm(size: int) -> dict[str, str]:
    """Generated by its own template. Events carry nothing there: the amount is a variable."""
    states = "".join(f"    state {state};\n" for state in [*names(size), "Done"])
    moves = "".join(
        f"    {state} -> {after(number, size)} : Go"
        f" effect {{ largest = (amount > largest) ? amount : largest; }}\n    {state} -> Done : Stop;\n"
        for number, state in enumerate(names(size))
    )
    text = f"def int largest = 0;\ndef int amount = 0;\nstate Ring {{\n    [*] -> S0;\n{states}{moves}}}\n"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ring.fcstm").write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "pyfcstm", "generate", "-i", "ring.fcstm", "--template", "python", "-o", "out"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=600)
        made = (folder / "out" / "machine.py").read_text(encoding="utf-8")
    return {"ring_fcstm.py": REFUSAL + FCSTM + OBJECT, "machine.py": made}


LIBRARIES = (
    Contender("transitions", "ring_transitions", transitions, "transitions"),
    Contender("python-statemachine", "ring_statemachine", statemachine, "statemachine"),
    Contender("Automat", "ring_automat", automat, "automat"),
    Contender("sismic", "ring_sismic", sismic, "sismic"),
    Contender("pyfcstm", "ring_fcstm", fcstm, "pyfcstm"),
)
