"""What the analysis makes of a text: the nodes of the model, and laws over mutated specs."""

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.dsl import model as m
from penstock.dsl.diagnostics import Severity
from penstock.dsl.parse import parse
from penstock.dsl.resolve import BROKEN
from penstock.dsl.source import Source
from penstock.dsl.typecheck import MOST_STATES, Analysed, analyse
from penstock.dsl.walk import nodes

SPECS = Path(__file__).parent.parent.parent / "specs"
ORDER = (SPECS / "order.flow").read_text("utf-8")


def analysed(text: str) -> Analysed:
    source = Source("test.flow", text)
    return analyse(parse(source).tree, source)


def flow(body: str) -> m.Flow:
    """The flow with this body, which has to be without a mistake."""
    text = f"flow Example {{ start -> Done  final Done\n{body}\n}}"
    parsed, found = parse(Source("test.flow", text)), analysed(text)
    assert not parsed.diagnostics
    assert [each.message for each in found.diagnostics if each.severity is Severity.ERROR] == []
    return found.flows[0]


def guard(condition: str) -> m.Expr:
    """The condition, typed, over a few variables."""
    data = "n: int? = 1, d: decimal(2) = 1.00, s: int 1..5 = 1, t: text?, h: duration = 1h, c: enum { red, blue } = red"
    body = f"data {{ {data} }}\nevent go\nstate A {{ on go when {condition} -> Done }}"
    found = flow(body).states[0].transitions[0].guard
    assert found is not None
    return found


def shown(expr: m.Expr) -> str:
    """An expression as text, with every implicit conversion."""
    match expr:
        case m.Literal(value):
            return repr(value) if isinstance(value, str) else str(value)
        case m.Ref(_, name):
            return name
        case m.Unary(op, operand):
            return f"({op} {shown(operand)})"
        case m.Binary(op, left, right):
            return f"({shown(left)} {op} {shown(right)})"
        case m.Conditional(condition, then, otherwise):
            return f"(if {shown(condition)} then {shown(then)} else {shown(otherwise)})"
        case m.OneOf(operand, members):
            return f"({shown(operand)} in {{{', '.join(map(shown, members))}}})"
        case m.IsNone(operand, negated):
            return f"({shown(operand)} is {'some' if negated else 'none'})"
        case m.Unwrap(operand):
            return f"{shown(operand)}!"
        case m.Convert(operand, type_):
            return f"[{shown(operand)} as {type_}]"
        case m.Builtin(name, args):
            return f"{name}({', '.join(map(shown, args))})"
        case m.Now():
            return "now"
        case _:
            return type(expr).__name__


def test_the_order_is_analysed_without_a_word() -> None:
    source = Source("order.flow", ORDER)
    parsed = parse(source)
    assert parsed.diagnostics == ()
    found = analyse(parsed.tree, source)
    assert found.diagnostics == ()
    (order,) = found.flows
    assert (order.name, order.version) == ("Order", 1)
    assert order.doc.startswith("Take an order")
    assert [each.name for each in order.enums] == ["Carrier", "ReviewVerdict"]
    assert [str(each.type) for each in order.inputs] == ["text", "int 1..100", "decimal(2)"]
    assert [each.name for each in order.states] == ["Reserving", "Quoting", "Approval", "Charging", "Shipping"]
    ship = next(each for each in order.activities if each.name == "ship")
    assert ship.retry == m.Retry(24, timedelta(minutes=1), timedelta(hours=1), park=True)
    assert ship.effect is m.Effect.IRREVERSIBLE
    assert isinstance(order.properties[2], m.LeadsTo) and order.properties[2].trigger is None
    assert isinstance(order.properties[2].goal, m.Binary) and shown(order.properties[2].goal.left) == "InState"
    start = order.scenarios[0].steps[0]
    assert isinstance(start, m.GivenStart) and [shown(each) for each in start.inputs] == ["'A1'", "2", "2000.00"]


