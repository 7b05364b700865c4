"""Connection state, history and direction, read from the record: Zeek's words, no second state machine.

Knows what the counters of the two sides say together. It must not know tables or packets.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analyser.flows.layout import ACKS_LATER, KEY_ECHO, KEY_NEIGHBOUR
from analyser.model.flow import ConnState

Array = NDArray[Any]
LETTERS = "shadfrtw"
_NUMBERS: Final = {state: number for number, state in enumerate(ConnState)}
_WORDS: Final = pl.Series([str(state) for state in ConnState])


def orient(flows: Array, low: Array, high: Array, ports: dict[int, Array]) -> tuple[Array, Array, Array]:
    """Say which side opened each flow.

    Args:
        flows: FLOW rows.
        low: their SIDE rows 0.
        high: their SIDE rows 1.
        ports: per IP protocol, a table of 65536 booleans: ports that a responder is expected at.

    Returns:
        ``(high_opened, by_syn, guessed)``, booleans per flow. The order of proof: SYN, SYN-ACK (for echo: request,
        answer), then a responder port on one end only, then the first packet.
    """
    protocol = (flows["k4"] & np.uint64(0xFF)).astype(np.int64)
    kind = ((flows["k4"] >> np.uint64(8)) & np.uint64(0xFF)).astype(np.int64)
    opening = (protocol == 6) | (kind == KEY_ECHO) | (kind == KEY_NEIGHBOUR)
    syn_low, syn_high = low["nsyn"] > 0, high["nsyn"] > 0
    answer_low, answer_high = low["nsynack"] > 0, high["nsynack"] > 0
    both = syn_low & syn_high
    high_first = _precedes(high, "syn", low, "syn")
    by_syn = opening & (syn_low | syn_high | answer_low | answer_high)
    answered = np.where(answer_low & answer_high, ~high_first, answer_low)
    high_opened = np.where(both, high_first, np.where(syn_low | syn_high, syn_high, answered))
    known_low = np.zeros(flows.shape[0], np.bool_)
    known_high = np.zeros(flows.shape[0], np.bool_)
    port_low = (flows["k4"] >> np.uint64(48)).astype(np.int64)
    port_high = ((flows["k4"] >> np.uint64(32)) & np.uint64(0xFFFF)).astype(np.int64)
    for number, table in ports.items():
        mine = protocol == number
        known_low |= mine & table[port_low]
        known_high |= mine & table[port_high]
    first_high = flows["first_side"] == 1
    by_port = known_low != known_high
    otherwise = np.where(by_port, known_low, first_high)
    guessed = ~by_syn & ((protocol == 6) | (by_port & (otherwise != first_high)))
    return np.where(by_syn, high_opened, otherwise), by_syn, guessed


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
