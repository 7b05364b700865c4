"""Compiled functions as functions that Python calls: loaded as machine code, which is made first where there is none.

Knows frames of words and where object code comes from; what the functions do stands in the modules named by ``entries``. numba is
not imported here: loading takes some milliseconds instead of half a second.
"""

from __future__ import annotations

import ctypes
import functools
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from analyser.machine import cache, objects
from analyser.machine.entries import Block, entries

_RESULTS: Final = 2
_SCRATCH: Final = 8
"""Bytes behind the arguments for the result and the exception that the native signature has and our functions never set."""
_SIGNATURE: Final = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)

_BUSY: Final = ("fill", "update")
"""Called for every batch, with the same arrays most of the time; others would only keep theirs from being freed."""

_NEEDED: Final = ("fill", "update", "snmp", "formats", "match", "rebuild", "orient")
"""What nearly every run needs, what takes longest to compile first."""

_COMPILERS: Final = 2
"""Processes that compile at once; each takes what is next when it is done with one."""


class Native:
    """A compiled function. Calling it lets other threads run, which may call it as well."""

    def __init__(self, name: str, code: bytes) -> None:
        self._arguments = entries()[name][1]
        self._engine = objects.load(code)
        self.address: int = self._engine.get_function_address(name)
        self._function: Any = _SIGNATURE(self.address)
        self._is_busy = name in _BUSY
        self._known: dict[int, tuple[Any, tuple[int, ...]]] = {}

    def __call__(self, *arguments: Any) -> tuple[int, int]:
        """Call the function with arrays and numbers as ``entries`` lists them; return its two numbers.

        Raises :class:`TypeError` for an array of another type or shape: compiled code tests nothing.
        """
        frame = self._frame_for(arguments)
        start = ctypes.addressof(frame)
        scratch = start + ctypes.sizeof(frame) - _SCRATCH
        self._function(scratch, scratch, start)
        return frame[0], frame[1]

    def _frame_for(self, arguments: tuple[Any, ...]) -> Any:
        """Return a frame that holds ``arguments``; of an array that stood there the last time the words are known."""
        words: list[int] = [0] * _RESULTS
        for place, (block, value) in enumerate(zip(self._arguments, arguments, strict=True)):
            if block is None:
                words.append(value)
                continue
            known = self._known.get(place)
            if known is None or known[0] is not value:
                known = value, _words(block, value)
                if self._is_busy:
                    self._known[place] = known
            words += known[1]
        return (ctypes.c_int64 * (len(words) + 1))(*words)

    def forget(self) -> None:
        """Let go of the arrays of earlier calls."""
        self._known = {}


def _words(block: Block, value: Any) -> tuple[int, ...]:
    """Return how a frame tells of an array; raise :class:`TypeError` if it is not such a ``block``."""
    if value.dtype != block.dtype or value.ndim != block.ndim or not value.flags.c_contiguous:
        raise TypeError(f"{value.dtype} in {value.ndim} dimensions, expected contiguous {block}")
    return value.ctypes.data, *value.shape


@functools.cache
def kernel(name: str) -> Native:
    """Return a compiled function, made now if need be."""
    code = cache.load(name) or _finished(name)
    if code is None:
        _compile([name])
        code = cache.load(name)
    if code is None:  # no process could be started, or nothing could be kept
        from analyser.machine.build import object_code

        code = object_code(name)
    return Native(name, code)


def prepare() -> None:
    """Make what every reading needs and is not there yet; what fails is made when it is wanted."""
    missing = [name for name in _NEEDED if cache.load(name) is None]
    _compile([name for name in missing if _finished(name) is None])


def is_warm() -> bool:
    """Say whether nothing that every reading needs has to be made first."""
    return cache.is_warm(*_NEEDED)


def is_carried() -> bool:
    """Say whether making it takes less than a second: the package carries it half made."""
    from analyser.machine import carried

    return carried.is_current()


def _finished(name: str) -> bytes | None:
    """Return the machine code of a function that the package carries, and keep it; None where its source has to be compiled."""
    from analyser.machine import carried

    code = carried.object_code(name)
    if code is not None:
        with suppress(OSError):  # the disk is full: then it is made each time
            cache.store(name, code, cache.folder())
    return code


def _compile(names: Sequence[str]) -> None:
    """Compile functions in processes of their own, which end if this one does."""
    start = "import sys; sys.path[:] = sys.argv.pop(1).split('\\n'); import runpy; "
    start += "runpy.run_module('analyser.machine.build', run_name='__main__')"
    command = [sys.executable, "-c", start, "\n".join(sys.path), "--into", str(cache.folder())]
    left = deque(names)
    waiting = []
    for _ in names[:_COMPILERS]:
        try:
            process = subprocess.Popen(  # noqa: S603  our own words only
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        except OSError:
            continue
        waiting.append(threading.Thread(target=_deal, args=(process, left), daemon=True))
        waiting[-1].start()
    for thread in waiting:
        thread.join()


def _deal(compiler: subprocess.Popen[str], left: deque[str]) -> None:
    """Give a compiler one function after the other while there are any and it answers."""
    with suppress(OSError, IndexError), compiler:
        while True:
            print(left.popleft(), file=compiler.stdin, flush=True)
            if compiler.stdout is None or not compiler.stdout.readline():
                return
