"""The compiled part: frames, decodes and counts packets in memory that Python owns.

Knows bytes and records. It must not know files, tables or services. ``native`` loads the machine code; the other modules
hold its source, which only ``build`` imports.
"""
