"""Tests of expectations, verdicts, unexpected flows and the summary, on made flows."""
