"""F311 to F314: are flows that send each other messages in step? A System and its members' kernels in, a Report out.

Asked of all members together, one instance each, started in any order. An event that some member sends comes from
members only; all else happens as in the checks of one flow. Every joint configuration is looked at (`joint`); what is
refuted was played on the interpreter (`rehearsal`). That an activity ends, and that people act, is taken for granted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...dsl.diagnostics import Diagnostic, Fix, Label, Rule
from ...dsl.model import System
from ...dsl.values import replace
from ..kernel import Kernel
from .budget import Budget
from .component import Component
from .explore import Limits
from .joint import Joint, Product
from .rehearsal import LOST, ORPHANED, OVERFLOWN, REJECTED, STILL, STUCK, Question, Rehearsal
from .verdict import Answer, Report, Verdict, Witness

MOST_JOINT = 40_000
MOST_SCENES = 6_000

_FLOWS = """\
flow Ask version 1 {
  input { n: int 0..9 }
  event answer
  start { send Reply.question(n) to "r" } -> Waiting
  state Waiting {
    on answer -> Done
    wait forever "the other answers"
  }
  final Done
}

flow Reply version 1 {
  event question(n: int 0..9)
  start -> Idle
  state Idle {
    on question(n) when n > 0 { send Ask.answer to "a" } -> Done
    on question else %s-> Done
    wait forever "the other asks"
  }
  final Done
}

system Talk { ask: Ask  reply: Reply }
"""
_QUIET = _FLOWS % ""
_MENDED = _FLOWS % '{ send Ask.answer to "a" } '

RULES = (
    Rule(
        STUCK,
        "system-deadlock",
        "The flows of a system come to where none of them can go on, or they can never all end.",
        f"""\
Each of the flows may be sound by itself and wait for a message that never comes.

```flow
{_QUIET}```

To a zero `reply` says nothing, and `ask` waits for ever. Here it answers.

```flow
{_MENDED}```

A system in which all flows can end is also refuted where they no longer can, even if something still happens.
""",
    ),
    Rule(
        REJECTED,
        "unhandled-message",
        "A message comes to a flow of a system that rejects it there.",
        """\
Messages take their time, so one may come when its receiver has moved on, or is not there yet. On a host it becomes a
dead letter that somebody has to look at. In the state the finding names, write `on`, `ignore` or `defer` for the event,
or raise the bound of `defer .. at most N`.
""",
    ),
    Rule(
        ORPHANED,
        "orphan-message",
        "A message comes too late: the flow it is for has ended.",
        """\
Nobody takes it any more: on a host it becomes a dead letter, or, if it was deferred, it is dropped. Where that does no
harm, say so in the system: `accept F313 "reason"`. Else let the receiver wait until the last message has come.
""",
    ),
    Rule(
        OVERFLOWN,
        "mailbox-overflow",
        "More messages may lie in a mailbox of a system than its bound.",
        """\
