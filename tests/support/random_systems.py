"""Random systems of two small flows that send each other messages: a seed in, a text out."""

from __future__ import annotations

from random import Random


def random_flow(random: Random, name: str, other: str) -> str:
    """Three states that answer two messages and an event from outside in any way."""
    lines = [f"flow {name} version 1 {{", "  event m0", "  event m1", "  event go"]
    sends = [f'send {other}.m{number} to "x"' for number in range(2)]
    targets = ["S0", "S1", "S2", "Done", "Done"]

    def updates(least: int = 0) -> str:
        chosen = random.choices(sends, k=random.choice((least, least, 1, 1, 2)))
        return f"{{ {', '.join(chosen)} }} " if chosen else ""

    lines.append(f"  start {updates()}-> S0")
    bounds = {f"m{number}": random.choice((1, 2)) for number in range(2)}
    for state in range(3):
        lines.append(f"  state S{state} {{")
        for event in ("m0", "m1"):
            match random.randrange(6):
                case 0:
                    pass
                case 1:
                    lines.append(f"    ignore {event}")
                case 2:
                    lines.append(f"    defer {event} at most {bounds[event]}")
                case 3:
                    lines.append(f"    on {event} {updates()}stay")
                case _:
                    lines.append(f"    on {event} {updates()}-> {random.choice(targets)}")
        if random.random() < 0.35:
            lines.append(f"    on go {updates()}-> {random.choice(targets)}")
        lines.append('    wait forever "x"\n  }')
    return "\n".join([*lines, "  final Done", "}"])


def random_system(seed: int) -> str:
    random = Random(seed)
    mailbox = f"mailbox {random.choice(('fifo', 'unordered'))} at most {random.choice((1, 2, 3))}"
    flows = f"{random_flow(random, 'A', 'B')}\n{random_flow(random, 'B', 'A')}"
    return f"{flows}\nsystem Both {{ a: A  b: B  {mailbox} }}\n"
