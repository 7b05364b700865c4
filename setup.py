"""What about packaging a table cannot say. All else is in ``pyproject.toml``.

The folder ``rules/`` travels as ``analyser.packs``: rule packs stand at the top of the project because they are read and edited
there; in a wheel they are the data of a package, found with :mod:`importlib.resources` from any directory. The wheel carries
the compiled functions in LLVM's language, which is for any processor, so that nobody waits for numba; in a checkout, whose
functions change, the Makefile sees to them.
"""

import subprocess
import sys
from pathlib import Path

from setuptools import find_namespace_packages, setup
from setuptools.command.build_py import build_py

CODE = find_namespace_packages(include=["analyser", "analyser.*"], exclude=["*.__pycache__"])
PACKS = [f"analyser.packs.{folder}" for folder in find_namespace_packages("rules")]


class Build(build_py):
    """Copy the package, and compile what it carries."""

    def run(self) -> None:
        """Do so; in a checkout nothing is copied or compiled."""
        super().run()
        if not self.editable_mode:
            carried = Path(self.build_lib, "analyser", "machine", "carried.zip").absolute()
            command = [sys.executable, "-m", "analyser.machine.build", "--carried", str(carried)]
            subprocess.run(command, cwd=Path(__file__).parent, check=True)  # noqa: S603  our own words only


setup(
    cmdclass={"build_py": Build},
    packages=[*CODE, "analyser.packs", *PACKS],
    package_dir={"analyser.packs": "rules"},
    package_data={
        "": ["py.typed", "*.json", "*.toml"],
        "analyser.packs": ["*/*.toml"],  # names like ysoft-safeq-6 are folders, not packages
    },
)
