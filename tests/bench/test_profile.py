"""The benchmark's profile finds what it wraps and charges each stage for its own time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import profile
from bench.own import SMALL, SMALL_SITE


def test_what_is_wrapped_exists() -> None:
    assert len(list(profile.places())) == sum(map(len, profile.STAGES.values()))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    clocks = SimpleNamespace(process_time=lambda: now[0], perf_counter=lambda: 2 * now[0])
    monkeypatch.setattr("bench.profile.time", clocks)
    return now


def test_a_stage_is_not_charged_for_another_inside_it(clock: list[float]) -> None:
    meter = profile.Meter(0.0, 0.0)

    def pass_time(seconds: float) -> None:
        clock[0] += seconds

    inner = meter.wrap("inner", lambda: pass_time(3))

    def around() -> None:
        pass_time(1)
        inner()
        pass_time(1)

    outer = meter.wrap("outer", around)
    pass_time(5)
    outer()
    assert meter.spent == {profile.IMPORTS: [5, 10], "outer": [2, 4], "inner": [3, 6]}


def test_a_generator_is_charged_for_its_steps_only(clock: list[float]) -> None:
    meter = profile.Meter(0.0, 0.0)

    def steps() -> Iterator[int]:
        for number in range(3):
            clock[0] += 1
            yield number

    for _ in meter.wrap("steps", steps)():
        clock[0] += 10
    meter.switch(None)
    assert meter.spent["steps"][0] == 3
    assert meter.spent[profile.IMPORTS][0] == 30


def test_a_profiled_command_does_what_it_does_and_leaves_its_stages(tmp_path: Path) -> None:
    target = tmp_path / "stages.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench.profile", "check", str(SMALL), "--site", str(SMALL_SITE), "--workers", "1"],
        env=os.environ | {"BENCH_PROFILE": str(target)}, cwd=Path(profile.__file__).parents[1],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "NOT COMPLIANT" in done.stdout
    assert set(profile.STAGES) <= set(json.loads(target.read_text()))
