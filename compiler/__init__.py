"""The compiler wing: a Flow in; findings, generated Python and pictures out."""
