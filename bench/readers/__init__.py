"""Scripts that read a capture with a library of others, run by a Python of their own: ``python read_dpkt.py CAPTURE``.

Each does the least that gives a table of flows: a dictionary by addresses, ports and protocol, with packets and octets of
both directions. Each prints packets and flows.
"""
