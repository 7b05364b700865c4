"""The same over IPv6: one printer for each ICMPv6 code that means something (RFC 4443 section 3.1)."""

from samples.cast import SERVER, printer
from samples.expect import Expect, Found, Pair, Port
from samples.story import ROUTER, Host, Story
from samples.talk import tcp

CAUSES = {
    (1, 1): "icmp-admin-prohibited",
    (1, 5): "icmp-admin-prohibited",
    (1, 6): "icmp-admin-prohibited",
    (1, 3): "icmp-host-unreachable",
    (1, 0): "icmp-net-unreachable",
    (1, 4): "icmp-port-unreachable",
}


def printer6(number: int) -> Host:
    """Return a printer under its IPv6 address."""
    return printer(number).using(f"2001:db8:2::{20 + number}")


server, router = SERVER.using("2001:db8:1::10"), ROUTER.using("2001:db8:1::1")
story = Story()
findings: dict[Pair, Found] = {}
for number, ((kind, code), cause) in enumerate(CAUSES.items(), start=1):
    job = tcp(story, server, printer6(number), 9100, at=float(number))
    for _ in range(3):
        job.syn()
        job.icmp(kind, code, sender=router)
        job.wait(1.0)
    findings["server-to-printer/raw-delivery", "print-server", f"mfd-{number}"] = Found(
        "blocked", "violation", {9100: Port("blocked", cause, by=router.address)}
    )

# The printer itself: port unreachable is its refusal, "prohibited" its own firewall.
closed = tcp(story, server, printer6(7), 9100, at=12.0)
closed.syn()
closed.icmp(1, 4, sender=printer6(7))
findings["server-to-printer/raw-delivery", "print-server", "mfd-7"] = Found(
    "refused", "violation", {9100: Port("refused", "icmp-port-unreachable", by=printer6(7).address)}
)
own_firewall = tcp(story, server, printer6(8), 9100, at=14.0)
own_firewall.syn()
own_firewall.icmp(1, 1, sender=printer6(8))
findings["server-to-printer/raw-delivery", "print-server", "mfd-8"] = Found(
    "blocked", "violation", {9100: Port("blocked", "icmp-admin-prohibited", by=printer6(8).address)}
)

EXPECT = Expect(exit=1, findings=findings)

if __name__ == "__main__":
    story.save(__file__)