@pytest.mark.parametrize("spec", sorted(SPECS.glob("*.flow")), ids=lambda spec: spec.stem)
def test_a_spec_is_analysed_without_a_word(spec: Path) -> None:
    text = spec.read_text("utf-8")
    assert [each.message for each in (*parse(Source("s", text)).diagnostics, *analysed(text).diagnostics)] == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("n == 3", "(n == [3 as int?])"),
        ("n == none", "(n == [None as int?])"),
        ("n > 3", "(n! > 3)"),
        ("n is some and n > 3", "((n is some) and (n! > 3))"),
        ("d > 3", "(d > [3 as decimal(2)])"),
        ("d == s + 1", "(d == [(s + 1) as decimal(2)])"),
        ("d > 1.5", "(d > [1.5 as decimal(2)])"),
        ("d > 1.234", "([d as decimal(3)] > 1.234)"),
        ("d * 3 > d", "((d * [3 as decimal(0)]) > d)"),
        ("d * 0.25 > d", "((d * 0.25) > [d as decimal(4)])"),
        ("s in {1, 2, 9}", "(s in {1, 2, 9})"),
        ("n in {1, 2}", "(n in {[1 as int?], [2 as int?]})"),
        ('t == "a"', "(t == ['a' as text?])"),
        ("len(t) > 3", "(len(t!) > 3)"),
        ("c == red", "(c == 'red')"),
        ("red == c", "('red' == c)"),
        ("c in {red, blue}", "(c in {'red', 'blue'})"),
        ("2 * h > -1h", "((h * 2) > -1 day, 23:00:00)"),
        ("now > now - h", "(now > (now - h))"),
        ("max(d, 1, s) > 1", "(max(d, [1 as decimal(2)], [s as decimal(2)]) > [1 as decimal(2)])"),
        ("(if s > 1 then n else none) is none", "((if (s > 1) then n else [None as int?]) is none)"),
        ("(if s > 1 then d else 2) > d", "((if (s > 1) then d else [2 as decimal(2)]) > d)"),
        ("-s < -3", "((- s) < -3)"),
        (
            "-d < -12345678901234567890123456789.1",
            "((- d) < [-12345678901234567890123456789.1 as decimal(2)])",
        ),
        ("not (s > 1 implies false)", "(not ((s > 1) implies False))"),
    ],
)
def test_every_conversion_is_a_node(written: str, typed: str) -> None:
    assert shown(guard(written)) == typed


@pytest.mark.parametrize(
    ("written", "type_"),
    [
        ("s + 1", "int"),
        ("s / 2", "int"),
        ("d + 1", "decimal(2)"),
        ("d * d", "decimal(4)"),
        ("d * s", "decimal(2)"),
        ("h * s", "duration"),
        ("now - now", "duration"),
        ("now + h", "instant"),
        ("abs(-d)", "decimal(2)"),
        ("(if s > 1 then s else 7)", "int"),
    ],
)
def test_an_operation_has_the_type_of_its_operands(written: str, type_: str) -> None:
    comparison = guard(f"{written} == {written}")
    assert isinstance(comparison, m.Binary) and str(comparison.left.type) == type_


def test_what_an_activity_leaves_open_has_a_default() -> None:
    found = flow("activity a() {}\nactivity b() -> text { retry 5  compensate c(result, 3) }")
    bare, undone = found.activities
    assert (bare.timeout, bare.effect) == (timedelta(seconds=30), m.Effect.UNDECLARED)
    assert bare.retry == m.Retry(3, timedelta(seconds=1), timedelta(seconds=30), park=False)
    assert undone.retry == m.Retry(5, timedelta(seconds=1), timedelta(seconds=30), park=False)
    assert isinstance(undone.effect, m.Compensation)
    assert undone.effect.retry == m.Retry(12, timedelta(seconds=1), timedelta(hours=1), park=True)
    assert [f"{each.name}: {each.type}" for each in undone.effect.args] == ["result: text?", "arg2: int"]


def test_a_compensation_always_parks_and_keeps_what_is_said() -> None:
    (found,) = flow("activity b() { compensate c() { timeout 2s  retry 4 backoff 2s..8s } }").activities
    assert isinstance(found.effect, m.Compensation)
    assert found.effect.timeout == timedelta(seconds=2)
    assert found.effect.retry == m.Retry(4, timedelta(seconds=2), timedelta(seconds=8), park=True)


def test_a_rate_is_a_share() -> None:
    (found,) = flow("activity b() { readonly  fails declined 2%, lost }").activities
    assert [(each.name, each.rate) for each in found.fails] == [("declined", Decimal("0.02")), ("lost", None)]


def test_an_attempt_may_have_a_rate_of_its_own() -> None:
    rated, plain = flow("activity a() { readonly  attempt fails 0.5% }  activity b() { readonly }").activities
    assert (rated.attempt_fails, plain.attempt_fails) == (Decimal("0.005"), None)


def test_a_handler_without_parentheses_binds_nothing_of_all_that_comes() -> None:
    found = flow(
        'event pay(a: int, b: text)\nstate S { on pay -> Done }\nstate T { on pay(_, why) when why == "" -> Done }'
    )
    assert [state.transitions[0].binds for state in found.states] == [(None, None), (None, "why")]


def test_optional_data_starts_as_none() -> None:
    (found,) = flow("data { note: text? }").data
    assert found.initial is not None and shown(found.initial) == "[None as text?]"


def test_an_enumeration_in_a_form_is_named_after_task_and_field() -> None:
    found = flow(
        "roles a\nstate S { task big_job for a { form { how_well: enum { good, bad } } }  on big_job -> Done }"
    )
    assert [each.name for each in found.enums] == ["BigJobHowWell"]


def test_the_flows_of_a_file_are_judged_one_by_one() -> None:
    found = analysed("flow A { start -> Done  final Done }\nflow B { start -> Dnoe  final Done }")
    assert [each.name for each in found.flows] == ["A"]
    assert [each.rule.code for each in found.diagnostics] == ["E201"]


def test_a_mistake_around_the_flows_leaves_none() -> None:
    found = analysed("enum E { a, a }\nflow A { start -> Done  final Done }")
    assert found.flows == () and [each.rule.code for each in found.diagnostics] == ["E202"]


