"""From LLVM's language to machine code of this processor, and from there into memory.

Knows LLVM, not numba: what numba made may have been made elsewhere, when the package was built.
"""

from __future__ import annotations

import functools
import struct
import sys
from typing import Any, Final

import llvmlite.binding as llvm

_SPEED: Final = 3
"""LLVM's level of optimising, as in ``-O3``."""


def is_like_builders() -> bool:
    """Say whether LLVM's language made on another machine holds here: optimising fixes the order of bytes and the size of pointers."""
    return sys.byteorder == "little" and struct.calcsize("P") == 8


def optimiser() -> Any:
    """Return a target machine like this one, but of no processor in particular: what it optimises suits all of the kind."""
    _start()
    return llvm.Target.from_default_triple().create_target_machine(opt=_SPEED)


def emit(bitcode: bytes) -> bytes:
    """Return the object code of an optimised LLVM module for this processor.

    Raises :class:`RuntimeError` where this LLVM does not know what another one wrote.
    """
    _start()
    module = llvm.parse_bitcode(bitcode)
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=_SPEED,
        reloc="static" if target.name.startswith("x86") else "default",
        codemodel="jitdefault",
        jit=True,
    )
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    return bytes(machine.emit_object(module))


def load(code: bytes) -> Any:
    """Return an engine that holds an object's functions, ready to be called; they go when it goes."""
    _start()
    engine = llvm.create_mcjit_compiler(
        llvm.parse_assembly(""), llvm.Target.from_default_triple().create_target_machine()
    )
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


@functools.cache
def _start() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
