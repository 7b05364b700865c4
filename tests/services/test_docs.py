"""The page about signatures tells what is true."""

from __future__ import annotations

import re
from pathlib import Path

from analyser.model.service import Service
from analyser.services import lint
from analyser.services.signature import Structured
from analyser.services.snmp import PDUS, VERSIONS
from analyser.services.structures import STRUCTURES
from tests.services.made import SIGNATURES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "signatures.md").read_text(encoding="utf-8")


def test_the_file_shown_is_a_good_one(tmp_path: Path) -> None:
    [shown] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "ssh.toml").write_text(shown, encoding="utf-8")
    assert lint.lint_signatures(tmp_path) == []


def test_every_structure_and_both_limits_are_named() -> None:
    assert [name for name in STRUCTURES if f"`{name}`" not in PAGE and f'"{name}"' not in PAGE] == []
    assert f"at least {lint.LEAST_BITS:.0f} bits" in PAGE
    assert f"at least {lint.LEAST_BITS_AT_PORT:.0f} bits" in PAGE


def test_every_sub_label_stands_in_the_row_of_its_service() -> None:
    """Words of patterns and of structures; SNMP's are made of versions and messages, LPR's of a command and what follows."""
    rows = {line.split("|")[1]: line for line in PAGE.splitlines() if line.startswith("| ")}
    missing = []
    for signature in SIGNATURES:
        words = {pattern.sublabel for pattern in signature.patterns if pattern.sublabel}
        for pattern in signature.patterns:
            tests = () if pattern.sublabel else (*pattern.orig, *pattern.resp)
            words |= {word for test in tests if isinstance(test, Structured) for word in test.sublabels if word}
        if signature.service == "snmp":
            assert words <= {f"{version} {pdu}" for version in VERSIONS.values() for pdu in PDUS.values()} | {
                *VERSIONS.values()
            }
            continue
        named = "none" if signature.service == Service.OPAQUE else f"`{signature.service}`"
        row = next((line for names, line in rows.items() if named in names), "")
        parts = {part for word in words for part in (word.split(", ") if signature.service == "lpr" else [word])}
        missing += [(signature.service, part) for part in sorted(parts) if f"`{part}`" not in row]
    assert missing == []
