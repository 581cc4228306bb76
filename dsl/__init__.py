"""The language wing: text in, a resolved and typed Flow (or diagnostics) out."""
