"""A Ricoh embedded terminal is installed, and the firewall between servers and printers forgot two ports.

Taken beside the server. The installer reaches the printer's web pages and its SDK service, but its SYNs to 51443 and
64098 vanish; the printer never answers SNMP, which may have three reasons. The printer talks to the terminal server
on 5022 and has not come to accounting on 5012 yet.
"""

from samples import plays, speech
from samples.expect import NOBODY, Expect, Found, Port
from samples.story import ROUTER, Host, Story
from samples.talk import tcp, udp

server = Host(name="site-server-1", address="192.0.2.10", ttl=128)
printer = Host(name="mfd-3rd-floor", address="198.51.100.21", segment="printers", ttl=64, delay=0.0014)
resolver = Host(name="resolver", address="192.0.2.53", ttl=64)

story = Story()

# Life around it: the server knows its router, asks for the time and resolves the printer's name.
story.arp(0.0, server, ROUTER)
question = udp(story, server, resolver, 53, at=0.4)
question.say(speech.dns_query("mfd-3rd-floor.example"))
question.answer(speech.dns_answer("mfd-3rd-floor.example", printer.address))
udp(story, server, resolver, 123, at=1.1, source_port=123).say(speech.ntp_request())

# The installer reads the printer's web pages; they answer in the clear and, with the device certificate, in TLS.
for at in (2.0, 2.3, 2.6, 9.0, 21.5, 47.0, 82.0, 101.0, 124.0):
    plays.http(story, server, printer, 80, at=at, path="/webArch/mainFrame.cgi")
for at in (3.2, 10.4, 48.2, 125.0):
    plays.tls(story, server, printer, 443, at=at, subject="RICOH IM C3000")
for at in (4.1, 22.6, 103.0):
    plays.http(story, server, printer, 8080, at=at, path="/rws/status")

# It wants model and serial number by SNMP: the same question five times, and silence.
inventory = udp(story, server, printer, 161, at=5.0)
for _ in range(5):
    inventory.say(speech.snmp_get(4001))
    inventory.wait(5.0)

# The two ports that nobody asked the firewall team for: seven SYNs each within 63 seconds.
tcp(story, server, printer, 51443, at=12.0).knock(times=7)
tcp(story, server, printer, 64098, at=14.5).knock(times=7)

# Meanwhile the terminal application on the printer keeps its session with the terminal server.
plays.every(18.0, 130.0, lambda at: plays.tls(story, printer, server, 5022, at=at, subject="site-server-1"), start=6.5)
plays.http(story, server, printer, 80, at=134.0, path="/webArch/mainFrame.cgi")

_RICOH = ("server-to-printer/ricoh-install", "site-server-1", "mfd-3rd-floor")
_BLOCKED = Port("blocked", "no-answer", by=NOBODY, confidence="high")
_SILENT = Found("unanswered", "violation", {161: Port("unanswered", "no-answer")})

EXPECT = Expect(
    exit=1,
    findings={
        _RICOH: Found(
            "blocked",
            "violation",
            {80: Port("open"), 443: Port("open"), 8080: Port("open"), 51443: _BLOCKED, 64098: _BLOCKED},
        ),
        ("server-to-printer/snmp-accounting", "site-server-1", "mfd-3rd-floor"): _SILENT,
        ("server-to-printer/snmp-install-check", "site-server-1", "mfd-3rd-floor"): _SILENT,
        ("printer-to-server/ricoh-accounting", "mfd-3rd-floor", None): Found(
            "missing", "warning", {5012: Port("not-attempted")}
        ),
    },
    fine={
        ("printer-to-server/terminal-application", "mfd-3rd-floor", "site-server-1"): Found(
            "satisfied", "ok", {5022: Port("open")}
        ),
    },
    infrastructure={"dns": 1, "ntp": 1},
)

if __name__ == "__main__":
    story.save(__file__)
