"""The linter of signature files: every kind of mistake is found, with file, line and key, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services.lint import lint_signatures
from analyser.services.loading import load_signatures, read_folder
from analyser.services.signature import SignatureError

GOOD = """\
service = "ssh"
source = "RFC 4253"
transport = "tcp"

[[pattern]]
id = "banner"
either = ["SSH-"]

[[accept]]
title = "a server"
resp = "SSH-2.0-x"

[[refuse]]
title = "something else"
resp = "HTTP/1.1 200"
"""


def _lint(folder: Path, text: str, name: str = "ssh.toml") -> list[tuple[int, str, str]]:
    (folder / name).write_text(text)
    return [(issue.line, issue.key, issue.message) for issue in lint_signatures(folder)]


def test_a_good_file_has_no_issue(tmp_path: Path) -> None:
    assert _lint(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"),
    [
        ('service = "ssh"', 'service = "sssh"', 1, "service", "no service"),
        ('source = "RFC 4253"\n', "", 1, "source", "missing"),
        ('transport = "tcp"', 'transport = "sctp"', 3, "transport", "expected tcp, udp"),
        ('transport = "tcp"', 'transport = "tcp"\nrefines = ["nothing"]', 4, "refines", "no service"),
        ('transport = "tcp"', 'transport = "tcp"\nrefines = ["http"]', 1, "refines", "could be refined"),
        ('transport = "tcp"', 'transport = "tcp"\nport = 22', 1, "port", "unknown key"),
        ('id = "banner"\n', "", 5, "id", "missing"),
        ('id = "banner"', 'id = "banner"\nports = [70000]', 5, "ports", "up to 65535"),
        ('id = "banner"', 'id = "banner"\ncolour = "red"', 5, "colour", "unknown key"),
        ('either = ["SSH-"]', "", 5, "orig", "orig, resp or both"),
        ('either = ["SSH-"]', 'either = ["SSH-"]\norig = ["SSH-"]', 5, "orig", "orig, resp or both"),
        ('either = ["SSH-"]', 'either = "SSH-"', 5, "either", "list of tests"),
        ('either = ["SSH-"]', "either = [3]", 5, "either", "no test"),
        ('either = ["SSH-"]', 'either = [{ hex = "5g" }]', 5, "either.hex", "cannot read"),
        ('either = ["SSH-"]', 'either = [{ hex = "[20-10]" }]', 5, "either.hex", "no range"),
        ('either = ["SSH-"]', 'either = [{ text = "SSH-", at = 200 }]', 5, "either", "first 128 bytes"),
        ('either = ["SSH-"]', 'either = [{ text = "SSH-", at = 126 }]', 5, "either.text", "beyond"),
        ('either = ["SSH-"]', 'either = [{ text = "Straße" }]', 5, "either.text", "ASCII"),
        ('either = ["SSH-"]', 'either = [{ text = [] }]', 5, "either.text", "list of texts"),
        ('either = ["SSH-"]', 'either = [{ size = [5, 2] }]', 5, "either.size", "least, most"),
        ('either = ["SSH-"]', 'either = [{ structure = "asn2" }]', 5, "either.structure", "no known structure"),
        ('either = ["SSH-"]', 'either = [{ text = "SSH-", hex = "00" }]', 5, "either", "a test has one of"),
        ('either = ["SSH-"]', 'either = ["S"]', 5, "pattern", "bits"),
        ('either = ["SSH-"]', 'either = [{ find = "SSH-2.0" }]', 5, "pattern", "search every flow"),
        ('either = ["SSH-"]', 'either = ["SSH-9"]', 5, "pattern", "proved by no example"),
        ('title = "a server"\n', "", 9, "title", "missing"),
        ('resp = "SSH-2.0-x"', 'resp = "SHH-2.0-x"', 9, "accept", "taken for nothing"),
        ('resp = "SSH-2.0-x"', 'resp = "SSH-2.0-x"\nsublabel = "v2"', 9, "sublabel", "gets None"),
        ('resp = "SSH-2.0-x"', 'resp = { hex = "53 ??" }', 9, "resp.hex", "choice"),
        ('resp = "HTTP/1.1 200"', 'resp = "SSH-1.5-y"', 13, "refuse", "is accepted"),
        ('[[refuse]]\ntitle = "something else"\nresp = "HTTP/1.1 200"', "", 1, "refuse", "missing"),
        ('service = "ssh"', 'service = "dns"', 1, "service", "is named dns.toml"),
        ("[[pattern]]", "[[pattern]", 5, "", "not a TOML file"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_its_line_and_key(
    tmp_path: Path, old: str, new: str, line: int, key: str, says: str
) -> None:
    assert old in GOOD
    issues = _lint(tmp_path, GOOD.replace(old, new))
    assert any(at == line and where == key and says in message for at, where, message in issues), issues


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD.replace('"tcp"', '"x"').replace('"RFC 4253"', '""'))
    (tmp_path / "b.toml").write_text("nonsense")
    with pytest.raises(SignatureError) as caught:
        load_signatures(tmp_path)
    assert sorted((Path(issue.file).name, issue.key) for issue in caught.value.issues) == [
        ("a.toml", "source"),
        ("a.toml", "transport"),
        ("b.toml", ""),
    ]


def test_one_service_in_two_files_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(GOOD)
    assert any("has a file already" in message for _, _, message in _lint(tmp_path, GOOD))


def test_two_signatures_that_take_the_same_bytes_are_a_mistake_unless_one_refines_the_other(tmp_path: Path) -> None:
    (tmp_path / "rmi.toml").write_text(GOOD.replace('"ssh"', '"rmi"'))
    assert any("which does not refine it" in message for _, _, message in _lint(tmp_path, GOOD))


def test_a_folder_that_is_not_there_is_an_issue_and_no_crash(tmp_path: Path) -> None:
    assert "cannot read the folder" in lint_signatures(tmp_path / "none")[0].message


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_as_a_file_give_issues_and_no_crash(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("signatures", numbered=True)
    (folder / "ssh.toml").write_bytes(data)
    signatures, issues = read_folder(folder)
    assert bool(issues) != bool(signatures)
