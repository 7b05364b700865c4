"""How fast the analyser is on this machine."""
