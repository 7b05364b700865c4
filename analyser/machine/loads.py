"""Single machine instructions: unaligned loads and prefetch.

They do not test bounds: every caller must have compared its offset with the end of the packet before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from analyser.machine.compiler import Pipeline

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: Final[dict[str, Any]] = {
    "nogil": True,
    "boundscheck": False,
    "error_model": "numpy",
    "no_cpython_wrapper": True,  # nobody calls these functions from Python: half of the compiler's work would be for nothing
    "no_cfunc_wrapper": True,
    "_nrt": False,  # nothing is allocated
    "pipeline_class": Pipeline,
}
"""How every function is compiled."""


def inner(function: F) -> F:
    """Compile a function that only other compiled functions call."""
    # numba's own types describe the machinery, not the functions it makes: for callers it keeps its Python signature.
    compiled: F = njit(**OPTIONS)(function)
    return compiled


def _data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    return builder.extract_value(array, context.data_model_manager[kind].get_field_position("data"))


def _load(bits: int, result: Any, swap: bool) -> Any:
    def load(_typing: Any, array: Any, _offset: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            base = builder.bitcast(_data(context, builder, signature.args[0], args[0]), ir.IntType(8).as_pointer())
            place = builder.bitcast(builder.gep(base, [args[1]]), ir.IntType(bits).as_pointer())
            value = builder.load(place)
            value.align = 1
            if swap and bits > 8:
                value = builder.bswap(value)
            return builder.zext(value, ir.IntType(64)) if bits < 64 else value

        return result(array, types.int64), code

    return intrinsic(load)


u8 = _load(8, types.int64, False)
"""``u8(buffer, offset) -> int64``; the names below say width and byte order (be: as on the network)."""
be16 = _load(16, types.int64, True)
be32 = _load(32, types.int64, True)
be64 = _load(64, types.uint64, True)
le16 = _load(16, types.int64, False)
le32 = _load(32, types.int64, False)
le64 = _load(64, types.uint64, False)


def _prefetch(_typing: Any, array: Any, _row: Any) -> Any:
    """Ask for as many cache lines as ``array[row]`` fills."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0])
        pointer = ir.IntType(8).as_pointer()
        base = builder.bitcast(data.data, pointer)
        place = builder.gep(base, [builder.mul(args[1], data.itemsize)])
        kind = ir.FunctionType(ir.VoidType(), [pointer, *[ir.IntType(32)] * 3])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        word = ir.IntType(32)
        for line in range(-(-signature.args[0].dtype.bitwidth // 512)):
            at = builder.gep(place, [ir.Constant(ir.IntType(64), 64 * line)])
            builder.call(function, [at, word(1), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), code


prefetch: Final[Any] = intrinsic(_prefetch)
"""``prefetch(array, row)`` asks for the first cache lines of a record (at most four)."""
