"""From arguments to sources: which files are meant, in which order, and what is set aside."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from analyser.capture import CaptureSource, OpenedCaptures, open_captures
from analyser.model.capture import InputError
from tests.capture.captures import interface, packet, pcap, section

SECOND = 1_000_000_000


def names(opened: OpenedCaptures) -> list[str]:
    return [Path(source.path).name for source in opened.sources]


def read_all(source: CaptureSource, size: int = 7) -> bytes:
    view = bytearray(size)
    pieces = []
    while count := source.readinto(memoryview(view)):
        pieces.append(bytes(view[:count]))
    return b"".join(pieces)


@pytest.fixture
def rotated(tmp_path: Path) -> Path:
    """Return a directory of three captures whose names are in the wrong order, a note, a hidden file and a subdirectory."""
    (tmp_path / "a.pcap").write_bytes(pcap((30 * SECOND, b"x")))
    (tmp_path / "b.pcap").write_bytes(pcap())
    (tmp_path / "c.pcapng").write_bytes(section() + interface() + packet(10_000_000))
    (tmp_path / "d.cap").write_bytes(pcap((20 * SECOND, b"y"), order=">", nanoseconds=True))
    (tmp_path / "note.txt").write_text("taken on Monday")
    (tmp_path / ".hidden").write_bytes(pcap((1, b"")))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "e.pcap").write_bytes(pcap((40 * SECOND, b"z")))
    return tmp_path


def test_a_directory_gives_its_captures_in_order_of_time(rotated: Path) -> None:
    """Sources come by their first packet, whatever their names; one without packets comes last."""
    opened = open_captures([str(rotated)])
    assert names(opened) == ["c.pcapng", "d.cap", "a.pcap", "b.pcap"]
    assert [source.first_t for source in opened.sources] == [10 * SECOND, 20 * SECOND, 30 * SECOND, None]


def test_what_is_no_capture_is_set_aside_and_told(rotated: Path) -> None:
    """A text file beside captures is rejected with its reason and does not stop the rest."""
    rejected = open_captures([str(rotated)]).rejected
    assert [(Path(path).name, problem.code) for path, problem in rejected] == [("note.txt", "not-a-capture")]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("*.pcap", ["a.pcap", "b.pcap"]), ("[cd].*", ["c.pcapng", "d.cap"]), ("**/e.pcap", ["e.pcap"])],
)
def test_globs_are_expanded_here(rotated: Path, pattern: str, expected: list[str]) -> None:
    """A pattern that no shell has expanded (Windows) finds its files, with ** in subdirectories too."""
    assert sorted(names(open_captures([str(rotated / pattern)]))) == expected


def test_a_name_with_brackets_is_a_name_first(tmp_path: Path) -> None:
    """An existing file is taken as it is, although its name could be read as a pattern."""
    file = tmp_path / "floor[3].pcap"
    file.write_bytes(pcap((1, b"")))
    assert [source.path for source in open_captures([str(file)]).sources] == [str(file)]


@pytest.mark.parametrize("argument", ["nowhere.pcap", "*.nothing", "nul\0byte", "x" * 5000])
def test_an_argument_that_names_nothing_is_an_error(rotated: Path, argument: str) -> None:
    """A slip in a name is told before anything is read, also beside good captures."""
    with pytest.raises(InputError):
        open_captures([str(rotated / "a.pcap"), str(rotated / argument)])


def test_directories_without_files_are_errors(tmp_path: Path) -> None:
    """An empty directory is told, and one that has only directories says how to reach into them."""
    with pytest.raises(InputError, match="empty directory"):
        open_captures([str(tmp_path)])
    (tmp_path / "monday").mkdir()
    with pytest.raises(InputError, match=r"\*\*"):
        open_captures([str(tmp_path)])


def test_no_argument_is_an_error() -> None:
    """Without any capture there is nothing to do, and the message says what could be named."""
    with pytest.raises(InputError, match="standard input"):
        open_captures([])


def test_none_readable_is_an_error_that_names_the_first(tmp_path: Path) -> None:
    """Where no capture is left the first reason is told, and how many more there are."""
    (tmp_path / "a.pcap.gz").write_bytes(b"\x1f\x8b\x08")
    (tmp_path / "b.pcap").write_bytes(b"")
    with pytest.raises(InputError, match=r"a\.pcap\.gz: gzip.*1 more") as raised:
        open_captures([str(tmp_path)])
    assert raised.value.path.endswith("a.pcap.gz")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that even the superuser cannot read")
def test_a_file_that_the_system_does_not_give_is_set_aside(rotated: Path) -> None:
    """A file whose bytes the system refuses (here the unmapped beginning of a process) is rejected with its words."""
    (rotated / "a.pcap").unlink()
    (rotated / "a.pcap").symlink_to("/proc/self/mem")
    rejected = open_captures([str(rotated / "*.pcap")]).rejected
    assert [problem.code for _, problem in rejected] == ["unreadable"]
    assert "Input/output error" in rejected[0][1].detail


def test_equal_content_is_read_once(tmp_path: Path) -> None:
    """Copies under other names, and a file named twice, are left out and told on the one that is read."""
    data = pcap((5 * SECOND, b"same"))
    for name in ("one.pcap", "two.pcap"):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "other.pcap").write_bytes(pcap((5 * SECOND, b"else")))
    opened = open_captures([str(tmp_path / "one.pcap"), str(tmp_path), str(tmp_path / "other.pcap")])
    assert names(opened) == ["one.pcap", "other.pcap"]
    first, other = (source.problems for source in opened.sources)
    assert [(problem.code, problem.count) for problem in first] == [("same-file", 2)]
    assert "two.pcap" in first[0].detail
    assert [(problem.code, problem.count) for problem in other] == [("same-file", 1)]


def test_no_file_stays_open(rotated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand rotated files need one handle: a source opens its file at the first read and closes it at the end."""
    handles: list[IO[Any]] = []
    original = Path.open

    def counting(self: Path, mode: str = "r", buffering: int = -1) -> IO[Any]:
        handle = original(self, mode, buffering)
        handles.append(handle)
        return handle

    monkeypatch.setattr(Path, "open", counting)
    opened = open_captures([str(rotated / "*.pcap")])
    assert len(handles) == 2
    assert all(handle.closed for handle in handles)
    first, second = opened.sources
    assert first.readinto(memoryview(bytearray(8))) == 8
    assert [handle.closed for handle in handles] == [True, True, False]
    read_all(first)
    opened.close()
    assert second.readinto(memoryview(bytearray(8))) == 0
    assert len(handles) == 3
    assert all(handle.closed for handle in handles)


