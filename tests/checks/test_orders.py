"""In which order calls are undone, where a property tells: every instance lies in a node.

Control keeps no order of a segment of the log in which an activity comes twice; when one of the two is gone it does,
and then every order there may be has to be among the nodes. Brute force found that it was not."""

from __future__ import annotations

import pytest

from agreement import compared

PARKED = "retry 1 backoff 1s..1s then park"


def told(body: str) -> list[str]:
    return compared(f"flow R version 1 {{\n{body}\n}}\n").disagreements


def test_which_call_of_a_group_answers_matters_where_a_compensation_drops_it() -> None:
    assert (
        told(f"""
      activity act() {{ {PARKED} irreversible }}
      start -> Acting
      state Acting {{
        do for it in [1, 1] at most 2 until 1 done: act()
        on done -> compensate -> Bad
      }}
      final failure Bad
      always compensating implies done(act)
    """)
        == []
    )


@pytest.mark.parametrize("undone", ["compensate undo_b()", "irreversible"])
@pytest.mark.parametrize("claim", ["done(b)", "count(b) == 1 or count(a) == 0"])
def test_a_call_between_two_of_one_activity_is_undone_in_its_turn(undone: str, claim: str) -> None:
    regions = (
        f"region {name} {{ start -> {name}1 state {name}1 {{ do {name[0].lower()}() }} }}" for name in ("AX", "B", "AY")
    )
    assert (
        told(f"""
      activity a() {{ {PARKED} compensate undo_a() }}
      activity b() {{ {PARKED} {undone} }}
      event go
      start -> All
      parallel All {{
        {" ".join(regions).replace("a() }", "a() on done stay }").replace("b() }", "b() on done stay }")}
        on go -> compensate -> Bad
      }}
      final failure Bad
      always compensating implies {claim}
    """)
        == []
    )


def test_a_call_that_answers_may_lie_below_another_one_that_runs() -> None:
    assert (
        told(f"""
      activity a() {{ {PARKED} irreversible }}
      activity b() {{ {PARKED} compensate undo_b() }}
      start -> All
      parallel All {{
        region Left {{
          start -> One
          state One {{ do a() on done -> Two }}
          parallel Two {{
            region Up {{
              start -> Three
              state Three {{ do b() on done -> Four }}
              state Four {{ do a() on done stay }}
            }}
            region Down {{
              start -> Five
              state Five {{ after 1s -> Six }}
              state Six {{ do a() on done -> compensate -> Bad }}
            }}
          }}
        }}
        region Right {{
          start -> Seven
          state Seven {{ do b() on done stay }}
        }}
      }}
      final failure Bad
      true leads to in Bad or count(b) <= 1
    """)
        == []
    )
