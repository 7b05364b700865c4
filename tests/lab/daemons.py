"""The lab's real programs at work: servers started and waited for, clients run to their end.

Knows where a program's files go, when it is ready, and that some clients have to be ended. What programs there are, and what their
words mean, is told by ``programs``. The address that a client asks from is its machine's routing's to choose (``Lab.reach``), since
few clients can be told.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any, Final

from tests.lab.programs import ENDED, SERVICES

_READY: Final = 60.0
"""Seconds within which every server listens."""
_DONE: Final = 15.0
"""Seconds within which a client is done, or ended: most are told to give up before, some cannot be told."""


async def serve(entries: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Start a server for every entry of a plan, and wait until all listen; AssertionError with its last words if one does not."""
    running = []
    for entry in entries:
        service, place = SERVICES[entry["service"]], _settled(entry, folder, "server")
        for command in service.first:
            await _ended(_words(command, entry, place), place)
        with (place / "server.log").open("wb") as log:
            program = await asyncio.create_subprocess_exec(
                *_words(service.server, entry, place), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=place
            )  # fmt: skip
        running.append((f"{entry['address']}:{entry['port']} ", place / "server.log", program))
    limit = asyncio.get_running_loop().time() + _READY
    while running:
        listening, _ = await _ended(["ss", "-Hlntu"], folder)
        running = [item for item in running if item[0] not in listening]
        for _, log_file, program in running:
            failed = program.returncode is not None or asyncio.get_running_loop().time() > limit
            assert not failed, log_file.read_text(errors="replace")[-2000:]
        await asyncio.sleep(0.1)


async def ask(entry: Mapping[str, Any], folder: Path) -> str:
    """Run the client of an entry to its end; return how it fared, or where its words are not known, the last of them."""
    service, place = SERVICES[entry["service"]], _settled(entry, folder, "client")
    said, code = await _ended(_words(service.asks[entry["manner"]], entry, place), place)
    said += f"\nexit {code}\n"
    return next((fared for words, fared in service.words if words in said), said[-300:])


def _settled(entry: Mapping[str, Any], folder: Path, side: str) -> Path:
    """Make the folder of one program, with what it reads."""
    place = folder / f"{entry['case']}-{side}"
    service = SERVICES[entry["service"]]
    for name in ("", *service.folders):
        (place / name).mkdir(parents=True, exist_ok=True)
    for name, text in service.files.items():
        (place / name).write_text(_filled(text, entry, place))
    return place


def _filled(text: str, entry: Mapping[str, Any], place: Path) -> str:
    values = {name: entry[name] for name in ("address", "source", "port", "data")}
    return Template(text).substitute(values, folder=place, certificates=place.parent)


def _words(command: str, entry: Mapping[str, Any], place: Path) -> list[str]:
    return [_filled(word, entry, place) for word in shlex.split(command)]


async def _ended(command: Sequence[str], place: Path) -> tuple[str, int]:
    """Run a program to its end, or end it; return its words and its exit code."""
    program = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=place
    )  # fmt: skip
    try:
        said, _ = await asyncio.wait_for(program.communicate(), _DONE)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            program.kill()
        return ENDED, await program.wait()
    return said.decode(errors="replace"), program.returncode or 0
