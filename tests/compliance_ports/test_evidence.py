"""Evidence: frames that show the fault, in filters that Wireshark understands."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from analyser.community import community_id
from analyser.compliance.attempts.evidence import MOST_FRAMES, SLOTS, display_filter
from analyser.compliance.attempts.outcomes import Outcome
from analyser.tables import FLOWS, LABELS
from tests.compliance_ports.judging import judge, port_of
from tests.compliance_ports.made import CLIENT, SERVER, flow, handshake, opened, refused, request, unanswered


def test_every_slot_is_a_column_of_the_flow_table() -> None:
    columns = {**FLOWS, **LABELS}
    for slots in SLOTS.values():
        assert {f"{slot}_frame" for slot in slots} <= set(columns)
        assert {f"{slot}_file" for slot in slots} <= set(columns)


def test_every_ending_that_is_told_has_frames_of_its_own() -> None:
    without = {Outcome.NO_ATTEMPT, Outcome.ONE_SIDED}
    assert set(Outcome) - set(SLOTS) == without


def test_frames_are_sorted_and_few() -> None:
    frames = port_of(opened(orig_syn_frame=90, resp_syn_frame=80)).evidence[0].frames
    assert frames == (4, 6, 80, 90)
    assert len(frames) <= MOST_FRAMES


def test_frames_in_two_files_are_two_pieces_of_evidence() -> None:
    late = opened(resp_data_file=1)
    evidence = port_of(late, capture_paths=("a.pcap", "b.pcap")).evidence
    assert [(item.capture, item.frames) for item in evidence] == [("a.pcap", (1, 2, 4)), ("b.pcap", (6,))]


def test_a_frame_in_an_unknown_file_is_left_out() -> None:
    assert port_of(opened(resp_data_file=9)).evidence[0].frames == (1, 2, 4)


def test_the_community_id_is_that_of_the_flow() -> None:
    named = community_id("udp", CLIENT, 50000, SERVER, 161)
    assert named is not None
    assert port_of(request()).evidence[0].community_id == named


@pytest.mark.parametrize(
    ("facts", "filter_text"),
    [
        ({}, "ip.addr==192.0.2.10 && ip.addr==198.51.100.21 && tcp.port==443"),
        ({"proto": "udp"}, "ip.addr==192.0.2.10 && ip.addr==198.51.100.21 && udp.port==443"),
        (
            {"orig": "2001:db8::1", "resp": "2001:db8::2"},
            "ipv6.addr==2001:db8::1 && ipv6.addr==2001:db8::2 && tcp.port==443",
        ),
        ({"proto": "icmp"}, "ip.addr==192.0.2.10 && ip.addr==198.51.100.21 && icmp"),
        ({"proto": "ip-99"}, "ip.addr==192.0.2.10 && ip.addr==198.51.100.21"),
    ],
)
def test_filters_name_both_ends_and_the_responders_port(facts: dict[str, str], filter_text: str) -> None:
    assert display_filter(flow(**facts)) == filter_text


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_accepts_the_filters() -> None:
    silent = {"asker": "192.0.2.1", "target": "198.51.100.21", "requests": 1, "replies": 0, "frame": 3, "file": 0}
    capture = judge(
        unanswered(), opened(resp="198.51.100.2"), flow(proto="icmp", orig_data_frame=5), neighbours=[silent]
    )
    filters = {item.filter for item in capture.evidence([0, 1, 2])}
    six = judge(
        opened(orig="2001:db8::1", resp="2001:db8::2"),
        flow(proto="icmp6", orig="fe80::1", resp="fe80::2", orig_data_frame=5),
    )
    filters |= {item.filter for item in six.evidence([0, 1])}
    assert len(filters) == 6
    for text in filters:
        # Without input tshark only compiles the filter; a syntax error is exit code 4 in every version since 2.
        run = subprocess.run(["tshark", "-Y", text, "-r", "/dev/null"], capture_output=True, text=True, check=False)
        assert "was unexpected" not in run.stderr
        assert "isn't a valid display filter" not in run.stderr
        assert "neither a field nor a protocol" not in run.stderr


def test_the_worst_comes_first_and_no_more_than_asked() -> None:
    capture = judge(opened(), refused(start=5), handshake(start=9, orig_syn_frame=30, resp_syn_frame=31))
    evidence = capture.evidence([0, 1, 2], limit=2)
    assert len(evidence) == 2
    assert evidence[0].frames == (1, 2)
    assert evidence[1].frames == (1, 2, 4, 6)
