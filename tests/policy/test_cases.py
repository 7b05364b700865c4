"""Known cases as data: ours prove themselves, and every kind of mistake in a file is told with its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analyser.model.case import FACTS
from analyser.policy.case_lint import lint_cases
from analyser.policy.cases import load_cases, read_cases, read_examples
from analyser.policy.issues import PolicyErrors
from analyser.policy.packs import load_pack
from tests.cli.running import run

ROOT = Path(__file__).parents[2]
PACK = "ysoft-safeq-6"
CASES = load_cases(load_pack(PACK), PACK)
EXAMPLES = read_examples(load_pack(PACK), PACK)[0]

MANIFEST = """\
id = "small"
version = "1"
source = "a page"
sections = ["table"]
"""
TABLE = """\
[[rule]]
id = "row"
row = 1
title = "A row"
requirement = "mandatory"
initiator = "mfd"
responder = "terminal-server"
subject = "initiator"
transport = "tcp"
ports = { any = [443] }
service = "https"
"""
GOOD = """\
[[case]]
id = "shut"
title = "It is shut"
source = "a page"
explanation = "Somebody shut it."
shows = "it is refused"
first = "open {port} on {responder}"
confidence = "medium"
[[case.when]]
rule = "table/row"
state = "refused"
[case.unless]
port = 80
"""
PROOF = """\
[[accept]]
case = "shut"
title = "a port is refused"
facts = { rule = "table/row", state = "refused", port = 443 }

[[refuse]]
case = "shut"
title = "another port"
facts = { rule = "table/row", state = "refused", port = 80 }
"""


def written(folder: Path, cases: str = GOOD, proof: str = PROOF) -> str:
    """Write a small pack; return its path."""
    for name, text in (("pack", MANIFEST), ("table", TABLE), ("cases", cases), ("case-examples", proof)):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return str(folder)


def mistakes(path: str) -> list[str]:
    """Return what the linter says of a pack's cases, without the folder."""
    pack = load_pack(path)
    cases, issues = read_cases(pack, path)
    examples, more = read_examples(pack, path)
    return [str(issue).replace(f"{path}/", "") for issue in [*issues, *more, *lint_cases(cases, examples)]]


def test_our_cases_prove_themselves() -> None:
    """Each accepts its examples, refuses what looks alike, and takes no example of another."""
    assert lint_cases(CASES, EXAMPLES) == []
    assert len(CASES) >= 15


def test_every_case_is_told_from_packets_by_a_test() -> None:
    """No case of ours without a story in tests/cases that ends in its name."""
    told = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "cases").glob("test_*.py"))
    assert [case.name for case in CASES if not re.search(rf'[/"]{case.name}"', told)] == []


def test_every_fact_is_used() -> None:
    """A fact that no case asks for would be dead code."""
    asked = frozenset().union(*(case.asks for case in CASES))
    assert asked == set(FACTS)


def test_texts_are_clauses() -> None:
    """What stands behind a colon or in a sentence begins small and ends without a full stop; an explanation is sentences."""
    for case in CASES:
        for text in (case.shows, case.first, *case.alternatives):
            assert text.startswith("{") or text[0].islower(), (case.id, text)
            assert not text.endswith("."), (case.id, text)
        assert case.explanation.endswith(".")
        assert not case.title.endswith(".")


