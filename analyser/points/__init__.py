"""Several capture points together: one conversation seen from more than one place."""
