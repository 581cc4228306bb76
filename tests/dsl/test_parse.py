"""What the parser makes of each construct, and of texts that are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from kernels import kernel
from penstock.dsl import syntax as s
from penstock.dsl.parse import parse
from penstock.dsl.source import Source
from trees import nodes

SPECS = Path(__file__).parents[2] / "specs"


def flow(lines: str) -> s.Flow:
    parsed = parse(Source("x.flow", f"flow A {{\n{lines}\n}}\n"))
    assert [each.message for each in parsed.diagnostics] == []
    (made,) = parsed.tree.members
    assert isinstance(made, s.Flow)
    return made


def member(lines: str) -> s.FlowMember:
    (made,) = flow(lines).members
    return made


def in_state(lines: str) -> tuple[s.StateMember, ...]:
    state = member(f"state S {{\n{lines}\n}}")
    assert isinstance(state, s.State)
    return state.members


def steps(lines: str) -> tuple[s.ScenarioStep, ...]:
    scenario = member(f'scenario "x" {{\n{lines}\n}}')
    assert isinstance(scenario, s.Scenario)
    return scenario.steps


def shape(expr: object) -> str:
    """An expression with every bracket written."""
    match expr:
        case s.Name(text, _):
            return text
        case s.Literal(value, _):
            return str(value)
        case s.Unary(op, operand, _):
            return f"({op} {shape(operand)})"
        case s.Binary(op, left, right, _):
            return f"({shape(left)} {op} {shape(right)})"
        case s.Conditional(condition, then, otherwise, _):
            return f"(if {shape(condition)} then {shape(then)} else {shape(otherwise)})"
        case s.OneOf(operand, members, _):
            return f"({shape(operand)} in {{{', '.join(map(shape, members))}}})"
        case s.IsNone(operand, negated, _):
            return f"({shape(operand)} is {'some' if negated else 'none'})"
        case s.Call(function, args, _):
            return f"{function.text}({', '.join(map(shape, args))})"
        case s.InState(state, _):
            return f"(in {state.text})"
        case _:
            raise AssertionError(expr)


def shape_of(text: str) -> str:
    made = member(f"always {text}")
    assert isinstance(made, s.Always)
    return shape(made.condition)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a implies b implies c", "(a implies (b implies c))"),
        ("a or b and not c implies d", "((a or (b and (not c))) implies d)"),
        ("not a == b", "(not (a == b))"),
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("a - b - c", "((a - b) - c)"),
        ("-a * b % c", "(((- a) * b) % c)"),
        ("(a or b) and c", "((a or b) and c)"),
        ("x in {a, b} or in S", "((x in {a, b}) or (in S))"),
        ("x + 1 is some and y is none", "(((x + 1) is some) and (y is none))"),
        ("if a then b else if c then d else e", "(if a then b else (if c then d else e))"),
        ("min(a, len(b)) <= 3", "(min(a, len(b)) <= 3)"),
        ("done(pay) and count(pay) > 1 and compensating", "((done(pay) and (count(pay) > 1)) and compensating)"),
        ("a\n  and b\n  implies c", "((a and b) implies c)"),
        ("a ==\n  b", "(a == b)"),
        ("a /\n\n# said\n b", "(a / b)"),
    ],
)
def test_operators_bind_as_the_reference_says(text: str, expected: str) -> None:
    assert shape_of(text) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("none", None),
        ("007", 7),
        ("1000.00", Decimal("1000.00")),
        ('"a \\"b\\" \\\\ \\n\\t"', 'a "b" \\ \n\t'),
        ("1h30m", timedelta(minutes=90)),
        ("250ms", timedelta(milliseconds=250)),
        ("36500d", timedelta(days=36500)),
        ("@2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("@2026-01-31T12:00:00.5Z", datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_literals_have_their_value(text: str, value: object) -> None:
    made = member(f"always {text}")
    assert isinstance(made, s.Always) and isinstance(made.condition, s.Literal)
    assert made.condition.value == value and type(made.condition.value) is type(value)
    if isinstance(value, Decimal):
        assert str(made.condition.value) == str(value)


def test_a_line_that_could_go_on_but_can_begin_anew_begins_anew() -> None:
    made = flow("always a\nin S leads to b\nalways c\n(d) leads to e\nevent go\n-1 == x leads to e").members
    assert [type(each).__name__ for each in made] == [
        "Always",
        "LeadsTo",
        "Always",
        "LeadsTo",
        "EventDeclaration",
        "LeadsTo",
    ]


def test_words_of_the_language_are_names_where_no_other_word_can_stand() -> None:
    made = flow("state version { on start -> final  ignore state, task }\nfinal final\nevent by by by")
    state, final, event = made.members
    assert isinstance(state, s.State) and isinstance(final, s.Final) and isinstance(event, s.EventDeclaration)
    assert (state.name.text, final.name.text, event.name.text) == ("version", "final", "by")
    assert [role.text for role in event.roles] == ["by"]


def test_a_handler_keeps_trigger_guard_updates_and_target() -> None:
    plain, guarded, late, timed = in_state(
        "on a stay\non b(x, _) when x > 1 { n = n + 1, m = 2 } -> compensate since M -> T\n"
        "after if u then 1h else 2h else { n = 0 } -> T\nat due -> compensate -> T"
    )
    assert isinstance(plain, s.Handler) and isinstance(guarded, s.Handler)
    assert isinstance(late, s.Handler) and isinstance(timed, s.Handler)
    assert isinstance(plain.trigger, s.On) and plain.trigger.params is None and isinstance(plain.target, s.Stay)
    assert isinstance(guarded.trigger, s.On) and guarded.trigger.params is not None
    assert [each.text for each in guarded.trigger.params] == ["x", "_"]
    updates = [each for each in guarded.updates if isinstance(each, s.Assign)]
    assert [(each.name.text, shape(each.value)) for each in updates] == [("n", "(n + 1)"), ("m", "2")]
    assert isinstance(guarded.target, s.Undo) and guarded.target.since is not None
    assert (guarded.target.since.text, guarded.target.node.text) == ("M", "T")
    assert isinstance(late.trigger, s.After) and late.otherwise and late.guard is None
    assert isinstance(timed.trigger, s.At) and isinstance(timed.target, s.Undo) and timed.target.since is None


def test_a_state_keeps_its_other_lines() -> None:
    made = in_state('do pay(1, a)\nignore a, b\ndefer c\nwait forever "a person"\naccept F202 "known"\ntask t for r, q')
    assert [type(each).__name__ for each in made] == ["Do", "Ignore", "Defer", "WaitForever", "Accept", "Task"]
    assert isinstance(made[3], s.WaitForever) and made[3].reason == "a person"
    assert isinstance(made[4], s.Accept) and (made[4].code.text, made[4].reason) == ("F202", "known")
    assert isinstance(made[5], s.Task) and isinstance(made[5].whom, tuple)
    assert [role.text for role in made[5].whom] == ["r", "q"]


def test_a_task_keeps_its_clauses_and_the_pieces_of_its_title() -> None:
    (task,) = in_state(
        'task review for manager {\n title "Pay {total + 1} to {{all}} \\"now\\""\n'
        " form { ok: bool, why: enum { a, b }? }\n due 24h\n"
        " escalate to a after 1d\n escalate to b after 2d\n except actor of start, other\n}"
    )
    assert isinstance(task, s.Task)
    title, form, due, first, second, start, other = task.clauses
    assert isinstance(title, s.Title) and isinstance(form, s.Form) and isinstance(due, s.Due)
    assert [each if isinstance(each, str) else shape(each) for each in title.parts] == [
        "Pay ",
        "(total + 1)",
        ' to {all} "now"',
    ]
    assert isinstance(form.fields[1].type, s.Optional) and isinstance(form.fields[1].type.item, s.InlineEnum)
    assert isinstance(first, s.Escalate) and isinstance(second, s.Escalate)
    assert (first.role.text, second.after.value) == ("a", timedelta(days=2))
    assert isinstance(start, s.Except) and isinstance(other, s.Except)
    assert (start.moment.text, other.moment.text) == ("start", "other")


def test_an_activity_keeps_its_clauses() -> None:
    made = member(
        "activity pay(a: text, b: int 1..9,) -> text? {\n timeout 5s\n retry forever\n"
        " retry 3 backoff 1s..1m then park\n"
        " fails out, late 2.5%\n ensures result is some\n"
        " compensate back(result, a) { timeout 1s retry 5 backoff 1s..2s }\n readonly irreversible\n}"
    )
    assert isinstance(made, s.ActivityDeclaration) and isinstance(made.result, s.Optional)
    kinds = "Timeout Retry Retry Fails Fails Ensures Compensate Readonly Irreversible"
    assert [type(each).__name__ for each in made.clauses] == kinds.split()
    endless, parking, out, late = made.clauses[1:5]
    assert isinstance(endless, s.Retry) and (endless.attempts, endless.first, endless.park) == (None, None, False)
    assert isinstance(parking, s.Retry) and parking.attempts is not None and parking.park
    assert isinstance(out, s.Fails) and out.rate is None
    assert isinstance(late, s.Fails) and late.rate == Decimal("0.025")
    assert isinstance(made.clauses[6], s.Compensate) and len(made.clauses[6].clauses) == 2


def test_a_scenario_keeps_its_steps() -> None:
    made = steps(
        'start by customer "ann" (a: 1, b: -2)\npay done("p")\npay declined\nback done\ncancel\ncancel by customer\n'
        'review by manager "bo"(ok: true)\nafter 72h\nexpect in S and x == 1\nexpect compensated back, other\n'
        "expect compensated none\nexpect rejected cancel by customer(a: 1)"
    )
    kinds = "GivenStart GivenOutcome GivenOutcome GivenOutcome GivenEvent GivenEvent GivenEvent GivenWait Expect"
    assert [type(each).__name__ for each in made] == [*kinds.split(), *["ExpectCompensated"] * 2, "GivenEvent"]
    start, outcome, refused = made[0], made[1], made[-1]
    assert isinstance(start, s.GivenStart) and start.actor is not None and start.actor.person == "ann"
    assert isinstance(outcome, s.GivenOutcome) and outcome.values is not None and [*map(shape, outcome.values)] == ["p"]
    assert isinstance(refused, s.GivenEvent) and refused.rejected and refused.args[0].name.text == "a"
    assert isinstance(made[-2], s.ExpectCompensated) and made[-2].names == ()


def test_doc_comments_belong_to_the_declaration_below_them() -> None:
    made = flow(
        "## One.\n# aside\n## Two.\nstate S {\n ## Why.\n on a -> B # plain\n}\ninput {\n ## How many.\n n: int\n}"
    )
    state, given = made.members
    assert isinstance(state, s.State) and isinstance(given, s.Input)
    (handler,) = state.members
    assert isinstance(handler, s.Handler)
    assert (state.doc, handler.doc, given.fields[0].doc) == ("One.\nTwo.", "Why.", "How many.")


def test_the_order_keeps_everything() -> None:
    parsed = parse(Source("order.flow", (SPECS / "order.flow").read_text("utf-8")))
    assert parsed.diagnostics == () and parsed.tree.complete
    carrier, money, order = parsed.tree.members
    assert isinstance(carrier, s.EnumDeclaration) and isinstance(money, s.TypeDeclaration) and isinstance(order, s.Flow)
    assert order.doc.startswith("Take an order from submission to delivery;")
    kinds = [type(each).__name__ for each in order.members]
    assert " ".join(kinds) == (
        "Version Input Data Roles EventDeclaration ActivityDeclaration ActivityDeclaration ActivityDeclaration "
        "ActivityDeclaration Start State State Choice State State State Final Final Final "
        "Always Always LeadsTo Scenario"
    )


@pytest.mark.parametrize("path", sorted(SPECS.rglob("*.flow")), ids=lambda path: path.stem)
def test_every_span_lies_within_its_parent(path: Path) -> None:
    source = Source(path.name, path.read_text("utf-8"))

    for node, outer in nodes(parse(source).tree):
        assert outer.start <= node.span.start <= node.span.end <= outer.end, node
        if isinstance(node, s.Name):
            assert source.slice(node.span) == node.text


@pytest.mark.parametrize("text", ["", " \n\t", "# only\n## comments", "\ufeff", "\ufeff# x"])
def test_a_text_without_a_flow_is_empty(text: str) -> None:
    parsed = parse(Source("x.flow", text))
    assert [each.rule.code for each in parsed.diagnostics] == ["E104"]
    assert parsed.tree.members == () and not parsed.tree.complete


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_other_line_ends_and_a_byte_order_mark_change_nothing(ends: str) -> None:
    text = (SPECS / "order.flow").read_text("utf-8")
    odd = parse(Source("x.flow", "\ufeff" + text.replace("\n", ends)))
    assert odd.diagnostics == () and odd.tree.complete


DEEP = 10_000


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("flow A { always " + "(" * DEEP + "a" + ")" * DEEP + " }", "E105"),
        ("flow A { " * DEEP, "E105"),
        ("flow A {\n always " + "not " * DEEP + "a\n final B\n}", "E105"),
        ("flow A {\n always " + "- " * DEEP + "a == 1\n}", "E105"),
        ("flow A {\n always a" + " implies a" * DEEP + "\n}", "E105"),
        ("flow A {\n always a" + " and a" * DEEP + "\n}", "E105"),
        ("flow A {\n always " + "if a then b else " * DEEP + "c\n}", "E105"),
        ('flow A { state S { task t for r { title "{' + "not " * DEEP + 'a}" } } }', "E105"),
        ("\0" * DEEP, "E113"),
        ("}" * DEEP, "E123"),
        ('"' * (DEEP + 1), "E122"),
        (", " * DEEP, "E122"),
        ("a;" * DEEP, "E122"),
    ],
    ids=str,
)
def test_monstrous_texts_are_told_in_a_few_words(text: str, code: str) -> None:
    parsed = parse(Source("x.flow", text))
    assert parsed.diagnostics[0].rule.code == code and len(parsed.diagnostics) <= 31
    assert not parsed.tree.complete


def test_what_is_just_shallow_enough_is_read() -> None:
    assert shape_of("(" * 63 + "a" + ")" * 63) == "a"
    assert shape_of("a" + " and a" * 100).count("and") == 100


def test_reading_stops_after_thirty_errors() -> None:
    parsed = parse(Source("x.flow", "flow A {\n" + "on x\n" * 2 + "state S { retry }\n" * 40 + "}"))
    assert parsed.diagnostics[-1].rule.code == "E126" and len(parsed.diagnostics) == 31


def test_a_role_may_be_called_person() -> None:
    flow = """
      input { owner: text }
      roles person, lead
      start -> Open
      state Open {
        task one for person { title "One" }
        task two for person, lead { title "Two" }
        task three for person owner { title "Three" }
        on one -> Closed
        on two -> Closed
        on three -> Closed
        after 1d -> Closed
      }
      final Closed
    """
    one, two, three = kernel(f"flow Named version 1 {{{flow}}}").task.values()
    assert (one.roles, two.roles, three.roles) == (("person",), ("person", "lead"), ())
    assert (one.person, two.person) == (None, None)
    assert three.person is not None
