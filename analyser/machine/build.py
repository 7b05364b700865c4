"""From restricted Python to LLVM's language: the only module that runs the compiler.

``python -m analyser.machine.build --carried`` writes what the package carries. ``python -m analyser.machine.build --into FOLDER`` writes
the object files of functions whose names come on its standard input, a line each, and says so when one is there. Who reads starts
it in processes of its own, so that numba is imported only where something must be compiled, and two cores compile at once; they
end with who asked, whose end of the pipe is closed then.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from numba import njit, types

from analyser.machine import cache, carried, objects
from analyser.machine.compiler import Pipeline, linked, remembering
from analyser.machine.entries import PARTS, entries
from analyser.machine.frames import unpacker
from analyser.machine.loads import OPTIONS


def object_code(name: str) -> bytes:
    """Compile one function of ``entries`` for this processor.

    Nothing that is compiled raises, allocates or calls what it is not given the address of, so the object has no undefined symbols.
    """
    return objects.emit(bitcode(name))


def bitcode(name: str) -> bytes:
    """Compile one function of ``entries`` for all processors of this kind; its symbol is ``name``."""
    try:
        return _bitcode(name)
    except Exception:  # another numba may look different inside; by itself it takes twice as long
        if not Pipeline.lean:
            raise
    Pipeline.lean = False
    for place, module in list(sys.modules.items()):
        if place.startswith(PARTS) and hasattr(module, "inner"):
            del sys.modules[place]  # what it has compiled so far does not go with what is compiled now
    return _bitcode(name)


def _bitcode(name: str) -> bytes:
    module, arguments = entries()[name]
    function = getattr(importlib.import_module(module), name)
    compiled = njit(**OPTIONS)(function)
    unpack = unpacker(arguments)

    def called(frame: Any) -> None:
        told = compiled(*unpack(frame))
        frame[0] = told[0]
        frame[1] = told[1]

    outer = njit(**OPTIONS)(called)
    with remembering() if Pipeline.lean else nullcontext():
        outer.compile((types.CPointer(types.int64),))
    (result,) = outer.overloads.values()
    whole = linked(result.library, result.fndesc.llvm_func_name, objects.optimiser())
    whole.get_function(result.fndesc.llvm_func_name).name = name
    return bytes(whole.as_bitcode())


def compile_into(folder: Path, names: Iterable[str]) -> None:
    """Compile ``names`` into a folder of machine code, and say so of each."""
    for name in names:
        cache.store(name, object_code(name), folder)
        print(name, flush=True)


def main() -> None:
    """Do what the arguments say."""
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--carried", type=Path, nargs="?", const=carried.PLACE, metavar="FILE")
    said.add_argument("--into", type=Path, metavar="FOLDER")
    wanted = said.parse_args()
    gc.disable()  # the compiler makes millions of objects and keeps nearly all: looking for garbage is a tenth of its time
    if wanted.carried:
        carried.write(wanted.carried, ((name, bitcode(name)) for name in entries()))
    if wanted.into:
        compile_into(wanted.into, map(str.strip, sys.stdin))


if __name__ == "__main__":
    main()
