"""What people write out of habit, from other languages and from English: a word in, what is written here instead."""

from __future__ import annotations

from collections.abc import Mapping

SIGNS = {
    "=>": "->", "&&": "and", "||": "or", "!": "not", "===": "==", "!==": "!=", "<>": "!=", ":=": "=", ";": "",
    "→": "->", "⇒": "->", "≠": "!=", "≤": "<=", "≥": ">=", "∧": "and", "∨": "or", "¬": "not",
}  # fmt: skip
"""Signs that are none of ours; an empty text: what is written here is nothing."""

WORDS: Mapping[str, tuple[str, ...]] = {
    "action": ("do",), "array": ("list",), "assert": ("always",), "call": ("do",), "context": ("data",),
    "default": ("else",), "end": ("final",), "errors": ("fails",), "func": ("activity",), "function": ("activity",),
    "if": ("when",), "include": ("import",), "initial": ("start",), "invariant": ("always",), "invoke": ("do",),
    "otherwise": ("else",), "params": ("input",), "raises": ("fails",), "rollback": ("compensate",), "run": ("do",),
    "struct": ("record",), "throws": ("fails",), "timer": ("after",), "undo": ("compensate",), "var": ("data",),
    "variables": ("data",), "vars": ("data",), "workflow": ("flow",),
}  # fmt: skip
"""Words at the beginning of what they are for, and those of ours that may have been meant."""

NAMES: Mapping[str, Mapping[str, str]] = {
    "a type": {
        "str": "text", "string": "text", "varchar": "text", "char": "text", "uuid": "text",
        "number": "int", "long": "int", "bigint": "int", "float": "decimal(2)", "double": "decimal(2)",
        "real": "decimal(2)", "money": "decimal(2)", "numeric": "decimal(2)", "date": "instant",
        "datetime": "instant", "timestamp": "instant", "time": "instant", "interval": "duration",
        "timedelta": "duration", "period": "duration",
    },
    "a variable": {
        "true": "true", "false": "false", "none": "none", "null": "none", "nil": "none", "undefined": "none",
    },
}  # fmt: skip
"""Names that are not declared, by what is needed where they stand."""

UNITS: Mapping[str, tuple[int, str]] = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), (1, "ms")),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), (1, "s")),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), (1, "m")),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), (1, "h")),
    **dict.fromkeys(("d", "day", "days"), (1, "d")),
    **dict.fromkeys(("w", "week", "weeks"), (7, "d")),
}
"""Words behind a number that make it a duration: so many of a unit that the language has."""
