"""The house keeps its order: stages never import one another, each third party has one door, help is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.own import SMALL, SMALL_SITE

PACKAGE = Path(__file__).parents[2] / "analyser"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

STAGES = ("capture", "flows", "services", "points", "policy", "compliance", "report")
COMPILED = ("flows", "services")
SHARED = ("model", "tables", "community")

MAY_IMPORT: dict[str, set[str]] = {
    "model": {"model"},
    "tables": {"model"},
    "community": {"model"},
    **{stage: {stage, *SHARED} for stage in STAGES},
    # Stages with compiled functions.
    **{stage: {stage, "machine", *SHARED} for stage in COMPILED},
    "machine": {"machine"},
    "hints": {"model"},
    "pipeline": {"pipeline", "hints", *STAGES, *SHARED},
    # Faces: they call the pipeline; readers of reports and of rules are theirs to print.
    "cli": {"cli", "pipeline", "report", "policy", *SHARED},
    "api": {"pipeline", "report", *SHARED},
    "__init__": {"api", *SHARED},
    "__main__": {"cli"},
}
"""Which part of the house may use which; a part is a folder or a module directly below ``analyser``."""

DOORS: dict[str, set[str]] = {
    "numba": {"machine"},
    "llvmlite": {"machine"},
    "numpy": {"machine", "flows", "services", "points", "compliance"},
    "polars": {
        "flows", "services", "points", "compliance", "policy/starter.py", "report/flows.py", "report/flow_files.py", "tables.py",
        "pipeline/reading.py", "pipeline/portions.py", "pipeline/installing.py", "pipeline/vantage.py", "api.py", "__init__.py",
    },
    "msgspec": {"report/json.py"},
    "rich": {"report/page.py", "report/text.py", "report/matrix.py", "report/explanation.py", "report/learned.py", "report/installation.py", "cli"},
    "typer": {"cli"},
    "communityid": {"community.py"},
    "asn1crypto": {"services/x509.py"},
    "hpack": {"services/http2.py"},
    "aerleon": {"report/firewall.py"},
    "yaml": {"report/firewall.py"},
    "isal": {"capture/compression.py"},
    "lz4": {"capture/compression.py"},
    "backports": {"capture/compression.py"},
    "compression": {"capture/compression.py"},
}  # fmt: skip
"""Which modules may import a third party. What is not named here is not used at all."""

LIGHT_MODEL = ("model",)
"""Parts that use the standard library and nothing else."""


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports when it runs, wherever in the file, with its line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unread = {id(inner) for node in ast.walk(tree) if is_for_types(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in unread:
            continue
        if isinstance(node, ast.Import):
            yield from ((name.name, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports say where from, in full"
            assert node.module is not None
            if node.module == "analyser":
                yield from ((f"analyser.{name.name}", node.lineno) for name in node.names if name.name[0] != "_")
            else:
                yield node.module, node.lineno


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def inside(path: Path, door: str) -> bool:
    relative = path.relative_to(PACKAGE).as_posix()
    return relative == door or relative.startswith(f"{door}/")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_parts_import_only_what_they_may(path: Path) -> None:
    """No stage knows another: they share words and table schemas, and meet only in the pipeline."""
    for name, line in imports(path):
        if name.startswith("analyser."):
            used = name.split(".")[1]
            assert used in MAY_IMPORT[part(path)], f"{path.name}:{line}: {part(path)} must not know {used}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_third_parties_have_one_door_each(path: Path) -> None:
    """A library is used behind its door only, so that it can be replaced there; a new one must be named here."""
    for name, line in imports(path):
        library = name.split(".")[0]
        if library in sys.stdlib_module_names or library == "analyser":
            continue
        assert library in DOORS, f"{path.name}:{line}: {library} has no door"
        assert part(path) not in LIGHT_MODEL, f"{path.name}:{line}: the words of the house need no library"
        assert any(inside(path, door) for door in DOORS[library]), f"{path.name}:{line}: {library} has its own door"


def test_every_part_is_known() -> None:
    """A new folder or module at the top says here what it may know."""
    assert {part(path) for path in MODULES} <= set(MAY_IMPORT)


def loaded_after(statement: str, *, check: bool = True) -> set[str]:
    code = (
        "import os, sys\n"
        "def tell(*_): print('\\n'.join(sys.modules), file=sys.stderr, flush=True)\n"
        "leave, os._exit = os._exit, lambda code: (tell(), leave(code))\n"  # the command line ends the process itself
        f"{statement}\ntell()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=check)
    return set(run.stderr.split())


@pytest.mark.parametrize(
    "arguments", [["--help"], ["check", "--help"], ["flows", "--help"], ["matrix", "--help"], ["--version"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    """Help and version answer at once: no table library, no compiler, no packet library is even imported."""
    modules = loaded_after(f"sys.argv[1:] = {arguments!r}; from analyser.cli import main; main()")
    assert "analyser.cli.app" in modules
    assert not modules & {"numba", "llvmlite", "numpy", "polars", "pandas", "scapy", "msgspec", "communityid", "rich"}


@pytest.mark.parametrize(
    "arguments", [["flows", str(SMALL), "--workers", "2"], ["check", str(SMALL), "--site", str(SMALL_SITE)]]
)
def test_texts_paths_and_numbers_are_taken_without_a_library(arguments: list[str]) -> None:
    """What typer loads to turn values takes as long as reading a small capture; plain arguments do not need it."""
    modules = loaded_after(f"sys.argv[1:] = {arguments!r}; from analyser.cli import main; main()", check=False)
    assert "analyser.pipeline.reading" in modules
    assert not [name for name in modules if name.startswith("pydantic.")]


def test_importing_the_package_is_light() -> None:
    """``import analyser`` costs nothing until something is read."""
    assert not loaded_after("import analyser") & {"numba", "polars", "numpy", "scapy"}


def test_who_wants_flows_does_not_wait_for_the_judge() -> None:
    """Reading captures to labelled flows imports neither what judges them nor the words of a report."""
    modules = loaded_after("from analyser.pipeline import reading; from analyser.report import flow_files, flows")
    assert "analyser.services.label" in modules
    assert not [name for name in modules if name.startswith("analyser.compliance")]
    assert not modules & {"analyser.model.finding", "analyser.policy.sites", "msgspec", "rich"}


def test_nothing_at_run_time_needs_a_developers_tool() -> None:
    """Libraries of the tests are not imported by the package, not even lazily."""
    for path in MODULES:
        for name, line in imports(path):
            assert name.split(".")[0] not in {"scapy", "pyshark", "pytest", "hypothesis", "pandas"}, f"{path}:{line}"
