"""The door to explanations: a sound flow asks for none, so what they need is loaded when the first is asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from .inquiry import Inquiry

if TYPE_CHECKING:  # nine modules
    from .because import Because


class Explaining:
    """What explains, for one kernel; `Because` is there when it is first asked for."""

    def __init__(self, inquiry: Inquiry) -> None:
        self._inquiry = inquiry

    @cached_property
    def because(self) -> Because:
        from .because import Because

        return Because(self._inquiry)
