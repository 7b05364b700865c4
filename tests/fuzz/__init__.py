"""Hostile bytes by the million: the fuzzers, what they try, and what must hold for every input.

``python -m tests.fuzz TARGET`` runs one of them, ``python -m tests.fuzz.replay FILE`` repeats a finding, ``make fuzz``
runs them all for long; docs/robustness.md tells what they are and what came of it.
"""
