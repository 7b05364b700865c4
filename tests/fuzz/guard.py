"""Memory beside a page that nobody may touch: one byte too far ends the process.

Knows addresses, nothing of captures.
"""

from __future__ import annotations

import ctypes
import mmap
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

PAGE: Final = mmap.PAGESIZE


class Guarded:
    """``octets`` bytes (whole pages) between two pages without access; ``data`` is the array of them."""

    def __init__(self, octets: int) -> None:
        size = -(-octets // PAGE) * PAGE
        self._map = mmap.mmap(-1, size + 2 * PAGE)
        self.start = ctypes.addressof(ctypes.c_char.from_buffer(self._map)) + PAGE
        self.edge = self.start + size
        libc = ctypes.CDLL(None, use_errno=True)
        for page in (self.start - PAGE, self.edge):
            if libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(PAGE), 0) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")
        self.data: NDArray[np.uint8] = np.frombuffer(self._map, np.uint8)[PAGE : PAGE + size]

    def put(self, data: bytes) -> NDArray[np.uint8]:
        """Return an array of ``data`` that ends at the edge."""
        view = self.data[self.data.size - len(data) :]
        view[:] = np.frombuffer(data, np.uint8)
        return view


def guarded(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of ``array`` that ends where nobody may write."""
    room = Guarded(array.nbytes)
    copy = room.data[room.data.size - array.nbytes :].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
