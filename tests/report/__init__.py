"""Readers of a report."""
