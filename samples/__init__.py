"""Sample captures: small stories told packet by packet, with the truth about each written down by hand.

``pcaps/<case>.py`` tells a story and says what a correct analyser must find in it, ``sites/<case>.toml`` is the
inventory it is judged against, and ``golden/<case>.json`` keeps the digest of the whole report. Rebuild with
``python -m samples.renew``.
"""
