"""Run a command and print what it took: CPU seconds, wall seconds, peak memory in KiB, exit code.

``python -I -S launch.py OUTPUT COMMAND...``. Linux counts the memory of whoever starts a program as the program's own, up to
the moment of its start; so a small process has to start what is measured. Imports nothing that makes it larger.
"""

import os
import sys
import time


def main() -> None:
    """Run ``sys.argv[2:]`` with both its outputs in the file ``sys.argv[1]``."""
    output, command = sys.argv[1], sys.argv[2:]
    into = [
        (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    begun = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=into)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - begun
    print(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss, os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
