"""The checker held against brute force: a text of a small flow in; what both say, and where they differ, out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain, islice

from brute_families import Families
from brute_force import Verdicts
from brute_people import enumerate_flow
from brute_systems import Worlds
from brute_values import SECOND, TooLarge
from kernels import kernels, together
from penstock.compiler.checks import systems
from penstock.compiler.checks.apart import combinations
from penstock.compiler.checks.explore import Explorer
from penstock.compiler.checks.graph import Edge
from penstock.compiler.checks.inquiry import Finding, Inquiry
from penstock.compiler.checks.suite import Limits, answers
from penstock.compiler.checks.verdict import Answer, Verdict
from penstock.compiler.checks.zones import Zone
from penstock.compiler.instance import Instance
from penstock.compiler.kernel import Kernel
from penstock.dsl.diagnostics import Rule
from penstock.dsl.model import DurationType, InstantType
from penstock.dsl.source import Span
from penstock.dsl.walk import nodes
from random_flows import random_flow

CODES = (
    *(f"F00{n}" for n in range(1, 10)),
    *("F101", "F102", "F103", "F104", "F105", "F201", "F202", "F203", "F204", "F205", "F206", "F301"),
    *("F401", "F402", "F403", "F501", "F502"),
)
PLACED = ("F001", "F002", "F103", "F104", "F105", "F202", "F203", "F204", "F205", "F301", "F501")
"""Both sides name the same place; the other checks are compared by code."""
HELPLESS = ("F001", "F002", "F009", "F103", "F202", "F501")
"""What is compared where nobody is left for a task; the others take it that every task can be done."""
RARE = ("F103", "F104", "F105", "F203", "F205")
"""Of some flows nothing is asked: then nothing may be refuted either. (F204 is asked where F301 is proved, F206 of
a flow that does itself.)"""
COUNTED = (
    *("F003", "F004", "F006", "F007", "F008", "F009", "F101", "F102", "F103", "F104", "F105", "F201", "F301"),
    *("F401", "F402", "F403", "F501", "F502"),
)
"""Where the checker claims that no shorter run shows it, both sides count the same steps; of F301 for `always` and
`never`. They do not where something escalates: the checker leaves those timers out of its runs. The others have no run
(F001, F002, F202)."""
INSTANCES = 1500
SYSTEM = "\nsystem "
"""What a text has in it where flows are looked at together."""
PATIENT = Limits(seconds=3600.0)
"""No verdict may depend on how busy the machine is."""
FINELY = 4
"""So many moments of each second are looked at where the two seem to differ: between two whole seconds there is another
moment, which matters where one guard asks for a later one, and the next one for an earlier one."""
GRAPH = "graph"
"""Instead of a check's code, where an instance lies in no node."""
FAULTS = {"F007", "F104", "F401", "F402", "F403", "F502"}
"""What stops a step where it is. A deferred event that is stopped so stops the step that delivers it, and that may have
been the last way to a final. The checker takes it for an event that is sent later, so F004 is then decided that way;
F105, which asks whether there is a way to some finals, is so in any case."""


class Terse(Inquiry):
    """Of what never happens it does not say why: that may take longer than to know it, and nothing here compares it."""

    def nothing_does(
        self, rule: Rule, subject: str, place: Span, edges: Sequence[Edge], finding: Callable[[], Finding], does: str
    ) -> Answer:
        return super().nothing_does(rule, subject, place, edges, lambda: Finding("it never happens", place), does)


def explored(kernel: Kernel) -> Inquiry:
    """A kernel whose configurations have been looked for."""
    return Terse(Explorer(kernel, PATIENT))


def left_out(kernel: Kernel) -> Iterator[Inquiry]:
    """The same, once more, if combinations of places of regions can be left out of it."""
    if combinations(kernel):
        inquiry = Terse(Explorer(kernel, replace(PATIENT, apart=0), apart=True))
        if inquiry.explorer.apart is not None:
            yield inquiry


def check(inquiry: Inquiry) -> tuple[Answer, ...]:
    """What the checks answer."""
    return tuple(answers(inquiry))


def asked(inquiry: Inquiry) -> list[Answer]:
    """Of them those that are compared."""
    return [answer for answer in check(inquiry) if answer.rule.code in CODES]


MICRO = timedelta(microseconds=1)


def missed(truth: Verdicts, inquiry: Inquiry) -> Iterator[object]:
    """The instances that lie in no node of a closed graph, in the order in which brute force came to them.

    Where nothing tells in which order things are undone, a compensation under way need not lie in one; where it ends
    has to."""
    if inquiry.graph.complete:
        yield from (key for key, (instance, now) in truth.rests.items() if not lies(inquiry, instance, now))


