"""``--help`` and ``--version``: on one screen, grouped by the people who ask."""

from __future__ import annotations

import pytest

import analyser
from tests.cli.running import run


def test_help_fits_a_screen_and_groups_commands_by_people() -> None:
    """24 lines of 80 columns hold every command, under the person it is for, each with a whole sentence."""
    lines = run("--help").stdout.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    people = [line for line in lines if line.startswith("For the ")]
    assert [line.split()[2].strip(",:") for line in people] == ["technician", "auditor", "operator"]
    commands = [line.split()[0] for line in lines if line.startswith("  ") and line.split()[0] in COMMANDS]
    assert commands == COMMANDS
    assert not [line for line in lines[1:] if line.endswith("...")]


COMMANDS = ["check", "install", "explain", "flows", "matrix", "learn", "rules"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """Help of a command is no usage error and fits a screen too."""
    result = run(command, "--help")
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) <= 32
    assert result.stdout.startswith(f"Usage: analyser {command}")


def test_exit_codes_are_in_the_help() -> None:
    """Whoever writes a script finds the exit codes where they look first."""
    words = " ".join(run("--help").stdout.split())
    assert "0 compliant, 1 violations, 2 usage or input, 3 inconclusive" in words


def test_the_version_is_printed() -> None:
    """``--version`` names the program and its version."""
    assert run("--version").stdout == f"analyser {analyser.__version__}\n"


def test_no_command_shows_help() -> None:
    """The bare command helps instead of complaining."""
    result = run()
    assert "For the technician" in result.stdout + result.stderr
    assert result.returncode == 2
