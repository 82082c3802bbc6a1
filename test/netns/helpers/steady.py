"""New flows to some targets by turns, at a steady rate, and what came of each and when. Runs until the end of stdin.

Arguments: FLOWS_PER_SECOND TIMEOUT_SECONDS
stdin: a line "NAME tcp|udp ADDRESS PORT" per target, then "go". Prints "ready" first, and for each flow "NAME BEGAN ENDED
OUTCOME": times in milliseconds of the monotonic clock, OUTCOME the endpoint that answered or "! KIND" (see flow.py). A
flow that ended while this program itself had no CPU for half its timeout is "? late": nobody knows what became of it.
"""
import select
import sys
import time

from flow import kind_of, open_flow, outcome_of

MAX_RUNNING = 2000


def main():
    rate, timeout = float(sys.argv[1]), float(sys.argv[2])
    targets = []
    for line in iter(sys.stdin.readline, "go\n"):
        name, protocol, address, port = line.split()
        targets.append((name, protocol, address, int(port)))
    running = {}  # file descriptor: (socket, name, began); in the order they began
    poll = select.epoll()
    poll.register(0, select.EPOLLIN | select.EPOLLHUP)
    print("ready", flush=True)
    lines = []
    turn = 0
    following = last = time.monotonic()
    late_until = 0.0

    def finish(name, began, text):
        ended = time.monotonic()
        if text[0] == "!" and began < late_until:
            text = "? late"
        elif text[0] != "!":
            text = text.split(" ", 1)[0]
        lines.append("%s %.1f %.1f %s\n" % (name, began * 1000, ended * 1000, text))

    while True:
        events = poll.poll(max(0, following - time.monotonic()))
        now = time.monotonic()
        if now - last > timeout / 2:
            late_until = now
        last = now
        for fd, _ in events:
            if fd == 0:
                return
            sock, name, began = running.pop(fd)
            finish(name, began, outcome_of(sock))
            sock.close()
        while running:
            fd, (sock, name, began) = next(iter(running.items()))
            if began + timeout > now:
                break
            finish(name, began, "! timeout")
            del running[fd]
            sock.close()
        if now >= following:
            # What this program was too late for is left out: no burst.
            following = max(following + 1 / rate, now)
            name, protocol, address, port = targets[turn % len(targets)]
            turn += 1
            if len(running) < MAX_RUNNING:
                try:
                    sock = open_flow(protocol, address, port, patient=True)
                except OSError as error:
                    finish(name, now, kind_of(error.errno))
                else:
                    poll.register(sock, select.EPOLLIN)
                    running[sock.fileno()] = (sock, name, now)
        if lines:
            sys.stdout.write("".join(lines))
            sys.stdout.flush()
            lines.clear()


main()
