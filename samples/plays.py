"""Everyday exchanges that work: one call each, so that a story need only spell out what goes wrong.

Knows how an application uses a conversation (who greets, who closes); hosts, ports and times come from the story.
"""

from __future__ import annotations

from collections.abc import Callable

from samples import speech
from samples.story import Host, Story
from samples.talk import Tcp, Udp, tcp, udp


def exchange(story: Story, client: Host, server: Host, port: int, question: bytes, answer: bytes, *, at: float) -> Tcp:
    """Open a connection, ask once, be answered, close; return it."""
    talk = tcp(story, client, server, port, at=at)
    talk.open()
    talk.say(question)
    talk.answer(answer)
    talk.close()
    return talk


def http(story: Story, client: Host, server: Host, port: int, *, at: float, path: str = "/") -> Tcp:
    """Fetch a page in the clear."""
    return exchange(
        story, client, server, port, speech.http_request("GET", path, server.address), speech.http_reply(), at=at
    )


def tls(story: Story, client: Host, server: Host, port: int, *, at: float, subject: str = "sample device") -> Tcp:
    """Shake hands for TLS 1.2 and exchange encrypted data."""
    talk = tcp(story, client, server, port, at=at)
    talk.open()
    talk.say(speech.tls_client_hello())
    talk.answer(speech.tls_server_hello(subject))
    talk.say(speech.tls_client_finish())
    talk.answer(speech.tls_server_finish())
    talk.say(speech.tls_data(420))
    talk.answer(speech.tls_data(780))
    talk.close()
    return talk


def private(story: Story, client: Host, server: Host, port: int, *, at: float) -> Tcp:
    """Speak a protocol that nobody published."""
    return exchange(story, client, server, port, speech.opaque(96), speech.opaque(64), at=at)


def ipp(story: Story, client: Host, server: Host, port: int, *, at: float) -> Tcp:
    """Ask a printer for its attributes."""
    return exchange(story, client, server, port, speech.ipp_request(server.address), speech.ipp_reply(), at=at)


def raw_print(story: Story, client: Host, server: Host, port: int = 9100, *, at: float, pages: int = 4) -> Tcp:
    """Send a job over a raw connection; the printer never answers in its stream."""
    talk = tcp(story, client, server, port, at=at)
    talk.open()
    talk.say(speech.print_job(pages))
    talk.close()
    return talk


def lpr(story: Story, client: Host, server: Host, port: int = 515, *, at: float) -> Tcp:
    """Announce a job by LPD; the printer accepts with a zero byte."""
    return exchange(story, client, server, port, speech.lpr_receive_job(), b"\0", at=at)


def ssh(story: Story, client: Host, server: Host, port: int = 22, *, at: float) -> Tcp:
    """Let both sides identify themselves, the server first."""
    talk = tcp(story, client, server, port, at=at)
    talk.open()
    talk.answer(speech.ssh_banner("sample_server_1.0"))
    talk.say(speech.ssh_banner("sample_client_1.0"))
    talk.close()
    return talk


def snmp(story: Story, client: Host, server: Host, *, at: float, number: int = 4001) -> Udp:
    """Read one value by SNMP."""
    talk = udp(story, client, server, 161, at=at)
    talk.say(speech.snmp_get(number))
    talk.answer(speech.snmp_response(number))
    return talk


def ftp_login(story: Story, client: Host, server: Host, port: int = 21, *, at: float) -> Tcp:
    """Open an FTP control connection and log in; the story goes on with PORT or PASV (RFC 959)."""
    talk = tcp(story, client, server, port, at=at)
    talk.open()
    talk.answer(b"220 sample FTP service\r\n")
    for line, reply in ((b"USER sample\r\n", b"331 go on\r\n"), (b"PASS sample\r\n", b"230 logged in\r\n")):
        talk.say(line)
        talk.answer(reply)
    return talk


def probe(story: Story, client: Host, server: Host, port: int, *, at: float) -> Tcp:
    """Test a port as a load balancer does: shake hands, then reset without a word."""
    talk = tcp(story, client, server, port, at=at)
    talk.open()
    talk.reset("client")
    return talk


def every(seconds: float, until: float, step: Callable[[float], object], start: float = 0.0) -> None:
    """Call ``step`` with the time, again and again, from ``start`` before ``until``."""
    at = start
    while at < until:
        step(at)
        at += seconds