def test_a_file_without_a_flow_is_for_others_to_import() -> None:
    assert analysed("enum Colour { red }\nroles clerk").diagnostics == ()


def test_what_was_skipped_is_not_missed() -> None:
    text = "flow A { start -> Done  final Done  state S { do reserve() on done -> Dne }  activity %% }"
    source = Source("test.flow", text)
    parsed = parse(source)
    assert parsed.diagnostics and not parsed.tree.complete
    found = analyse(parsed.tree, source)
    assert [each.message for each in found.diagnostics] == ["There is no state, choice or final called `Dne`."]
    assert found.flows == ()


def test_a_flow_has_only_so_many_states() -> None:
    states = "\n".join(f"state S{n} {{ after 1h -> Done }}" for n in range(MOST_STATES + 1))
    found = analysed(f"flow A {{ start -> Done  final Done\n{states}\n}}")
    assert [each.rule.name for each in found.diagnostics] == ["too-many-states"]


# ---------------------------------------------------------------- laws

TOKEN = re.compile(r'##[^\n]*|#[^\n]*|"[^"\n]*"|[A-Za-z_][A-Za-z_0-9]*|[0-9][0-9A-Za-z.]*|->|==|\s+|.', re.S)
TOKENS = TOKEN.findall(ORDER)
WORDS = sorted({each for each in TOKENS if each[0].isalnum() or each[0] == '"'})
PLACES = [place for place, each in enumerate(TOKENS) if each in WORDS]


def same_but_for_ranges(left: m.Type, right: m.Type) -> bool:
    return re.sub(r" -?\d+\.\.-?\d+", "", str(left)) == re.sub(r" -?\d+\.\.-?\d+", "", str(right))


def assert_well_typed(found: m.Flow) -> None:
    """What lowering and everything after it rely on."""
    variables = {each.name: each.type for each in (*found.inputs, *found.data)}
    ends = {each.name for each in found.states} | {each.name for each in found.choices}
    ends |= {each.name for each in found.finals}
    events = {each.name: each for each in found.events}
    for node in nodes(found):
        assert node != BROKEN and getattr(node, "type", None) != BROKEN
        match node:
            case m.Ref(m.RefKind.INPUT | m.RefKind.DATA, name, type_):
                assert variables[name] == type_
            case m.Assign(name, value):
                assert same_but_for_ranges(variables[name], value.type)
            case m.Goto(end) | m.Undo(_, end):
                assert end in ends
            case m.Binary("==" | "!=" | "<" | "<=" | ">" | ">=", left, right):
                assert same_but_for_ranges(left.type, right.type)
            case m.Unwrap(operand, type_):
                assert operand.type == m.OptionalType(type_)
            case m.Convert(operand, type_):
                assert operand.type != type_ and isinstance(type_, m.OptionalType | m.DecimalType)
            case m.Transition(m.OnEvent(event), binds):
                assert len(binds) == len(events[event].params)
            case m.Transition(_, _, condition) | m.Branch(condition):
                assert condition is None or condition.type == m.BoolType()
            case _:
                pass


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(WORDS)), min_size=1, max_size=3))
def test_a_spec_with_exchanged_words_is_refused_or_well_typed(changes: list[tuple[int, str]]) -> None:
    tokens = list(TOKENS)
    for place, word in changes:
        tokens[place] = word
    text = "".join(tokens)
    source = Source("mutant.flow", text)
    parsed = parse(source)
    found = analyse(parsed.tree, source)
    errors = [each for each in found.diagnostics if each.severity is Severity.ERROR]
    for each in found.diagnostics:
        assert each.span is not None and 0 <= each.span.start < each.span.end <= len(text)
    if parsed.tree.complete and not errors:
        assert found.flows
    for accepted in found.flows:
        assert not errors
        assert_well_typed(accepted)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(0, len(TOKENS) - 1), st.integers(0, len(TOKENS) - 1)), min_size=1, max_size=4))
def test_a_spec_in_disorder_never_breaks_the_analysis(changes: list[tuple[int, int]]) -> None:
    tokens = list(TOKENS)
    for place, other in changes:
        tokens[place], tokens[other] = tokens[other], ""
    for each in analysed("".join(tokens)).flows:
        assert_well_typed(each)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("input { a: string }", "text"),
        ("input { a: List<int> }", None),
        ("input { a: Integer }", "int"),
        ("input { a: float }", "decimal(2)"),
        ("input { a: datetime }", "instant"),
        ("data { a: text? }  always a != null", "none"),
        ("data { a: bool = false }  always a == True", "true"),
        ("input { a: xyz }", None),
    ],
)
def test_habits_of_other_languages_are_understood(written: str, meant: str | None) -> None:
    text = f"flow Example {{ version 1  start -> Done  final Done  {written} }}"
    fixes = [fix for found in analysed(text).diagnostics for fix in found.fixes]
    assert [fix.edits[0][1] for fix in fixes] == ([] if meant is None else [meant])
