"""Paths: every straight way through choices, and the cycles among them."""

from __future__ import annotations

from kernels import flow, order
from penstock.compiler import paths
from penstock.compiler.kernel import Goto, Kernel, Path, Stay, Undo
from penstock.dsl.model import Assign, Ref, Unary
from penstock.dsl.walk import nodes


def rows(kernel: Kernel, path: Path) -> list[str]:
    """The steps of a path as they are written; a negated guard after `not`."""
    texts: list[str] = []
    for step in path.steps:
        text = kernel.source.slice(step.span)
        negated = isinstance(step, Unary) and step.op == "not" and not text.startswith("not")
        texts.append(
            f"not {text}"
            if negated
            else f"{step.name} := {kernel.source.slice(step.value.span)}"
            if isinstance(step, Assign)
            else text
        )
    return texts


def test_a_command_through_a_choice_has_a_path_for_each_branch() -> None:
    kernel = order()
    quoted = next(command for command in kernel.commands if command.leaf == "Quoting")
    large, small = paths.of_command(kernel, quoted).paths
    assert (large.target, large.branches) == (Goto("Approval"), (("NeedsApproval", 0),))
    assert (small.target, small.branches) == (Goto("Charging"), (("NeedsApproval", 1),))
    assert rows(kernel, large) == ["carrier := best", "total > 1000.00"]
    assert rows(kernel, small) == ["carrier := best", "not total > 1000.00"]


def test_guards_and_updates_of_choices_in_a_row_alternate() -> None:
    kernel = flow("""
      data { n: int = 0 }
      event e
      start -> A
      state A { on e when n > 0 { n = n + 1 } -> C on e else stay }
      choice C { when n > 5 { n = 0 } -> D when n < 5 -> compensate -> A else -> G }
      choice D { when n == 0 -> G else -> A }
      final G
    """)
    first, other = (paths.of_command(kernel, command) for command in kernel.commands[1:3])
    assert [(path.target, path.branches) for path in first.paths] == [
        (Goto("G"), (("C", 0), ("D", 0))),
        (Goto("A"), (("C", 0), ("D", 1))),
        (Undo(None, "A"), (("C", 1),)),
        (Goto("G"), (("C", 2),)),
    ]
    assert rows(kernel, first.paths[1]) == ["n > 0", "n := n + 1", "n > 5", "n := 0", "not n == 0"]
    assert rows(kernel, first.paths[3]) == ["n > 0", "n := n + 1", "not n > 5", "not n < 5"]
    assert first.complete
    (stays,) = other.paths
    assert stays.target == Stay()
    assert rows(kernel, stays) == ["not n > 0"]


def test_an_else_sees_its_siblings_fields_under_its_own_names() -> None:
    kernel = flow("""
      event e(a: int, b: int)
      start -> A
      state A { on e(x, y) when x > y -> G on e(p, _) else -> G }
      final G
    """)
    otherwise = paths.of_command(kernel, kernel.commands[2])
    assert [param.name for param in otherwise.params] == ["p", "_#1"]
    (path,) = otherwise.paths
    asked = [node.name for node in nodes(path.steps) if isinstance(node, Ref)]
    assert asked == ["p", "_#1"]


def test_a_node_that_is_no_choice_is_its_own_end() -> None:
    kernel = order()
    assert paths.of_node(kernel, "Charging").paths == (Path((), (), Goto("Charging")),)


CYCLE = """
  data { n: int = 0 }
  start -> C
  choice C { when n > 0 -> D else -> A }
  choice D { when n > 1 -> compensate -> C else -> G }
  choice E { when n > 2 -> E else -> G }
  state A { after 1h -> E }
  final G
"""


def test_cycles_of_choices_are_found_through_compensations_too() -> None:
    assert paths.cycles(flow(CYCLE)) == (("C", "D"), ("E",))
    assert paths.cycles(order()) == ()


def test_a_path_that_would_go_round_is_left_out_and_said_so() -> None:
    kernel = flow(CYCLE)
    round_and_round = paths.of_command(kernel, kernel.commands[1])
    assert [path.target for path in round_and_round.paths] == [Goto("G")]
    assert not round_and_round.complete


def test_a_diamond_of_too_many_paths_is_cut_and_said_so() -> None:
    chain = "".join(f"choice C{k} {{ when n > {k} -> C{k + 1} else -> C{k + 1} }}\n" for k in range(20))
    kernel = flow(f"data {{ n: int = 0 }} start -> C0 {chain} choice C20 {{ when n > 1 -> G else -> G }} final G")
    many = paths.of_command(kernel, kernel.commands[0])
    assert not many.complete
    assert 0 < len(many.paths) <= paths.MOST
