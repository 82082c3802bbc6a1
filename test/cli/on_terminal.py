"""on_terminal.py ROWS COLUMNS COMMAND...: runs a command on a terminal of its own, of that size.

What the terminal shows goes to stdout as it comes. Each line of stdin is a JSON document: {"send": "q"} types,
{"size": [ROWS, COLUMNS]} resizes. Ends with the command, and with its exit code.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios


def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


pid, terminal = pty.fork()
if pid == 0:
    # The size is set before the command looks at it: it waits for a line.
    sys.stdin.readline()
    os.execvp(sys.argv[3], sys.argv[3:])
resize(terminal, int(sys.argv[1]), int(sys.argv[2]))
os.write(terminal, b"\n")

unread = b""
inputs = [terminal, 0]
while True:
    ready, _, _ = select.select(inputs, [], [])
    if terminal in ready:
        try:
            shown = os.read(terminal, 65536)
        except OSError:  # EIO: the command has closed it
            break
        if not shown:
            break
        os.write(1, shown)
    if 0 in ready:
        more = os.read(0, 65536)
        if not more:
            inputs.remove(0)
        unread += more
        *lines, unread = unread.split(b"\n")
        for line in lines:
            order = json.loads(line)
            if "send" in order:
                os.write(terminal, order["send"].encode())
            else:
                resize(terminal, *order["size"])
                os.kill(pid, signal.SIGWINCH)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
