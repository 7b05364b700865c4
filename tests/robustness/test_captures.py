"""Captures gone wrong: a result or a clear error, never a traceback, and no packet lost on the way."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from analyser.model.capture import InputError
from tests.robustness.mutants import CHANGES, Change, mutant
from tests.robustness.running import SAMPLES, SITES, assert_printable, judge, read, unaccounted

CAPTURES = [path.read_bytes() for path in SAMPLES]
MUTANTS = 48
LONGEST = 20.0


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_packet_of_a_sample_is_accounted_for(path: Path) -> None:
    """Packets read are packets in flows, ICMP errors about flows, or counted once by name or as copies."""
    run = read(path)
    if isinstance(run, InputError):
        pytest.fail(str(run))
    assert unaccounted(run) == 0


@pytest.mark.parametrize("change", dict.fromkeys(CHANGES))
def test_every_packet_of_a_damaged_capture_is_accounted_for(change: Change, tmp_path: Path) -> None:
    """What is damaged, absurd or wild is counted too, each packet once."""
    for seed in range(4):
        rng = random.Random(seed)
        path = tmp_path / f"{seed}.pcap"
        path.write_bytes(change(rng, bytearray(rng.choice(CAPTURES))))
        run = read(path)
        if not isinstance(run, InputError):
            assert unaccounted(run) == 0, seed


@pytest.mark.parametrize("part", range(4))
def test_damaged_captures_are_judged(part: int, tmp_path: Path) -> None:
    """Mutants of the samples under sites that are not theirs: a report that can be written, within reasonable time."""
    path = tmp_path / "mutant.pcap"
    for seed in range(part, MUTANTS, 4):
        path.write_bytes(mutant(seed, CAPTURES))
        began = time.monotonic()
        run = judge(path, SITES[seed % len(SITES)])
        assert time.monotonic() - began < LONGEST, seed
        if not isinstance(run, InputError):
            assert assert_printable(run).summary.exit_code in (0, 1, 3)


def test_every_packet_of_several_damaged_captures_is_accounted_for(tmp_path: Path) -> None:
    """Captures that overlap, hold the same traffic, or contradict one another in time: each packet is counted once."""
    for seed in range(12):
        rng = random.Random(seed)
        alike = [rng.choice(CAPTURES)] if rng.random() < 0.5 else CAPTURES
        paths = [tmp_path / f"{seed}-{number}.pcap" for number in range(3)]
        for number, path in enumerate(paths):
            path.write_bytes(mutant(seed * 10 + number, alike))
        run = read(*paths)
        if not isinstance(run, InputError):
            assert unaccounted(run) == 0, seed
