"""The plain reader and the kernel tell the same flows of every public capture, column by column."""

from __future__ import annotations

from analyser.capture.headers import read_header
from analyser.model.capture import CaptureHeader
from tests.conformance.truth import FOLDER, files, is_plain
from tests.flows_properties.compare import differences, kernel_reads
from tests.reference.reader import read

LARGEST = 400_000
"""Three files are larger; the plain reader would take as long for them as for all the others."""


def test_the_reference_agrees_on_every_public_capture() -> None:
    """States, histories, times, evidence, first bytes and counts agree on what real networks and fuzzers produced."""
    found = {}
    for entry in files():
        data = (FOLDER / entry["file"]).read_bytes()
        if is_plain(entry) and len(data) <= LARGEST and isinstance(read_header(data), CaptureHeader):
            tables, facts = kernel_reads([data])
            reading = read([data])
            lines = differences(tables, reading)
            if (facts.packets, facts.duplicates) != (reading.files[0].records, reading.duplicates):
                lines.append(f"packets and copies: {facts.packets}, {facts.duplicates}")
            if lines:
                found[entry["file"]] = lines
    assert found == {}
