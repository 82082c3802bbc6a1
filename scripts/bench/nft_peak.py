"""nft_peak.py FILE COMMAND...: runs COMMAND and appends the most memory it held, in KiB, as a line to FILE.

Not less than Python's own 10 MB or so: the kernel carries the figure over from what ran before COMMAND.
"""

import os
import sys

path, *command = sys.argv[1:]
pid = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(pid, 0)
with open(path, "a", encoding="ascii") as peaks:
    peaks.write(f"{usage.ru_maxrss}\n")
sys.exit(os.waitstatus_to_exitcode(status))
