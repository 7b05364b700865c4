"""The command line: reads arguments, calls the pipeline, prints, exits."""
