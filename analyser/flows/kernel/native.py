"""The compiled kernel as functions that Python calls: loaded as machine code, compiled first where there is none.

Knows frames of words and object code; what the functions do stands in the modules named by ``entries``. numba is not
imported here: loading takes some milliseconds instead of half a second.
"""

from __future__ import annotations

import ctypes
import functools
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

import llvmlite.binding as llvm

from analyser.flows.kernel import cache
from analyser.flows.kernel.entries import ENTRIES

_RESULTS: Final = 2
_SIGNATURE: Final = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)

_TOGETHER: Final = (("fill",), ("update", "rebuild"))
"""What every reading needs, dealt to two processes that take about as long."""


class Native:
    """A kernel function. Calling it lets other threads run; it must not be given one array from two threads."""

    def __init__(self, name: str, code: bytes) -> None:
        self.name = name
        self._arguments = ENTRIES[name][1]
        self._engine = _engine(code)
        self._function: Any = _SIGNATURE(self._engine.get_function_address(name))
        words = sum(1 if block is None else 1 + block.ndim for block in self._arguments)
        self._frame = ctypes.c_int64 * (_RESULTS + words)

    def __call__(self, *arguments: Any) -> tuple[int, int]:
        """Call the function with arrays and numbers as ``entries`` lists them; return its two numbers.

        Raises :class:`TypeError` for an array of another type or shape: the kernel itself tests nothing.
        """
        frame = self._frame(0, 0, *chain.from_iterable(self._words(arguments)))
        scratch = ctypes.c_void_p()
        self._function(ctypes.addressof(scratch), ctypes.addressof(scratch), ctypes.addressof(frame))
        return frame[0], frame[1]

    def _words(self, arguments: Sequence[Any]) -> Iterator[tuple[int, ...]]:
        for block, value in zip(self._arguments, arguments, strict=True):
            if block is None:
                yield (int(value),)
                continue
            kind = value.dtype
            if (
                (kind is not block.dtype and kind != block.dtype)
                or value.ndim != block.ndim
                or not value.flags.c_contiguous
            ):
                raise TypeError(f"{value.dtype} in {value.ndim} dimensions, expected contiguous {block}")
            yield (value.ctypes.data, *value.shape)


@functools.cache
def kernel(name: str) -> Native:
    """Return a function of the kernel, compiled now if need be."""
    code = cache.load(name)
    if code is None:
        _compile([[name]])
        code = cache.load(name)
    if code is None:  # no process could be started, or nothing could be kept
        from analyser.flows.kernel.build import object_code

        code = object_code(name)
    return Native(name, code)


def prepare() -> None:
    """Compile what every reading needs and is not there yet, on two cores at once."""
    missing = [[name for name in names if cache.load(name) is None] for names in _TOGETHER]
    _compile([names for names in missing if names])


def is_warm() -> bool:
    """Say whether nothing that every reading needs has to be compiled first."""
    return cache.is_warm(*chain.from_iterable(_TOGETHER))


def _compile(groups: Sequence[Sequence[str]]) -> None:
    """Compile each group of functions in a process of its own; what fails there is compiled here later."""
    start = "import sys; sys.path[:] = sys.argv.pop(1).split('\\n'); import runpy; "
    start += "runpy.run_module('analyser.flows.kernel.build', run_name='__main__')"
    command = [sys.executable, "-c", start, "\n".join(sys.path), str(cache.folder())]
    running = []
    for names in groups:
        try:
            running.append(
                subprocess.Popen(  # noqa: S603  our own words only
                    [*command, *names], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
        except OSError:
            continue
    for process in running:
        process.wait()


def _engine(code: bytes) -> Any:
    _start_llvm()
    target = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


@functools.cache
def _start_llvm() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
