"""Sub-labels that the first bytes of a flow do not tell: from the watched head of a job, and from discovery."""

from __future__ import annotations

from typing import Any

import pytest

from samples import speech
from tests.services.made import Talking, first, flow, labelled

UEL = b"\x1b%-12345X"
HEADER = UEL + b'@PJL JOB NAME="x"\r\n' + b"".join(b"@PJL SET OPTION%d=ON\r\n" % number for number in range(12))


def _job(data: bytes, port: int = 9100, *, watched: int = 1024, cut: int = 100, **facts: Any) -> dict[str, Any]:
    """Return the labels of a flow whose initiator sends ``data``, of which ``watched`` bytes were copied in pieces."""
    talk = Talking(1)
    for start in range(0, min(watched, len(data)), cut):
        talk.orig(data[start : min(start + cut, watched)])
    return first(labelled([flow(1, orig=data, **{"id.resp_p": port}, **facts)], [talk]))


@pytest.mark.parametrize(
    ("entered", "language"),
    [
        (b"PCLXL\r\n) HP-PCL XL;2;0", "pcl-xl"),
        (b"POSTSCRIPT\r\n%!PS-Adobe", "postscript"),
        (b"PDF\r\n%PDF-1.7", "pdf"),
        (b"PCL\r\n\x1bE", "pcl"),
        (b"ACL\r\n", "pjl"),
    ],
)
def test_the_language_of_a_job_stands_behind_a_long_header(entered: bytes, language: str) -> None:
    """The header alone fills what the flow table keeps; the watched head tells which language it enters."""
    data = HEADER + b"@PJL ENTER LANGUAGE=" + entered
    assert len(HEADER) > 128
    assert (_job(data)["service"], _job(data)["sublabel"]) == ("raw-print", language)
    assert _job(data, watched=0)["sublabel"] == "pjl"


def test_a_language_is_not_looked_for_beyond_the_head() -> None:
    assert _job(HEADER + bytes(1024) + b"LANGUAGE=PDF\r\n", watched=4096)["sublabel"] == "pjl"


def test_the_mark_of_a_client_is_found_and_its_user_is_not_told() -> None:
    """The mark makes a job one of the product's client; on the port of LPR it stays a job of LPR."""
    data = HEADER + b"%%%SmartQ-For: someone\r\n" + UEL
    assert _job(data)["service"] == "safeq-client"
    row = _job(b"\x02safeq\n\x03900 dfA001host\n" + data, 515)
    assert (row["service"], row["sublabel"]) == ("lpr", "receive job, safeq client")
    assert "someone" not in repr(_job(data)) + repr(row)


_LONG = b"Host: printer\r\nUser-Agent: " + b"a" * 120 + b"\r\n"


@pytest.mark.parametrize(
    "told", [b'SOAPAction: "urn:x"\r\nContent-Type: text/xml', b"soapaction: x", b"Content-Type: application/soap+xml"]
)
def test_a_web_service_is_called_behind_long_headers(told: bytes) -> None:
    """Where the port is watched; what only looks like it in the first bytes is nothing more than the web."""
    asked = b"POST /device HTTP/1.1\r\n" + _LONG + told + b"\r\n\r\n<x/>"
    assert (_job(asked, 50001)["service"], _job(asked, 50001)["sublabel"]) == ("http", "soap")
    assert _job(asked, 50001, watched=0)["sublabel"] is None
    assert _job(asked.replace(told, b"Content-Type: text/html"), 50001)["sublabel"] is None


@pytest.mark.parametrize("port", [80, 50001])
def test_a_web_service_answers_behind_long_headers(port: int) -> None:
    """The watched beginning of its answer tells it on any port; the text of a page does not, nor does an answer of IPP."""
    asked = b"POST /device HTTP/1.1\r\n" + _LONG + b"\r\n"
    answer = b"HTTP/1.1 200 OK\r\n" + _LONG[:140] + b"\r\nContent-Type: application/soap+xml\r\n\r\n"

    def told(said: bytes) -> tuple[str | None, str | None]:
        made = flow(1, orig=asked, resp=said, **{"id.resp_p": port})
        row = first(labelled([made], [Talking(1).resp(said[:256])]))
        return row["service"], row["sublabel"]

    assert told(answer) == ("http", "soap")
    assert told(answer.replace(b"application/soap+xml", b"text/html; charset=x")) == ("http", None)
    assert told(b"HTTP/1.1 200 OK\r\n" + b"x" * 300 + b"application/soap+xml") == ("http", None)


