"""Translation validation: whether the text of a generated module means what the kernel of its flow means."""
