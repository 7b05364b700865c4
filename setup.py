"""The one thing about packaging that a table cannot say: the folder ``rules/`` travels as ``analyser.packs``.

Rule packs stand at the top of the project because they are read and edited there; in a wheel they are the data of
a package, found with :mod:`importlib.resources` from any directory. All else is in ``pyproject.toml``.
"""

from setuptools import find_namespace_packages, setup

CODE = find_namespace_packages(include=["analyser", "analyser.*"], exclude=["*.__pycache__"])
PACKS = [f"analyser.packs.{folder}" for folder in find_namespace_packages("rules")]

setup(
    packages=[*CODE, "analyser.packs", *PACKS],
    package_dir={"analyser.packs": "rules"},
    package_data={
        "": ["py.typed", "*.json", "*.toml"],
        "analyser.packs": ["*/*.toml"],  # names like ysoft-safeq-6 are folders, not packages
    },
)
