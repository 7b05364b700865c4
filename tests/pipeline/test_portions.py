"""Flows that do not fit into memory are judged portion by portion, to the same report."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from analyser.flows import reader
from analyser.flows.layout import S_FLOWS
from analyser.flows.memory import Limits, Memory
from analyser.pipeline import judging
from samples.renew import Case
from tests.samples.running import every_case, judged, told


def in_portions(case: Case, together: int) -> Any:
    """Judge a sample as if its flows had had to leave the table: so many of them come together."""
    sample = told(case)
    with (
        patch.object(Memory, "in_parts", property(lambda memory: bool(memory.st[S_FLOWS]) or bool(memory._store))),
        patch.object(reader, "Limits", lambda: Limits(together=together)),
    ):
        run = judging.check(
            [str(path) for path in sample.captures], site=case.site, at=sample.expect.at, vantage=sample.expect.vantage
        )
    return run.document


def told_of(document: Any) -> dict[str, Any]:
    """Return what a report says, but for when it was made and in which words a scan's example is put."""
    plain: dict[str, Any] = msgspec.to_builtins(document)
    del plain["generated_at"]
    return plain


@pytest.mark.parametrize("together", [1, 1 << 14], ids=["many", "one"])
@every_case
def test_the_report_is_the_same(case: Case, together: int) -> None:
    """Verdicts, states, causes, evidence, unexpected flows, coverage and exit code do not depend on portions, many or one."""
    whole, portions = told_of(judged(case)), told_of(in_portions(case, together))
    assert {name: value for name, value in portions.items() if whole[name] != value} == {}
