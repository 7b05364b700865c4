"""Permits as rules of firewalls: each language lets through exactly what was asked, and its program takes it."""

from __future__ import annotations

import ipaddress
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from aerleon import api
from aerleon.lib import naming

from analyser.compliance.permitted import permits
from analyser.model.permit import Permit
from analyser.policy.packs import load_pack
from analyser.policy.sites import load_site
from analyser.report.firewall import EXTENSIONS, firewall_text

SITES = sorted((Path(__file__).parents[2] / "samples" / "sites").glob("*.toml"))
Allowed = set[tuple[str, str, str, int, int]]
"""Transport, initiator, responder, first and last port: one line of a rule, spread out."""


def permit(**facts: object) -> Permit:
    """A permit of one address each, TCP 443, unless ``facts`` say else."""
    given: dict[str, object] = {
        "name": "one", "title": "Row one", "transport": "tcp", "ports": ((443, 443),), "initiators": ("192.0.2.10",),
        "responders": ("198.51.100.0/24",),
    }  # fmt: skip
    return Permit(**(given | facts))  # type: ignore[arg-type]


MANY = [
    permit(),
    permit(name="two", transport="udp", ports=((161, 161), (5000, 5009)), initiators=("192.0.2.10", "2001:db8::1"),
           responders=("198.51.100.21", "2001:db8:1::/64")),
    permit(name="three", ports=((1024, 65535),), announced=True),
]  # fmt: skip


def asked(those: list[Permit]) -> Allowed:
    """Return what permits allow, spread out; addresses of two families have nothing to say to each other."""
    return {
        (one.transport, net(source), net(target), *ports)
        for one in those
        for source, target, ports in product(one.initiators, one.responders, one.ports)
        if (":" in source) == (":" in target)
    }


def net(text: str) -> str:
    """Return an address or prefix in one spelling."""
    return str(ipaddress.ip_network(text))


def span(text: str) -> tuple[int, int]:
    """Return the ports that ``443`` or ``1024-65535`` means."""
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def read_nftables(text: str) -> Iterator[tuple[str, str, str, int, int]]:
    """Read the lines of an nftables file that let something through."""
    line = re.compile(
        r"ip6? saddr (\{.*?\}|\S+) ip6? daddr (\{.*?\}|\S+) (tcp|udp) dport (\{.*?\}|\S+) ct state new accept"
    )
    for sources, targets, transport, ports in line.findall(text):
        for source, target, port in product(
            *(re.split(r"[{}, ]+", group.strip("{} ")) for group in (sources, targets, ports))
        ):
            yield transport, net(source), net(target), *span(port)


def read_cisco(text: str) -> Iterator[tuple[str, str, str, int, int]]:
    """Read the permits of a Cisco access list."""
    end = r"(?:host (\S+)|(\S+) (\d+\.\S+)|(\S+/\d+))"
    line = re.compile(rf"permit (tcp|udp) {end} {end} (?:eq (\d+)|range (\d+) (\d+))")
    for transport, *found, one, first, last in line.findall(text):
        ends = [host or prefix or f"{base}/{ipaddress.ip_network(f'0.0.0.0/{mask}').prefixlen}"
                for host, base, mask, prefix in (found[:4], found[4:])]  # fmt: skip
        yield transport, net(ends[0]), net(ends[1]), int(one or first), int(one or last)


def read_windows(text: str) -> Iterator[tuple[str, str, str, int, int]]:
    """Read what machines let in, from the heading above their lines."""
    machines: list[str] = []
    for line in text.splitlines():
        if heading := re.match("# what (.*) (?:lets in|opens)", line):
            machines = heading[1].split(", ")
        if "-Direction Inbound" in line:
            ports, far = (re.search(rf"-{key} (\S+)", line) for key in ("LocalPort", "RemoteAddress"))
            transport = re.search("-Protocol (TCP|UDP)", line)
            assert ports
            assert far
            assert transport
            words = (re.findall("'([^']*)'", found[1]) for found in (far, ports))
            for target, source, port in product(machines, *words):
                if (":" in target) == (":" in source):
                    yield transport[1].lower(), net(source), net(target), *span(port)


