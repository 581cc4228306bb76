"""Tests for who uses a flow: a checked kernel in, a pytest module that drives its generated code out."""
