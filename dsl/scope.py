"""What an expression may see: the names around it in, a Scope out."""

from __future__ import annotations

from collections.abc import Mapping

from .model import RefKind, Type
from .values import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may see: variables by name; `now` where a trigger is handled; what only properties may ask
    (`done(..)`, `count(..)`, `compensating`, `elapsed`). `here`: the block in which `in S` may be asked, "" for the
    flow; None where it may not."""

    variables: Mapping[str, tuple[RefKind, Type]] = field(default_factory=dict[str, tuple[RefKind, Type]])
    now: bool = False
    asks: bool = False
    here: str | None = None

    def adding(self, variables: Mapping[str, tuple[RefKind, Type]]) -> Scope:
        return replace(self, variables={**self.variables, **variables})
