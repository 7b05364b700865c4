"""Standard input as a live capture: packets as they come, and an end from the keyboard."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analyser.capture import open_captures
from tests.capture.captures import pcap

PROGRAM = """
import sys
from analyser.capture import ending_on_interrupt, open_captures
opened = open_captures(["-"])
(source,) = opened.sources
view = memoryview(bytearray(1 << 20))
print("ready", flush=True)
with ending_on_interrupt(opened.sources):
    while count := source.readinto(view):
        print("got", count, flush=True)
        if "busy" in sys.argv:
            for n in range(10**7):  # an interrupt meets the program at work, not in a read
                if source.ended:
                    break
print("report", source.octets, [problem.code for problem in source.problems], flush=True)
"""


def test_packets_are_delivered_as_they_come() -> None:
    """A read returns what the pipe holds and does not wait until its buffer is full."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb", buffering=0) as out:
        first, second = pcap((1, b"one")), pcap((2, b"two"))[24:]
        out.write(first)
        (source,) = open_captures(["-"], stdin=stdin).sources
        view = memoryview(bytearray(1 << 20))
        got = bytearray()
        while len(got) < len(first):
            got += view[: source.readinto(view)]
        assert got == first
        out.write(second)
        assert source.readinto(view) == len(second)
        out.close()
        assert source.readinto(view) == 0
        assert source.problems == []


def test_alone_standard_input_is_opened_before_its_first_packet() -> None:
    """On a quiet network the header is enough to begin; nobody waits for a packet to find its time."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb", buffering=0) as out:
        out.write(pcap())
        (source,) = open_captures(["-"], stdin=stdin).sources
        assert source.first_t is None


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one child on this system")
@pytest.mark.parametrize("state", ["waiting", "busy"])
def test_an_interrupt_ends_the_stream_and_not_the_program(state: str) -> None:
    """Ctrl-C in a waiting read, or while packets are being worked on, ends the capture; the report is still made."""
    data = pcap((1, b"one"))
    command = [sys.executable, "-c", PROGRAM, state]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], bufsize=0
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(data)
        said = b""
        while b"got" not in said:
            said += child.stdout.read(64)
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        said += child.stdout.read()
        assert child.wait(timeout=10) == 0
    assert b"['interrupted']" in said
