"""Captures as streams of bytes: files, directories, globs, standard input. Nothing here decodes a packet."""

from analyser.capture.opening import OpenedCaptures, open_captures
from analyser.capture.source import CaptureSource, ending_on_interrupt

__all__ = ["CaptureSource", "OpenedCaptures", "ending_on_interrupt", "open_captures"]
