"""Where the time of one run goes: ``python -m bench.profile COMMAND ARGUMENTS...`` (those of ``analyser``).

Functions of the stages are wrapped from outside, so that the analyser holds nothing for it. A stage's time is its own: what
another wrapped function takes inside it belongs to that one.
"""

from __future__ import annotations

import time

_BEFORE = time.process_time(), time.perf_counter()

import functools  # noqa: E402 - the clock is read before anything is imported
import importlib  # noqa: E402
import inspect  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from typing import Any, Final  # noqa: E402

IMPORTS: Final = "start of Python, imports"
REST: Final = "the rest"
STAGES: Final = {
    "rules, site, signatures": (
        "analyser.pipeline.judging:load_pack", "analyser.pipeline.judging:load_site", "analyser.pipeline.judging:hints",
        "analyser.pipeline.judging:expected_rows", "analyser.pipeline.reading:load_pack", "analyser.pipeline.reading:hints",
        "analyser.pipeline.reading:load_signatures",
    ),
    "opening captures": ("analyser.pipeline.reading:open_captures",),
    "reading bytes": ("analyser.capture.source:CaptureSource.readinto",),
    "compiled code: packets to flows, signatures": ("analyser.machine.native:Native.__call__",),
    "between reading and kernel": ("analyser.pipeline.reading:read_captures",),
    "tables of flows": (
        "analyser.flows.memory:Memory.parts", "analyser.flows.reader:flow_tables",
        "analyser.flows.parts:Survey.steps", "analyser.flows.parts:Survey.wanted", "analyser.flows.reader:FlowReading.earliest",
        "analyser.pipeline.reading:whole",
    ),
    "labels": ("analyser.pipeline.reading:label",),
    "rules judged": (
        "analyser.compliance.sifting:Sifter.__init__", "analyser.compliance.sifting:Sifter.sift",
        "analyser.pipeline.judging:judge_site", "analyser.pipeline.judging:summarise",
    ),
    "report": (
        "analyser.report.text:report_text", "analyser.report.flow_files:flow_page", "analyser.report.flows:flow_table",
        "analyser.cli.check:print_text", "analyser.cli.flows:print_text",
    ),
}  # fmt: skip
"""By stage, what does its work: module, and name in it."""

_BEGINNING: Final = ("analyser.cli.app", "analyser.pipeline.judging")


class Meter:
    """CPU and wall seconds by stage."""

    def __init__(self, cpu: float, wall: float) -> None:
        self.spent: dict[str, list[float]] = {IMPORTS: [0.0, 0.0]}
        self._stack = [IMPORTS]
        self._last = cpu, wall
        self._thread = threading.get_ident()

    def switch(self, stage: str | None) -> None:
        """Enter a stage, or with None go back to the one before."""
        now = time.process_time(), time.perf_counter()
        spent = self.spent.setdefault(self._stack[-1], [0.0, 0.0])
        spent[0] += now[0] - self._last[0]
        spent[1] += now[1] - self._last[1]
        self._last = now
        if stage is None:
            self._stack.pop()
        else:
            self._stack.append(stage)

    def wrap(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does the same and is measured; of a generator, each step is."""

        @functools.wraps(function)
        def measured(*arguments: Any, **named: Any) -> Any:
            if threading.get_ident() != self._thread:
                return function(*arguments, **named)
            self.switch(stage)
            try:
                return function(*arguments, **named)
            finally:
                self.switch(None)

        @functools.wraps(function)
        def stepped(*arguments: Any, **named: Any) -> Iterator[Any]:
            steps = function(*arguments, **named)
            step = self.wrap(stage, lambda: next(steps, steps))
            while (value := step()) is not steps:
                yield value

        return stepped if inspect.isgeneratorfunction(function) else measured


def places() -> Iterator[tuple[str, Any, str]]:
    """Give stage, owner and name of everything that is wrapped. Raises AttributeError for what is not there any more."""
    for stage, names in STAGES.items():
        for name in names:
            module, _, path = name.partition(":")
            *owners, last = path.split(".")
            owner = functools.reduce(getattr, owners, importlib.import_module(module))
            getattr(owner, last)
            yield stage, owner, last


def main() -> None:
    """Run the command; write its stages as JSON to the file that BENCH_PROFILE names."""
    started, seen = _BEFORE
    meter = Meter(0.0, seen - started)
    for module in _BEGINNING:
        importlib.import_module(module)
    for stage, owner, name in list(places()):
        setattr(owner, name, meter.wrap(stage, getattr(owner, name)))
    from analyser.cli import console
    from analyser.cli import main as run

    setattr(console, "leave", sys.exit)  # noqa: B010 - the command ends its process itself; what was measured comes first
    meter.switch(REST)
    try:
        run()
    finally:
        meter.switch(None)
        with open(os.environ["BENCH_PROFILE"], "w", encoding="utf-8") as file:  # noqa: PTH123 - nothing more is imported
            json.dump(meter.spent, file)


if __name__ == "__main__":
    main()
