"""``analyser learn``: what is the same is told, what people said is not, and a draft labels what it was made from."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from analyser.services.learning import CLOSE, LONGEST_WORD
from samples.cast import SERVER, printer, workstation
from samples.story import Story
from samples.talk import tcp
from tests.cli.running import PCAPS, run

MAGIC = b"\xa7\x51\x00\x02"


def capture(folder: Path, *, clients: int = 4, port: int = 5555) -> Path:
    """Write a capture of clients that speak something of their own: a magic, a length, a name; and one that says less."""
    story = Story()
    for number in range(clients):
        name = f"user{number:03}secret".encode() * (1 + number)
        talk = tcp(story, workstation(number + 1), SERVER, port, at=1.0 + number)
        talk.open()
        talk.say(MAGIC + (len(name)).to_bytes(2, "big") + b"HELLOWORLDSOFTHESAME" + name)
        talk.answer(MAGIC[:2] + b"\x01\x00" + bytes([number]))
        talk.close("client")
    other = tcp(story, printer(1), SERVER, 6666, at=90.0)
    other.open()
    other.say(b"\x01\x02\x03\x04 alone")
    path = folder / "own.pcap"
    path.write_bytes(story.render())
    return path


def test_what_is_the_same_is_told_and_names_are_not(tmp_path: Path) -> None:
    """Constant bytes are shown up to a few letters of a word; what differs between flows is not, nor what one flow said."""
    result = run("learn", str(capture(tmp_path)))
    assert result.returncode == 0
    assert "5 of 5 flows with payload have no label" in result.stdout
    assert "TCP 5555  4 flows, 4 initiators, 1 responder; the initiator speaks first" in result.stdout
    page = " ".join(result.stdout.split())
    assert "begins a7 51 00 02 00 .. 48 45 4c 4c 4f 57 4f 52" in page
    assert "begins a7 51 01 00" in page
    assert "secret" not in result.stdout
    assert "WORLDSOF" not in result.stdout  # LONGEST_WORD letters, and no more
    assert len("HELLOWOR") == LONGEST_WORD
    assert "01 02 03 04" not in result.stdout  # one flow proves nothing, and may be anybody's words


def test_of_one_client_only_the_very_beginning_is_told(tmp_path: Path) -> None:
    """Several flows of the same initiator may have its user's name in common."""
    story = Story()
    for at in range(4):
        talk = tcp(story, workstation(1), SERVER, 5555, at=1.0 + at)
        talk.open()
        talk.say(b"\xa7\x51\x00\x02jsmith")
        talk.close("client")
    path = tmp_path / "one.pcap"
    path.write_bytes(story.render())
    group = json.loads(run("learn", str(path), "--json").stdout)["groups"][0]
    assert group["initiator"]["bytes"] == "a7 51 00 02"
    assert len(group["initiator"]["bytes"].split()) == CLOSE
    assert "6a 73" not in json.dumps(group)


def test_a_length_is_found(tmp_path: Path) -> None:
    """A number that is always the length of what follows is told with its place and order."""
    story = Story()
    for number in range(5):
        talk = tcp(story, workstation(number + 1), SERVER, 5556, at=1.0 + number)
        talk.open()
        talk.say(b"\x07" + (10 + number).to_bytes(2, "little") + bytes(range(10 + number)))
        talk.close("client")
    path = tmp_path / "length.pcap"
    path.write_bytes(story.render())
    (group,) = json.loads(run("learn", str(path), "--json").stdout)["groups"]
    assert group["initiator"]["length_field"] == "16 bits, little-endian, at byte 1: length of all but 3 bytes"


