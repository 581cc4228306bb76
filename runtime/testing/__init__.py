"""What generated tests import: laws that every flow keeps, and random runs. The machine needs Hypothesis, the rest not."""
