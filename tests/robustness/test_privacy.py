"""What was said stays in the capture: no password, user, community, job owner, card or address of a person leaves it.

One capture holds a secret wherever a protocol has room for one; every output in every format is searched for all of
them, as text and as bytes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import polars as pl
import pytest

from samples import speech
from samples.cast import SERVER, printer, workstation
from samples.story import Host, Story
from samples.talk import Tcp, tcp, udp
from tests.cli.running import run

SECRETS = {
    name: f"Zq{number:02d}{name}Xw"
    for number, name in enumerate(
        (
            "user", "password", "community", "card", "owner", "job", "document", "mail", "bind", "token", "cookie", "path",
            "certificate", "query", "reason", "instance", "greeting", "unknown", "file", "trap",
        )
    )
}  # fmt: skip
S = {name: secret.encode() for name, secret in SECRETS.items()}
SITE = """
name = "Privacy"
features = ["server-spooling", "ftp-scanning", "smtp-scanning", "print-lpr", "ldap-sync", "online-accounting"]
[[host]]
name = "server"
addresses = ["192.0.2.10"]
roles = ["site-server", "mail", "ldap", "mssql"]
[[host]]
name = "mfd-1"
addresses = ["198.51.100.21"]
roles = ["mfd"]
vendor = "ricoh"
[[network]]
name = "office"
cidr = "203.0.113.0/24"
roles = ["workstation"]
"""


def dialogue(story: Story, client: Host, server: Host, port: int, lines: list[bytes], *, first: str, at: float) -> None:
    """Let both ends speak in turn, as an old text protocol does."""
    talk: Tcp = tcp(story, client, server, port, at=at)
    talk.open()
    speaker = first
    for line in lines:
        (talk.say if speaker == "client" else talk.answer)(line)
        speaker = "server" if speaker == "client" else "client"
    talk.close("client")


def ldap_simple_bind() -> bytes:
    """Return a simple bind with name and password (RFC 4511 section 4.2)."""
    name, password = b"cn=" + S["bind"], S["password"]
    inner = b"\x02\x01\x03\x04" + bytes([len(name)]) + name + b"\x80" + bytes([len(password)]) + password
    body = b"\x02\x01\x01\x60" + bytes([len(inner)]) + inner
    return b"\x30" + bytes([len(body)]) + body


def ldap_refusal() -> bytes:
    """Return invalidCredentials with a diagnostic message."""
    inner = b"\x0a\x01\x31\x04\x00\x04" + bytes([len(S["reason"])]) + S["reason"]
    body = b"\x02\x01\x01\x61" + bytes([len(inner)]) + inner
    return b"\x30" + bytes([len(body)]) + body


def capture() -> bytes:
    """Tell the story of people who print, scan and log in, with a secret in every word."""
    story, mfd, clerk = Story(), printer(1), workstation(1)
    ftp = [
        b"220 " + S["greeting"] + b"\r\n", b"USER " + S["user"] + b"\r\n", b"331 password for " + S["user"] + b"\r\n",
        b"PASS " + S["password"] + b"\r\n", b"530 " + S["reason"] + b" " + S["user"] + b"\r\n",
    ]  # fmt: skip
    smtp = [
        b"220 " + S["greeting"] + b"\r\n", b"EHLO " + S["unknown"] + b"\r\n", b"250 AUTH PLAIN\r\n",
        b"AUTH PLAIN " + base64.b64encode(b"\0" + S["user"] + b"\0" + S["password"]) + b"\r\n",
        b"535 5.7.8 " + S["reason"] + b"\r\n", b"MAIL FROM:<" + S["mail"] + b"@example.org>\r\n",
        b"550 " + S["mail"] + b" unknown\r\n",
    ]  # fmt: skip
    pop = [b"+OK " + S["greeting"] + b"\r\n", b"USER " + S["user"] + b"\r\n", b"-ERR " + S["reason"] + b"\r\n"]
    imap = [
        b"* OK " + S["greeting"] + b"\r\n",
        b"a LOGIN " + S["user"] + b" " + S["password"] + b"\r\n",
        b"a NO " + S["reason"] + b"\r\n",
    ]
    lpr = [
        b"\x02" + S["path"] + b"\n",
        b"\0",
        b"\x0220 cfA001host\n",
        b"\0",
        b"P" + S["owner"] + b"\nJ" + S["job"] + b"\n\0",
        b"\x01",
    ]
    http = (
        b"GET /" + S["path"] + b"?q=" + S["query"] + b" HTTP/1.1\r\nHost: printer\r\nAuthorization: Basic "
        + base64.b64encode(S["user"] + b":" + S["password"]) + b"\r\nCookie: " + S["cookie"] + b"\r\n\r\n",
        b"HTTP/1.1 403 " + S["reason"] + b"\r\nSet-Cookie: " + S["cookie"] + b"\r\n\r\n" + S["document"],
    )  # fmt: skip
    job = b"\x1b%-12345X@PJL SET USERNAME=" + S["owner"] + b"\r\n@PJL JOB NAME=" + S["job"] + b"\r\n" + S["document"]
    at = 1.0
    for port, lines, first in (
        (21, ftp, "server"), (25, smtp, "server"), (110, pop, "server"), (143, imap, "server"), (515, lpr, "client"),
        (5021, [b".CARD " + S["card"] + b"\r\n", b"+" + S["user"]], "client"),
        (389, [ldap_simple_bind(), ldap_refusal()], "client"),
        (5012, list(http), "client"), (9999, [S["unknown"], S["token"]], "client"),
    ):  # fmt: skip
        dialogue(story, mfd, SERVER, port, lines, first=first, at=at)
        dialogue(story, clerk, SERVER, port, lines, first=first, at=at + 3)
        at += 10
    for port in (80, 631, 8080):
        dialogue(story, SERVER, mfd, port, list(http), first="client", at=at)
        at += 5
    dialogue(story, SERVER, mfd, 9100, [job], first="client", at=at)
    # a client's certificate may name a person, a server's is shown to everybody
    person = speech.tls_client_finish(SECRETS["certificate"])
    hellos = [speech.tls_client_hello(), speech.tls_server_hello()]
    for after, end in ((5, [speech.tls_server_finish()]), (6, [speech.tls_alert("unknown_ca")])):
        dialogue(story, SERVER, mfd, 443, [*hellos, person, *end], first="client", at=at + after)
    asked = udp(story, SERVER, mfd, 161, at=at + 10)
    asked.say(speech.snmp_get(4001, SECRETS["community"]))
    asked.answer(speech.snmp_response(4001, SECRETS["community"]))
    unheard = udp(story, SERVER, mfd, 161, at=at + 12)
    unheard.say(speech.snmp_get(4002, SECRETS["trap"]))
    unheard.icmp(3, 3, sender=mfd)
    browser = udp(story, clerk, SERVER, 1434, at=at + 20)
    browser.say(speech.sql_browser_request(SECRETS["instance"]))
    browser.answer(speech.sql_browser_answer(SECRETS["instance"], 50123))
    names = udp(story, clerk, SERVER, 53, at=at + 21)
    names.say(speech.dns_query(SECRETS["query"] + ".example.org"))
    moved = tcp(story, mfd, SERVER, 21, at=at + 25)
    moved.open()
    for line in (
        b"220 ready\r\n",
        b"331 go on\r\n",
        b"230 welcome\r\n",
        b"227 Entering (192,0,2,10,200,1)\r\n",
        b"150 " + S["file"] + b"\r\n",
    ):
        moved.answer(line)
        moved.say(b"STOR " + S["file"] + b"\r\n")
    return story.render()


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return everything that every command makes of the capture, by the name of the output."""
    folder = tmp_path_factory.mktemp("privacy")
    pcap, site = folder / "private.pcap", folder / "site.toml"
    pcap.write_bytes(capture())
    site.write_text(SITE, encoding="utf-8")
    found: dict[str, bytes] = {}
    for name, arguments in {
        "page": ("check", "--site"), "page -v": ("check", "-v", "--site"), "json": ("check", "--json", "--site"),
        "quiet": ("check", "-q", "--site"),
    }.items():  # fmt: skip
        result = run(*arguments, str(site), str(pcap))
        assert result.returncode == 1, result.stderr
        found[name] = (result.stdout + result.stderr).encode()
    starter = run("check", str(pcap))
    found["starter"] = (starter.stdout + starter.stderr).encode()
    for name in ("screen", "json lines"):
        result = run("flows", str(pcap), *(["--json"] if name != "screen" else []))
        found[f"flows, {name}"] = (result.stdout + result.stderr).encode()
    for ending in ("csv", "jsonl", "log", "parquet"):
        assert run("flows", str(pcap), "-o", str(folder / f"flows.{ending}")).returncode == 0
        found[f"flows.{ending}"] = (folder / f"flows.{ending}").read_bytes()
    assert run("check", str(pcap), "--site", str(site), "-o", str(folder / "out")).returncode == 1
    found |= {f"out/{path.name}": path.read_bytes() for path in (folder / "out").rglob("*") if path.is_file()}
    report = json.loads((folder / "out" / "report.json").read_bytes())
    for finding in {entry["id"] for entry in [*report["verdicts"], *report["unexpected"]]}:
        result = run("explain", finding, "--report", str(folder / "out" / "report.json"))
        assert result.returncode == 0, result.stderr
        found[f"explain {finding}"] = (result.stdout + result.stderr).encode()
    for name in [name for name in found if name.endswith(".parquet")]:
        target = folder / "out" / "flows.parquet" if name.startswith("out/") else folder / name
        found[f"{name}, unpacked"] = pl.read_parquet(target).write_json().encode()
    return found


def spellings(secret: str) -> Iterator[bytes]:
    """Return how a secret may hide: as it is, in base64 whatever stands before it, in hexadecimal."""
    plain = secret.encode()
    yield plain
    yield plain.hex().encode()
    for shift in range(3):
        yield base64.b64encode(b"\0" * shift + plain)[4 : len(plain) // 3 * 4 - 4]


def test_the_capture_holds_every_secret() -> None:
    """The test looks for something that is there, in packets that the analyser reads."""
    data = capture()
    assert [name for name, secret in S.items() if not any(form in data for form in spellings(secret.decode()))] == []


def test_labels_were_found_all_the_same(outputs: dict[str, bytes]) -> None:
    """The analyser looked into the conversations: it names the protocols and the codes of refusals."""
    for word in (b"ftp", b"smtp", b"ldap", b"lpr", b"snmp", b"FTP 530", b"403"):
        assert word in outputs["json"] + outputs["flows, json lines"], word


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_leaves_the_capture(name: str, outputs: dict[str, bytes]) -> None:
    """No output of any command shows it, in any spelling and either case."""
    for form in spellings(SECRETS[name]):
        assert [output for output, data in outputs.items() if form in data or form.lower() in data] == []
