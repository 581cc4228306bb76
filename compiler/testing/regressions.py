"""Runs that once broke a flow, done to the flow as it is now: a case in, what to test of it out.

A case is a list of acts from outside. Each is done again, in order, to the flow as it is: one that the flow has no such
thing for any more (the event is gone, no such call runs, the timer is not armed) is left out, and the reason is noted;
one that is refused now has to be refused; all others have to do what the reference interpreter says. What was broken
has to be whole at the end, where that can be seen of a record; a compensation under way is carried to its end first.
If not even the start can be done again, the test says so, and is skipped.
"""

from __future__ import annotations

from ...dsl.values import dataclass
from ..kernel import Kernel
from .acts import Kind
from .cases import Case, revived
from .claims import promised, text
from .joining import rounded
from .play import Played, play
from .words import slug, told

LAWS = {"F003": "stuck", "F101": "left_standing", "F102": "undone_too_late", "F103": "left_unsure"}
"""What can be seen of a record, by the code of the finding: the function of `penstock.runtime.testing.laws`."""


@dataclass(frozen=True, slots=True)
class Regression:
    """claim: the property that was broken, if the flow still has it; law: a name in `LAWS`, or nothing; skipped: why
    there is nothing to test."""

    title: str
    doc: str
    played: tuple[Played, ...] = ()
    claim: str = ""
    law: str = ""
    skipped: str = ""


def regression(kernel: Kernel, case: Case) -> Regression:
    title = f"never_again_{slug(case.message, 76)}"
    head = f"{case.code} was found: {case.message} ({case.fingerprint[:12]})."
    acts = tuple(revived(kernel, case))
    if not acts or acts[0].kind is not Kind.START:
        why = acts[0].name if acts else "the case has no run"
        return Regression(title, head, skipped=f"the flow is started otherwise now: {why}")
    played = play(kernel, rounded(kernel, acts))
    if played[0].refused is not None:
        return Regression(title, f"{head}\n\nIt is refused at the start now.", played)
    claims = {text(kernel, claim) for claim in promised(kernel)}
    claim = case.about if case.about in claims else ""
    law = LAWS.get(case.code, "")
    return Regression(title, f"{head}\n\n{_now(kernel, case, played, claim, law)}", played, claim, law)


def _now(kernel: Kernel, case: Case, played: tuple[Played, ...], claim: str, law: str) -> str:
    """What the test asks."""
    run = told(kernel, [step for step in played if not step.missing])
    if claim:
        return f"{run} The property holds at the end."
    if law:
        return f"{run} What was wrong there is right at the end."
    if case.about and case.code == "F301":
        return f"{run} The property `{case.about}` is not in the flow any more; the run does what the flow says."
    return f"{run} The run does what the flow says now; that {case.code} is gone, `penstock check` proves."
