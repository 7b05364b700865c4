"""Several capture points together."""
