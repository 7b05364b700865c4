"""Public captures with known content, read in place (folder: environment variable ANALYSER_CAPTURES)."""