def test_a_type_behind_long_headers_tells_what_is_posted() -> None:
    """On the port of IPP a POST is taken for it until its type is seen; elsewhere the type decides, wherever it stands."""
    head = b"POST /login HTTP/1.1\r\nHost: printer\r\nUser-Agent: " + b"a" * 120 + b"\r\nContent-Type: "
    assert _job(head + b"text/html\r\n\r\n", 631, watched=0)["service"] == "ipp"
    assert _job(head + b"text/html\r\n\r\n", 631)["service"] == "http"
    assert _job(head + b"application/ipp\r\n\r\n", 8631)["service"] == "ipp"
    assert _job(head + b"application/ipp\r\n\r\n", 80, watched=0)["service"] == "http"


def test_a_flow_whose_direction_was_guessed_keeps_what_its_first_bytes_say() -> None:
    """Its watched head may be that of the responder."""
    assert _job(HEADER + b"@PJL ENTER LANGUAGE=PDF\r\n%PDF-1.7", guessed=True)["sublabel"] == "pjl"


def _name(*labels: bytes) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\x00"


def _message(*labels: bytes, answer: bool, more: bytes = b"") -> bytes:
    flags, counts = (b"\x84\x00", b"\x00\x00\x00\x01") if answer else (b"\x00\x00", b"\x00\x01\x00\x00")
    return b"\x00\x00" + flags + counts + bytes(4) + _name(*labels) + b"\x00\x0c\x00\x01" + more


IPP = (b"_ipp", b"_tcp", b"local")
AIRPRINT = (b"_universal", b"_sub", b"_ipp", b"_tcp", b"local")
PORT_9100 = (b"_pdl-datastream", b"_tcp", b"local")


@pytest.mark.parametrize(
    ("messages", "types"),
    [
        ([_message(*IPP, answer=False)], "asks _ipp._tcp"),
        ([_message(*IPP, answer=False, more=b"\x05_ipps\xc0\x11\x00\x0c\x00\x01")], "asks _ipp._tcp, _ipps._tcp"),
        ([_message(*AIRPRINT, answer=False)], "asks _ipp._tcp, _universal._sub._ipp._tcp"),
        (
            [_message(*IPP, answer=False), _message(b"\xc3\x84mter of someone", *PORT_9100, answer=True)],
            "asks _ipp._tcp; offers _pdl-datastream._tcp",
        ),
        ([_message(b"_services", b"_dns-sd", b"_udp", b"local", answer=False)], "asks _services._dns-sd._udp"),
        ([_message(b"_spotify-connect", b"_tcp", b"local", answer=False)], None),
        ([_message(b"printer", b"local", answer=False)], None),
        ([speech.mdns_announcement()], "offers _ipp._tcp"),
    ],
)
def test_discovery_says_which_services_are_sought_and_offered(messages: list[bytes], types: str | None) -> None:
    """Types of a print site by name, of all datagrams of a flow; never the names of devices."""
    talk = Talking(1)
    for message in messages:
        talk.orig(message)
    made = flow(1, proto="udp", orig=messages[0], **{"id.resp_h": "224.0.0.251", "id.resp_p": 5353})
    row = first(labelled([made], [talk]))
    assert (row["service"], row["sublabel"]) == ("mdns", types)
    assert "someone" not in repr(row)


def test_a_type_may_be_asked_for_by_unicast_too() -> None:
    asked = _message(b"_ipps", b"_tcp", b"print", b"example", answer=False)
    made = flow(1, proto="udp", orig=asked, **{"id.resp_p": 53})
    row = first(labelled([made], [Talking(1).orig(asked)]))
    assert (row["service"], row["sublabel"]) == ("dns", "asks _ipps._tcp")
