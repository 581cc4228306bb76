"""The rules of the language: E1xx the text, E2xx names, E3xx types and meaning. Each is a page for `explain`."""

from __future__ import annotations

from .diagnostics import Rule
from .rules_of_meaning import MEANING_RULES
from .rules_of_use import USE_RULES

# ---------------------------------------------------------------- E1xx: the file and its text

UNREADABLE = Rule(
    "E101",
    "unreadable-file",
    "The file cannot be read.",
    """\
The path does not exist, is a directory, or may not be read. Nothing of it was looked at.

Check the spelling of the path and the rights of the file.
""",
)

NOT_TEXT = Rule(
    "E102",
    "not-text",
    "The file is not text in UTF-8.",
    """\
A flow is plain text in UTF-8. This file holds bytes that are no such text: it may be a picture, an archive, a database,
or text saved by an editor in another encoding, such as Latin-1 or UTF-16.

Save it as UTF-8.
""",
)

TOO_LARGE = Rule(
    "E103",
    "file-too-large",
    "The file is larger than a flow may be.",
    """\
A flow file may hold at most one mebibyte of text, which is some twenty thousand lines. A flow of that size cannot be
read by people; it was probably another file that was named.

Put types that several flows share, and flows that are not one piece, into files of their own.
""",
)

EMPTY = Rule(
    "E104",
    "empty-file",
    "The file holds no flow.",
    """\
There is nothing in the file but white space and comments, so there is nothing to check.

The smallest flow is:

```flow
flow Hello version 1 {
  start -> Done
  final Done
}
```
""",
)

TOO_DEEP = Rule(
    "E105",
    "nested-too-deeply",
    "Brackets or operators are nested more deeply than a reader can follow.",
    """\
Brackets may be nested 64 deep, and an expression may combine at most 100 operators in a row.

Split the expression: a `choice` with several branches, or several `always` lines, say the same in parts one can name.
""",
)

IMPORT = Rule(
    "E106",
    "import-refused",
    "An import that may not be followed.",
    """\
```flow
import "/etc/common.flow"         # wrong: an absolute path
import "../../../common.flow"     # wrong where this leads out of the folder the command runs in
import "types.txt"                # wrong: not a flow file
import "common.flow"              # right
```

A path is read from the folder of the file that imports, with `/` between its parts, and ends in `.flow`. It may lead up
with `..`, but not out of the folder the command was started in; nor, for a file outside it, out of that file's own
folder. Imports stand above all declarations, and one file may bring in at most 100 others.
""",
)

CIRCLE = Rule(
    "E107",
    "import-circle",
    "Files that import each other.",
    """\
`a.flow` imports `b.flow`, and `b.flow`, directly or not, imports `a.flow`: neither can be understood first.

Put what both need into a third file, and import that one from both.
""",
)

MALFORMED = Rule(
    "E111",
    "malformed-literal",
    "A number, a duration, a moment, a text or a name is not written as the language writes it.",
    """\
```flow
timeout 1.5h          # wrong: a duration is made of whole numbers
timeout 1h30m         # right
```

- number: `3`, `1000.00`, at most 30 digits
- duration: whole numbers with `ms`, `s`, `m`, `h`, `d`, largest first: `250ms`, `1h30m`, `5d`; at most 36500d
- moment: `@2026-01-31T12:00:00Z`, or with an offset such as `+02:00`
- text: in double quotes, on one line; `\\"`, `\\\\`, `\\n`, `\\t` for what cannot be typed
- name: the letters a to z and A to Z, digits and `_`, not starting with a digit
""",
)

UNCLOSED_TEXT = Rule(
    "E112",
    "unclosed-text",
    "A text in quotes does not end on its line, or a brace in a title has no partner.",
    """\
```flow
title "Approve {total}       # wrong: the closing quote is missing
title "Approve {total}"      # right
```

A text ends on the line it begins on; write `\\n` for a line break in it. In a title, braces enclose an expression;
write `{{` and `}}` for plain braces.
""",
)

STRAY_SIGN = Rule(
    "E113",
    "stray-sign",
    "A character or sign that the language does not have.",
    """\
```flow
on done(id) => Shipping        # wrong
on done(id) -> Shipping        # right
```

Some signs of other languages are written differently here: `=>` is `->`, `&&` is `and`, `||` is `or`, `!` is `not`,
`===` is `==`, `<>` is `!=`, and lines do not end in `;`.
""",
)

MISSPELT = Rule(
    "E121",
    "misspelt-word",
    "A word that is not of the language where one is needed, and one is very much like it.",
    """\
```flow
activty charge_card(total: Money) -> text { readonly }       # wrong
activity charge_card(total: Money) -> text { readonly }      # right
```

The rest of the file is read as if the word had been written as suggested.
""",
)

UNEXPECTED = Rule(
    "E122",
    "unexpected-text",
    "Something stands where the language has no place for it.",
    """\
```flow
on cancel Cancelled            # wrong
on cancel -> Cancelled         # right
```

The message says what may stand there instead. The line it is on was skipped or mended, and the rest of the file is
still checked.
""",
)

UNCLOSED_BRACKET = Rule(
    "E123",
    "unclosed-bracket",
    "A bracket is opened and never closed, or closed and never opened.",
    """\
```flow
state Paying {
  on cancel -> Cancelled

state Shipping {               # wrong: `}` of Paying is missing above
```

Where a bracket is missing is judged by the indentation; `penstock fmt` lays a file out so that it shows.
""",
)

LATER = Rule(
    "E124",
    "not-in-this-version",
    "A construct that this version of the language does not have.",
    """\
Migrations, and resuming a long activity from its last heartbeat, are designed but not there yet. They are refused as a
whole instead of being understood in part.
""",
)

STRAY_DOC = Rule(
    "E125",
    "stray-doc-comment",
    "A doc comment that belongs to no declaration.",
    """\
A comment that begins with `##` describes the declaration on the next line. Here nothing that can be described follows.

```flow
qty: int 1..100   ## how many        # wrong: stands behind what it describes

## How many pieces.
qty: int 1..100                      # right
```

Write a single `#` for a remark that describes nothing.
""",
)

TOO_MANY = Rule(
    "E126",
    "too-many-errors",
    "The rest of the file was not read, because too much before it is wrong.",
    """\
After thirty errors in the text of one file the reader gives up: what follows would hardly be understood.

Mend the first ones and run the command again.
""",
)

RULES: tuple[Rule, ...] = (
    *(value for value in list(globals().values()) if isinstance(value, Rule)),
    *MEANING_RULES,
    *USE_RULES,
)
"""Every rule of the language, in the order of the codes. Keep this the last line."""
