"""``analyser matrix``: the document against its schema and the contract, and the table that people read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import analyser
from analyser.pipeline.expecting import expected_rows
from analyser.policy.packs import load_pack
from analyser.policy.sites import read_site
from analyser.report.json import encode
from analyser.report.matrix import matrix_document, matrix_text, rule_text
from tests.cli.running import run

SCHEMA = Path(analyser.__file__).parent / "report" / "schema" / "matrix-1.json"
PACK = load_pack("ysoft-safeq-6")
SITE = read_site(
    b"""
    name = "Brno"
    [settings]
    webdavPort = 5611
    [[host]]
    name = "s"
    addresses = ["192.0.2.10"]
    roles = ["terminal-server", "spooler-controller"]
    [[host]]
    name = "m"
    addresses = ["198.51.100.21"]
    roles = ["mfd"]
    vendor = "ricoh"
    terminal = "embedded"
    [[network]]
    name = "office"
    cidr = "203.0.113.0/24"
    roles = ["workstation"]
    """,
    "site.toml",
)


def document(applies: dict[str, bool] | None = None) -> dict[str, Any]:
    """Return the document as a reader of the JSON gets it."""
    made: dict[str, Any] = json.loads(encode(matrix_document(PACK, applies)))
    return made


def rows(applies: dict[str, bool] | None = None) -> dict[str, dict[str, Any]]:
    """Return its rows by section and name."""
    return {row["rule"].partition("/")[2]: row for row in document(applies)["rows"]}


def test_the_document_keeps_its_schema() -> None:
    """With a site and without, the document is what the shipped schema promises."""
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document(), schema)
    jsonschema.validate(document(expected_rows(PACK, SITE)[0]), schema)


def test_a_document_with_a_wrong_row_breaks_the_schema() -> None:
    """The schema can say no: unknown keys, unknown words and two ways to give ports are refused."""
    schema = json.loads(SCHEMA.read_text())
    for change in ({"colour": 1}, {"requirement": "must"}, {"ports": {"any": [1], "all": [1, 2]}}, {"applies": "yes"}):
        wrong = document()
        wrong["rows"][0].update(change)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_the_document_has_the_keys_of_the_contract() -> None:
    """Every row has every key, whatever it has to say, in one order."""
    made = document()
    assert list(made) == ["schema", "rules", "rows"]
    assert made["schema"] == "analyser/matrix/1"
    assert list(made["rules"]) == ["id", "version", "source"]
    keys = (
        "rule section row requirement transport ports scope service initiator responder subject each one_of silent "
        "one_way when setting volume applies"
    )
    assert {" ".join(row) for row in made["rows"]} == {keys}


def test_rows_say_their_ports_in_the_four_ways_of_the_contract() -> None:
    """Alternatives, sets, announced ranges, and a setting without default."""
    made = rows()
    assert made["workstation-to-server/administration-web"]["ports"] == {"any": [80, 443]}
    assert made["server-to-printer/ricoh-install"]["ports"] == {"all": [80, 443, 8080, 51443, 64098]}
    assert made["server-to-printer/ftp-active-data"]["ports"] == {
        "range": "1024-65535",
        "negotiated_by": "printer-to-server/ftp-scanning",
    }
    assert made["inter-server/near-roaming-multicast"]["ports"] == {"setting": "nearRoamingMulticast"}
    assert made["printer-to-server/webdav-scanning"]["ports"] == {"any": [5610]}
    assert made["printer-to-server/webdav-scanning"]["setting"] == "webdavPort"
    assert made["workstation-inbound/nothing-from-outside"]["ports"] == {"any": []}


def test_conditions_have_the_shape_in_which_rules_are_written() -> None:
    """Features below `site`, devices below their end, nothing where nothing is asked."""
    made = rows()
    assert made["server-to-printer/ricoh-install"]["when"] == {
        "responder": {"vendor": ["ricoh"], "terminal": ["embedded"]}
    }
    assert made["server-to-printer/ipp-delivery"]["when"] == {"site": {"feature": ["server-spooling"]}}
    assert made["printer-to-server/terminal-application"]["when"]["initiator"]["not_vendor"] == ["samsung"]
    assert made["inter-server/management-synchronization"]["when"] == {}


def test_applies_is_unknown_without_a_site_and_decided_with_one() -> None:
    """Roles, vendors and features of a site decide; the prohibition applies where there are workstations."""
    assert {row["applies"] for row in document()["rows"]} == {None}
    made = {name: row["applies"] for name, row in rows(expected_rows(PACK, SITE)[0]).items()}
    assert made["server-to-printer/ricoh-install"] is True
    assert made["workstation-outbound/spooler-controller"] is True
    assert made["workstation-inbound/nothing-from-outside"] is True
    assert made["server-to-printer/toshiba-install"] is False  # another vendor
    assert made["server-to-printer/ipp-delivery"] is False  # no server that spools
    assert made["inter-server/management-synchronization"] is False  # nobody is management
    assert made["inter-server/near-roaming-multicast"] is False  # its address is not set
    assert made["inter-server/near-roaming-tcp"] is False  # feature not listed


def test_without_workstations_nothing_needs_protection() -> None:
    """The forbidden row does not apply to a site that lists no workstation."""
    site = read_site(b'name="x"\n[[host]]\nname="a"\naddresses="192.0.2.1"\nroles="management"', "s")
    assert expected_rows(PACK, site)[0]["ysoft-safeq-6/workstation-inbound/nothing-from-outside"] is False


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_table_keeps_to_its_width(width: int) -> None:
    """Every row is there, no line is longer than the page, none ends in blanks."""
    lines = matrix_text(PACK, width=width).plain.splitlines()
    assert max(map(len, lines)) <= width
    assert not any(line.endswith(" ") for line in lines)
    numbered = [line for line in lines if line[:3].strip().isdigit()]
    assert len(numbered) == len(PACK.rules)


def test_the_table_of_a_site_marks_its_rows_and_shows_its_ports() -> None:
    """Rows that apply carry a plus; a port that the site moved is the one shown."""
    applies, ports = expected_rows(PACK, SITE)
    page = matrix_text(PACK, width=80, site=SITE.name, applies=applies, ports=ports).plain
    assert f"Site Brno: {sum(applies.values())} of 98 rules apply" in page
    assert sum(line[:3].strip().startswith("+") for line in page.splitlines()) == sum(applies.values())
    assert "TCP 5611" in page
    assert "TCP 5610" not in page


def test_a_rule_in_full_tells_how_the_row_was_read() -> None:
    """`rules show` gives source, ports, condition and note."""
    (rule,) = [rule for rule in PACK.rules if rule.id.endswith("/toshiba-ldap")]
    page = rule_text(rule, width=80).plain
    for words in (
        "printer-to-server.toml:",
        "9 of printer-to-server",
        "TCP 389 or 390",
        "vendor toshiba",
        "another directory",
    ):
        assert words in page


def test_the_commands_print_matrix_and_rules() -> None:
    """From outside: JSON alone on standard output, an unknown rule and a bad site end with code 2."""
    matrix = run("matrix", "--json")
    assert matrix.returncode == 0
    assert json.loads(matrix.stdout) == document()
    shown = run("rules", "show", "other/bonjour")
    assert shown.stdout.startswith("ysoft-safeq-6/other/bonjour\n")
    assert run("rules", "show", "cluster").stdout.count("\n  row ") == 3
    assert '"ssh"' in run("rules", "show", "ssh").stdout
    unknown = run("rules", "show", "bonjur")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "did you mean 'bonjour'" in unknown.stderr
    missing = run("matrix", "--site", "nowhere.toml", "--json")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "nowhere.toml: cannot be read" in missing.stderr


def test_lint_tells_all_mistakes_of_packs_and_signatures(tmp_path: Path) -> None:
    """Ours pass; a shelf of one's own is walked through, each mistake is a line of standard output, the code is 2."""
    assert run("rules", "lint").returncode == 0
    pack = tmp_path / "shelf" / "mine"
    pack.mkdir(parents=True)
    (pack / "pack.toml").write_text('id = "mine"\nversion = "1"\nsource = "me"\nsections = ["a"]\n')
    (pack / "a.toml").write_text('[[rule]]\nid = "x"\n')
    signatures = tmp_path / "shelf" / "signatures"
    signatures.mkdir()
    (signatures / "http.toml").write_text("nonsense = 1\n")
    found = run("rules", "lint", str(tmp_path / "shelf"))
    assert found.returncode == 2
    lines = found.stdout.splitlines()
    assert any("a.toml:1: rule.title: missing" in line for line in lines)
    assert any("http.toml:" in line for line in lines)
    assert f"{len(lines)} mistakes" in found.stderr
