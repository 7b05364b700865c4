"""What may begin before a reading does: the compiler, where packets were never read on this machine.

Imports none of what a reading needs, so that the compiler has a core to itself while that is imported.
"""

from __future__ import annotations

from analyser.machine.native import begin

__all__ = ["begin"]
