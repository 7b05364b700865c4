"""The compiled part: frames, decodes and counts packets in memory that Python owns.

Knows bytes and records. It must not know files, tables or services. ``entries`` lists the functions; the other
modules hold their source, which only the compiler imports.
"""
