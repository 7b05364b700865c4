"""tshark as the second opinion on a few frames: run apart from the user's settings, with bounded time and answer.

Knows the program's command line; what its answer means is known elsewhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SECONDS: Final = 60
"""How long it may take; a dissector may loop on hostile bytes."""

_MOST_BYTES: Final = 1 << 26

_DECODE_AS: Final[Mapping[str, str]] = {
    "http": "http", "webdav": "http", "ipp": "http", "websocket": "http", "etcd": "http", "http2": "http2", "tls": "tls",
    "ftp": "ftp", "smtp": "smtp", "pop3": "pop", "imap": "imap", "ldap": "ldap", "smb": "nbss", "netbios": "nbss",
    "tds": "tds", "ssh": "ssh", "lpr": "lpd", "rmi": "rmi", "snmp": "snmp", "dns": "dns", "kerberos": "kerberos",
}  # fmt: skip
"""Our words for what bytes prove, and tshark's."""


class TsharkError(Exception):
    """tshark is not there, or did not answer; the message says what to do."""


def pdml(capture: bytes, services: Mapping[tuple[str, int], str]) -> bytes:
    """Return tshark's PDML of a capture.

    Args:
        capture: a pcapng file.
        services: what is spoken on a port, by transport (``tcp``, ``udp``) and number; ports alone would mislead tshark.

    Raises:
        TsharkError: no tshark, or no answer within a minute.
    """
    program = shutil.which("tshark")
    if program is None:
        raise TsharkError(
            "tshark is not installed, so the packets are not decoded here; it comes with Wireshark (Debian: apt install tshark)"
        )
    with tempfile.TemporaryDirectory(prefix="analyser-") as folder:
        path = Path(folder) / "frames.pcapng"
        path.write_bytes(capture)
        command = [program, "-n", "-r", str(path), "-T", "pdml", "-o", "tcp.relative_sequence_numbers:FALSE"]
        command += ["-o", "tcp.analyze_sequence_numbers:FALSE"]
        for (transport, port), service in sorted(services.items()):
            if transport in ("tcp", "udp") and service in _DECODE_AS:
                command += ["-d", f"{transport}.port=={port},{_DECODE_AS[service]}"]
        answer = Path(folder) / "answer"
        # Its own folder for settings: the user's could name scripts, keys or other meanings of ports.
        environment = {**os.environ, "WIRESHARK_CONFIG_DIR": folder, "HOME": folder}
        with answer.open("wb") as out:
            try:
                run = subprocess.run(  # noqa: S603 - a list of words, none of them from a packet
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, env=environment,
                    timeout=SECONDS, check=False,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise TsharkError(f"tshark did not answer within {SECONDS} s; open the capture in Wireshark") from None
        if run.returncode:
            said = run.stderr.decode("utf-8", "replace").strip().splitlines()
            raise TsharkError(f"tshark failed ({said[-1] if said else run.returncode}); open the capture in Wireshark")
        with answer.open("rb") as file:
            return file.read(_MOST_BYTES)