`mailbox fifo at most 4` says how many messages may wait for each flow while the system is checked, in its mailbox or
deferred; 4 is also what holds where nothing is written. A sender that does not wait for answers can fill any mailbox.
What may happen beyond the bound is not looked at, so the other answers stay open. Let the sender wait, or raise it.
""",
    ),
)
RULE: Mapping[str, Rule] = {rule.code: rule for rule in RULES}


def check(system: System, kernels: Mapping[str, Kernel], limits: Limits | None = None) -> Report:
    """Every answer about one system. Its members have the time and the memory of one flow together."""
    limits = limits or Limits()
    budget = Budget(system.name, limits.seconds, limits.memory, limits.tell)
    try:
        return _Examination(system, kernels, limits, budget).report()
    except Exception as error:
        if not (why := budget.ran_out(error)):
            raise
        answers = tuple(_given_up(system, rule, why) for rule in RULES)
        return Report(system.name, answers, cut=True)


def _given_up(system: System, rule: Rule, why: str) -> Answer:
    """What is answered where time or memory ran out before the joint configurations were known."""
    message = f"it is not known whether `{rule.name}` holds of `{system.name}`"
    said = Diagnostic(rule, message, system.span, "not decided", why=(f"{why}.",))
    return Answer(rule, system.name, Verdict.UNKNOWN, system.span, said, scope="what was examined")


class _Examination:
    """One system under examination."""

    def __init__(self, system: System, kernels: Mapping[str, Kernel], limits: Limits, budget: Budget) -> None:
        self.system = system
        self.budget = budget
        self.kernels = [kernels[member.flow] for member in system.members]
        self.components = tuple(Component(kernel, self._hears(kernel), limits, budget) for kernel in self.kernels)
        product = Product(system, self.components, MOST_JOINT, budget)
        self.found = product.run()
        self.ended = sum(map(product.finished, self.found.known))
        ends = product.recoverable()
        hopeful = not self.found.open and not self.found.overflown and bool(ends)
        lost = frozenset(self.found.known.keys() - ends) if hopeful else frozenset[Joint]()
        self.losing = bool(lost)
        self.rehearsal = Rehearsal(system, self.components, MOST_SCENES, lost, budget)
        self.rehearsal.play(set(self._suspected()))

    def _hears(self, kernel: Kernel) -> frozenset[str]:
        return frozenset(event for other in self.kernels for flow, event in other.sends if flow == kernel.name)

    def _questions(self) -> Iterator[Question]:
        yield STILL
        for index, component in enumerate(self.components):
            for event in component.kernel.event:
                if event in component.hears:
                    yield REJECTED, index, event
                    yield ORPHANED, index, event
            yield OVERFLOWN, index, ""

    def _suspected(self) -> Iterator[Question]:
        """What the joint configurations do not rule out."""
        found = self.found
        for question in self._questions():
            code, index, event = question
            wrong = {
                STUCK: bool(found.stuck or found.doubtful) or self.losing,
                REJECTED: (index, event) in found.rejected,
                ORPHANED: (index, event) in found.orphaned,
                OVERFLOWN: index in found.overflown,
            }
            if wrong[code] or found.open:
                yield question

    def report(self) -> Report:
        suspected = set(self._suspected())
        answers = tuple(self._accepted(self._answer(each, each in suspected)) for each in self._questions())
        return Report(self.system.name, answers, configurations=len(self.found.known), cut=bool(self.budget.met))

    def _answer(self, question: Question, suspected: bool) -> Answer:
        code, index, event = question
        rule = RULE[code]
        member = self.system.members[index]
        subject = self.system.name if code == STUCK else f"{member.name}.{event}" if event else member.name
        span = self.system.span if code == STUCK else member.span
        scope = "what was examined" if self.found.open else f"all {len(self.found.known)} joint configurations"
        runs = self.rehearsal.runs
        trace = runs.get(question, runs.get(LOST) if question == STILL else None)
        if trace is not None:
            message, label, others = self._said(question)
            note = f"{len(self.found.known)} joint configurations examined"
            fixes = (Fix(_MENDS[code].format(member=member.name, event=event)),)
            said = Diagnostic(rule, message, span, label, others=others, fixes=fixes, trace=trace, note=note)
            return Answer(rule, subject, Verdict.REFUTED, span, said, scope=scope)
        reason = self._doubt(code, suspected)
        if not reason:
            seen = self._witness(question)
            return Answer(rule, subject, Verdict.PROVED, span, scope=scope, witness=seen.text, vacuous=seen.vacuous)
        message = f"it is not known whether {_ASKED[code].format(member=member.name, event=event)}"
        said = Diagnostic(rule, message, span, "not decided", why=(f"{reason}.",))
        return Answer(rule, subject, Verdict.UNKNOWN, span, said, scope="what was examined")

    def _witness(self, question: Question) -> Witness:
        """What the joint configurations show of it."""
        code, index, event = question
        known = self.found.known
        if code == STUCK:
            ended = f"all have ended in {self.ended} of them"
            return Witness(ended if self.ended else "in each of them something can still happen")
        if code == OVERFLOWN:
            most = max(len(joint[index].box) for joint in known)
            return Witness(f"at most {most} of its messages wait at a time", vacuous=not most)
        waits = sum(event in joint[index].box for joint in known)
        if not waits:
            return Witness(f"`{event}` is never sent", vacuous=True)
        return Witness(f"`{event}` is on its way in {waits} of them")

    def _doubt(self, code: str, suspected: bool) -> str:
        if self.found.open:
            return self.found.open
        if suspected:
            return (
                self.budget.met or "joint configurations that show it were not ruled out, and no run to one was found"
            )
        if self.found.overflown and code != OVERFLOWN:
            return "more messages may lie in a mailbox than it holds, and what happens then was not looked at"
        called = [a.name for kernel in self.kernels for a in kernel.activities if a.flow]
        return f"what the sub-flow `{called[0]}` sends was not followed" if called else ""

    def _said(self, question: Question) -> tuple[str, str, tuple[Label, ...]]:
        code, index, event = question
        member, kernel = self.system.members[index], self.kernels[index]
        others = (Label(kernel.event[event].span, "the event"),) if event else ()
        match code:
            case "F311":
                still = STILL in self.rehearsal.runs
                what = "get stuck" if still else "come to where they can no longer all end"
                return f"the flows of `{self.system.name}` may {what}", "may get stuck", others
            case "F312":
                return f"`{event}` may come to `{member.name}` where it is rejected", "may reject it", others
            case "F313":
                return f"`{event}` may come to `{member.name}` too late to be taken", "may have ended", others
            case _:
                most = self.system.most
                return f"more than {most} messages may wait for `{member.name}`", f"holds {most}", others

    def _accepted(self, answer: Answer) -> Answer:
        if answer.verdict is Verdict.PROVED or answer.rule.code == STUCK:
            return answer
        reason = next((each.reason for each in self.system.accepts if each.code == answer.rule.code), None)
        return replace(answer, accepted=reason)


_MENDS = {
    STUCK: "have each message answered in every case, or give the wait for it a time",
    REJECTED: "say in the state where it may come what becomes of `{event}`: `on`, `ignore` or `defer`",
    ORPHANED: 'let `{member}` wait until `{event}` has come; where that does no harm, `accept F313 "reason"`',
    OVERFLOWN: "let those who send to `{member}` wait for an answer, or let the `mailbox` hold more",
}
_ASKED = {
    STUCK: "the flows can get stuck",
    REJECTED: "`{event}` can come to `{member}` where it is rejected",
    ORPHANED: "`{event}` can come to `{member}` too late",
    OVERFLOWN: "too many messages can wait for `{member}`",
}
