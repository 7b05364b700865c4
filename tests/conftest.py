"""What holds for every test: on a build server, properties are tried with the same examples each time; which tests go together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A developer's run looks for new examples; a build that passed must pass again.
settings.register_profile("server", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("server")

_LONGEST = "lab"
"""The folder that takes longest: where several processes share the suite, one begins with it, so that they end together."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a folder in one process: they share what was recorded, read or compiled once."""
    folder = {item: item.path.relative_to(Path(__file__).parent).parts[0] for item in items}
    for item in items:
        item.add_marker(pytest.mark.xdist_group(folder[item]))
    items.sort(key=lambda item: folder[item] != _LONGEST)
