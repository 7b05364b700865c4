"""The names of the field: frozen dataclasses and enums that every stage shares.

Knows the words of the contract and nothing else: no file, no table, no third party.
"""
