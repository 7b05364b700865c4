"""``analyser install``: every vendor and hardware terminal, all well, one port in the way, nothing seen; who is who."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from analyser.model.rule import Rule
from analyser.model.vocabulary import VENDORS
from analyser.pipeline.installing import DEVICES, HARDWARE, _steps
from analyser.policy.packs import load_pack
from analyser.report.json import report_schema
from samples import plays, speech
from samples.cast import SERVER, printer
from samples.story import Host, Story
from samples.talk import tcp, udp
from tests.cli.running import PCAPS, SITES, run

PACK = load_pack("ysoft-safeq-6")
MFD = printer(1)


def steps(device: str) -> tuple[Rule, ...]:
    """Return the rules of a device's installation."""
    return _steps(PACK, device, "embedded")


def wanted(rule: Rule) -> tuple[int, ...]:
    """Return the ports that a whole installation uses: all of a set, the last of alternatives (the one in TLS)."""
    return rule.ports.all if rule.ports.all is not None else (rule.ports.listed[-1],)


def use(story: Story, client: Host, server: Host, rule: Rule, port: int, at: float) -> None:
    """Let a step work on one port."""
    if rule.transport.value == "udp":
        talk = udp(story, client, server, port, at=at)
        talk.say(speech.snmp_get(int(at)))
        talk.answer(speech.snmp_response(int(at)))
    elif "https" in rule.service and port not in (80, 8080):
        plays.tls(story, client, server, port, at=at)
    elif "http" in rule.service:
        plays.http(story, client, server, port, at=at)
    elif "ssh" in rule.service:
        plays.exchange(story, client, server, port, b"SSH-2.0-client\r\n", b"SSH-2.0-server\r\n", at=at)
    elif "ftp" in rule.service:
        talk2 = tcp(story, client, server, port, at=at)
        talk2.open()
        talk2.answer(b"220 ready\r\n")
        talk2.say(b"USER x\r\n")
        talk2.answer(b"331 go on\r\n")
        talk2.close("client")
    elif "ldap" in rule.service or "ldaps" in rule.service:
        plays.tls(story, client, server, port, at=at)
    else:
        plays.private(story, client, server, port, at=at)


def capture(folder: Path, device: str, *, without: tuple[bool, int] | None = None, only: int | None = None) -> Path:
    """Write an installation: ``without`` a port (to the device or not), whose packets vanish; ``only`` the first so many ports."""
    story, at, used = Story(), 1.0, 0
    for rule in steps(device):
        from_server = rule.section == "server-to-printer"
        client, server = (SERVER, MFD) if from_server else (MFD, SERVER)
        for port in wanted(rule):
            if only is not None and used >= only:
                continue
            if without is not None and (from_server, port) == without and rule.transport.value == "tcp":
                tcp(story, client, server, port, at=at).knock(times=5)
            else:
                use(story, client, server, rule, port, at)
            used += 1
            at += 5.0
    plays.http(story, SERVER, MFD, 9998, at=at + 20)
    path = folder / f"{device}.pcap"
    path.write_bytes(story.render())
    return path


def document(device: str, path: Path, *more: str) -> dict[str, Any]:
    """Return the report of ``install --json``, valid by its schema."""
    result = run("install", device, str(path), "--server", SERVER.address, "--printer", MFD.address, "--json", *more)
    assert result.stdout, result.stderr
    made: dict[str, Any] = json.loads(result.stdout)
    jsonschema.Draft202012Validator(report_schema()).validate(made)
    assert result.returncode == made["summary"]["exit_code"]
    return made


@pytest.mark.parametrize("device", VENDORS)
def test_every_vendor_has_the_steps_of_its_own(device: str) -> None:
    """Each vendor's steps hold a rule of its own or of its kind, ask for SNMP first, and no other vendor's rule."""
    names = [rule.id.rpartition("/")[2] for rule in steps(device)]
    assert names[0] == "snmp-install-check"
    own = {name for name in names if name.endswith("-install")}
    assert own == {f"{'xerox' if device == 'fuji-xerox' else device}-install"}


@pytest.mark.parametrize("device", HARDWARE)
def test_every_hardware_terminal_has_steps(device: str) -> None:
    """A terminal that is a device of its own has something to be judged by."""
    assert steps(device)


@pytest.mark.parametrize("device", DEVICES)
def test_an_installation_that_works_is_ready(device: str, tmp_path: Path) -> None:
    """All steps used and answered: every rule satisfied, the page green, exit code 0 or 1 only for flows nobody ordered."""
    path = capture(tmp_path, device)
    made = document(device, path)
    assert {entry["verdict"] for entry in made["verdicts"]} == {"satisfied"}, [
        (entry["rule"], entry["verdict"], entry["sentence"])
        for entry in made["verdicts"]
        if entry["verdict"] != "satisfied"
    ]
    assert {entry["rule"] for entry in made["verdicts"]} == {rule.id for rule in steps(device)}
    page = run("install", device, str(path), "--server", SERVER.address, "--printer", MFD.address).stdout
    assert "✓ READY" in page
    assert "✗" not in page
    for rule in steps(device):
        assert rule.title[:40] in page


def test_steps_that_were_not_seen_are_no_green(tmp_path: Path) -> None:
    """Where some steps work and others were not used yet, the page does not call the network ready."""
    page = run(
        "install", "hp", str(capture(tmp_path, "hp", only=2)), "--server", SERVER.address, "--printer", MFD.address
    ).stdout
    assert "NOT ALL SHOWN: 3 of 5" in page  # SNMP is asked for twice
    assert "READY" not in page


