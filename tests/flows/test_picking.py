"""Frames taken out of a capture once more are the ones that the numbers mean, byte for byte."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from analyser.capture import open_captures
from analyser.flows.picking import picked
from analyser.model.capture import CaughtFrame, InputError
from tests.conformance.truth import FOLDER, files
from tests.flows.test_damage import MAKERS, NAMES, PACKETS, Made, body, pcap
from tests.reference.container import read_file

SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "pcaps").glob("*.pcap*"))
MOST = 3000


def pick(path: Path, wanted: range | set[int]) -> list[CaughtFrame]:
    """Return the wanted frames of one capture."""
    with closing(open_captures([str(path)], digests=False)) as opened:
        return list(picked(opened.sources[0], wanted))


def agree(path: Path, data: bytes) -> int:
    """Compare with the plain reader what was picked; return how many frames that were."""
    told = {frame.number: frame for frame in read_file(data, 0).frames}
    found = pick(path, range(1, min(len(told), MOST) + 1))
    for frame in found:
        plain = told[frame.number]
        assert (frame.data, frame.link_type) == (plain.data, plain.link), frame.number
        assert abs(frame.t - plain.t) <= 1, frame.number
        assert frame.length >= len(frame.data) >= frame.headers >= 0
    assert [frame.number for frame in found] == sorted(frame.number for frame in found)
    return len(found)


@pytest.mark.parametrize(
    "path", [path for path in SAMPLES if path.suffix in (".pcap", ".pcapng")], ids=lambda path: path.name
)
def test_frames_of_samples_are_those_of_a_plain_reader(path: Path) -> None:
    """Number, time, link type and bytes of each frame are what a reader of a few lines finds under that number."""
    if path.is_file():
        agree(path, path.read_bytes())


def test_frames_of_public_captures_are_those_of_a_plain_reader() -> None:
    """The same over public captures of every container, compressed or not, that are whole."""
    seen = 0
    for truth in files():
        path = FOLDER / truth["file"]
        data = path.read_bytes()
        try:
            whole = read_file(data, 0).complete
        except Exception:  # noqa: BLE001 - the plain reader knows no damage
            continue
        if not whole:
            continue
        try:
            seen += agree(path, data)
        except InputError:
            continue
    assert seen > 20_000


def test_only_what_is_wanted_is_given() -> None:
    """Any choice of frames gives those and no others, in their order, however far apart they lie."""
    path = next(path for path in SAMPLES if path.name == "ricoh-install.pcap")
    every = {frame.number: frame for frame in pick(path, range(1, 1000))}
    numbers = random.Random(5).sample(sorted(every), 20)
    assert pick(path, set(numbers)) == [every[number] for number in sorted(numbers)]
    assert pick(path, {10**9}) == pick(path, set()) == []


@pytest.mark.parametrize("maker", MAKERS, ids=NAMES)
def test_numbers_mean_the_same_behind_damage(maker: Callable[[], Made], tmp_path: Path) -> None:
    """Frames behind a damaged place are found under the numbers that the flow table gives them."""
    data, places = maker()
    path = tmp_path / "damaged"
    path.write_bytes(data[: places[20]] + b"\xa5" * 333 + data[places[20] :])
    found = pick(path, range(1, PACKETS + 1))
    assert [frame.data for frame in found] == [body(number) for number in range(PACKETS)]
    assert pick(path, {41})[0].data == body(40)


def test_payload_is_what_stands_behind_the_headers(tmp_path: Path) -> None:
    """A frame without payload ends where its datagram begins to say something."""
    path = tmp_path / "plain.pcap"
    path.write_bytes(pcap()[0])
    for number, frame in enumerate(pick(path, range(1, PACKETS + 1))):
        assert frame.without_payload().data == body(number)[:42]
        assert frame.without_payload().length == len(body(number))
