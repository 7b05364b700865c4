"""Known cases: from packets to the name of the case, and what must not be named."""
