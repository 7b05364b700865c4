"""Connection state, history and direction, read from the record: Zeek's words, no second state machine.

Knows what the counters of the two sides say together. It must not know tables or packets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analyser.flows.layout import ACKS_LATER, OPENED_BY_SYN, OPENED_GUESSED, OPENED_HIGH
from analyser.flows.records import Records
from analyser.machine.native import kernel
from analyser.model.flow import ConnState

Array = NDArray[Any]
LETTERS = "shadfrtw"
_NUMBERS: Final = {state: number for number, state in enumerate(ConnState)}
_WORDS: Final = pl.Series([str(state) for state in ConnState])


def expected_ports(ports: Mapping[str, frozenset[int]]) -> Array:
    """Return for TCP and for UDP, of each port, whether a responder is expected there. ``ports``: those ports per transport."""
    table = np.zeros((2, 1 << 16), np.uint8)
    for row, transport in enumerate(("tcp", "udp")):
        table[row, list(ports.get(transport, ()))] = 1
    return table


def orientation_of(records: Records, ports: Mapping[str, frozenset[int]]) -> tuple[Array, Array, Array]:
    """Say of each flow whether its side 1 opened it, whether a SYN tells so, and whether that is a guess.

    ``ports``: responder ports per transport, for flows that were running already.
    """
    told = np.empty(len(records), np.uint8)
    kernel("orient")(records.flows, records.sides, expected_ports(ports), told)
    high, by_syn, guessed = ((told & bit) > 0 for bit in (OPENED_HIGH, OPENED_BY_SYN, OPENED_GUESSED))
    return high, by_syn, guessed


def conn_states(protocol: Array, orig: Array, resp: Array, orig_has_data: Array, resp_has_data: Array) -> pl.Series:
    """Return Zeek's ``conn_state`` per flow, from the SIDE rows of initiator and responder.

    The words and their order are those of Zeek's conn.log, where an end that never showed a SYN of the handshake is
    "quiet" although it speaks, and a RST that follows the sender's own FIN does not undo a close by both. Unlike Zeek, a
    RST that says SYN or FIN too is a RST and nothing else.
    """
    o_seen, r_seen = orig["pkts"] > 0, resp["pkts"] > 0
    o_syn, r_syn = orig["nsyn"] > 0, (resp["nsynack"] > 0) | (resp["nsyn"] > 0)
    o_fin, r_fin = orig["nfin"] > 0, resp["nfin"] > 0
    o_rst, r_rst = orig["nrst"] > 0, resp["nrst"] > 0
    o_opened = o_syn | (orig["nsynack"] > 0)
    o_joined = r_syn & (o_syn | (((orig["acks"] & ACKS_LATER) > 0) & ~o_opened))
    o_quiet, r_quiet = ~o_opened & ~o_joined, ~r_syn
    closed = (
        o_fin & r_fin & ~(o_rst & _precedes(orig, "rst", orig, "fin")) & ~(r_rst & _precedes(resp, "rst", resp, "fin"))
    )  # fmt: skip
    nothing_said = ~orig_has_data & ~resp_has_data
    only_acks = ~r_seen | (r_quiet & ~r_fin & ~r_rst & ~resp_has_data)
    tcp = np.select(
        [
            closed,
            r_rst & ((o_opened & (r_quiet | ~o_syn) & ~o_fin & ~o_rst) | (o_rst & nothing_said)),
            r_rst & o_quiet & ~o_fin & ~o_rst,
            r_rst,
            o_rst & r_quiet & ~r_fin,
            o_rst,
            o_fin & r_quiet & ~r_fin,
            o_fin,
            r_fin & o_quiet,
            r_fin,
            o_syn & only_acks,
            o_joined,
        ],
        [_NUMBERS[state] for state in (
            ConnState.SF, ConnState.REJ, ConnState.RSTRH, ConnState.RSTR, ConnState.RSTOS0, ConnState.RSTO,
            ConnState.SH, ConnState.S2, ConnState.SHR, ConnState.S3, ConnState.S0, ConnState.S1,
        )],
        default=_NUMBERS[ConnState.OTH],
    )  # fmt: skip
    udp = np.select(
        [o_seen & r_seen, o_seen, r_seen],
        [_NUMBERS[state] for state in (ConnState.SF, ConnState.S0, ConnState.SHR)],
        default=_NUMBERS[ConnState.OTH],
    )
    numbers = np.where(protocol == 6, tcp, np.where(protocol == 17, udp, _NUMBERS[ConnState.OTH]))
    return _WORDS.gather(numbers)


def _precedes(one: Array, first: str, other: Array, second: str) -> Array:
    """Say whether one side's packet came before another; of packets with the same time, the one that was captured first."""
    t, file, frame = ((one[f"{first}_{name}"], other[f"{second}_{name}"]) for name in ("t", "file", "frame"))
    earlier = (file[0] < file[1]) | ((file[0] == file[1]) & (frame[0] < frame[1]))
    return np.asarray((t[0] < t[1]) | ((t[0] == t[1]) & earlier))


def histories(flows: Array, high_opened: Array, guessed: Array) -> pl.Series:
    """Return the history letters per flow (capitals: initiator; ``^`` first where the direction was guessed)."""
    columns = {"nibbles": flows["history"], "count": flows["n_letters"], "flipped": high_opened, "guessed": guessed}
    told = pl.DataFrame(columns)
    rare = told.unique()  # few histories are common to all flows
    words = pl.Series("word", [_history(*row) for row in rare.iter_rows()], dtype=pl.String)
    return told.join(rare.with_columns(words), on=list(columns), how="left", maintain_order="left")["word"]


def _history(nibbles: int, count: int, flipped: bool, guessed: bool) -> str | None:
    word = "^" if guessed else ""
    for place in range(count):
        nibble = nibbles >> (4 * place) & 15
        letter = LETTERS[nibble & 7]
        word += letter.upper() if (nibble >> 3) == flipped else letter
    return word or None
