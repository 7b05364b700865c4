"""From the kernel's Python source to object code: the only module that runs the compiler.

``python -m analyser.flows.kernel.build FOLDER NAME...`` writes the object files of some functions; the reader starts it
in processes of its own, so that numba is imported only where something must be compiled, and two cores compile at once.
"""

from __future__ import annotations

import gc
import importlib
import sys
from pathlib import Path
from typing import Any

from llvmlite import ir
from numba import from_dtype, njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from analyser.flows.kernel import cache
from analyser.flows.kernel.compiler import Pipeline, linked, remembering
from analyser.flows.kernel.entries import ENTRIES, Arguments, Block
from analyser.flows.kernel.loads import OPTIONS

RESULTS = 2
"""The first words of a frame are for what the function returns; its arguments follow."""


def _type_of(block: Block | None) -> Any:
    if block is None:
        return types.int64
    return types.Array(from_dtype(block.dtype), block.ndim, "C")


def _unpacker(arguments: Arguments) -> Any:
    """Return an intrinsic that makes a function's arguments from a frame of words: addresses, lengths and numbers."""
    kinds = [_type_of(block) for block in arguments]
    several = types.Tuple(kinds)

    def unpack(_typing: Any, frame: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            place = iter(range(RESULTS, RESULTS + 4 * len(kinds)))

            def word() -> Any:
                return builder.load(builder.gep(args[0], [ir.Constant(ir.IntType(64), next(place))]))

            def array(kind: Any) -> Any:
                made = make_array(kind)(context, builder)
                item = context.get_data_type(kind.dtype)
                data = builder.inttoptr(word(), item.as_pointer())
                shape = [word() for _ in range(kind.ndim)]
                itemsize = ir.Constant(ir.IntType(64), context.get_abi_sizeof(item))
                strides = [itemsize]
                for count in reversed(shape[1:]):
                    strides.insert(0, builder.mul(strides[0], count))
                populate_array(made, data=data, shape=shape, strides=strides, itemsize=itemsize, meminfo=None)
                return made._getvalue()

            values = [array(kind) if isinstance(kind, types.Array) else word() for kind in kinds]
            return context.make_tuple(builder, several, values)

        return several(frame), code

    return intrinsic(unpack)


def object_code(name: str) -> bytes:
    """Compile one function of ``ENTRIES`` for this processor; its symbol in the object code is ``name``.

    The symbol is numba's native one, ``int32 f(void **result, void **exception, int64 *frame)``: nothing in the kernel
    raises, allocates or calls out, so the object has no undefined symbols.
    """
    try:
        return _object_code(name)
    except Exception:  # another numba may look different inside; by itself it takes twice as long
        if not Pipeline.lean:
            raise
    Pipeline.lean = False
    for place, module in list(sys.modules.items()):
        if place.startswith(f"{__package__}.") and hasattr(module, "inner"):
            del sys.modules[place]  # what it has compiled so far does not go with what is compiled now
    return _object_code(name)


def _object_code(name: str) -> bytes:
    module, arguments = ENTRIES[name]
    function = getattr(importlib.import_module(f"analyser.flows.kernel.{module}"), name)
    compiled = njit(**OPTIONS)(function)
    unpack = _unpacker(arguments)

    def called(frame: Any) -> None:
        told = compiled(*unpack(frame))
        frame[0] = told[0]
        frame[1] = told[1]

    outer = njit(**OPTIONS)(called)
    with remembering():
        outer.compile((types.CPointer(types.int64),))
    (result,) = outer.overloads.values()
    machine = result.library.codegen._tm
    whole = linked(result.library, result.fndesc.llvm_func_name, machine)
    whole.get_function(result.fndesc.llvm_func_name).name = name
    return bytes(machine.emit_object(whole))


def main(place: Path, names: list[str]) -> None:
    """Compile ``names`` into the folder ``place``."""
    gc.disable()  # the compiler makes millions of objects and keeps nearly all: looking for garbage is a tenth of its time
    for name in names:
        cache.store(name, object_code(name), place)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
