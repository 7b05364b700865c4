"""A plain, slow reader of captures: what the kernel must agree with.

It shares no code with the flows stage, uses no numpy, keeps every byte range it has seen, and favours the
obvious over the fast. Where the two disagree, one of them is wrong.
"""
