"""The flows stage against a plain reader, against itself in other batches and files, and against hostile bytes."""
