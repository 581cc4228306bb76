"""What becomes of effects that nobody is sure of: left by a success (F103), undone without a result (F104), or come to
after the pivot, with no way forward (F105)."""

from __future__ import annotations

import pytest

from kernels import flow, kernels
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Answer, Report, Verdict

PAY = "activity pay() -> int 0..9 { retry 2 backoff 1s..2s fails declined compensate refund(result) }"
SHIP = "activity ship() { retry 2 backoff 1s..2s then park irreversible }"
PAID = "state Paying { do pay()  on done(_) -> Good  on declined -> Good  on failed -> LEFT }"
GOOD, BAD = "final Good", "final failure Bad"


def of(report: Report, code: str) -> list[Answer]:
    return [answer for answer in report.answers if answer.rule.code == code]


def verdicts(body: str, code: str) -> list[Verdict]:
    return [answer.verdict for answer in of(check(flow(body)), code)]


def refuted(report: Report) -> set[str]:
    return {answer.rule.code for answer in report.answers if answer.verdict is Verdict.REFUTED}


def run(answer: Answer) -> list[str]:
    assert answer.diagnostic is not None
    return [step.trigger for step in answer.diagnostic.trace]


# ---------------------------------------------------------------- F103


def test_a_success_leaves_nothing_of_which_nobody_knows_whether_it_happened() -> None:
    body = f"{PAY}\nstart -> Paying\n{PAID}\n{GOOD}"
    (answer,) = of(check(flow(body.replace("LEFT", "Good"))), "F103")
    assert (answer.verdict, run(answer)) == (Verdict.REFUTED, ["start", "pay timeout"])
    assert answer.diagnostic is not None
    assert answer.diagnostic.why[0].startswith("`pay` used up its attempts, the last of which timed out")
    assert verdicts(body.replace("LEFT", "compensate -> Good"), "F103") == [Verdict.PROVED]


@pytest.mark.parametrize(
    ("clause", "verdict"),
    [
        ("compensate refund(result)", Verdict.REFUTED),
        ("irreversible", Verdict.REFUTED),
        ("readonly", Verdict.PROVED),
    ],
)
def test_it_is_asked_of_every_effect_there_is(clause: str, verdict: Verdict) -> None:
    body = f"{PAY}\nstart -> Paying\n{PAID}\n{GOOD}".replace("LEFT", "Good")
    assert verdicts(body.replace("compensate refund(result)", clause), "F103") == [verdict]


def test_a_parked_call_is_an_operators_and_a_declared_error_is_definite() -> None:
    body = f"{PAY}\nstart -> Paying\n{PAID}\n{GOOD}".replace("..2s fails", "..2s then park fails")
    assert verdicts(body.replace("on failed -> LEFT", ""), "F103") == [Verdict.PROVED]


INTERRUPTED = f"""{PAY}
event stop
event go
start -> Paying
state Paying {{ do pay()  on done(_) -> Good  on declined -> Good  on failed -> compensate -> Good  on stop -> NEXT }}
state Later {{ on go -> Good  after 1d -> compensate -> Good }}
{GOOD}"""


def test_an_interrupted_call_that_is_still_in_flight_is_another_finding() -> None:
    assert refuted(check(flow(INTERRUPTED.replace("NEXT", "Good")))) == {"F001", "F009"}


def test_an_interrupted_call_may_be_settled_and_still_be_uncertain() -> None:
    report = check(flow(INTERRUPTED.replace("NEXT", "Later")))
    assert refuted(report) == {"F009", "F103"}
    (answer,) = of(report, "F103")
    assert run(answer) == ["start", "stop", "pay interrupted", "go"]
    assert answer.diagnostic is not None
    assert answer.diagnostic.why[0].startswith("`pay` was interrupted")


def test_what_a_savepoint_leaves_stays_uncertain() -> None:
    later = "state Mark { after 1h -> compensate since Mark -> Good }"
    body = f"{PAY}\nstart -> Paying\n{PAID}\n{later}\n{GOOD}".replace("LEFT", "Mark")
    assert verdicts(body, "F103") == [Verdict.REFUTED]
    assert verdicts(body.replace("since Mark ", ""), "F103") == [Verdict.PROVED]


