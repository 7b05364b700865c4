"""Frames of words: how a function that is machine code of its own is called, and how it finds its arguments.

Its symbol is numba's native one, ``int32 f(void **result, void **exception, int64 *frame)``. A frame holds room for two results,
then addresses, lengths and numbers as ``entries`` lists them, then a word of scratch for what is never set.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir
from numba import from_dtype, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from analyser.machine.entries import Arguments, Block

RESULTS: Final = 2
"""The first words of a frame are for what the function returns; its arguments follow."""
_WORD: Final = ir.IntType(64)
_BYTE: Final = ir.IntType(8).as_pointer()


def _type_of(block: Block | None) -> Any:
    if block is None:
        return types.int64
    return types.Array(from_dtype(block.dtype), block.ndim, "C")


def unpacker(arguments: Arguments) -> Any:
    """Return an intrinsic that makes a function's arguments from a frame."""
    kinds = [_type_of(block) for block in arguments]
    several = types.Tuple(kinds)

    def unpack(_typing: Any, frame: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            place = iter(range(RESULTS, RESULTS + 4 * len(kinds)))

            def word() -> Any:
                return builder.load(builder.gep(args[0], [_WORD(next(place))]))

            def array(kind: Any) -> Any:
                made = make_array(kind)(context, builder)
                item = context.get_data_type(kind.dtype)
                data = builder.inttoptr(word(), item.as_pointer())
                shape = [word() for _ in range(kind.ndim)]
                itemsize = _WORD(context.get_abi_sizeof(item))
                strides = [itemsize]
                for count in reversed(shape[1:]):
                    strides.insert(0, builder.mul(strides[0], count))
                populate_array(made, data=data, shape=shape, strides=strides, itemsize=itemsize, meminfo=None)
                return made._getvalue()

            values = [array(kind) if isinstance(kind, types.Array) else word() for kind in kinds]
            return context.make_tuple(builder, several, values)

        return several(frame), code

    return intrinsic(unpack)


def _call_at(_typing: Any, address: Any, octets: Any, p: Any, e: Any, way: Any, what: Any, record: Any) -> Any:
    """Call ``opened`` at an address: ``octets`` is an array of bytes, ``record`` stands for an array of one record."""
    given = (address, octets, p, e, way, what, record)

    def code(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        array = context.data_model_manager[octets]
        data, shape = (builder.extract_value(args[1], array.get_field_position(name)) for name in ("data", "shape"))
        words = [
            builder.ptrtoint(data, _WORD), builder.extract_value(shape, 0), *args[2:6],
            builder.ptrtoint(args[6], _WORD), _WORD(1),
        ]  # fmt: skip
        with builder.goto_entry_block():
            frame = builder.alloca(_WORD, RESULTS + len(words) + 1)
        for place, word in enumerate(words, RESULTS):
            builder.store(word, builder.gep(frame, [_WORD(place)]))
        scratch = builder.bitcast(builder.gep(frame, [_WORD(RESULTS + len(words))]), _BYTE)
        kind = ir.FunctionType(ir.IntType(32), [_BYTE, _BYTE, _WORD.as_pointer()])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), [scratch, scratch, frame])
        return builder.load(frame)

    return types.int64(*given), code


call_at: Final[Any] = intrinsic(_call_at)
"""``call_at(address, octets, p, e, way, what, record) -> int64``: the first result of ``opening.opened``, compiled apart."""
