"""Restricted Python as machine code: compiled once, kept, loaded in milliseconds.

Knows the compiler, object code and frames of words. It must not know what any function does: the parts that have some name
them, with the arrays they take, in a module ``entries`` of their own.
"""
