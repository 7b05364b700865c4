"""Packets to flows: the kernel, the table of flows, expiry and merge."""
