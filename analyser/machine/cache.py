"""Where machine code is kept between runs.

The folder is named after a hash of all compiled sources, of the versions that compiled them and of the processor: code
of another version or for another machine is never loaded. A file that is damaged is as good as none.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

import llvmlite
import llvmlite.binding

from analyser.machine.entries import PARTS

_PROGRAM: Final = Path(__file__).parents[2]
_DIGEST: Final = 32


@functools.cache
def sources() -> str:
    """Return a digest (hexadecimal) of all that decides what the compiled functions do."""
    digest = hashlib.sha256()
    for package in (__package__, *PARTS):
        folder = _PROGRAM.joinpath(*package.split("."))
        for source in [*sorted(folder.glob("*.py")), *folder.parent.glob("layout.py")]:
            digest.update(source.read_bytes())
    return digest.hexdigest()


def _fingerprint() -> str:
    machine = (llvmlite.binding.get_host_cpu_name(), llvmlite.binding.get_host_cpu_features().flatten())
    told = (sources(), llvmlite.__version__, sys.platform, machine)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _user_cache() -> Path:
    if named := os.environ.get("ANALYSER_CACHE"):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


@functools.cache
def folder() -> Path:
    """Return a writable folder for the machine code: the user's cache, else one that lasts as long as the machine is up."""
    name = f"analyser-kernel-{_fingerprint()}"
    for parent in (
        _user_cache,
        lambda: Path(tempfile.gettempdir()) / f"analyser-{os.getuid() if hasattr(os, 'getuid') else 0}",
    ):
        try:
            path = parent() / name
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if hasattr(os, "getuid") and path.stat().st_uid != os.getuid():
                continue  # machine code that somebody else could have written is not run
            probe = path / f".{os.getpid()}"
            probe.touch()
            probe.unlink()
        except (OSError, RuntimeError):  # read-only, full, or no home at all
            continue
        return path
    return Path(tempfile.mkdtemp(prefix=name))


def load(name: str) -> bytes | None:
    """Return the object code of a function, or None where it has yet to be compiled."""
    try:
        kept = (folder() / f"{name}.o").read_bytes()
    except OSError:
        return None
    code = kept[_DIGEST:]
    return code if code and hashlib.sha256(code).digest() == kept[:_DIGEST] else None


def store(name: str, code: bytes, place: Path) -> None:
    """Keep the object code of a function in ``place``; two programs that compile at once do no harm."""
    handle, temporary = tempfile.mkstemp(dir=place, prefix=f".{name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(code).digest() + code)
        Path(temporary).replace(place / f"{name}.o")
    except OSError:  # on Windows a file that another program has loaded cannot be replaced: then it is there already
        with contextlib.suppress(OSError):
            Path(temporary).unlink()


def is_warm(*names: str) -> bool:
    """Say whether these functions were compiled in an earlier run (else the first packet waits for the compiler)."""
    return all((folder() / f"{name}.o").is_file() for name in names)
