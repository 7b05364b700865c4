"""The project as it is delivered: a wheel that works anywhere, and pins that agree with what is declared."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("analyser", "rules", "setup.py", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that the checkout stays as it is; nothing is downloaded."""
    copy = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "carried.zip"))
        else:
            shutil.copy(source, copy / name)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", copy / "dist", copy],
        check=True,
        capture_output=True,
    )
    (built,) = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the wheel, and nothing else, is installed."""
    target = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel],
        check=True,
        capture_output=True,
    )
    return target


WITHOUT_NUMBA = "import sys; sys.modules['numba'] = None; from analyser.cli import main; main()"
"""The compiler is not there: what the wheel carries must do."""


def run(installed: Path, elsewhere: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command as the first one ever; machine code goes into a folder that goes away."""
    changes = {"PYTHONPATH": str(installed), "ANALYSER_CACHE": str(elsewhere / "cache")}
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMBA, *arguments],
        cwd=elsewhere,
        env={**os.environ, **changes},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_the_wheel_carries_what_is_needed_only(wheel: Path) -> None:
    """Every module, every rule file, every schema and the compiled kernel travel; tests, samples and leftovers do not."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    code = {path.relative_to(ROOT).as_posix() for path in (ROOT / "analyser").rglob("*.py")}
    schemas = {path.relative_to(ROOT).as_posix() for path in (ROOT / "analyser").rglob("*.json")}
    packs = {
        f"analyser/packs/{path.relative_to(ROOT / 'rules').as_posix()}" for path in (ROOT / "rules").rglob("*.toml")
    }
    assert names == code | schemas | packs | {"analyser/py.typed", "analyser/machine/carried.zip"}


def test_it_works_from_any_directory(installed: Path, tmp_path: Path) -> None:
    """Far from the checkout the installed package finds its own rules and judges a capture."""
    where = subprocess.run(
        [sys.executable, "-c", "import analyser; print(analyser.__file__)"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(installed))
    matrix = json.loads(run(installed, tmp_path, "matrix", "--json").stdout)
    assert matrix["schema"] == "analyser/matrix/1"
    assert len(matrix["rows"]) > 90
    shutil.copy(ROOT / "samples/pcaps/ricoh-install.pcap", tmp_path)
    shutil.copy(ROOT / "samples/sites/ricoh-install.toml", tmp_path)
    result = run(installed, tmp_path, "check", "ricoh-install.pcap", "--site", "ricoh-install.toml", "--json")
    assert result.returncode == 1, result.stderr
    assert "this happens once" in result.stderr
    assert "some seconds" not in result.stderr
    assert json.loads(result.stdout)["summary"]["compliant"] is False


def requirement_name(line: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", line)
    assert found, line
    return re.sub(r"[-_.]+", "-", found.group()).lower()


def pins() -> dict[str, str]:
    found = re.findall(
        r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
    return {requirement_name(name): version for name, version in found}


def test_every_declared_dependency_is_pinned() -> None:
    """What pyproject.toml and requirements.in name has a pin in requirements.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    wanted = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    listed = [line for line in wanted if line and not line.startswith("#")]
    assert {requirement_name(line) for line in declared} <= {requirement_name(line) for line in listed}
    assert {requirement_name(line) for line in listed} <= set(pins())


def test_pins_satisfy_the_declared_bounds() -> None:
    """A pinned version is never older than the oldest that pyproject.toml allows."""
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in project["dependencies"]:
        requirement = Requirement(line)
        assert pins()[requirement_name(line)] in requirement.specifier, line


def test_pins_carry_hashes_and_no_addresses() -> None:
    """Every pin has a hash, and nothing says where packages come from."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for block in re.split(r"\n(?=\S)", text.strip()):
        if not block.startswith("#"):
            assert "--hash=sha256:" in block, block
    assert "://" not in text
    assert "--index" not in text
