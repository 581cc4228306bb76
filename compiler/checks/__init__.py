"""The checks: a Kernel in, verdicts with traces out; one question per file."""
