"""`leads to .. within` by brute force: a Kernel in; which promises of a time are broken out.

The longest way, second by second (`slow_force`), from where a promise begins to where it is kept. Whether it is kept at
all is `brute_force`'s to say, and comes first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime

from brute_force import Search
from brute_values import SECOND, TooLarge
from penstock.compiler.evaluate import Fault
from penstock.compiler.instance import Instance
from penstock.compiler.kernel import Kernel
from penstock.compiler.simulate import holds
from penstock.dsl.model import Expr, LeadsTo
from slow_force import Dues, Seconds

MOMENTS = 4000
STOPS = {"F005", "F007", "F008", "F104", "F401", "F402", "F403", "F502"}
"""What stops a run where it is: then nobody can say how long it takes."""


class Promises(Seconds):
    """The seconds of a flow, with what is there at each; events are also sent where they have to wait."""

    def __init__(self, kernel: Kernel, limit: int) -> None:
        super().__init__(kernel, limit)
        self.search = Search(kernel, limit)
        self.there: list[tuple[Instance, datetime]] = []

    def visit(self, instance: Instance, now: datetime, dues: Dues) -> int:
        number = super().visit(instance, now, dues)
        if number == len(self.there):
            self.there.append((instance, now))
        return number

    def true(self, condition: Expr, number: int) -> bool:
        try:
            return holds(self.kernel, self.there[number][0], condition, self.there[number][1])
        except Fault:
            return True

    def late(self, claim: LeadsTo) -> bool:
        """Whether some run that comes to where the promise begins takes longer than it says."""
        assert claim.within is not None, "it promises a time"
        trigger, most = claim.trigger, claim.within // SECOND
        begun = range(len(self.there)) if trigger is not None else self.first
        kept = [self.true(claim.goal, number) for number in range(len(self.there))]
        todo = deque((n, 0) for n in begun if not kept[n] and (trigger is None or self.true(trigger, n)))
        longest = {number: 0 for number, _ in todo}
        while todo:
            number, seconds = todo.popleft()
            if seconds < longest[number]:
                continue
            if seconds > most:
                return True
            for target, weight in self.edges[number]:
                if not kept[target] and longest.get(target, -1) < seconds + weight:
                    longest[target] = seconds + weight
                    todo.append((target, seconds + weight))
        return False


def undecided(kernel: Kernel) -> bool:
    """Whether it is not known when calls are answered: behind an operator, other instances or another flow."""
    return any(
        each.retry.park or each.retry.attempts is None or each.breaker or each.limit or each.flow
        for each in kernel.activities
    )


def broken(kernel: Kernel, limit: int = MOMENTS) -> Iterator[int]:
    """The offsets of the promises of a time that are broken, if they are kept at all. Raises TooLarge."""
    claims = [claim for claim in kernel.properties if isinstance(claim, LeadsTo) and claim.within is not None]
    if not claims:
        return
    if undecided(kernel):
        raise TooLarge("nobody knows when a call is answered")
    made = Promises(kernel, limit)
    made.build()
    yield from (claim.span.start for claim in claims if made.late(claim))
