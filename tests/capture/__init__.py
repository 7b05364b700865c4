"""Tests of the capture stage: what is recognised, set aside, ordered and delivered."""
