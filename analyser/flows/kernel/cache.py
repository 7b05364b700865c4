"""Where the machine code of the kernel is kept between runs.

numba notices an edit only in the file of the function itself, so the folder is named after a hash of all
kernel sources and of the versions that compiled them: an old folder is never read again.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

import numba

_HERE = Path(__file__).parent


def _fingerprint() -> str:
    digest = hashlib.sha256(f"{numba.__version__} {sys.version_info[:2]}".encode())
    for source in [*sorted(_HERE.glob("*.py")), _HERE.parent / "layout.py"]:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _user_cache() -> Path:
    if named := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


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


def settle() -> None:
    """Tell numba where to keep its machine code. Must run before the first kernel function is decorated."""
    setattr(numba.config, "CACHE_DIR", str(folder()))  # noqa: B010  numba makes its settings when it is imported


def is_warm() -> bool:
    """Say whether machine code from an earlier run is there (without it the first packet waits for the compiler)."""
    return any(folder().rglob("*.nbi"))