def test_a_good_pack_has_no_mistake(tmp_path: Path) -> None:
    """What the tests of mistakes begin with is right, and the command says so."""
    path = written(tmp_path)
    assert mistakes(path) == []
    result = run("rules", "lint", path)
    assert result.returncode == 0
    assert "no mistake in 2 rules, cases and signatures" in result.stderr


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "shut"', 'id = "Shut"', "cases.toml:2: case.id: expected lower-case words"),
        ('title = "It is shut"\n', "", "cases.toml:1: case.title: missing"),
        ("{port}", "{prot}", 'cases.toml:7: case.first: unknown placeholder \'prot\'; did you mean \'port\'?'),
        ('confidence = "medium"', 'confidence = "sure"', "cases.toml:8: case.confidence: unknown confidence"),
        ('state = "refused"', 'state = "refusd"', "cases.toml:11: case.when.state: unknown state 'refusd'; did you mean"),
        ('rule = "table/row"', 'rule = "table/raw"', "cases.toml:10: case.when.rule: unknown rule 'table/raw'"),
        ('state = "refused"', 'stat = "refused"', "cases.toml:11: case.when.stat: unknown fact 'stat'; did you mean"),
        ('state = "refused"', "state = []", "cases.toml:11: case.when.state: expected at least one word"),
        ("port = 80", "port = 0", "cases.toml:13: case.unless.port: expected a list of numbers"),
        ('source = "a page"', 'source = "a page"\ncolour = "red"', "cases.toml:5: case.colour: unknown key"),
        ('[[case.when]]\nrule = "table/row"\nstate = "refused"\n', "", "case.when: a case without conditions"),
    ],
)  # fmt: skip
def test_mistakes_of_a_case_are_told(tmp_path: Path, old: str, new: str, says: str) -> None:
    """Every kind of mistake has its file, line and key, and a check with such a pack stops before it reads a capture."""
    path = written(tmp_path, GOOD.replace(old, new, 1))
    found = mistakes(path)
    assert any(says in line for line in found), found
    with pytest.raises(PolicyErrors):
        load_cases(load_pack(path), path)


OTHER = (
    GOOD.replace('"shut"', '"other"')
    .replace('state = "refused"', 'state = "blocked"')
    .replace("port = 80", "port = 81")
)


@pytest.mark.parametrize(
    ("cases", "proof", "says"),
    [
        (GOOD, "", "cases.toml:1: case.when: shut: no example shows the conditions on rule, state"),
        (GOOD, "", "cases.toml:1: case.id: shut: no example says what it must refuse"),
        (GOOD, PROOF.replace('"refused", port = 443', '"blocked", port = 443'), "accept.facts: 'a port is refused' should be shut and is not"),
        (GOOD, PROOF.replace("port = 80", "port = 81"), "refuse.facts: 'another port' should not be shut and is"),
        (GOOD, PROOF.replace('case = "shut"', 'case = "sut"', 1), "accept.case: 'a port is refused' unknown case 'sut'; did you mean"),
        (GOOD, PROOF.replace('title = "another port"', 'title = "another port"\nnamed = "oter"'), "refuse.named: 'another port' unknown case"),
        (GOOD + GOOD, PROOF, "cases.toml:14: case.id: shut: already used in line 1"),
        (GOOD + OTHER.replace('state = "blocked"', 'transport = "tcp"'), PROOF.replace("port = 443", 'port = 443, transport = "tcp"'), "accept.facts: 'a port is refused' should not be other and is"),
        (GOOD + OTHER, PROOF.replace('title = "another port"', 'title = "another port"\nnamed = "other"'), "refuse.facts: 'another port' should be other and is not"),
        (GOOD, PROOF.replace('state = "refused", port = 80', 'sate = "refused", port = 80'), "refuse.facts.sate: unknown fact 'sate'"),
    ],
)  # fmt: skip
def test_examples_that_prove_nothing_are_told(tmp_path: Path, cases: str, proof: str, says: str) -> None:
    """An example that is not what it says, or that another case takes as well, is a mistake."""
    found = mistakes(written(tmp_path, cases, proof))
    assert any(says in line for line in found), found


def test_files_that_are_no_toml_are_told(tmp_path: Path) -> None:
    """A broken file of cases or examples is told with its line, and a pack without either has no cases."""
    path = written(tmp_path, "[[case]\n", "facts =\n")
    assert [line.split(":")[:2] for line in mistakes(path)] == [["cases.toml", "1"], ["case-examples.toml", "1"]]
    (tmp_path / "cases.toml").unlink()
    (tmp_path / "case-examples.toml").unlink()
    assert mistakes(path) == []
    assert load_cases(load_pack(path), path) == ()
