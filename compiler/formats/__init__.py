"""How findings are written down: one file a form, chosen by `compiler.report`."""
