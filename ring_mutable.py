from datetime import UTC, datetime

from penstock.runtime.core import Rejected
from ring_flow import Go, Ring, MutableRing

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REFUSED = Rejected


def create():
    return Ring.start(now=NOW)[0]


def tell(machine, event, *payload):
    return getattr(machine, event)(*payload, now=NOW)[0]


def seen(machine):
    return machine.state.value, machine.data.largest


prepared = list


def create():
    return MutableRing(Ring.start(now=NOW)[0])


def run(machine, amounts):
    for amount in amounts:
        machine.go(amount)
    return machine


def tell(machine, event, *payload):
    getattr(machine, event)(*payload)
    return machine


def seen(machine):
    return machine.state.value, machine.largest
