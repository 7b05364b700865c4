"""What users are told is true: commands, words, examples and outputs of the documents are tested."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import typer

from analyser.cli.app import app
from analyser.model.finding import Cause, Confidence, PortState, Severity, UnexpectedReason, Verdict
from analyser.model.service import INSIDE_TLS, Basis
from analyser.model.vocabulary import FEATURES, ROLES, SHORT_NAMES, TERMINALS, VENDORS
from analyser.policy.sites import load_site
from tests.project.readme import printed, shown

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}
EVERYTHING = "\n".join(TEXT.values())


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name, groups left out."""
    todo: list[tuple[str, Any]] = [("analyser", typer.main.get_command(app))]
    while todo:
        name, command = todo.pop()
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
        else:
            todo += [(f"{name} {word}", child) for word, child in inner.items()]


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_are_told_about(name: str) -> None:
    """Every command has help, all its options too, and stands in the documents."""
    command = COMMANDS[name]
    assert command.help
    for parameter in command.params:
        assert parameter.help, f"{name} {parameter.name}"
    assert f"`{name}" in EVERYTHING or f"$ {name}" in EVERYTHING or f"\n{name} " in EVERYTHING


@pytest.mark.parametrize("words", [PortState, Cause, Verdict, Severity, UnexpectedReason, Confidence, Basis])
def test_words_of_a_report_are_explained(words: type[StrEnum]) -> None:
    """Every state, cause, verdict, weight, reason and basis stands in docs/verdicts.md."""
    text = TEXT[ROOT / "docs" / "verdicts.md"]
    assert [word.value for word in words if f"`{word.value}`" not in text] == []


def test_words_inside_tls_are_explained() -> None:
    """Rules may ask for protocols inside TLS; what satisfies them is said."""
    assert [word for word in INSIDE_TLS if f"`{word}`" not in TEXT[ROOT / "docs" / "verdicts.md"]] == []


@pytest.mark.parametrize("words", [ROLES, tuple(SHORT_NAMES), VENDORS, TERMINALS, FEATURES])
def test_words_of_a_site_are_listed(words: tuple[str, ...]) -> None:
    """Every role, short name, vendor, terminal and feature stands in docs/site-file.md."""
    text = TEXT[ROOT / "docs" / "site-file.md"]
    assert [word for word in words if not re.search(rf"[`\"]?\b{re.escape(word)}\b", text)] == []


def test_settings_are_listed() -> None:
    """Every property that moves a port is named."""
    rules = [tomllib.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "rules/ysoft-safeq-6").glob("*.toml")]
    settings = {rule["setting"] for table in rules for rule in table.get("rule", []) if "setting" in rule}
    assert settings
    assert [name for name in settings if f"`{name}" not in TEXT[ROOT / "docs" / "site-file.md"]] == []


def toml_blocks() -> list[tuple[str, str]]:
    return [
        (f"{path.name}-{number}", block)
        for path, text in TEXT.items()
        for number, block in enumerate(re.findall(r"```toml\n(.*?)```", text, re.DOTALL))
        if "[[host]]" in block
    ]


@pytest.mark.parametrize(("name", "block"), toml_blocks(), ids=[name for name, _ in toml_blocks()])
def test_site_files_of_the_documents_are_accepted(name: str, block: str, tmp_path: Path) -> None:
    """A site file that we show can be used as it stands."""
    path = tmp_path / "site.toml"
    path.write_text(block, encoding="utf-8")
    assert load_site(path).hosts, name


def test_the_readme_shows_a_site_in_fifteen_lines() -> None:
    """A newcomer's first site file is short."""
    (block,) = [block for name, block in toml_blocks() if name.startswith("README")]
    assert len([line for line in block.splitlines() if line.strip()]) <= 15


def test_the_output_of_the_readme_is_real() -> None:
    """What the README shows below a command is what the command prints (``make renew`` writes it anew)."""
    assert shown()
    for arguments, output in shown():
        assert output == printed(arguments), arguments


def test_links_lead_somewhere() -> None:
    """Every relative link of a document names a file of the project."""
    for path, text in TEXT.items():
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_no_paths_of_somebodys_machine() -> None:
    """No file of the project names a folder of the machine on which it was written."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = [name for name in listed.stdout.split("\0") if name] or [
        path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.[pmt]*") if ".venv" not in path.parts
    ]
    machine = re.compile(r"(?<![\w.}/])/(?:home|root|Users|work|mnt)/\w")
    for name in names:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".in", ".json", ".ipynb", ""} and path.is_file():
            found = machine.search(path.read_text(encoding="utf-8", errors="replace"))
            assert not found, f"{name}: {found}"
