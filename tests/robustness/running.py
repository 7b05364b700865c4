"""The analyser run on bytes, and the questions that every result must answer, whatever the bytes were."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from analyser.model.capture import InputError
from analyser.model.finding import ReportDocument
from analyser.pipeline import judging, reading
from analyser.pipeline.judging import CheckRun
from analyser.pipeline.reading import FlowRun
from analyser.report.flows import flow_table
from analyser.report.json import report_json, report_schema
from analyser.report.text import report_text
from samples.renew import HERE

SAMPLES = sorted(path for path in (HERE / "pcaps").iterdir() if path.suffix in (".pcap", ".pcapng"))
SITES = sorted((HERE / "sites").glob("*.toml"))

_report = jsonschema.Draft202012Validator(report_schema())


def read(*paths: Path) -> FlowRun | InputError:
    """Read captures to flows; an error of the input is a result too, anything else is not."""
    try:
        return reading.flows([str(path) for path in paths])
    except InputError as error:
        return error


def judge(path: Path, site: Path) -> CheckRun | InputError:
    """Judge a capture; an error of the input is a result too, anything else is not."""
    try:
        return judging.check([str(path)], site=site)
    except InputError as error:
        return error


def unaccounted(run: FlowRun) -> int:
    """Return how many packets of the captures are neither in a flow nor counted by name (negative: counted twice)."""
    in_flows = sum(int((part.tables.flows["orig_pkts"] + part.tables.flows["resp_pkts"]).sum()) for part in run.parts())
    facts = run.facts
    named = sum(facts.link_layer.values()) + sum(facts.undecoded.values())
    return facts.packets - in_flows - facts.icmp_errors - named - facts.duplicates


def assert_printable(run: CheckRun) -> ReportDocument:
    """Every reader of the report can write it: JSON as its schema says, the page, the flow table."""
    document = json.loads(report_json(run.document))
    assert [error.message for error in _report.iter_errors(document)] == []
    assert report_text(run.document, everything=True).plain.endswith("\n")
    frame = run.flows.whole().frame
    assert flow_table(frame, run.flows.captures).height == frame.height
    return run.document
