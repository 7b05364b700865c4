"""Hostile input of every kind, from the outside: it gives a result or a clear error."""
