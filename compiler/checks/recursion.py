"""F206: does a flow that does itself come to an end?

Asked wherever a state that does the flow itself is entered: of every input that is a whole number with a lower bound,
whether Z3 rules out that the call is given a value not smaller than the instance's own. One input that is smaller at
every such place proves that there is a last instance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from ...dsl.diagnostics import Fix, Label, Rule
from ...dsl.model import IntType
from ...dsl.values import dataclass
from ..kernel import Leaf
from .graph import Arrival, Node, Reaction
from .inquiry import Finding, Inquiry
from .solver import Term
from .verdict import Answer, Witness
from .ways import Again

RULE = Rule(
    "F206",
    "endless-recursion",
    "A flow does itself again and again.",
    """\
A flow that does itself begins another instance of itself, and that one may do so, too. There is a last one if some
input, an `int` with a lower bound, is smaller for every one that is begun than for the one that begins it.

```flow
flow Countdown version 1 {
  input { n: int 0..10 }
  start -> More
  choice More {
    when n > 0 -> Inner
    else       -> Zero
  }
  state Inner {
    do flow Countdown(n: n)
    on done   -> Zero
    on failed -> Stuck
  }
  final Zero
  final failure Stuck
}
```

Mended:

```flow
flow Countdown version 1 {
  input { n: int 0..10 }
  start -> More
  choice More {
    when n > 0 -> Inner
    else       -> Zero
  }
  state Inner {
    do flow Countdown(n: n - 1)
    on done   -> Zero
    on failed -> Stuck
  }
  final Zero
  final failure Stuck
}
```

Where something else ends it, such as an answer that comes some time, say so: `accept F206 "why"`.
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    leaves = [leaf for leaf in inquiry.kernel.leaves if leaf.name in inquiry.kernel.recursive]
    if leaves and any(inquiry.entered[leaf.name] for leaf in leaves):
        yield _Recursion(inquiry, leaves).answer()


@dataclass(frozen=True, eq=False, slots=True)
class _Made:
    """A move that enters a state that does the flow itself."""

    node: Node | None
    reaction: Reaction
    again: Again


class _Recursion:
    def __init__(self, inquiry: Inquiry, leaves: Sequence[Leaf]) -> None:
        self.inquiry = inquiry
        self.leaves = leaves
        self.kernel = inquiry.kernel
        inputs = enumerate(self.kernel.inputs)
        self.measures = [
            index for index, each in inputs if isinstance(each.type, IntType) and each.type.low is not None
        ]
        self._terms: dict[tuple[Again, tuple[int, ...]], Term] = {}

    @cached_property
    def made(self) -> list[_Made]:
        return [
            _Made(node, reaction, again)
            for node, reaction in self.inquiry.reactions(lambda each: any(part.again for part in each.parts))
            for part in reaction.parts
            for again in part.again
        ]

    def answer(self) -> Answer:
        inquiry, first = self.inquiry, self.leaves[0]
        subject = f"`{self.kernel.name}`"
        for index in self.measures:
            if not any(inquiry.possible(made.node, self._kept(made.again, (index,))) for made in self.made):
                name = self.kernel.inputs[index].name
                return inquiry.proved(RULE, subject, first.span, Witness(f"`{name}` is smaller each time"))
        for made in self.made:
            leaf = self.kernel.leaf[made.again.leaf]
            arrival = self._endless(made)
            replayed = None if arrival is None else inquiry.tracer.replayed(arrival, self._shows)
            if replayed is not None:
                trace = inquiry.tracer.tell(replayed)
                return inquiry.refuted(RULE, subject, leaf.span, self._finding(leaf), trace)
        return inquiry.unknown(
            RULE,
            subject,
            first.span,
            f"{self._tried} not proved to be smaller wherever it does itself",
            "let one input count down, or keep what is given in range with a guard",
        )

    @property
    def _tried(self) -> str:
        names = [f"`{self.kernel.inputs[index].name}`" for index in self.measures]
        return (
            f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}" if names else "no input is a bounded `int`, and"
        )

    def _kept(self, again: Again, measures: tuple[int, ...]) -> Term:
        """That the state is entered, and some call is given none of these inputs smaller than the instance's own."""
        if (again, measures) not in self._terms:
            encoder, passages = self.inquiry.encoder, self.inquiry.states.passages
            call = self.kernel.leaf[again.leaf].call
            assert call is not None, "it does the flow"
            some: list[Term] = []
            for env in passages.called(call, again.env, again.size):
                given = [(encoder.expression(call.args[index], env)[0].term, index) for index in measures]
                own = [passages.variables[self.kernel.inputs[index].name].term for index in measures]
                some.append(encoder.all(*(term >= mine for (term, _), mine in zip(given, own, strict=True))))
            self._terms[again, measures] = encoder.all(again.premise, encoder.any(*some))
        return self._terms[again, measures]

    def _endless(self, made: _Made) -> Arrival | None:
        """A run whose last step makes such a call."""
        inquiry = self.inquiry
        breach = inquiry.breach(made.node, made.reaction, self._kept(made.again, tuple(self.measures)))
        if breach is None or not breach.real:
            return None
        before = breach.arrival
        if before is None:
            return inquiry.attempts.start(breach.payload, breach.now or inquiry.begin)
        return inquiry.attempts.step(
            before, inquiry.move(made.reaction, before), breach.payload, breach.now or before.now
        )

    def _shows(self, arrival: Arrival) -> bool:
        """Whether a call that the last step began is given no input smaller."""
        at = arrival.instance
        known = {call.key for call in arrival.before.instance.calls} if arrival.before else set[str]()
        begun = (call for call in at.calls if call.leaf in self.kernel.recursive and call.key not in known)
        return any(all(not _smaller(call.args[i], at.values[i]) for i in self.measures) for call in begun)

    def _finding(self, leaf: Leaf) -> Finding:
        assert leaf.call is not None, "it does the flow"
        names = [f"`{self.kernel.inputs[index].name}`" for index in self.measures]
        why = f"tried: {', '.join(names)}." if names else "no input is an `int` with a lower bound."
        return Finding(
            f"`{self.kernel.name}` does itself, with no input smaller than its own",
            leaf.call.span,
            "begins another like this one",
            others=tuple(Label(self.kernel.inputs[index].span, "not smaller") for index in self.measures),
            why=(f"nothing says that there is a last one; {why}",),
            fixes=(Fix('let an input count down: `n: n - 1`; or `accept F206 "why"`'),),
        )


def _smaller(given: object, own: object) -> bool:
    return isinstance(given, int) and isinstance(own, int) and given < own
