"""What is named as a capture point: each argument is one, and what cannot be used is told in one line."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from unittest.mock import patch

import pytest

from analyser.model.capture import InputError
from analyser.model.finding import ReportDocument
from analyser.pipeline import judging
from analyser.pipeline import vantage as pipeline
from analyser.report.text import report_text
from samples import files
from tests.points.test_located import knock
from tests.points.wire import SITE, THREE, Wire, judged, life, port


def check(folder: Path, *named: str) -> ReportDocument:
    """Judge what is in ``folder`` under names."""
    site = folder / "site.toml"
    site.write_text(SITE, encoding="utf-8")
    return judging.check([str(folder / name) for name in named], site=site, vantage=True, workers=1).document


def test_one_point_is_not_enough(tmp_path: Path) -> None:
    """One argument is one point, however many files it stands for."""
    wire = Wire()
    life(wire, until=5000)
    wire.save(tmp_path)
    with pytest.raises(InputError, match="expected two capture points or more"):
        check(tmp_path, "a.pcap")


@pytest.mark.parametrize("named", [("a.pcap", "a.pcap"), ("a.pcap", "*.pcap"), ("a.pcap", "link.pcap")])
def test_a_capture_of_two_points(tmp_path: Path, named: tuple[str, str]) -> None:
    """A capture cannot have been taken at two points."""
    wire = Wire()
    life(wire, until=5000)
    wire.save(tmp_path)
    (tmp_path / "link.pcap").symlink_to(tmp_path / "a.pcap")
    with pytest.raises(InputError, match="belongs to two capture points"):
        check(tmp_path, *named)


def test_a_folder_is_one_point(tmp_path: Path) -> None:
    """A rotated set in a folder is one point; what it saw before and after the change of files is one conversation each."""
    wire = Wire()
    life(wire)
    knock(wire, lost="a")
    whole = judged(wire, tmp_path)
    ring = tmp_path / "ring"
    ring.mkdir()
    frames = sorted(wire.seen["a"], key=lambda frame: frame.time)
    for number, start in enumerate(range(0, len(frames), 50)):
        (ring / f"{number:03}.pcap").write_bytes(files.pcap(frames[start : start + 50], link="ethernet"))
    document = judging.check(
        [str(ring), str(tmp_path / "b.pcap")], site=tmp_path / "site.toml", vantage=True, workers=1
    ).document
    assert document.vantage is not None
    assert [point.name for point in document.vantage.points] == ["ring", "b.pcap"]
    assert len(document.vantage.points[0].captures) > 5
    assert port(document).state == port(whole).state == "blocked"
    assert "seen at ring and not at b.pcap: lost between them" in str(port(document).detail)


def test_points_of_the_same_name(tmp_path: Path) -> None:
    """Captures of the same name in two folders are told apart by their whole path."""
    wire = Wire()
    life(wire)
    knock(wire, lost="a")
    wire.save(tmp_path)
    for name in ("near", "far"):
        (tmp_path / name).mkdir()
    shutil.move(tmp_path / "a.pcap", tmp_path / "near" / "x.pcap")
    shutil.move(tmp_path / "b.pcap", tmp_path / "far" / "x.pcap")
    document = check(tmp_path, "near/x.pcap", "far/x.pcap")
    assert f"seen at {tmp_path / 'near' / 'x.pcap'} and not at" in str(port(document).detail)


def test_a_point_without_packets(tmp_path: Path) -> None:
    """An empty capture is a point that shows nothing: no verdict rests on it."""
    wire = Wire()
    life(wire, until=30_000)
    knock(wire, lost="a")
    wire.seen["b"] = []
    found = port(judged(wire, tmp_path))
    assert found.state == "blocked"
    assert "between" not in str(found.detail)


def test_a_point_that_is_no_capture(tmp_path: Path) -> None:
    """What cannot be read at all is told as for any capture."""
    wire = Wire()
    life(wire, until=5000)
    wire.save(tmp_path)
    (tmp_path / "b.pcap").write_bytes(b"no capture at all\n" * 9)
    with pytest.raises(InputError, match=r"b\.pcap: text"):
        check(tmp_path, "a.pcap", "b.pcap")


def test_the_same_capture_copied(tmp_path: Path) -> None:
    """Two copies of one capture show no losses and no delays."""
    wire = Wire()
    life(wire, until=30_000)
    knock(wire, lost="a")
    wire.save(tmp_path)
    shutil.copy(tmp_path / "a.pcap", tmp_path / "b.pcap")
    document = check(tmp_path, "a.pcap", "b.pcap")
    assert "lost between" not in str(port(document).detail)


def test_too_many_flows(tmp_path: Path) -> None:
    """What does not fit into memory is told before it is tried."""
    wire = Wire()
    life(wire, until=10_000)
    with patch.object(pipeline, "MOST_FLOWS", 15), pytest.raises(InputError, match="more than 15 flows"):
        judged(wire, tmp_path)


@pytest.mark.parametrize("seed", range(12))
def test_damaged_points(tmp_path: Path, seed: int) -> None:
    """Whatever bytes a point's capture has, there is a report or one clear line."""
    chance = random.Random(seed)
    wire = Wire(places=THREE)
    life(wire, until=20_000)
    knock(wire, lost="m")
    for path in map(Path, wire.save(tmp_path)):
        data = bytearray(path.read_bytes())
        for _ in range(chance.choice([1, 20, 400])):
            data[chance.randrange(24, len(data))] = chance.randrange(256)
        del data[chance.randrange(len(data) // 2, len(data)) :]
        path.write_bytes(data)
    document = check(tmp_path, "a.pcap", "m.pcap", "b.pcap")
    assert document.summary.exit_code in (0, 1, 3)
    assert document.vantage is not None
    assert report_text(document, everything=True).plain
