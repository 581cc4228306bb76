"""Places to run: sibling hosts of one shape, each held to one contract suite."""
