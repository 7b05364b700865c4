"""The linter of signature files: every kind of mistake is found, with file, line and key, all at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services.lint import judge, lint_signatures
from analyser.services.loading import load_signatures, read_folder
from analyser.services.matcher import Matcher
from analyser.services.signature import SignatureError
from tests.services.made import FOLDER, SIGNATURES

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


def test_signatures_are_the_same_where_their_examples_are_not_read() -> None:
    """Nothing but examples stands behind the first example of a file: what labels flows is the same without them."""
    without = load_signatures(FOLDER, proved=True)
    assert [replace(item, examples=(), patterns=()) for item in SIGNATURES] == [
        replace(item, patterns=()) for item in without
    ]
    told = [
        [
            (pattern.id, pattern.line, pattern.ports, pattern.transports, pattern.sublabel, pattern.bits)
            for item in signatures
            for pattern in item.patterns
        ]
        for signatures in (SIGNATURES, without)
    ]
    assert told[0] == told[1]


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_as_a_file_give_issues_and_no_crash(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("signatures", numbered=True)
    (folder / "ssh.toml").write_bytes(data)
    signatures, issues = read_folder(folder)
    assert bool(issues) != bool(signatures)


INLINE = """\
name = "A site"

[[host]]
name = "server"
addresses = ["192.0.2.10"]
roles = ["spooler-controller"]

[[signature]]
service = "meter"
source = "read from a capture"
transport = "tcp"

[[signature.pattern]]
id = "hello"
orig = ["METER"]

[[signature.accept]]
title = "a meter"
orig = "METER 1"

[[signature.refuse]]
title = "something else"
orig = "GET / HTTP/1.1"

[[signature]]
service = "meter-two"
source = "read from a capture"
transport = "tcp"
refines = ["meter"]

[[signature.pattern]]
id = "hello"
orig = ["METER 2"]

[[signature.accept]]
title = "a new meter"
orig = "METER 2"

[[signature.refuse]]
title = "an old meter"
orig = "METER 1"
"""


def _inline(folder: Path, text: str) -> list[tuple[int, str, str]]:
    (folder / "site.toml").write_text(text)
    found = lint_signatures(folder / "site.toml", SIGNATURES)
    return [(issue.line, issue.key, issue.message) for issue in found]


def test_signatures_among_other_tables_are_read_and_one_may_refine_another(tmp_path: Path) -> None:
    """The finer of a user's own words wins, as among ours, and the linter lets it take the coarser one's bytes."""
    assert _inline(tmp_path, INLINE) == []
    own = load_signatures(tmp_path / "site.toml", own=True)
    assert [(item.service, item.refines, item.line) for item in own] == [
        ("meter", (), 8),
        ("meter-two", ("meter",), 25),
    ]
    matcher = Matcher([*SIGNATURES, *own])
    assert judge(matcher, [item.examples[0] for item in own]) == [("meter", None), ("meter-two", None)]


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"),
    [
        ('refines = ["meter"]', "", 8, "pattern", "also takes 'a new meter' of meter-two"),
        ('refines = ["meter"]', 'refines = ["gauge"]', 25, "refines", "could be refined"),
        ('refines = ["meter"]', 'refines = ["x y"]', 29, "refines", "no service"),
        ('orig = ["METER 2"]', "orig = [3]", 31, "orig", "no test"),
        ('title = "an old meter"\norig = "METER 1"', 'title = "new"\norig = "METER 2"', 39, "refuse", "is accepted"),
        ('service = "meter-two"', 'service = "meter"', 25, "service", "has a file already"),
        ('service = "meter-two"\n', "", 25, "service", "no service"),
    ],
)
def test_a_mistake_among_other_tables_has_its_own_line(
    old: str, new: str, line: int, key: str, says: str, tmp_path: Path
) -> None:
    """Lines and keys are those of the signature that is meant, not of the first one in the file."""
    assert INLINE.count(old) == 1
    found = _inline(tmp_path, INLINE.replace(old, new))
    assert [issue for issue in found if (issue[0], issue[1]) == (line, key) and says in issue[2]]


def test_tables_nested_without_end_are_told_and_raise_nothing(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("service = " + "[" * 5000)
    _, issues = read_folder(tmp_path, own=True)
    assert [issue.line for issue in issues] == [1]
