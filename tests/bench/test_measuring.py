"""Processes are measured by what they take themselves, in turn, and failures are told."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from bench.measuring import Job, measure, measure_all


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def test_memory_of_whoever_measures_is_not_that_of_the_process() -> None:
    held = np.ones(25_000_000)
    assert held.nbytes > 150e6
    assert measure(python("pass")).memory < 50


def test_memory_and_time_of_a_process_are_its_own() -> None:
    spent = measure(python("import time; held = bytearray(b'x') * 100_000_000; time.sleep(0.2)"))
    assert 100 < spent.memory < 150
    assert spent.wall >= 0.2
    assert 0 < spent.cpu < spent.wall


def test_what_a_process_reads_comes_from_its_feeder() -> None:
    spent = measure(python("import sys; print(len(sys.stdin.read()))"), feeder=python("print('x' * 99_999)"))
    assert (spent.said.strip(), spent.code) == ("100000", 0)


def test_a_failure_is_told_with_its_last_words() -> None:
    assert measure(python("raise SystemExit('no such thing')")).failure is None  # 1 is an answer of a check
    assert measure(python("import sys; print('no such thing'); sys.exit(2)")).failure == "exit code 2: no such thing"


def test_jobs_are_measured_in_turn_and_what_is_slow_less_often() -> None:
    told: list[str] = []
    jobs = [
        Job(name="one", command=python("pass")),
        Job(name="slow", command=python("pass"), most=1),
        Job(name="absent", command=["absent"], missing="not installed"),
    ]
    spent = measure_all(jobs, 2, told.append)
    assert {name: len(rounds) for name, rounds in spent.items()} == {"one": 2, "slow": 1}
    assert [line.partition(":")[0] for line in told] == ["0 one", "1 one", "1 slow", "2 one"]


def test_each_round_of_a_first_run_has_a_new_empty_folder(tmp_path: Path) -> None:
    code = f"import os; f = os.environ['PLACE']; print(f, os.listdir(f), file=open({str(tmp_path / 'log')!r}, 'a'))"
    measure_all([Job(name="first", command=python(code), empty_folder="PLACE")], 1, lambda _: None)
    seen = (tmp_path / "log").read_text().splitlines()
    assert len(set(seen)) == 2
    assert all(line.endswith(" []") for line in seen)