@pytest.mark.parametrize("device", DEVICES)
def test_one_port_in_the_way_is_red_and_asked_for(device: str, tmp_path: Path) -> None:
    """A port whose packets vanish makes its step red, the request names it, later steps stay as they are; exit code 1."""
    rule = next(rule for rule in steps(device) if rule.transport.value == "tcp")
    port = wanted(rule)[-1]
    path = capture(tmp_path, device, without=(rule.section == "server-to-printer", port))
    made = document(device, path)
    states = {entry["rule"]: entry["verdict"] for entry in made["verdicts"]}
    assert states[rule.id] in ("blocked", "unanswered")
    assert made["summary"]["exit_code"] == (
        1 if rule.requirement.value == "mandatory" else made["summary"]["exit_code"]
    )
    page = run("install", device, str(path), "--server", SERVER.address, "--printer", MFD.address).stdout
    assert "NOT READY" in page
    head = " ".join(page.split("\n 1 ")[0].split())
    assert str(port) in head
    assert "First:" in head


@pytest.mark.parametrize("device", ["ricoh", "hp", "terminal-pro-4"])
def test_nothing_seen_is_no_green(device: str, tmp_path: Path) -> None:
    """A capture without any step says that it cannot tell, and is inconclusive."""
    path = capture(tmp_path, device, only=0)
    made = document(device, path)
    assert "satisfied" not in {entry["verdict"] for entry in made["verdicts"]}
    page = run("install", device, str(path), "--server", SERVER.address, "--printer", MFD.address)
    assert "CANNOT TELL" in page.stdout
    assert "✓" not in page.stdout


def test_steps_behind_a_broken_one_wait() -> None:
    """What was not tried after a step that does not work says which step comes first."""
    page = run("install", "ricoh", str(PCAPS / "ricoh-install.pcap")).stdout
    assert "NOT READY: 3 steps of 5" in page
    assert "TCP 5012   not-attempted; step 1 comes before it" in page


def test_server_and_printer_are_found_in_the_traffic() -> None:
    """Without addresses the pair that uses the ports of the installation is taken, and the page says by which."""
    found = run("install", "ricoh", str(PCAPS / "ricoh-install.pcap"))
    given = run(
        "install", "ricoh", str(PCAPS / "ricoh-install.pcap"), "--server", "192.0.2.10", "--printer", "198.51.100.21"
    )
    assert "server 192.0.2.10 ⇄ printer 198.51.100.21" in found.stdout
    assert "addresses found by" in found.stdout
    assert "addresses found by" not in given.stdout
    assert found.returncode == given.returncode == 1
    one = run("install", "ricoh", str(PCAPS / "ricoh-install.pcap"), "--printer", "198.51.100.21").stdout
    assert "server 192.0.2.10" in one


def test_who_is_who_given_the_wrong_way_round_is_no_green() -> None:
    """With server and printer exchanged no step is shown to work."""
    result = run(
        "install",
        "ricoh",
        str(PCAPS / "ricoh-install.pcap"),
        "--server",
        "198.51.100.21",
        "--printer",
        "192.0.2.10",
        "--json",
    )
    assert "satisfied" not in {entry["verdict"] for entry in json.loads(result.stdout)["verdicts"]}
    assert result.returncode != 0


def test_two_printers_have_to_be_told_apart(tmp_path: Path) -> None:
    """Where several pairs could be meant they are named, and the command asks; exit code 2."""
    story = Story()
    for number in (1, 2):
        for at, port in enumerate((80, 443, 51443, 64098)):
            plays.http(story, SERVER, printer(number), port, at=number * 10.0 + at)
    path = tmp_path / "two.pcap"
    path.write_bytes(story.render())
    result = run("install", "ricoh", str(path))
    assert result.returncode == 2
    assert f"--printer {printer(1).address}" in result.stderr
    assert f"--printer {printer(2).address}" in result.stderr
    assert run("install", "ricoh", str(path), "--printer", printer(2).address).returncode in (0, 1, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("canon", "x.pcap"), "no vendor or terminal"),
        (("ricoh", str(PCAPS / "unrelated.pcap")), "--server and --printer"),
        (("ricoh", "nowhere.pcap"), "no such file"),
        (("ricoh", str(PCAPS / "ricoh-install.pcap"), "--server", "nobody"), "'nobody' is no address"),
        (("ricoh", "-"), "read only once"),
        (
            ("ricoh", str(PCAPS / "ricoh-install.pcap"), "--server", "192.0.2.10", "--printer", "192.0.2.10"),
            "the printer's address too",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_says_what_to_do(arguments: tuple[str, ...], said: str) -> None:
    """An unknown vendor, no such traffic, no such file, no address, a pipe without addresses: one message, exit code 2."""
    result = run("install", *arguments)
    assert result.returncode == 2
    assert said in result.stderr


def test_install_and_check_say_the_same() -> None:
    """For the rules they share, states and causes are those that ``check`` finds with a site file of the same two machines."""
    path = PCAPS / "ricoh-install.pcap"
    installed = json.loads(run("install", "ricoh", str(path), "--json").stdout)
    checked = json.loads(run("check", str(path), "--site", str(SITES / "ricoh-install.toml"), "--json").stdout)
    told = {entry["rule"]: entry for entry in checked["verdicts"]}
    for entry in installed["verdicts"]:
        other = told[entry["rule"]]
        assert (entry["verdict"], entry["severity"]) == (other["verdict"], other["severity"])
        assert [(port["port"], port["state"], port["cause"]) for port in entry["ports"]] == [
            (port["port"], port["state"], port["cause"]) for port in other["ports"]
        ]


def test_the_page_is_no_wider_than_the_screen() -> None:
    """Only display filters, which are there to be copied, may be longer than a line."""
    page = run("install", "ricoh", str(PCAPS / "ricoh-install.pcap")).stdout
    assert "NOT READY" in page
    assert [line for line in page.splitlines() if len(line) > 80 and "Wireshark: " not in line] == []
