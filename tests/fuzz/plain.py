"""The kernel's own source run as plain Python: every load and every row is tested against its bounds.

The compiled kernel trusts its offsets and shows no coverage; the same lines run here with numbers that wrap as the
machine's do, so that an instrumented interpreter sees every branch and a load too far is an error with a traceback.
Knows how compiled modules import one another (those of ``PARTS``, numpy as ``np``); must not know what they do.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import numpy as np

from analyser.flows import decoder, memory, reader, records
from analyser.machine.entries import PARTS, entries

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ROOT / "analyser" / "flows" / "kernel"


def _integer(bits: int, signed: bool) -> Callable[[Any], int]:
    mask, half = (1 << bits) - 1, 1 << (bits - 1)

    def cast(value: Any) -> int:
        wrapped = int(value) & mask
        return wrapped - (mask + 1) if signed and wrapped >= half else wrapped

    return cast


def _uint64(value: Any) -> np.uint64:
    return np.uint64(int(value) & 0xFFFFFFFFFFFFFFFF)


WORDS: Final = SimpleNamespace(
    **{f"{name}{bits}": _integer(bits, name == "int") for name in ("int", "uint") for bits in (8, 16, 32)},
    int64=_integer(64, True), uint64=_uint64, float64=np.float64,
)  # fmt: skip
"""What kernel modules call of numpy: conversions that cut as machine code does. Unsigned words of 64 bits stay numpy's,
because their products must wrap; all other numbers become Python's."""


class Row:
    """One record of a table; reading gives a number, writing cuts it to its field."""

    __slots__ = ("_casts", "_record")

    def __init__(self, record: Any, casts: dict[str, Callable[[Any], Any]]) -> None:
        object.__setattr__(self, "_record", record)
        object.__setattr__(self, "_casts", casts)

    def __getattr__(self, name: str) -> Any:
        value = self._record[name]
        if isinstance(value, np.uint64 | np.ndarray):
            return Rows(value) if isinstance(value, np.ndarray) else value
        return int(value)

    def __setattr__(self, name: str, value: Any) -> None:
        self._record[name] = self._casts[name](value)


class Rows:
    """An array without negative places; what is read beyond its end is an error."""

    __slots__ = ("_array", "_cast", "_casts", "shape")

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape = array.shape
        fields = array.dtype.fields or {}
        self._casts = {name: getattr(WORDS, kind[0].base.name) for name, kind in fields.items()}
        self._cast = None if fields else getattr(WORDS, array.dtype.name)

    def __getitem__(self, place: Any) -> Any:
        self._test(place)
        value = self._array[place]
        if self._casts:
            return Row(value, self._casts)
        if isinstance(value, np.ndarray):
            return Rows(value)
        return value if isinstance(value, np.uint64) else int(value)

    def __setitem__(self, place: Any, value: Any) -> None:
        self._test(place)
        assert self._cast is not None
        self._array[place] = self._cast(value)

    @staticmethod
    def _test(place: Any) -> None:
        if min(place if isinstance(place, tuple) else (place,)) < 0:
            raise IndexError(f"place {place} of a table")

    def load(self, place: Any, count: int) -> bytes:
        """Return ``count`` bytes of a buffer."""
        if not 0 <= place <= self.shape[0] - count:
            raise IndexError(f"{count} bytes at {place} of {self.shape[0]}")
        return self._array[place : place + count].tobytes()  # type: ignore[no-any-return]


def _load(count: int, order: str) -> Callable[[Rows, Any], Any]:
    def load(buffer: Rows, place: Any) -> Any:
        value = int.from_bytes(buffer.load(int(place), count), order)  # type: ignore[arg-type]
        return np.uint64(value) if count == 8 else value

    return load


def _loads() -> ModuleType:
    module = ModuleType("analyser.machine.loads")
    names: dict[str, Any] = {
        f"{order[0]}e{8 * count}": _load(count, order) for order in ("big", "little") for count in (2, 4, 8)
    }
    names |= {"u8": _load(1, "big"), "inner": lambda function: function, "prefetch": lambda _array, _row: None}
    vars(module).update(names)
    return module


def _frames(kernel: dict[str, Callable[..., Any]]) -> ModuleType:
    """Return the module by which one function of the kernel calls another: only ``opened`` is called so."""

    def call_at(_address: int, *arguments: Any) -> Any:
        return kernel["opened"](*arguments[:-1], arguments[-1:])[0]

    module = ModuleType("analyser.machine.frames")
    vars(module).update(call_at=call_at)
    return module


def load_kernel(change: Callable[[CodeType], CodeType] = lambda code: code) -> dict[str, Callable[..., Any]]:
    """Return the kernel's functions by name. ``change`` may instrument each module's code before it runs."""
    kernel: dict[str, Callable[..., Any]] = {}
    made: dict[str, ModuleType] = {"analyser.machine.loads": _loads(), "analyser.machine.frames": _frames(kernel)}

    def module(name: str) -> ModuleType:
        if name not in made:
            source = ROOT.joinpath(*name.split(".")).with_suffix(".py")
            tree = ast.parse(source.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PARTS):
                    module(node.module or "")
            tree.body = [node for node in tree.body if not _imports_numpy(node)]
            made[name] = ModuleType(name)
            vars(made[name]).update(np=WORDS, __file__=str(source))
            with patch.dict(sys.modules, made):
                exec(change(compile(tree, str(source), "exec")), vars(made[name]))
        return made[name]

    kernel |= {name: getattr(module(place), name) for name, (place, _) in entries().items()}
    return kernel


def _imports_numpy(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import) and node.names[0].asname == "np"


class Plain:
    """The kernel in place of :func:`analyser.machine.native.kernel`."""

    def __init__(self, change: Callable[[CodeType], CodeType] = lambda code: code) -> None:
        self._functions = load_kernel(change)

    def __call__(self, name: str) -> Callable[..., tuple[int, int]]:
        """Return a function of the kernel."""
        function = self._functions[name]

        def call(*arguments: Any) -> tuple[int, int]:
            taken = [Rows(value) if isinstance(value, np.ndarray) else int(value) for value in arguments]
            with np.errstate(over="ignore"):
                first, second = function(*taken)
            return int(first), int(second)

        vars(call).update(address=1, forget=lambda: None)  # `opened` is called by its name here, and no array is kept
        return call


@contextmanager
def reading_with(kernel: Callable[[str], Any]) -> Iterator[None]:
    """Let the flows stage use ``kernel`` instead of the compiled one."""
    with ExitStack() as stack:
        for module in (decoder, reader, memory, records):
            stack.enter_context(patch.object(module, "kernel", kernel))
        yield
