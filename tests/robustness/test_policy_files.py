"""Site files and rule packs gone wrong: mistakes with their places, never a traceback, never an endless wait."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pytest

from analyser.model.capture import InputError
from analyser.policy.issues import PolicyErrors
from analyser.policy.lint import lint
from analyser.policy.packs import read_pack
from analyser.policy.sites import load_site
from tests.cli.running import ROOT, run
from tests.robustness.running import SAMPLES, SITES, assert_printable, judge

VALUES = (
    '""', "0", "-1", "1e400", "nan", "true", "[]", "{}", "[[]]", "[{}]", '"\\u0000"', '"\\u202e=cmd|x"', "1979-05-27",
    "07:32:00", "9223372036854775807", "9" * 30, '"0.0.0.0/0"', '"::/0"', '"192.0.2.10/33"', '"fe80::1%eth0"',
    '"192.0.2.010"', '"::ffff:192.0.2.10"', '["a", "a"]', '["site-server", "workstation"]', '"mfd"', '["mfd"]',
    '[1, "a"]', "{a = 1}", "65536", "443", '"443"', '"239.192.0.10:99999"', '"a"',
)  # fmt: skip
TABLES = ("[[host]]", "[[network]]", "[[group]]", "[[waiver]]", "[settings]", "[host]", "[[rule]]", "x = 1")
BREAKERS = "\0\t\n\r\x1b\"'\\‮😀﻿[]{}."


def spoilt(seed: int, text: str) -> str:
    """Return ``text`` with some values, lines or characters replaced, doubled, taken out or exchanged."""
    rng = random.Random(seed)
    lines = text.split("\n")
    for _ in range(rng.choice((1, 1, 2, 3, 5))):
        at = rng.randrange(len(lines))
        other = rng.randrange(len(lines))
        match rng.choice("vvvvdcti"):
            case "v" if "=" in lines[at]:
                lines[at] = f"{lines[at].split('=')[0]}= {rng.choice(VALUES)}"
            case "d":
                lines[at] = ""
            case "t":
                lines.insert(at, rng.choice(TABLES))
            case "c" if lines[at]:
                place = rng.randrange(len(lines[at]))
                lines[at] = lines[at][:place] + rng.choice(BREAKERS) + lines[at][place + 1 :]
            case _:
                lines[at], lines[other] = lines[other], lines[at]
    return "\n".join(lines)


def test_spoilt_site_files(tmp_path: Path) -> None:
    """A spoilt site is told with its mistakes, or it is a site, and a capture can be judged by it."""
    path = tmp_path / "site.toml"
    usable, told = 0, list[str]()
    for seed in range(400):
        path.write_text(spoilt(seed, SITES[seed % len(SITES)].read_text(encoding="utf-8")), encoding="utf-8")
        try:
            load_site(path)
        except PolicyErrors as mistakes:
            told.append(str(mistakes))
            continue
        usable += 1
        if usable % 4 == 0:
            run = judge(SAMPLES[seed % len(SAMPLES)], path)
            assert not isinstance(run, InputError), seed
            assert_printable(run)
    assert usable > 20
    assert all(mistakes.startswith(str(path)) for mistakes in told)


def test_spoilt_rule_packs(tmp_path: Path) -> None:
    """A spoilt pack is told with its mistakes, or it is a pack that the linter can look at."""
    for seed in range(40):
        folder = tmp_path / str(seed)
        shutil.copytree(ROOT / "rules" / "ysoft-safeq-6", folder)
        files = sorted(folder.glob("*.toml"))
        file = files[seed % len(files)]
        file.write_text(spoilt(seed, file.read_text(encoding="utf-8")), encoding="utf-8")
        pack, issues = read_pack(str(folder))
        assert pack is not None or issues, seed
        assert all(str(issue) for issue in [*issues, *lint([] if pack is None else [pack])])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'name = "x"\xff\n', "not UTF-8"),
        (b"a = " + b"[" * 100_000, "nested too deeply"),
        (b".".join([b"a"] * 50_000) + b" = 1", "more than 1000 parts"),
        (b"", "name: missing"),
        (b"\0" * 1000, "not readable as TOML"),
    ],
)
def test_what_is_no_site_file_is_told_at_once(content: bytes, says: str, tmp_path: Path) -> None:
    """Bytes that break parsers end with exit 2 and a reason, within seconds."""
    path = tmp_path / "site.toml"
    path.write_bytes(content)
    began = time.monotonic()
    result = run("check", str(SAMPLES[0]), "--site", str(path))
    assert time.monotonic() - began < 10
    assert (result.returncode, says in result.stderr) == (2, True), result.stderr
