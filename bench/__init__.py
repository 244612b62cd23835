"""Measures Code Runner beside other ways to run Python, on one machine: see docs/benchmark.md."""