def lies(inquiry: Inquiry, instance: Instance, now: datetime) -> bool:
    """Whether an instance lies in a node, or need not."""
    if instance.compensating and not inquiry.abstraction.shows_order:
        return True
    left = {armed.timer: max(0, (armed.due - now) // MICRO) for armed in instance.timers}
    return any(within(node.zone, left) for node in inquiry.around(instance))


def beyond(family: Mapping[str, Kernel], inquiry: Inquiry, most: int) -> Iterator[Instance]:
    """The same of those that a flow comes to with the flows that it does; the first ones, if there are too many worlds.

    family: the flows of a text, by name."""
    kernel = inquiry.kernel
    asks = any(task.excluded or task.doer is not None for task in kernel.task.values())
    if inquiry.graph.complete and not asks and any(activity.flow for activity in kernel.activities):
        with suppress(TooLarge):
            for instance, now in Families(family, most).run(kernel.name):
                if not lies(inquiry, instance, now):
                    yield instance


def within(zone: Zone, left: Mapping[str, int]) -> bool:
    """Whether some remaining times lie in a zone."""
    clocks = [0, *(left[name] for name in zone.names)]
    return all(one - other <= zone.bounds[i][j] for i, one in enumerate(clocks) for j, other in enumerate(clocks))


@dataclass(frozen=True, slots=True)
class Difference:
    """`kind`: `refuted` or `proved` (by the checker, and brute force says otherwise), `longer` or `shorter` (its run),
    `unasked` (brute force refutes what the checker has no question about)."""

    code: str
    kind: str
    said: str
    answers: tuple[Answer, ...] = field(default=(), compare=False)  # the checker's

    @property
    def way(self) -> tuple[str, str]:
        """What a smaller flow must have in common to show the same fault."""
        return self.code, self.kind


@dataclass
class Tally:
    """What a comparison came to; the counters are of flows, by the code of the check."""

    flows: int = 0
    too_large: int = 0
    instances: int = 0
    apart: int = 0  # flows that were also searched with combinations of regions left out
    refuted: Counter[str] = field(default_factory=Counter[str])
    proved: Counter[str] = field(default_factory=Counter[str])
    unknown: Counter[str] = field(default_factory=Counter[str])
    unasked: Counter[str] = field(default_factory=Counter[str])  # of these: about what is perhaps never entered
    counted: Counter[str] = field(default_factory=Counter[str])  # runs whose length was compared, too
    differences: list[Difference] = field(default_factory=list[Difference])

    @property
    def disagreements(self) -> list[str]:
        return [each.said for each in self.differences]

    def add(self, other: Tally) -> None:
        self.flows += other.flows
        self.too_large += other.too_large
        self.instances += other.instances
        self.apart += other.apart
        self.refuted += other.refuted
        self.proved += other.proved
        self.unknown += other.unknown
        self.unasked += other.unasked
        self.counted += other.counted
        self.differences += other.differences


def compare(seed: int, tally: Tally, write: Callable[[int], str] = random_flow, most: int = INSTANCES) -> None:
    """Decide the flow of a seed both ways, and note what they agree and disagree on.

    write: what makes the text, in which the flow is `R`; most: so many instances are enumerated, and no more."""
    tally.add(compared(write(seed), most, f"seed {seed}: "))


def compared(text: str, most: int = INSTANCES, about: str = "") -> Tally:
    """What both say of the flow `R` of a text without errors, or of its system. about: how messages begin.

    A side that falls over differs from the other one, too."""
    try:
        return settled_together(text, most, about) if SYSTEM in text else settled(kernels(text), most, about)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is a finding)
        name = type(error).__name__
        return Tally(differences=[Difference("crash", name, f"{about}{name}: {error}")])


def alike(text: str, way: tuple[str, str], most: int = INSTANCES) -> list[Difference]:
    """Where the two differ that way about a text, which need not be a flow."""
    try:
        if SYSTEM not in text and "R" not in kernels(text):
            return []
        kernels(text)
    except AssertionError:  # it has errors
        return []
    return [each for each in compared(text, most).differences if each.way == way]


def settled(family: Mapping[str, Kernel], most: int, about: str) -> Tally:
    """What both say of the flow `R` of a text. family: its flows, by name.

    Where their verdicts differ brute force looks again, more closely, and what it says then counts: at moments between,
    if times are data; and with two equal events that wait, if any may and it can."""
    subject = family["R"]
    outside = (subject.inputs, subject.data, subject.events)
    timed = any(isinstance(part, InstantType | DurationType) for part in nodes(outside))
    try:
        truth = enumerate_flow(subject, most)
        inquiry = explored(subject)
        told = asked(inquiry)
        tally = held_against(truth, subject, told, about)
        for other in left_out(subject):
            tally.apart += 1
            tally.differences += held_against(
                truth, subject, asked(other), f"{about}of what stands for all, "
            ).differences
        if tally.differences and timed:
            tally = held_against(enumerate_flow(subject, most * FINELY**2, SECOND / FINELY), subject, told, about)
    except TooLarge:
        return Tally(too_large=1)
    if tally.differences and subject.waiting:
        with suppress(TooLarge):
            tally = held_against(enumerate_flow(subject, most * FINELY, waiting=2), subject, told, about)
    strayed = chain((truth.rests[key][0] for key in missed(truth, inquiry)), beyond(family, inquiry, most * FINELY))
    for instance in islice(strayed, 1):
        where = " + ".join(instance.configuration) or "a compensation"
        tally.differences.append(Difference(GRAPH, "missed", f"{about}an instance in {where} lies in no node"))
    return tally


def held_against(truth: Verdicts, subject: Kernel, told: list[Answer], about: str) -> Tally:
    """What the checker has told of a flow, compared with the truth."""
    tally = Tally(flows=1, instances=truth.instances)
    plain = all(timer.task is None for timer in subject.timers())
    unsure = any(answer.rule.code == "F001" and answer.verdict is Verdict.UNKNOWN for answer in told)
    for code in CODES if not truth.blocked else HELPLESS:
        mine = [answer for answer in told if answer.rule.code == code]
        stopped = code == "F004" and FAULTS & {other for other, _ in truth.refuted}
        if (code == "F204" and (truth.undecided or not mine)) or (code == "F206" and not subject.recursive):
            continue
        if code == "F206" and truth.turns and any(answer.verdict is not Verdict.UNKNOWN for answer in mine):
            tally.differences.append(Difference(code, "told", f"{about}F206 is known, and should not be", tuple(mine)))
            continue
        if not mine and unsure and code not in PLACED:
            tally.unknown[code] += 1
            tally.unasked[code] += 1
            continue
        judge = truth.prompt if stopped or (code == "F105" and mine) else truth.refuted
        if code in PLACED and (mine or code not in RARE):
            for place in {answer.span.start for answer in mine}:
                there = [answer for answer in mine if answer.span.start == place]
                counts = plain and place not in truth.uncounted
                _settle(about, code, there, judge.get((code, place)), counts, tally)
        else:
            depths = [depth for (other, _), depth in judge.items() if other == code]
            shown = [
                depth for depth in depths if depth
            ]  # of an activity that says nothing of its effect there is no run
            _settle(about, code, mine, min(shown or depths, default=None), plain, tally)
    if not truth.blocked:
        _missing(about, told, truth, tally)
    return tally


def settled_together(text: str, most: int, about: str) -> Tally:
    """The same of flows that send each other messages: F311 to F314, message by message."""
    system, flows = together(text)
    worlds = Worlds(system, flows, most)
    tally = Tally()
    try:
        found = worlds.run()
    except TooLarge:
        tally.too_large += 1
        return tally
    tally.flows += 1
    tally.instances += len(worlds.worlds)
    ends = any(world.ended for world in worlds.worlds)
    for answer in systems.check(system, flows, PATIENT).answers:
        depth = found.get((answer.rule.code, answer.subject))
        if answer.rule.code == "F311" and answer.verdict is Verdict.REFUTED and not ends:
            depth = depth or 0  # they can never all end; whether they could is asked of places alone
        _settle(about, answer.rule.code, [answer], depth, False, tally)
    return tally


def _settle(about: str, code: str, answers: list[Answer], depth: int | None, counts: bool, tally: Tally) -> None:
    verdict = min((answer.verdict for answer in answers), default=Verdict.PROVED)
    if verdict is Verdict.UNKNOWN:
        tally.unknown[code] += 1
    elif (verdict is Verdict.REFUTED) != (depth is not None):
        said = "refuted" if verdict is Verdict.REFUTED else "proved"
        what = next((a.subject for a in answers if a.verdict is verdict), "the flow")
        message = f"{about}{code} {what} is {said}, brute force says otherwise"
        if depth is not None:
            message += f", in {depth} steps"
        tally.differences.append(Difference(code, said, message, tuple(answers)))
    elif depth is None:
        tally.proved[code] += 1
    else:
        tally.refuted[code] += 1
        shown = [answer.diagnostic for answer in answers if answer.diagnostic and answer.diagnostic.trace]
        runs = [len(each.trace) for each in shown if "no shorter run" in each.note]
        if code in COUNTED and counts and runs:
            tally.counted[code] += 1
            unsure = any(answer.verdict is Verdict.UNKNOWN for answer in answers)  # another place may show it sooner
            if min(runs) < depth or (min(runs) > depth and not unsure):
                message = f"{about}{code} is shown in {min(runs)} steps, brute force needs {depth}"
                kind = "longer" if min(runs) > depth else "shorter"
                tally.differences.append(Difference(code, kind, message, tuple(answers)))


def _missing(about: str, answers: list[Answer], truth: Verdicts, tally: Tally) -> None:
    """Every place that brute force refutes, of the checks compared by place, must have been asked about."""
    asked = {(answer.rule.code, answer.span.start) for answer in answers}
    if any(answer.rule.code == "F001" and answer.verdict is Verdict.UNKNOWN for answer in answers):
        return  # what may not be entered is not asked about
    for code, place in truth.refuted:
        # of a timer that never fires it is also enough that nothing is ever done about it
        same = ("F002", "F202") if code in {"F002", "F202"} else (code,)
        asked_about = any((each, place) in asked for each in same)
        if code in PLACED and not asked_about and (code in {"F104", "F301"} or place in truth.asked):
            tally.differences.append(Difference(code, "unasked", f"{about}{code} at offset {place} was not asked"))