READERS: dict[str, Callable[[str], Iterator[tuple[str, str, str, int, int]]]] = {
    "nftables": read_nftables, "cisco": read_cisco, "windows": read_windows,
}  # fmt: skip


def merged(allowed: Allowed) -> Allowed:
    """Return what is allowed with ranges of ports that touch put together: generators do so."""
    out: Allowed = set()
    for transport, source, target, first, last in sorted(allowed, key=lambda line: (line[:3], line[3])):
        before = next((line for line in out if line[:3] == (transport, source, target) and line[4] >= first - 1), None)
        if before is not None:
            out.remove(before)
            first, last = min(before[3], first), max(before[4], last)
        out.add((transport, source, target, first, last))
    return out


@pytest.mark.parametrize("language", READERS)
def test_a_language_says_what_was_asked(language: str) -> None:
    """Read back by a few lines of their own, rules allow the permits and nothing else: both families, ranges, lists."""
    found = set(READERS[language](firewall_text(MANY, language, about="x")))
    assert merged(found) == merged(asked(MANY))


@pytest.mark.parametrize("path", SITES, ids=lambda path: path.stem)
def test_every_site_can_be_written_in_every_language(path: Path) -> None:
    """What each sample's site needs comes out in all languages, all of them saying the same."""
    needed, _ = permits([load_pack("ysoft-safeq-6")], load_site(path))
    for language, reader in READERS.items():
        assert merged(set(reader(firewall_text(needed, language, about="x")))) == merged(asked(needed)), language


def test_the_neutral_policy_is_read_by_its_generator() -> None:
    """The two documents of the neutral policy are definitions and policy; another firewall comes out of them."""
    definitions, policy = yaml.safe_load_all(firewall_text(MANY, "aerleon", about="x"))
    known = naming.Naming()
    known.ParseDefinitionsObject(definitions, "")
    (header,) = [one["header"] for one in policy["filters"]]
    header["targets"] = {"juniper": "safeq inet"}
    whole: Any = {"filename": "x", **policy}
    written: Any = api.Generate([whole], known)
    (text,) = written.values()
    assert "destination-port 1024-65535;" in text
    assert "192.0.2.10/32;" in text


@pytest.mark.skipif(shutil.which("nft") is None, reason="nft is not installed (Debian: nftables)")
@pytest.mark.parametrize("path", SITES, ids=lambda path: path.stem)
def test_nftables_takes_the_rules(path: Path, tmp_path: Path) -> None:
    """``nft --check`` finds nothing wrong with the rules of any sample's site."""
    needed, _ = permits([load_pack("ysoft-safeq-6")], load_site(path))
    file = tmp_path / "rules.nft"
    file.write_text(firewall_text([*needed, *MANY], "nftables", about="x"), encoding="utf-8")
    done = subprocess.run(
        ["unshare", "-Urn", "nft", "--check", "-f", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("language", EXTENSIONS)
def test_words_cannot_become_rules(language: str) -> None:
    """A title with quotes, line ends and commands stays a comment."""
    evil = "x\"'; }\n permit ip any any\n\u2019; Remove-Item C:\\ #\r accept"
    text = firewall_text([permit(title=evil)], language, about=evil, left_out=[evil])
    assert "\n permit ip any any" not in text
    assert "\r" not in text
    if language in READERS:
        assert set(READERS[language](text)) == asked([permit()])
    if language == "windows":
        (line,) = [line for line in text.splitlines() if "Inbound" in line]
        assert re.fullmatch(
            r"New-NetFirewallRule( -\w+ ('([^'\u2018-\u201b]|''|[\u2018-\u201b]{2})*'|[A-Za-z]+)(,'[^']*')*)+", line
        )


@pytest.mark.parametrize("language", EXTENSIONS)
def test_nothing_to_let_through_is_said(language: str) -> None:
    """Without permits there is a comment and no rule."""
    text = firewall_text([], language, about="nobody")
    assert text.splitlines()[-1][2:] == "nothing to let through"