@pytest.mark.parametrize("how", ["file", "stdin"])
def test_every_byte_is_delivered_once_with_its_digest(tmp_path: Path, how: str) -> None:
    """Header included, in pieces of any size; count and sha256 are of the whole, and there is no digest before the end."""
    data = section() + interface() + b"".join(packet(n, bytes(n % 90)) for n in range(300))
    file = tmp_path / "x.pcapng"
    file.write_bytes(data)
    opened = open_captures([str(file) if how == "file" else "-"], stdin=io.BytesIO(data))
    (source,) = opened.sources
    assert source.live is (how == "stdin")
    source.readinto(memoryview(bytearray(100)))
    too_early = source.sha256
    assert too_early is None
    head, rest = data[: source.octets], read_all(source)
    assert head + rest == data
    assert source.octets == len(data)
    assert source.sha256 == hashlib.sha256(data).hexdigest()
    assert source.readinto(memoryview(bytearray(8))) == 0


def test_standard_input_takes_its_place_among_files(rotated: Path) -> None:
    """With files beside it, the first time of standard input is looked for and what was taken is given again."""
    data = section() + interface() + packet(25_000_000, b"late")
    opened = open_captures(["-", str(rotated / "[ad].*"), "-"], stdin=io.BytesIO(data))
    assert [source.path for source in opened.sources if source.live] == ["-"]
    assert names(opened) == ["d.cap", "-", "a.pcap"]
    assert read_all(opened.sources[1], 1000) == data


@pytest.mark.parametrize(
    ("data", "says"), [(b"", "empty"), (b"\x1f\x8b\x08\x00", "gzip"), (b"hello", "text"), (pcap()[:20], "cut")]
)
def test_standard_input_that_is_no_capture_is_told(data: bytes, says: str) -> None:
    """A short or foreign stream is an error that says what it looks like."""
    with pytest.raises(InputError, match=rf"^-: .*{says}"):
        open_captures(["-"], stdin=io.BytesIO(data))


def test_a_file_that_vanishes_ends_with_a_problem(tmp_path: Path) -> None:
    """A file gone between recognising and reading ends at once, and the source says why."""
    file = tmp_path / "x.pcap"
    file.write_bytes(pcap((1, b"x")))
    (source,) = open_captures([str(file)]).sources
    file.unlink()
    assert read_all(source) == b""
    assert source.sha256 is None
    assert [problem.code for problem in source.problems] == ["vanished"]


def test_a_named_pipe_is_read_as_a_stream(tmp_path: Path, feed: Callable[[Path, bytes], None]) -> None:
    """A pipe in place of a file (a shell's process substitution) is recognised without losing a byte."""
    pipe = tmp_path / "pipe"
    data = pcap((1, b"x"), (2, b"y"))
    feed(pipe, data)
    (source,) = open_captures([str(pipe)]).sources
    assert source.live
    assert read_all(source) == data
