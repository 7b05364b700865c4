"""The lab is recorded once for all that look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.cases import Case, cases
from tests.lab.network import why_not
from tests.lab.run import Met, record


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Case], Met]:
    """Recordings of all cases, and how the clients fared."""
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("lab")
    made = cases()
    return folder, made, record(folder, made)
