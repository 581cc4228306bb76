class Refused(Exception):
    def __init__(self, state, event, reason):
        super().__init__(state, event, reason)


REFUSED = Refused

S0 = "S0"
S1 = "S1"
S2 = "S2"
S3 = "S3"
S4 = "S4"
S5 = "S5"
Done = "Done"

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


def _go_s0(ring, amount):
    return Ring(S1, amount if amount > ring.largest else ring.largest)


def _go_s1(ring, amount):
    return Ring(S2, amount if amount > ring.largest else ring.largest)


def _go_s2(ring, amount):
    return Ring(S3, amount if amount > ring.largest else ring.largest)


def _go_s3(ring, amount):
    return Ring(S4, amount if amount > ring.largest else ring.largest)


def _go_s4(ring, amount):
    return Ring(S5, amount if amount > ring.largest else ring.largest)


def _go_s5(ring, amount):
    return Ring(S0, amount if amount > ring.largest else ring.largest)


MOVES = {
    S0: _go_s0,
    S1: _go_s1,
    S2: _go_s2,
    S3: _go_s3,
    S4: _go_s4,
    S5: _go_s5,
}
