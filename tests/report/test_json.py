"""The report as JSON: the keys of the contract, and a schema that says so."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from analyser.model.finding import ReportDocument
from analyser.report.json import SCHEMA_FILE, report_json, report_schema
from tests.report import made

PORT_KEYS = {
    "transport", "port", "state", "cause", "detail", "by", "confidence", "other_explanation", "service", "basis",
    "attempts", "answered", "first", "last", "evidence",
}  # fmt: skip
VERDICT_KEYS = {
    "id", "rule", "section", "requirement", "verdict", "severity", "sentence", "remedy", "initiator", "responder",
    "more_ports", "ports", "waiver",
}  # fmt: skip
UNEXPECTED_KEYS = {
    "id", "reason", "rule", "severity", "sentence", "initiator", "responder", "transport", "port", "state", "cause",
    "service", "basis", "flows", "bytes", "first", "last", "evidence", "waiver", "scan",
}  # fmt: skip
DOCUMENT_KEYS = {
    "schema", "tool", "rules", "site", "generated_at", "captures", "coverage", "verdicts", "unexpected",
    "infrastructure", "summary",
}  # fmt: skip


def read(document: ReportDocument) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(report_json(document))
    return result


def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA_FILE.read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_keys_are_those_of_the_contract() -> None:
    """Every object has exactly the keys that the contract promises, unknown values as null."""
    document = read(made.everything())
    assert set(document) == DOCUMENT_KEYS
    assert all(set(entry) == VERDICT_KEYS for entry in document["verdicts"])
    assert all(set(entry) == UNEXPECTED_KEYS for entry in document["unexpected"])
    ports = [port for entry in document["verdicts"] for port in entry["ports"]]
    assert ports
    assert all(set(port) == PORT_KEYS for port in ports)
    assert document["verdicts"][1]["ports"][0]["port"] is None
    assert document["verdicts"][3]["initiator"] is None


def test_clients_are_given_for_networks_only() -> None:
    """``clients`` is absent, not null, on an end that is a host."""
    first, second = read(made.everything())["verdicts"][:2]
    assert "clients" not in first["initiator"]
    assert second["initiator"]["clients"] == {"seen": 3, "open": 0, "failed": 3}


def test_words_are_written_as_words() -> None:
    """Enumerations leave the house as the words of the contract."""
    entry = read(made.everything())["verdicts"][0]
    assert (entry["verdict"], entry["severity"]) == ("blocked", "violation")
    assert [port["state"] for port in entry["ports"]] == ["open", "open", "blocked", "blocked"]


def test_the_shipped_schema_is_the_one_of_the_dataclasses() -> None:
    """Whoever changes the document renews the schema (``make renew``), or this fails."""
    assert json.loads(SCHEMA_FILE.read_bytes()) == json.loads(json.dumps(report_schema()))


@pytest.mark.parametrize(
    "document",
    [
        made.everything(),
        made.report(compliant=True),
        made.report(made.verdict(), compliant=None),
        made.report(captures=(), infrastructure=(), compliant=None),
    ],
)
def test_documents_obey_the_schema(document: ReportDocument) -> None:
    """Full and empty reports are valid."""
    validator().validate(read(document))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["schema"], "analyser/report/2"),
        (["verdicts", 0, "verdict"], "perhaps"),
        (["verdicts", 0, "ports", 0, "state"], None),
        (["verdicts", 0, "surprise"], 1),
        (["unexpected", 0, "flows"], "many"),
        (["verdicts", 0, "initiator", "clients"], None),
    ],
)
def test_the_schema_refuses_what_the_contract_does_not_know(path: list[Any], value: Any) -> None:
    """The schema is no rubber stamp: another word, type or key is an error."""
    document = read(made.everything())
    target: Any = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    assert not validator().is_valid(document)


def test_the_schema_misses_every_key_that_is_left_out() -> None:
    """Keys are promised: a document without one of them is not valid."""
    for key in DOCUMENT_KEYS:
        document = read(made.everything())
        del document[key]
        assert not validator().is_valid(document), key


def test_foreign_text_is_the_same_value_and_harmless_on_a_screen() -> None:
    """Terminal and direction controls are escaped inside JSON; a file name that is no UTF-8 is no failure."""
    nasty = "\x1b[2J \x9b \u202e \U000e0041"
    raw = report_json(made.report(made.verdict(sentence=nasty), captures=(made.capture(path="\udcff.pcap"),)))
    assert raw.isascii()
    document = json.loads(raw)
    assert document["verdicts"][0]["sentence"] == nasty
    assert document["captures"][0]["path"] == "\\udcff.pcap"
