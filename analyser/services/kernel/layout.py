"""The numbers that compiled code and its callers share: kinds of tests, formats, and what is searched for in them.

Knows numbers only: neither the compiler nor the machine code is imported here.
"""

from __future__ import annotations

from typing import Final

ORIG, RESP, BOTH = 0, 1, 2
KINDS: Final = 3
"""Which sides a pattern asks about: the initiator's, the responder's, both."""

FIRSTS: Final = 257
"""Lists of patterns by the first byte; the last is for rows without any."""

SIZE, TEMPLATE, FIND, FIND_FOLDED, FORMAT = 0, 1, 2, 3, 4
"""Tests, the cheapest first."""

ANY: Final = 256
"""Values of a template: a byte, any byte, and from the next number on a set of bytes."""

TEXT_LINE, HTTP_REQUEST, IPP_REQUEST, LPR_COMMAND, TDS_PRELOGIN, DNS, NETBIOS_NAME = 0, 1, 2, 3, 4, 5, 6
LDAP, KERBEROS = 7, 8
"""Formats."""

SNMP_VERSION, PDU, REQUEST, STATUS, REPORT, NAME_AT, NAME_LENGTH = 0, 1, 2, 3, 4, 5, 6
FIELDS: Final = 7
"""What is told of a message of SNMP."""

STRINGS: Final = (
    (b" HTTP/1.", 1, False, 0),
    (b"\ncontent-type: ", 0, True, 0),
    (b"application/ipp", 11, True, 0),
    (b"\ncontent-type: ", 0, True, 15),  # the value behind it may lie beyond what was kept
    (b"\r\n\r\n", 0, False, 0),
    (b" cfA", 3, False, 0),
    (b" dfA", 3, False, 0),
)
"""What is searched for in lines: a string, which of its bytes is rare, whether letters of either case are alike (then the string has
small ones), and how many bytes must be left behind it."""

VERSION, TYPE, IPP, WHOLE_TYPE, END, CONTROL_FILE, DATA_FILE = 0, 1, 2, 3, 4, 5, 6
"""Their places."""
