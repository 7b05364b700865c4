"""What the package carries of its compiled functions: LLVM's language, made where the package was built.

It is the same for all processors of 64 bits whose bytes begin with the least, so a first run has no need of numba. A file that is
not of these sources is as good as none: who changes a function in a checkout has it compiled from its source.
"""

from __future__ import annotations

import functools
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from analyser.machine import cache, objects

PLACE: Final = Path(__file__).with_name("carried.zip")
"""Where the package has it."""

_DAMAGED: Final = (OSError, EOFError, KeyError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading raises of a file that is damaged, or in words that this LLVM does not know."""


def write(place: Path, codes: Iterable[tuple[str, bytes]]) -> None:
    """Write functions' names and their LLVM bitcode, marked with the sources they are of; the same bytes for the same code."""
    unfinished = place.with_suffix(".new")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = cache.sources().encode()
        for name, code in codes:
            archive.writestr(zipfile.ZipInfo(name), code, zipfile.ZIP_DEFLATED)
    unfinished.replace(place)


@functools.cache
def is_current(place: Path = PLACE) -> bool:
    """Say whether the package has functions of these very sources, and this machine is of the kind that they are for."""
    try:
        with zipfile.ZipFile(place) as archive:
            return archive.comment == cache.sources().encode() and objects.is_like_builders()
    except _DAMAGED:
        return False


def object_code(name: str, place: Path = PLACE) -> bytes | None:
    """Return the object code of a function for this processor, or None where it has to be compiled from its source."""
    if not is_current(place):
        return None
    try:
        with zipfile.ZipFile(place) as archive:
            return objects.emit(archive.read(name))
    except _DAMAGED:
        return None
