"""The page about signatures tells what is true."""

from __future__ import annotations

import re
from pathlib import Path

from analyser.services import lint
from analyser.services.structures import STRUCTURES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "signatures.md").read_text(encoding="utf-8")


def test_the_file_shown_is_a_good_one(tmp_path: Path) -> None:
    [shown] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "ssh.toml").write_text(shown, encoding="utf-8")
    assert lint.lint_signatures(tmp_path) == []


def test_every_structure_and_both_limits_are_named() -> None:
    assert [name for name in STRUCTURES if f"`{name}`" not in PAGE and f'"{name}"' not in PAGE] == []
    assert f"at least {lint.LEAST_BITS:.0f} bits" in PAGE
    assert f"at least {lint.LEAST_BITS_AT_PORT:.0f} bits" in PAGE
