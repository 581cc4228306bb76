"""What generated tests import: laws that every flow keeps, and random runs, for which Hypothesis is needed."""
