"""The compiled part: signatures over the first bytes of many flows, in memory that Python owns.

Knows bytes and flat arrays. It must not know services, files or tables.
"""