def test_of_a_group_that_is_content_with_less_the_rest_stays_uncertain() -> None:
    group = "do for n in [1, 2] until 1 done: pay()"
    body = f"{PAY}\nstart -> Paying\n{PAID}\n{GOOD}".replace("do pay()", group).replace("LEFT", "compensate -> Good")
    answers = of(check(flow(body)), "F103")
    assert [answer.verdict for answer in answers] == [Verdict.REFUTED]
    assert run(answers[0])[-1].startswith("pay done")


def test_a_region_ends_nothing_and_a_failure_is_asked_elsewhere() -> None:
    regions = f"""parallel Both {{
        region One {{ start -> Paying  {PAID.replace("Good", "Paid").replace("LEFT", "Paid")}  final Paid }}
        region Two {{ start -> Idle  state Idle {{ after 1h -> Rest }}  final Rest }}
        on all done -> ENDS
      }}"""
    body = f"{PAY}\nstart -> Both\n{regions}\nfinal Good\n{BAD}"
    assert verdicts(body.replace("ENDS", "Good"), "F103") == [Verdict.REFUTED]
    assert verdicts(body.replace("ENDS", "compensate -> Good"), "F103") == [Verdict.PROVED]
    assert verdicts(body.replace("ENDS", "compensate -> Bad"), "F103") == []


def test_a_sub_flow_is_done_or_has_undone_itself() -> None:
    inner = PAID.replace("LEFT", "compensate -> Bad").replace("on declined -> Good", "on declined -> Bad")
    text = f"""flow Child version 1 {{ {PAY} start -> Paying {inner} {GOOD} {BAD} }}
    flow Test version 1 {{ start -> S  state S {{ do flow Child()  on done -> Good  on failed -> Good }}  {GOOD} }}"""
    assert refuted(check(kernels(text)["Test"])) == set()


def test_it_can_be_accepted() -> None:
    body = f'{PAY}\nstart -> Paying\n{PAID}\n{GOOD}\naccept F103 "the bank tells us"'.replace("LEFT", "Good")
    report = check(flow(body))
    assert [answer.accepted for answer in of(report, "F103")] == ["the bank tells us"]
    assert report.verdict is Verdict.PROVED


# ---------------------------------------------------------------- F104


def undone(args: str, way: str = "compensate -> Bad", clauses: str = "") -> str:
    pay = PAY.replace("(result)", f"({args})").replace("..2s fails", f"..2s {clauses} fails")
    paid = PAID.replace("LEFT", way).replace("on declined -> Good", "on declined -> Bad")
    return f"{pay}\nevent stop\nstart -> Paying\n{paid}\n{GOOD}\n{BAD}"


def test_a_compensation_is_handed_no_result_of_a_call_of_which_nobody_knows() -> None:
    report = check(flow(undone("result + 1")))
    (answer,) = of(report, "F104")
    assert (answer.verdict, run(answer)) == (Verdict.REFUTED, ["start", "pay timeout"])
    assert not of(report, "F402")


@pytest.mark.parametrize(
    "args", ["result", "if result is some then result + 1 else 0", "result is some and result > 3"]
)
def test_a_result_that_is_tested_or_handed_on_is_safe(args: str) -> None:
    assert refuted(check(flow(undone(args)))) == set()
    assert set(verdicts(undone(args), "F104")) <= {Verdict.PROVED}


def test_the_result_of_a_call_that_is_always_done_is_there() -> None:
    paid = "state Paying { do pay()  on done(_) -> Paid  on declined -> Bad }"
    later = "state Paid { on stop -> compensate -> Bad  after 1h -> Good }"
    pay = PAY.replace("(result)", "(result + 1)").replace("..2s fails", "..2s then park fails")
    body = f"{pay}\nevent stop\nstart -> Paying\n{paid}\n{later}\n{GOOD}\n{BAD}"
    assert verdicts(body, "F104") == [Verdict.PROVED]
    assert refuted(check(flow(body.replace("(_) -> Paid", "(_) -> Paid on stop -> compensate -> Bad")))) == {"F104"}


def test_what_stops_a_compensation_leaves_nothing_proved_that_needs_it() -> None:
    report = check(flow(undone("result + 1")))
    assert [answer.verdict for answer in of(report, "F004")] == [Verdict.UNKNOWN]
    waits = f'state Idle {{ on stop -> compensate -> Bad  wait forever "on purpose" }}\n{BAD}'
    body = undone("result + 1", "Idle").replace(BAD, waits)
    assert {a.verdict for a in of(check(flow(body)), "F003") if a.subject == "`Idle`"} == {Verdict.UNKNOWN}
    whole = check(flow(body.replace("result + 1", "result")))
    assert {a.verdict for a in of(whole, "F003")} == {Verdict.PROVED}


