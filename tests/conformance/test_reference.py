"""The plain reader and the kernel tell the same flows of every public capture, column by column."""

from __future__ import annotations

from analyser.capture import open_captures
from analyser.flows.reader import read_flows
from tests.conformance.test_public_captures import REFUSED
from tests.conformance.truth import FOLDER, files
from tests.flows_properties.compare import differences
from tests.reference.reader import read

LARGEST = 400_000
"""Three files are larger; the plain reader would take as long for them as for all the others."""


def test_the_reference_agrees_on_every_public_capture() -> None:
    """States, histories, times, evidence, first bytes and counts agree on what real networks and fuzzers produced."""
    found = {}
    for entry in files():
        data = (FOLDER / entry["file"]).read_bytes()
        if len(data) <= LARGEST and entry["file"] not in REFUSED:
            tables, facts = read_flows(open_captures([str(FOLDER / entry["file"])]).sources)
            reading = read([data])
            lines = differences(tables, reading)
            mine = facts.packets, facts.duplicates, facts.decapsulated
            theirs = reading.files[0].records, reading.duplicates, reading.decapsulated
            if mine != theirs:
                lines.append(f"packets, copies, decapsulated: {mine}, reference {theirs}")
            if lines:
                found[entry["file"]] = lines
    assert found == {}
