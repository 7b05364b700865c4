"""The compiled part: frames, decodes and counts packets in memory that Python owns.

Knows bytes and records. It must not know files, tables or services. Importing this package imports
numba and fixes where its machine code is kept, so import it only when packets are to be read.
"""

from __future__ import annotations

from analyser.flows.kernel import cache

cache.settle()