def test_a_draft_labels_the_flows_it_was_made_from(tmp_path: Path) -> None:
    """Written, linted, used: the same flows have the draft's name from their bytes, and no other flow has."""
    path, drafts, table = capture(tmp_path), tmp_path / "drafts", tmp_path / "flows.parquet"
    assert run("learn", str(path), "-o", str(drafts), "-q").returncode == 0
    (file,) = drafts.iterdir()
    assert file.name == "unknown-tcp-5555.toml"
    linted = run("rules", "lint", str(drafts))
    assert linted.returncode == 0, linted.stdout
    assert run("flows", str(path), "--signatures", str(drafts), "-o", str(table), "-q").returncode == 0
    flows = pl.read_parquet(table)
    labelled = flows.filter(pl.col("service") == "unknown-tcp-5555")
    assert labelled["id.resp_p"].to_list() == [5555] * 4
    assert set(labelled["basis"].to_list()) == {"payload"}
    assert "4 of 5" not in run("learn", str(path), "--signatures", str(drafts)).stdout
    assert "1 of 5 flows" in run("learn", str(path), "--signatures", str(drafts)).stdout


def test_a_site_may_bring_its_signatures(tmp_path: Path) -> None:
    """A folder named in a site file proves the product's own protocol by its bytes; the site's digest covers it."""
    path, drafts = capture(tmp_path), tmp_path / "own"
    assert run("learn", str(path), "-o", str(drafts), "-q").returncode == 0
    text = (drafts / "unknown-tcp-5555.toml").read_text(encoding="utf-8").replace('"unknown-tcp-5555"', '"ymq"')
    (drafts / "unknown-tcp-5555.toml").unlink()
    (drafts / "ymq.toml").write_text(text, encoding="utf-8")
    site = tmp_path / "site.toml"
    words = """name = "Own"
{}
[[host]]
name = "server"
addresses = ["192.0.2.10"]
roles = ["spooler-controller"]
[[network]]
name = "office"
cidr = "203.0.113.0/24"
roles = ["workstation"]
"""
    found, digests = [], []
    for line in ("", 'signatures = ["own"]'):
        site.write_text(words.format(line), encoding="utf-8")
        document = json.loads(run("check", str(path), "--site", str(site), "--json").stdout)
        digests.append(document["site"]["sha256"])
        found += [
            (port["service"], port["basis"])
            for entry in document["verdicts"]
            if entry["verdict"] == "satisfied" and entry["rule"].endswith("/spooler-controller")
            for port in entry["ports"]
        ]
    assert list(dict.fromkeys(found)) == [("ymq", "port"), ("ymq", "payload")]
    (drafts / "ymq.toml").write_text(text + "\n", encoding="utf-8")
    digests.append(json.loads(run("check", str(path), "--site", str(site), "--json").stdout)["site"]["sha256"])
    assert len(set(digests)) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('service = "x y"', "'x y' is no service"),
        ("service = ", "not a TOML file"),
        ('service = "own"\nodd = 1', "odd"),
    ],
)
def test_mistakes_in_own_signatures_are_told(text: str, said: str, tmp_path: Path) -> None:
    """A signature that cannot be used ends the command with file, line and key; exit code 2."""
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    result = run("flows", str(PCAPS / "ricoh-install.pcap"), "--signatures", str(tmp_path))
    assert result.returncode == 2
    assert "own.toml:1" in result.stderr
    assert said in result.stderr


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A site that names no folder, and an option that does, say so."""
    site = tmp_path / "site.toml"
    site.write_text(
        'name = "x"\nsignatures = ["none"]\n[[host]]\nname="a"\naddresses=["192.0.2.1"]\nroles=["mfd"]\n',
        encoding="utf-8",
    )
    result = run("check", str(PCAPS / "ricoh-install.pcap"), "--site", str(site))
    assert result.returncode == 2
    assert "signatures" in result.stderr
    assert run("flows", str(PCAPS / "ricoh-install.pcap"), "--signatures", str(tmp_path / "none")).returncode == 2


def test_where_everything_has_a_label_nothing_is_learnt() -> None:
    """A capture whose flows all have their names gives no group; one without payload is inconclusive."""
    assert run("learn", str(PCAPS / "no-packets.pcap")).returncode in (2, 3)
    document = json.loads(run("learn", str(PCAPS / "ricoh-install.pcap"), "--json").stdout)
    assert document["schema"] == "analyser/learn/1"
    assert document["unlabelled"] == sum(group["flows"] for group in document["groups"])
