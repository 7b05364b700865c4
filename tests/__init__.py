"""The suite: one folder per stage of the analyser, one for the project itself."""
