"""``python -m tests.lab``: run the lab, look at it from every vantage, renew ``docs/accuracy.md``, and say what is wrong.

With ``--few`` other vantages and IPv6 are taken of some rules only, as the suite does, and the page stays. Exit code 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.lab.accuracy import PAGE, page, score
from tests.lab.cases import cases
from tests.lab.network import why_not
from tests.lab.run import record


def main() -> int:
    """Run, score, write."""
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--few", action="store_true")
    few = said.parse_args().few
    if reason := why_not():
        print(f"no lab here: {reason}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder, made, begun = Path(name), cases(whole=not few), time.monotonic()
        record(folder, made)
        recorded = time.monotonic()
        found = score(made, folder, every_rule=not few)
    nft = subprocess.run(["nft", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    conditions = f"{time.strftime('%Y-%m-%d')}; Linux {platform.release()}, nftables {nft}; {len(made)} cases in {recorded - begun:.0f} s"
    if not few:
        PAGE.write_text(page(found, conditions), encoding="utf-8")
    wrong = found.wrong()
    print(page(found, conditions))
    print("\n".join(wrong) or "nothing is wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
