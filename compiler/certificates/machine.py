"""The control of an instance as numbers: a kernel in; its state variables, and what the kernel's rules do to them, out.

Here stands what `compiler/kernel.py` says of calls, tasks, timers and the compensation log, once more and without the
interpreter: each rule changes terms.

Of the log it counts how many entries of an activity are not settled (`fly`), perhaps done (`maybe`) and done (`done`):
in all (`log`), above the mark of each savepoint (`above.M`), and above that of a compensation under way (`over`; `log`
is then what lies below). Entries of calls that run are counted by their leaf. The order within these is forgotten: a
compensation may go on with any entry that it has to undo, which are more runs, not fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import product

from ...dsl.model import ActivityCall, Always, Compensation, Effect, Standing
from ..checks.clock import Clock
from ..checks.inquiry import Inquiry
from ..checks.rewrite import inside
from ..formats.smtlib import BOOL, INT, both, either
from ..kernel import DONE, Leaf, LeafKind, Place, Undo

LOG, OVER = "log", "over"
FLY, MAYBE = "fly", "maybe"
STATUS = (FLY, MAYBE, DONE)
ELAPSED = "elapsed"


def next_(name: str) -> str:
    """What a variable is called after a step."""
    return f"next/{name}"


def plus(left: str, right: str) -> str:
    return right if left == "0" else left if right == "0" else f"(+ {left} {right})"


def minus(left: str, right: str) -> str:
    return left if right == "0" else "0" if left == right else f"(- {left} {right})"


def total(terms: Iterable[str]) -> str:
    parts = [term for term in terms if term != "0"]
    return "0" if not parts else parts[0] if len(parts) == 1 else f"(+ {' '.join(parts)})"


class Machine:
    """The state variables of one flow, by groups: each changes together. Where the search took activities for one (a
    sort), so does this."""

    def __init__(self, inquiry: Inquiry) -> None:
        kernel = self.kernel = inquiry.kernel
        self.clock: Clock = inquiry.explorer.clock
        self.sorts: Mapping[str, str] = inquiry.abstraction.sorts
        self.cap = inquiry.abstraction.cap  # so many entries of a kind are told apart
        self.calls: dict[str, ActivityCall] = {each.name: each.call for each in kernel.leaves if each.call is not None}
        self.groups = [leaf for leaf, call in self.calls.items() if call.each is not None]
        self.marks = sorted(kernel.savepoints)
        self.timers = sorted(self.clock.ticking)
        self.clocks = [timer for timer in self.timers if self.clock.measured(timer)]
        logged = (each.name for each in kernel.activities if each.effect is not Effect.READONLY)
        self.logged = list(dict.fromkeys(self.sorts[name] for name in logged))
        claims = (claim.condition for claim in kernel.properties if isinstance(claim, Always))
        asked = (part for condition in claims for part in inside(condition))
        named = {part.activity for part in asked if isinstance(part, Standing)}
        self.completed = [each.name for each in kernel.activities if each.name in named and not self.in_log(each.name)]
        self.above = [f"above.{mark}" for mark in self.marks]
        logging = [leaf for leaf, call in self.calls.items() if self.in_log(call.activity)]
        self.variables: dict[str, dict[str, str]] = {
            "calls": {
                **{f"runs/{leaf}": INT for leaf in self.calls},
                **{f"{what}/{leaf}": INT for leaf in self.groups for what in ("answered", "gone")},
                **{f"{where}/runs/{leaf}": INT for where in self.above for leaf in logging},
            },
            "tasks": {f"open/{task}": BOOL for task in kernel.task},
            "timers": {f"armed/{timer}": BOOL for timer in self.timers}
            | {f"left/{timer}": INT for timer in self.clocks},
            "log": {name: INT for where in (LOG, *self.above) for name in self.entries(where)},
            "over": dict.fromkeys(self.entries(OVER), INT),
            "completed": {f"completed/{name}": BOOL for name in self.completed},
            "entered": {f"entered/{place}": BOOL for place in sorted(kernel.counted)},
        }

    def in_log(self, activity: str) -> bool:
        """Whether the calls of an activity are on the compensation log."""
        return self.kernel.activity[activity].effect is not Effect.READONLY

    def undoable(self, sort: str) -> bool:
        return isinstance(self.kernel.activity[sort].effect, Compensation)

    def entries(self, where: str) -> list[str]:
        return [f"{where}/{status}/{sort}" for sort in self.logged for status in STATUS]

    def to_undo(self, where: str) -> list[str]:
        """What a compensation down to a mark waits for or undoes; settled entries that are irreversible it drops."""
        return [f"{where}/{s}/{sort}" for sort in self.logged for s in STATUS if s == FLY or self.undoable(sort)]

    def names(self) -> Iterator[tuple[str, str]]:
        """Every variable but where the instance is and its data, with its sort."""
        for group in self.variables.values():
            yield from group.items()

    def start(self) -> Change:
        """Nothing has been called, opened, armed or entered."""
        return Change(self, {name: "0" if sort == INT else "false" for name, sort in self.names()})

    def now(self) -> Change:
        """Everything is as it is."""
        return Change(self, {name: name for name, _ in self.names()})


class Change:
    """What the variables are after a part of a step, as terms over what they were before it. `fresh`: timers armed,
    with the least and the most that may be left of each; `called`: leaves whose calls have begun."""

    def __init__(
        self,
        machine: Machine,
        terms: dict[str, str],
        fresh: Mapping[str, tuple[str, str]] | None = None,
        called: frozenset[str] = frozenset(),
    ) -> None:
        self.machine = machine
        self.kernel = machine.kernel
        self.terms = terms
        self.fresh = dict(fresh or {})
        self.called = called

    def copy(self) -> Change:
        return Change(self.machine, dict(self.terms), self.fresh, self.called)

    def _add(self, name: str, number: str) -> None:
        self.terms[name] = plus(self.terms[name], number)

    # ------------------------------------------------------------ answers

    def answered(self, leaf: str, outcome: str, ends: bool) -> None:
        """A call of a leaf has answered. ends: the leaf has its answer, and its other calls are interrupted."""
        activity = self.kernel.activity[self.machine.calls[leaf].activity]
        self.terms[f"runs/{leaf}"] = minus(self.terms[f"runs/{leaf}"], "1")
        if self.machine.in_log(activity.name):
            status = self._status(activity.name, outcome)
            sort = self.machine.sorts[activity.name]
            for where in self.machine.above:
                mine = f"{where}/runs/{leaf}"
                one = f"(ite (> {self.terms[mine]} 0) 1 0)"
                self.terms[mine] = minus(self.terms[mine], one)
                if status:
                    self._add(f"{where}/{status}/{sort}", one)
            if status:
                self._add(f"{LOG}/{status}/{sort}", "1")
        elif outcome == DONE and activity.name in self.machine.completed:
            self.terms[f"completed/{activity.name}"] = "true"
        if leaf in self.machine.groups:
            self._add(f"{'answered' if outcome == DONE else 'gone'}/{leaf}", "1")
        if ends:
            self._interrupt(leaf)

    def _status(self, activity: str, outcome: str) -> str:
        """What an entry is once its call is settled; nothing: it is off the log."""
        if outcome == DONE:
            return DONE
        declared = outcome in {failure.name for failure in self.kernel.activity[activity].fails}
        return "" if declared else MAYBE

    def _interrupt(self, leaf: str) -> None:
        """What still runs of the calls of a leaf is not settled yet."""
        activity = self.machine.calls[leaf].activity
        if self.machine.in_log(activity):
            sort = self.machine.sorts[activity]
            self._add(f"{LOG}/{FLY}/{sort}", self.terms[f"runs/{leaf}"])
            for where in self.machine.above:
                self._add(f"{where}/{FLY}/{sort}", self.terms[f"{where}/runs/{leaf}"])
                self.terms[f"{where}/runs/{leaf}"] = "0"
        self.terms[f"runs/{leaf}"] = "0"
        if leaf in self.machine.groups:
            self.terms[f"answered/{leaf}"] = self.terms[f"gone/{leaf}"] = "0"

    def settled(self, where: str, activity: str, outcome: str) -> Iterator[tuple[str, Change]]:
        """An interrupted call is settled, whichever it was of several: that there is one, and what comes of it."""
        sort, status = self.machine.sorts[activity], self._status(activity, outcome)
        others = self.machine.above if where == LOG else []
        for sides in product((True, False), repeat=len(others)):
            made = self.copy()
            given = [f"(> {self.terms[f'{where}/{FLY}/{sort}']} 0)"]
            for other, inside_ in zip(others, sides, strict=True):
                above, in_all = self.terms[f"{other}/{FLY}/{sort}"], self.terms[f"{where}/{FLY}/{sort}"]
                given.append(f"(> {above} 0)" if inside_ else f"(> {minus(in_all, above)} 0)")
            for each in (where, *(other for other, inside_ in zip(others, sides, strict=True) if inside_)):
                made.terms[f"{each}/{FLY}/{sort}"] = minus(made.terms[f"{each}/{FLY}/{sort}"], "1")
                if status:
                    made._add(f"{each}/{status}/{sort}", "1")
            yield both(given), made

    # ------------------------------------------------------------ leaving and entering

    def completed(self, task: str) -> None:
        self.terms[f"open/{task}"] = "false"

    def fired(self, timer: str) -> None:
        self.terms[f"armed/{timer}"] = "false"

    def leave(self, gone: Collection[str]) -> None:
        """Places are left: their calls interrupted, their tasks closed, their timers cancelled."""
        for leaf in self.machine.calls:
            if leaf in gone:
                self._interrupt(leaf)
        self._close(gone)

    def _close(self, places: Collection[str]) -> None:
        home = self.kernel.home
        for task in (task for task in self.kernel.task if home[task] in places):
            self.terms[f"open/{task}"] = "false"
        for timer in (timer for timer in self.machine.timers if home[timer] in places):
            self.terms[f"armed/{timer}"] = "false"

    def arrive(self, place: Place, calls: int, lasts: Callable[[str], str]) -> None:
        """A place is entered; calls: how many calls it begins, if it does; lasts: how long timers take, as terms."""
        if isinstance(place, Leaf) and place.final:
            for timer in self.machine.timers:
                self.terms[f"armed/{timer}"] = "false"
            return
        if isinstance(place, Leaf) and place.kind in {LeafKind.REGION_DONE, LeafKind.REGION_FAILED}:
            self._close({place.path[-1]})
        if place.name in self.machine.marks:
            self._mark(f"above.{place.name}")
        if place.name in self.kernel.counted:
            self.terms[f"entered/{place.name}"] = "true"
        for armed in place.timers:
            self.arm(armed.id, lasts)
        for task in place.tasks:
            self.terms[f"open/{task.name}"] = "true"
        if isinstance(place, Leaf) and place.call is not None and calls:
            self.terms[f"runs/{place.name}"] = str(calls)
            self.called |= {place.name}
            for where in self.machine.above if self.machine.in_log(place.call.activity) else ():
                self.terms[f"{where}/runs/{place.name}"] = str(calls)

    def arm(self, timer: str, lasts: Callable[[str], str]) -> None:
        """lasts: how long it takes, as a term."""
        if timer in self.machine.timers:
            self.terms[f"armed/{timer}"] = "true"
        if timer in self.machine.clocks:
            self.terms[f"left/{timer}"] = f"fresh/{timer}"
            self.fresh[timer] = self._least(timer, lasts(timer)), lasts(timer)

    def _least(self, timer: str, length: str) -> str:
        """The least that is left of a timer as it is armed: all, but where the place it counts from was entered before
        this step, and not in it."""
        since = self.kernel.timer[timer].since
        before = "false" if since is None else self.terms[f"entered/{since}"]
        return length if before in {"false", "true"} else f"(ite {before} 0 {length})"

    def _mark(self, where: str) -> None:
        """The mark of a savepoint moves to the top of the log: nothing is above it."""
        for name in self.terms:
            if name.startswith(f"{where}/"):
                self.terms[name] = "0"

    # ------------------------------------------------------------ compensation

    def begin(self, target: Undo) -> None:
        """A compensation begins: what is above its mark is to be undone, and the log is what is left below."""
        machine = self.machine
        above = LOG if target.since is None else f"above.{target.since}"
        for entry in (name.removeprefix(f"{OVER}/") for name in machine.entries(OVER)):
            gone = self.terms[f"{above}/{entry}"]
            self.terms[f"{OVER}/{entry}"] = gone
            for other in machine.above:
                mine = self.terms[f"{other}/{entry}"]
                left = minus(mine, gone)
                nothing = target.since is None or left == "0"
                self.terms[f"{other}/{entry}"] = "0" if nothing else f"(ite (> {left} 0) {left} 0)"
            self.terms[f"{LOG}/{entry}"] = minus(self.terms[f"{LOG}/{entry}"], gone)

    def standing(self, sorts: Iterable[str], where: str = OVER) -> str:
        """How many entries of some sorts lie there."""
        return total(self.terms[f"{where}/{status}/{sort}"] for sort in sorts for status in STATUS)

    @property
    def waits(self) -> str:
        """That a compensation has something to wait for or to undo."""
        terms = [self.terms[name] for name in self.machine.to_undo(OVER)]
        return either([f"(> {term} 0)" for term in terms if term != "0"])
