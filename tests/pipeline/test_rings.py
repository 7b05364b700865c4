"""Rings of files, growing files and compressed ones, from arguments to the report."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from pathlib import Path

import pytest

from analyser.capture import arguments, opening
from analyser.pipeline import reading
from tests.pipeline.test_inputs import SAMPLES, exit_code

HEALTHY = SAMPLES / "pcaps" / "healthy.pcap"


def test_a_file_that_a_ring_dropped_is_told_and_makes_no_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listed and gone before it was opened: its own code, and the files that are there decide; named itself, it is missed."""
    shutil.copy(HEALTHY, tmp_path / "b.pcap")
    gone = str(tmp_path / "a.pcap")
    listed = arguments.expand([str(tmp_path)])
    monkeypatch.setattr(opening, "expand", lambda _: (gone, *listed))
    assert exit_code(tmp_path) == 0
    notes = reading.flows([str(tmp_path)]).notes
    assert [(note.path, note.problems[0].code) for note in notes if note.problems] == [(gone, "vanished")]
    assert exit_code(Path(gone), tmp_path) == 3


def test_a_growing_file_is_read_to_its_last_whole_record(tmp_path: Path) -> None:
    """A file whose last record is being written is read to the cut and called incomplete."""
    (tmp_path / "ring.pcap").write_bytes(HEALTHY.read_bytes()[:-5])
    (note,) = reading.flows([str(tmp_path)]).notes
    (whole,) = reading.flows([str(HEALTHY)]).notes
    assert note.packets == whole.packets - 1
    assert (note.complete, [problem.code for problem in note.problems]) == (False, ["cut-short"])


def test_a_compressed_capture_is_judged_like_its_inside(tmp_path: Path) -> None:
    """Same answer; size and digest are those of the file as it is stored, and progress counts its bytes."""
    stored = gzip.compress(HEALTHY.read_bytes())
    path = tmp_path / "no-ending"
    path.write_bytes(stored)
    assert exit_code(path) == exit_code(HEALTHY)
    seen: list[tuple[int, int | None]] = []
    (note,) = reading.flows([str(path)], progress=lambda _, done, total: seen.append((done, total))).notes
    assert (note.format, note.bytes, note.sha256) == ("pcap", len(stored), hashlib.sha256(stored).hexdigest())
    assert note.complete
    assert seen[-1] == (len(stored), len(stored))


def test_a_cut_gzip_is_read_and_called_incomplete(tmp_path: Path) -> None:
    """What was unpacked is judged; the report says that the file is cut."""
    stored = gzip.compress(HEALTHY.read_bytes())
    path = tmp_path / "x.pcap.gz"
    cut = stored[: len(stored) * 2 // 3]
    path.write_bytes(cut)
    (note,) = reading.flows([str(path)]).notes
    assert note.packets > 0
    assert not note.complete
    assert "cut-short" in {problem.code for problem in note.problems}
    assert note.sha256 == hashlib.sha256(cut).hexdigest()
