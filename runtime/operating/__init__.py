"""The command line of operators: what is stored, who may do what about it, and a worker; standard library only."""

COMMANDS = {
    "run": "work on a file: make calls, fire timers, deliver letters, until told to stop",
    "instances": "list, show, start, signal, mend, cancel and export instances",
    "tasks": "list, claim, hand on and complete what waits for people",
    "letters": "list, deliver again and discard what flows sent each other",
    "audit": "prove that the journal of a file is whole",
}
"""The commands, and what each is for."""
