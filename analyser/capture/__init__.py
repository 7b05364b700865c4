"""Bytes: files and standard input as streams of a known capture format."""
