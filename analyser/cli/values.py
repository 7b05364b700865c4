"""Arguments as they were typed to what commands take.

Typer has pydantic turn every value, and importing that takes as long as reading a small capture. Texts, paths and what was not
given need no turning, plain numbers little; with whatever else was given, typer does what it always does.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperOption

_NEEDED = ("get_runtime_param", "type_descriptor", "nargs")


class Command(TyperCommand):
    """A command that takes texts and paths as they were typed."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return what the command can be given."""
        return taken_as_typed(super().get_params(ctx))


def taken_as_typed(parameters: Iterable[Any]) -> list[Any]:
    """Return the same parameters of a command; of these, texts, paths and plain numbers are taken as they were typed."""
    known = list(parameters)
    for parameter in known:
        own = isinstance(parameter, TyperArgument | TyperOption) and "get_runtime_param" not in vars(parameter)
        if own and all(hasattr(parameter, name) for name in _NEEDED):  # another typer does everything itself
            vars(parameter)["get_runtime_param"] = _Turned(parameter).itself
    return known


class _Turned:
    """Stands where typer keeps how the values of one parameter are turned."""

    def __init__(self, parameter: TyperArgument | TyperOption) -> None:
        self._kind = parameter.type_descriptor.annotation
        bounds = parameter.type_descriptor.parameter_info
        self._least = (bounds.min or 0) if self._kind is int and bounds.max is None else None
        self._typer = parameter.get_runtime_param
        self._several = parameter.nargs == -1

    def itself(self) -> _Turned:
        """Return this, as typer asks for it."""
        return self

    def coerce(self, value: Any, *place: Any, **named: Any) -> Any:
        """Return ``value`` as the command takes it; ``place`` and ``named`` say to typer whose it is."""
        if value is None:
            return () if self._several else None
        if self._kind == list[str]:
            return list(value)
        if self._kind is Path:
            return Path(value)
        if isinstance(self._kind, type) and isinstance(value, self._kind):
            return value
        if self._least is not None and value.isascii() and value.isdecimal() and int(value) >= self._least:
            return int(value)
        return self._typer().coerce(value, *place, **named)
