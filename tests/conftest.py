"""What holds for every test: on a build server, properties are tried with the same examples each time."""

from __future__ import annotations

import os

from hypothesis import settings

# A developer's run looks for new examples; a build that passed must pass again.
settings.register_profile("server", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("server")
