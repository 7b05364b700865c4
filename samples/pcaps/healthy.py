"""A small site in which everything that is required works, seen from the servers' switch.

One Management Server, one Site Server, an HP printer with an embedded terminal, a workstation, a directory. What
servers say to themselves is loopback and cannot be on this wire: those rows stay not observable, and that is no
fault.
"""

from samples import plays, speech
from samples.cast import printer, workstation
from samples.expect import Expect, Found, Port
from samples.story import Host, Story
from samples.talk import tcp, udp

management = Host(name="management-1", address="192.0.2.20", ttl=128)
site_server = Host(name="site-server-1", address="192.0.2.10", ttl=128)
directory = Host(name="directory", address="192.0.2.53", ttl=128)
mfd, user = printer(), workstation()
story = Story()

# The morning: names, time, directory.
for at, asker in ((0.1, management), (0.2, site_server)):
    question = udp(story, asker, directory, 53, at=at)
    question.say(speech.dns_query("management-1.example"))
    question.answer(speech.dns_answer("management-1.example", management.address))
udp(story, site_server, directory, 123, at=0.5, source_port=123).say(speech.ntp_request())
plays.tls(story, management, directory, 636, at=0.8, subject="directory")

# People: the administrator's browser, a user's own page, and the client that prints.
plays.tls(story, user, management, 443, at=2.0, subject="management-1")
plays.tls(story, user, site_server, 9443, at=2.5, subject="site-server-1")
plays.private(story, user, site_server, 5555, at=3.0)
plays.exchange(story, user, site_server, 9100, speech.opaque(900), speech.opaque(16), at=4.0)

# Servers among themselves.
plays.private(story, site_server, management, 6010, at=5.0)

# The printer is looked over, set up, and reports home.
for at, number in ((6.0, 4001), (36.0, 4002)):
    plays.snmp(story, site_server, mfd, at=at, number=number)
plays.tls(story, site_server, mfd, 7627, at=7.0, subject="HP MFP E87660")
plays.tls(story, mfd, site_server, 5022, at=9.0, subject="site-server-1")
plays.tls(story, mfd, site_server, 5025, at=10.0, subject="site-server-1")

# A job goes out and a scan comes back, over passive FTP.
plays.raw_print(story, site_server, mfd, at=12.0, pages=20)
control = plays.ftp_login(story, mfd, site_server, at=20.0)
control.say(b"PASV\r\n")
control.answer(b"227 Entering Passive Mode (192,0,2,10,199,44)\r\n")
control.say(b"STOR scan-0001.pdf\r\n")
data = tcp(story, mfd, site_server, 199 * 256 + 44, at=control.at + 0.01)
control.answer(b"150 go ahead\r\n")
data.open()
data.say(b"%PDF-1.7\n" + bytes(4000))
data.close()
control.wait(0.2)
control.answer(b"226 stored\r\n")
control.close()

EXPECT = Expect(
    exit=0,
    fine={
        ("workstation-to-server/administration-web", "workstation-1", "management-1"): Found(
            "satisfied", "ok", {443: Port("open")}
        ),
        ("workstation-to-server/end-user-web", "workstation-1", "site-server-1"): Found(
            "satisfied", "ok", {9443: Port("open")}
        ),
        ("workstation-to-server/client-jobs", "workstation-1", "site-server-1"): Found(
            "satisfied", "ok", {9100: Port("open")}
        ),
        ("workstation-outbound/spooler-controller", "workstation-1", "site-server-1"): Found(
            "satisfied", "ok", {5555: Port("open")}
        ),
        ("server-to-printer/raw-delivery", "site-server-1", "mfd-1"): Found("satisfied", "ok", {9100: Port("open")}),
        ("server-to-printer/ipp-delivery", None, "mfd-1"): Found("unused", "ok"),
        ("server-to-printer/snmp-accounting", "site-server-1", "mfd-1"): Found("satisfied", "ok", {161: Port("open")}),
        ("server-to-printer/snmp-install-check", "site-server-1", "mfd-1"): Found(
            "satisfied", "ok", {161: Port("open")}
        ),
        ("server-to-printer/hp-install", "site-server-1", "mfd-1"): Found("satisfied", "ok", {7627: Port("open")}),
        ("printer-to-server/terminal-application", "mfd-1", "site-server-1"): Found(
            "satisfied", "ok", {5022: Port("open")}
        ),
        ("printer-to-server/hp-web-services", "mfd-1", "site-server-1"): Found("satisfied", "ok", {5025: Port("open")}),
        ("printer-to-server/ftp-scanning", "mfd-1", "site-server-1"): Found("satisfied", "ok", {21: Port("open")}),
        ("printer-to-server/ftp-passive-data", "mfd-1", "site-server-1"): Found(
            "satisfied", "ok", {50988: Port("open")}
        ),
        ("inter-server/management-synchronization", "site-server-1", "management-1"): Found(
            "satisfied", "ok", {6010: Port("open")}
        ),
        ("other/ldap-tls", "management-1", "directory"): Found("satisfied", "ok", {636: Port("open")}),
        ("printer-to-server/spooler-controller", "site-server-1", "site-server-1"): Found("inconclusive", "notice"),
    },
)

if __name__ == "__main__":
    story.save(__file__)
