"""Expectations against flows: port states, causes, verdicts, unexpected flows."""
