"""Formats that are read byte by byte: lines of text, names, lists of options; those in BER stand in :mod:`messages`.

Knows formats, a function each, which says of a row: not this (-1), or which kind of it (0, 1 …). It must not know which service
a format means, nor how the kinds are called (:mod:`analyser.services.structures`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.machine.loads import be16, inner, u8
from analyser.services.kernel.layout import (
    CONTROL_FILE,
    DATA_FILE,
    DNS,
    END,
    HTTP_REQUEST,
    IPP,
    IPP_REQUEST,
    KERBEROS,
    LDAP,
    LPR_COMMAND,
    NETBIOS_NAME,
    TDS_PRELOGIN,
    TEXT_LINE,
    TYPE,
    VERSION,
    WHOLE_TYPE,
)
from analyser.services.kernel.messages import kerberos, ldap
from analyser.services.kernel.strings import lies_in

LINE = 128
"""A line is looked for in so many bytes, however many were kept."""

CR, LF, DELETE, SPACE = 0x0D, 0x0A, 0x7F, 0x20
RECEIVE_JOB, SUBCOMMANDS, FILES = 1, 4, 6
"""Where kinds of commands to a line printer stand, less the byte that tells them apart."""


@inner
def line_end(octets: Any, start: Any, end: Any, carriage: Any) -> Any:
    """Return where a printable line from ``start`` on ends: at a line feed, or CR if ``carriage``, or ``end``; -1: no such line."""
    at = start
    while at < end:
        byte = u8(octets, at)
        if byte == LF or (carriage and byte == CR):
            break
        if byte < SPACE or byte == DELETE:
            return np.int64(-1)
        at += 1
    return at if at > start else np.int64(-1)


@inner
def of_line(octets: Any, start: Any, at: Any, length: Any, width: Any, which: Any, strings: Any, values: Any) -> Any:
    """Return the kind of a format that begins with a printable line.

    A request line (RFC 9112, section 3) names HTTP/1 or is longer than what was kept; one of IPP has a header that, as far
    as it was kept, does not name another type of content. A command to a line printer (RFC 1179) is told by :func:`command`.
    """
    begin = start + at
    seen = start + min(length, LINE)
    if which == LPR_COMMAND:
        if begin >= seen or u8(octets, begin) < 1 or u8(octets, begin) > 5:
            return np.int64(-1)
        begin += 1
    end = line_end(octets, begin, seen, which != LPR_COMMAND)
    if end < 0 or (which == LPR_COMMAND and end == seen):
        return np.int64(-1)
    first = VERSION
    last = VERSION
    until = start + length
    if which == LPR_COMMAND:
        first, last, until = CONTROL_FILE, DATA_FILE + 1, end
    elif which == HTTP_REQUEST:
        last, until = VERSION + 1, seen
    elif which == IPP_REQUEST:
        last = END + 1
    has = np.int64(0)
    for one in range(first, last):
        edge = min(until - strings[one, 4], seen) if one == VERSION else until - strings[one, 4]
        if lies_in(
            octets, begin, edge, values, strings[one, 0], strings[one, 1], strings[one, 2], strings[one, 3] != 0
        ):
            has |= np.int64(1) << one
    if which == LPR_COMMAND:
        return command(octets, begin, end, start + width, has)
    if which == TEXT_LINE:
        return np.int64(0)
    if end != start + LINE and not has & (1 << VERSION):
        return np.int64(-1)
    if has & (1 << TYPE) and not has & (1 << IPP) and has & ((1 << WHOLE_TYPE) | (1 << END)):
        return np.int64(-1)
    return np.int64(0)


@inner
def command(octets: Any, begin: Any, end: Any, edge: Any, has: Any) -> Any:
    """Return the kind of a daemon command (RFC 1179, section 5): its byte stands before ``begin``, a line feed at ``end``.

    Behind "receive job" its subcommand may follow, before ``edge``. In the middle of a job the subcommand comes first (section
    6): a count and the name of a file stand behind its byte.
    """
    byte = u8(octets, begin - 1)
    kind = byte - 1
    counted = u8(octets, begin) >= 0x30 and u8(octets, begin) <= 0x39
    if counted and ((byte == 2 and has & (1 << CONTROL_FILE)) or (byte == 3 and has & (1 << DATA_FILE))):
        return FILES + byte
    if kind == RECEIVE_JOB and end + 1 < edge:
        following = u8(octets, end + 1)
        if following >= 1 and following <= 3:
            return SUBCOMMANDS + following
    return kind


@inner
def tds(octets: Any, start: Any, at: Any, length: Any, width: Any) -> Any:
    """Return what a list of options behind the header of a packet says of encryption (MS-TDS, section 2.2.6.5); 0: nothing."""
    if at >= width or u8(octets, start + at) != 0:  # VERSION comes first
        return -1
    kind = np.int64(0)
    for number in range(8):
        option = at + 5 * number
        if option + 3 > width:
            break
        name = u8(octets, start + option)
        place = at + be16(octets, start + option + 1)
        if name == 0xFF:
            break
        if name == 1 and place < length:
            kind = 1 + (u8(octets, start + place) & 3)
    return kind


@inner
def dns(octets: Any, start: Any, at: Any, length: Any) -> Any:
    """Return 0 for a header with sane flags and counts, then a first name that ends inside the kept bytes or fills them.

    RFC 1035, section 4.1. Responses without a question (multicast DNS) begin with the answer's name.
    """
    if length < at + 12:
        return -1
    code = (u8(octets, start + at + 2) >> 3) & 0x0F
    if code == 3 or code > 5 or (u8(octets, start + at + 3) & 0x0F) > 10:
        return -1
    questions = be16(octets, start + at + 4)
    answers = be16(octets, start + at + 6)
    authorities = be16(octets, start + at + 8)
    others = be16(octets, start + at + 10)
    if questions > 64 or answers > 512 or authorities > 512 or others > 64:
        return -1
    if questions + answers + authorities + others == 0:
        return -1
    position = at + 12
    for _ in range(64):
        if position >= length:
            return 0
        size = u8(octets, start + position)
        if size == 0 or size >= 0xC0:
            return 0
        if size > 63:
            return -1
        position += 1 + size
    return 0


@inner
def netbios(octets: Any, start: Any, at: Any, length: Any) -> Any:
    """Return 0 for a first-level encoded NetBIOS name: 32 letters A to P behind their length (RFC 1001, section 14.1)."""
    if length < at + 34 or u8(octets, start + at) != 0x20:
        return -1
    for k in range(32):
        letter = u8(octets, start + at + 1 + k)
        if letter < 0x41 or letter > 0x50:
            return -1
    return 0


def formats(
    octets: Any, lengths: Any, width: Any, index: Any, at: Any, which: Any, strings: Any, values: Any, kinds: Any
) -> Any:
    """Write the kind of each indexed row, read as a format from byte ``at`` on, into ``kinds``.

    ``octets``: rows of ``width`` bytes, zeros behind the end of each. ``strings``: what is searched for, a
    place in ``values`` and the numbers of ``STRINGS``.
    """
    rows = np.int64(lengths.shape[0])
    for n in range(index.shape[0]):
        row = index[n]
        kind = np.int64(-1)
        if row >= 0 and row < rows and at >= 0 and at < width:
            start = row * width
            length = max(np.int64(0), min(lengths[row], width))
            if which == TDS_PRELOGIN:
                kind = tds(octets, start, at, length, width)
            elif which == DNS:
                kind = dns(octets, start, at, length)
            elif which == NETBIOS_NAME:
                kind = netbios(octets, start, at, length)
            elif which == LDAP:
                kind = ldap(octets, start, at, length)
            elif which == KERBEROS:
                kind = kerberos(octets, start, at, length)
            else:
                kind = of_line(octets, start, at, length, width, which, strings, values)
        kinds[n] = kind
    return rows, np.int64(0)
