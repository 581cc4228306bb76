"""Pictures: a Kernel in; DOT, Mermaid and SVG text out."""
