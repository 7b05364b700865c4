"""A site file to begin with: the addresses of a capture, the ports they use, and the roles that these suggest.

Knows the flow table and the shape of a site file. Every role in it is a guess and says why; an address without
one stands in a comment. The text is a site file that ``load_site`` takes as it is.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import polars as pl

from analyser.model.vocabulary import VENDORS
from analyser.policy.guessing import Guess, Talk, guess_roles, is_unicast
from analyser.policy.packs import DEFAULT_PACKS, load_pack

MOST_HOSTS: Final = 200
"""Addresses that are looked at, the busiest first."""
MOST_COMMENTS: Final = 40
"""Addresses without a guess that are listed."""
MANY: Final = 3
"""Workstations of one prefix from which on the prefix is proposed instead of each of them."""

_HEAD: Final = """\
# A site file to begin with, made from the traffic of a capture. Every role below is a guess from
# ports: correct it, give the hosts names, add what the capture did not show. Several roles on one
# host are normal; "site-server" and "management-server" stand for the usual sets.

name  = "my-site"
rules = [{packs}]
# features = []   # left out, they follow from the roles; list them to switch rows on and off
"""


def starter_site(flows: Iterable[pl.DataFrame]) -> str:
    """Return the text of a site file for flows that are given in parts.

    Each part needs the columns id.orig_h, id.resp_h, id.resp_p, proto, service, orig_pkts and resp_pkts of the
    flow table.
    """
    table = _conversations(flows)
    guesses = guess_roles(_talks(table), [load_pack(name) for name in DEFAULT_PACKS])
    known = [guess for guess in guesses.values() if guess.roles]
    crowds, single = _crowds(known)
    parts = [_HEAD.format(packs=", ".join(f'"{name}"' for name in DEFAULT_PACKS))]
    parts += _hosts(single)
    parts += [_network(prefix, members, place) for place, (prefix, members) in enumerate(sorted(crowds.items()), 1)]
    if not known:
        parts.append(_placeholder(guesses))
    parts.append(_unknown([guess for guess in guesses.values() if not guess.roles], table))
    return "\n".join(part for part in parts if part)


def _conversations(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return who asked whom for what, the busiest first, limited to the busiest addresses."""
    order = ["answered", "packets", "initiator", "responder", "port"]
    wanted = pl.concat(map(_asked, parts)).sort(order, descending=[True, True, False, False, False])
    addresses = pl.concat([wanted["initiator"], wanted["responder"].alias("initiator")])
    busiest = [
        address
        for address in addresses.unique(maintain_order=True).head(MOST_HOSTS * 4).to_list()
        if is_unicast(address)
    ][:MOST_HOSTS]
    return wanted.filter(pl.col("initiator").is_in(busiest), pl.col("responder").is_in(busiest)).head(MOST_HOSTS * 50)


def _asked(flows: pl.DataFrame) -> pl.DataFrame:
    """Return who asked whom for what; what two addresses asked of each other is in one part of the flows."""
    return (
        flows.lazy()
        .filter(pl.col("proto").is_in(["tcp", "udp"]))
        .group_by(
            initiator="id.orig_h", responder="id.resp_h", transport="proto", port=pl.col("id.resp_p").cast(pl.Int32)
        )
        .agg(
            answered=(pl.col("resp_pkts") > 0).any(),
            packets=(pl.col("orig_pkts") + pl.col("resp_pkts")).sum().cast(pl.Int64),
            service=pl.col("service").drop_nulls().first(),
        )
        .collect()
    )


def _talks(table: pl.DataFrame) -> list[Talk]:
    return [Talk(**row) for row in table.drop("packets", "service").iter_rows(named=True)]


def _crowds(known: Iterable[Guess]) -> tuple[dict[str, list[Guess]], list[Guess]]:
    """Take workstations of one prefix together where they are many; return them and all others."""
    prefixes: dict[str, list[Guess]] = defaultdict(list)
    single = []
    for guess in known:
        if guess.roles == ["workstation"]:
            prefixes[_prefix(guess.address)].append(guess)
        else:
            single.append(guess)
    crowds = {prefix: members for prefix, members in prefixes.items() if len(members) >= MANY}
    single += [guess for prefix, members in prefixes.items() if prefix not in crowds for guess in members]
    return crowds, single


def _prefix(address: str) -> str:
    length = 64 if ":" in address else 24
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


def _order(guess: Guess) -> tuple[int, bytes]:
    address = ipaddress.ip_address(guess.address)
    return address.version, address.packed


def _hosts(guesses: Iterable[Guess]) -> list[str]:
    numbers: Counter[str] = Counter()
    blocks = []
    for guess in sorted(guesses, key=_order):
        kind = "server" if len(guess.roles) > 1 else guess.roles[0]
        numbers[kind] += 1
        lines = [
            f"# {_because(guess)}",
            "[[host]]",
            f'name = "{kind}-{numbers[kind]}"',
            f'addresses = ["{guess.address}"]',
            f"roles = [{', '.join(_quoted(guess.roles))}]",
        ]
        if "mfd" in guess.roles:
            lines.append(
                f'vendor = "{guess.vendor}"' if guess.vendor else f'# vendor = "..."   # one of {", ".join(VENDORS)}'
            )
            lines.append(
                f'terminal = "{guess.terminal}"' if guess.terminal else '# terminal = "..."   # embedded, native, none'
            )
        blocks.append("\n".join(lines) + "\n")
    return blocks


def _because(guess: Guess) -> str:
    reasons = ", ".join(guess.because[:6]) + (" ..." if len(guess.because) > 6 else "")
    return reasons if guess.sure else f"perhaps: {reasons}"


def _quoted(words: Iterable[str]) -> list[str]:
    return [f'"{word}"' for word in words]


def _network(prefix: str, members: Sequence[Guess], place: int) -> str:
    return "\n".join(
        [
            f"# {len(members)} addresses of this prefix behave like workstations; the prefix itself is a guess",
            "[[network]]",
            f'name = "workstations-{place}"',
            f'cidr = "{prefix}"',
            'roles = ["workstation"]',
            "",
        ]
    )


def _placeholder(guesses: Mapping[str, Guess]) -> str:
    prefix = _prefix(next(iter(guesses), "192.0.2.0"))
    return (
        "# No port of the matrix was seen, so that nothing is known of any address. This entry only\n"
        "# makes the file complete: replace it.\n"
        f'[[network]]\nname = "clients"\ncidr = "{prefix}"\nroles = ["workstation"]\n'
    )


def _unknown(guesses: Sequence[Guess], table: pl.DataFrame) -> str:
    """Return comments about the addresses that nothing is known of, with what they did most."""
    if not guesses:
        return ""
    lines = ["# Seen, without a guess:"]
    for guess in sorted(guesses[:MOST_COMMENTS], key=_order):
        did = []
        for verb, end in (("answers", "responder"), ("opens", "initiator")):
            mine = table.filter(pl.col(end) == guess.address).unique(["transport", "port"], maintain_order=True)
            did += [
                f"{verb} {row['transport'].upper()} {row['port']}" + (f" ({row['service']})" if row["service"] else "")
                for row in mine.head(3).iter_rows(named=True)
            ]
        lines.append(f"#   {guess.address}: {', '.join(did)}")
    if len(guesses) > MOST_COMMENTS:
        lines.append(f"#   ... and {len(guesses) - MOST_COMMENTS} more")
    return "\n".join(lines) + "\n"
