"""The two workloads of the benchmark with the sites that fit them: ``python -m bench.workloads [FOLDER] [--scale S]``.

They are made once per folder and kept: a note beside them says from which sources and at which scale they were made.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import office, scan

HERE = Path(__file__).parent
SOURCES = ("office.py", "scan.py", "traffic.py", "../samples/speech.py")


@dataclass(frozen=True, slots=True)
class Workload:
    """A capture, the site it fits, and how much is in it."""

    name: str
    capture: Path
    site: Path
    packets: int
    flows: int


def default_folder() -> Path:
    """Return where workloads are kept if nobody says otherwise."""
    return Path(tempfile.gettempdir()) / "bench-workloads"


def workloads(folder: Path, *, scale: float = 1.0) -> tuple[Workload, Workload]:
    """Return the office and the scan, made where the folder does not hold them yet."""
    folder.mkdir(parents=True, exist_ok=True)
    return (
        _made("office", office.make, office.SITE, folder, scale, office.PACKETS, office.FLOWS),
        _made("scan", scan.make, scan.SITE, folder, scale, scan.PACKETS, scan.FLOWS),
    )


def _made(
    name: str, make: Callable[..., None], site: str, folder: Path, scale: float, packets: int, flows: int
) -> Workload:
    made = Workload(
        name, folder / f"{name}.pcap", folder / f"{name}.toml", round(packets * scale), round(flows * scale)
    )
    digest = hashlib.sha256(b"".join((HERE / source).read_bytes() for source in SOURCES)).hexdigest()
    note = folder / f"{name}.json"
    says = {"scale": scale, "sources": digest}
    if made.capture.exists() and note.exists() and json.loads(note.read_text(encoding="utf-8")) == says:
        return made
    note.unlink(missing_ok=True)
    make(made.capture, scale=scale)
    made.site.write_text(site, encoding="utf-8")
    note.write_text(json.dumps(says), encoding="utf-8")
    return made


def main() -> None:
    """Make both and say how long that took."""
    parser = argparse.ArgumentParser(description="Make the benchmark's workloads.")
    parser.add_argument("folder", nargs="?", type=Path, default=default_folder())
    parser.add_argument("--scale", type=float, default=1.0)
    asked = parser.parse_args()
    begun = time.perf_counter()
    for made in workloads(asked.folder, scale=asked.scale):
        size = made.capture.stat().st_size
        print(f"{made.capture}: {made.packets:,} packets, {made.flows:,} flows, {size / 1e6:,.0f} MB")
    print(f"{time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
