"""What random flows seldom have by themselves: a writer and what it wrote in; the same with something rare in it out.

Every rarity is as rare as it may be, that 2,000 flows have it some twenty times or more: each makes a flow larger, or
decides so much that nothing else is seen. docs/agreement.md counts them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from random_flows import Call, Draft, Name

SHORT = ("1s", "1s", "2s")


def single(name: Name) -> bool:
    """Whether it is a single value, as titles and conditions show it."""
    return not name.type.startswith(("list", "Pair"))


@dataclass
class Rarities(Draft):
    """To be put before another writer: its expressions, activities and properties with rare ones among them."""

    # ------------------------------------------------------------ data without a range

    def constant(self, scalar: str) -> str:
        if scalar == "int":
            return str(self.rng.randint(0, 2))
        return self.rng.choice(SHORT) if scalar == "duration" else super().constant(scalar)

    def unranged(self) -> None:
        """Sometimes one more datum: any integer, a duration, a text. Of the first two no values come from outside."""
        if self.rng.random() < 0.16:
            self.data.append(Name("wide", self.rng.choice(("int", "duration", "text"))))

    def value(self, type: str, scope: list[Name]) -> str:
        rng = self.rng
        if type == "duration":
            return rng.choice(("1s", "2s", "wide", "min(wide + 1s, 4s)", "max(wide - 1s, 1s)"))
        written = super().value(type, [name for name in scope if name.type != "duration"])
        if not type.startswith(("int", "bool")) or written == "none" or rng.random() > 0.12:
            return written
        if type.startswith("bool") or written.isdigit() or rng.random() < 0.3:
            return f"if {self.asked(scope)} then {written} else {self.constant(type.rstrip('?'))}"
        number = rng.randint(1, 2)
        return rng.choice(
            (
                *(f"({written}) * 2", f"({written}) % 2", f"-({written})", f"({written}) / 2"),
                *(f"abs(({written}) - {number})", f"min({written}, {number})", f"max({written}, {number})"),
            )
        )

    def _comparison(self, name: Name, scope: list[Name]) -> str:
        rng = self.rng
        if name.type == "duration":
            return f"{name.name} {rng.choice(('==', '<', '>='))} {rng.choice(('1s', '2s', '1s * 2'))}"
        written = super()._comparison(name, [each for each in scope if each.type != "duration"])
        if name.scalar.startswith("int") and not name.optional and rng.random() < 0.15:
            said = rng.choice((f"{name.name} % 2", f"{name.name} * 2", f"-{name.name}", f"abs({name.name} - 1)"))
            return f"{said} {rng.choice(('==', '<', '>'))} {rng.randint(-1, 2)}"
        return written

    def asked(self, scope: list[Name]) -> str:
        """A condition that says nothing of places, which only guards may ask about."""
        return Draft.atom(self, [name for name in scope if single(name)])

    # ------------------------------------------------------------ activities

    def activity(self, call: Call) -> str:
        """With what decides nothing, and what has others wait for it."""
        rng, text = self.rng, super().activity(call)
        if "{ " not in text or rng.random() > 0.25:
            return text
        clause = rng.choice(
            (
                "timeout 5s",
                "timeout 5s  heartbeat 1s",
                "limit 2 per 1s",
                "breaker 2 in 1m cool 1m",
                "jitter",
                "attempt",
                "undo",
            )
        )
        if clause == "jitter":
            return text.replace("backoff 1s..2s", "backoff 1s..2s jitter 20%", 1)
        if clause == "undo":
            return re.sub(
                r"(compensate undo_\w+\(.*?\))(?=  | \})", r"\1 { timeout 2s retry 2 backoff 1s..1s }", text, count=1
            )
        if clause == "attempt":
            text = re.sub(r"(fails \w+)", r"\1 20%", text, count=1)
            clause = "attempt fails 10%"
        return text.replace("{ ", f"{{ {clause}  ", 1)

    # ------------------------------------------------------------ states

    def rarely(self, lines: list[str]) -> list[str]:
        """The lines of a state, with some that are seldom written."""
        rng, scope = self.rng, [name for name in (*self.inputs, *self.data) if single(name)]
        made = [self.lasting(line, scope) if line.startswith("after ") else line for line in lines]
        made = [self.asking(line, scope) if line.startswith("task ") else line for line in made]
        named = {name for line in lines if line.startswith(("ignore ", "defer ")) for name in line.split()[1:2]}
        for event in self.events:
            answers = [line for line in lines if line.startswith(f"on {event.name}")]
            guarded = answers and event.name not in named and all(" when " in line for line in answers)
            if guarded and rng.random() < 0.4:
                made.append(rng.choice((f"ignore {event.name}", f"defer {event.name} at most 1")))
        if rng.random() < 0.02:
            made.append(f'accept {rng.choice(("F201", "F002", "F103"))} "on purpose"')
        return made

    def lasting(self, line: str, scope: list[Name]) -> str:
        """A timer that waits as long as data say."""
        rng = self.rng
        durations = [name.name for name in scope if name.type == "duration"]
        if rng.random() > (0.5 if durations else 0.05):
            return line
        small = [name.name for name in scope if re.fullmatch(r"int 0\.\.\d", name.type)]
        said = [*durations * 3, f"(if {self.asked(scope)} then 1s else 2s)", *(f"(1s * {name} + 1s)" for name in small)]
        return re.sub(r"^after \ds", f"after {rng.choice(said)}", line)

    def asking(self, line: str, scope: list[Name]) -> str:
        """A task whose title shows a value, or that is for somebody else."""
        rng = self.rng
        if scope and rng.random() < 0.1:
            line = line.replace('title "work"', f'title "work on {{{rng.choice(scope).name}}}"')
        texts = [name.name for name in scope if name.type in {"text", "text?"}]
        if "escalate to boss" in line and rng.random() < 0.15:
            line = line.replace("escalate to boss", "escalate to chief after 4s  escalate to boss")
            line = re.sub(
                r"escalate to chief after 4s  (escalate to boss after \ds)", r"\1  escalate to chief after 4s", line
            )
        elif "for clerk" in line and "except" not in line and texts and rng.random() < 0.8:
            line = line.replace("for clerk", f"for person {rng.choice(texts)}")
        elif "for clerk" in line and "escalate" not in line and rng.random() < 0.05:
            line = line.replace("for clerk", "for clerk, boss")
        return line

    # ------------------------------------------------------------ the text

    def head(self) -> str:
        return super().head().replace("roles clerk, boss\n", "roles clerk, boss, chief\n")

    def behaviour(self) -> str:
        """With updates where a flow starts, and where its deadline passes; and what is reached whatever data say."""
        rng, scope = self.rng, [*self.inputs, *self.data]
        text = super().behaviour()
        if rng.random() < 0.15:
            text = re.sub(r"^(\s*start) ->", lambda found: f"{found[1]}{self.updates(scope)} ->", text, count=1)
        if rng.random() < 0.3:
            text = re.sub(r"(deadline \ds) ", lambda found: f"{found[1]}{self.updates(scope)} ", text, count=1)
        return re.sub(r"(reach \S+) when .*", r"\1", text) if rng.random() < 0.2 else text