def test_what_hangs_on_the_result_itself_is_refuted_by_a_run_or_unknown() -> None:
    later = f"state Paid {{ on stop -> compensate -> Bad  after 1h -> Good }}\n{GOOD}"
    body = undone("if result is some then 7 / result else 0").replace("(_) -> Good", "(_) -> Paid").replace(GOOD, later)
    assert [answer.verdict for answer in of(check(flow(body)), "F403")] == [Verdict.REFUTED]
    other = body.replace("7 / result", "7 / (result - 5)")
    assert [answer.verdict for answer in of(check(flow(other)), "F403")] == [Verdict.UNKNOWN]


# ---------------------------------------------------------------- F105

CHARGED = "state Charging { do pay()  on done(_) -> Good  on declined -> Good  on failed -> LEFT }"
AFTER = (
    f"{PAY}\n{SHIP}\nstart -> Shipping\nstate Shipping {{ do ship()  on done -> Charging }}\n{CHARGED}\n{GOOD}\n{BAD}"
)


@pytest.mark.parametrize(
    ("way", "verdict"),
    [
        ("compensate -> Bad", Verdict.REFUTED),
        ("Bad", Verdict.REFUTED),
        ("Good", Verdict.PROVED),  # which is F103's to say
        ("Charging", Verdict.PROVED),
        ("compensate since Charging -> Charging", Verdict.PROVED),
    ],
)
def test_after_the_pivot_a_call_that_gives_up_has_a_way_forward(way: str, verdict: Verdict) -> None:
    assert verdicts(AFTER.replace("LEFT", way), "F105") == [verdict]


def test_what_parks_does_not_give_up_and_before_the_pivot_it_may() -> None:
    parked = AFTER.replace("retry 2 backoff 1s..2s fails", "retry 2 backoff 1s..2s then park fails")
    assert verdicts(parked.replace("on failed -> LEFT", ""), "F105") == []
    before = (
        f"{PAY}\n{SHIP}\nstart -> Charging\n{CHARGED}\nstate Shipping {{ do ship()  on done -> Good }}\n{GOOD}\n{BAD}"
    )
    before = before.replace("done(_) -> Good", "done(_) -> Shipping").replace("LEFT", "compensate -> Bad")
    assert refuted(check(flow(before))) == set() and verdicts(before, "F105") == [Verdict.PROVED]


def test_the_pivot_itself_may_give_up() -> None:
    ship = SHIP.replace(" then park", "")
    body = f"{ship}\nstart -> S\nstate S {{ do ship()  on done -> Good  on failed -> LEFT }}\n{GOOD}\n{BAD}"
    assert refuted(check(flow(body.replace("LEFT", "Bad")))) == {"F102", "F105"}
    assert refuted(check(flow(body.replace("LEFT", "Good").replace(BAD, "")))) == {"F103"}


def test_whether_there_is_a_way_forward_may_hang_on_data() -> None:
    choice = "choice Way { when big -> compensate -> Bad  else -> Charging }"
    body = "input { big: bool }\n" + AFTER.replace("LEFT", "Way") + f"\n{choice}"
    (answer,) = of(check(flow(body)), "F105")
    assert (answer.verdict, run(answer)[0]) == (Verdict.REFUTED, "start(big: true)")
    both = "choice Way { when big -> Charging  else -> compensate since Charging -> Charging }"
    assert verdicts(body.replace(choice, both), "F105") == [Verdict.PROVED]


def test_a_sub_flow_may_be_the_pivot_and_does_not_give_up_itself() -> None:
    child = f"flow Child version 1 {{ {SHIP} start -> S state S {{ do ship() on done -> Good }} {GOOD} }}"
    body = (
        AFTER.replace(SHIP, "")
        .replace("do ship()", "do flow Child()")
        .replace("on done -> Ch", "on failed -> Bad  on done -> Ch")
    )
    text = f"{child}\nflow Test version 1 {{ {body.replace('LEFT', 'Bad')} }}"
    answers = of(check(kernels(text)["Test"]), "F105")
    assert [(answer.subject, answer.verdict) for answer in answers] == [("`Charging`", Verdict.REFUTED)]
