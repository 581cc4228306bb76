"""Code generation: a Kernel in, the text of one typed Python module out."""
