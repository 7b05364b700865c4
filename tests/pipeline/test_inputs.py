"""Which inputs make a report inconclusive."""

from __future__ import annotations

import shutil
from pathlib import Path

from analyser.pipeline import judging, reading

SAMPLES = Path(__file__).parents[2] / "samples"
SITE = SAMPLES / "sites" / "healthy.toml"


def exit_code(*captures: Path) -> int:
    """Judge the healthy site by captures."""
    return judging.check([str(path) for path in captures], site=SITE).document.summary.exit_code


def test_a_stranger_in_a_folder_is_told_and_a_named_one_makes_doubt(tmp_path: Path) -> None:
    """A text file beside captures does not undo them; named itself, or broken, it leaves the question open."""
    capture = tmp_path / "healthy.pcap"
    shutil.copy(SAMPLES / "pcaps" / "healthy.pcap", capture)
    assert exit_code(tmp_path) == 0
    readme = tmp_path / "README.txt"
    readme.write_text("captures of the first floor\n")
    assert exit_code(tmp_path) == 0
    notes = reading.flows([str(tmp_path)]).notes
    assert [(Path(note.path).name, note.complete) for note in notes] == [("healthy.pcap", True), ("README.txt", False)]
    assert exit_code(capture, readme) == 3
    readme.unlink()
    (tmp_path / "broken.pcap").write_bytes(capture.read_bytes()[:20])
    assert exit_code(tmp_path) == 3
