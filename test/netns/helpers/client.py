"""New TCP connections or UDP exchanges, many at a time, and what came of each.

Arguments: tcp|udp ADDRESS PORT COUNT CONCURRENCY TIMEOUT_SECONDS SOURCE|- SOURCES SOURCE_PORT|0 list|tally GIVE_UP
Each is a new flow: a new socket, with the next of SOURCES addresses from SOURCE on, and a source port of the kernel's
choice (or SOURCE_PORT). Prints per flow, or with "tally" per distinct outcome and with its count first (and begins no
more flows after GIVE_UP failures): the server's answer, or "! KIND" with KIND refused, reset, timeout, unreachable, prohibited, closed or an errno name.
"""
import select
import socket
import sys
import time

from answer import family_of
from flow import kind_of, open_flow, outcome_of


def source_addresses(first, count):
    """COUNT addresses from FIRST on, as text."""
    family = family_of(first)
    packed = socket.inet_pton(family, first)
    base = int.from_bytes(packed, "big")
    return [socket.inet_ntop(family, (base + i).to_bytes(len(packed), "big")) for i in range(count)]


def main():
    protocol, address, port, count, concurrency, timeout, source, sources, source_port, mode, give_up = sys.argv[1:]
    port, count, concurrency, source_port = int(port), int(count), int(concurrency), int(source_port)
    timeout, give_up = float(timeout), int(give_up)
    froms = [] if source == "-" else source_addresses(source, int(sources))
    results, tally, failed = [], {}, 0
    running = {}  # file descriptor: (socket, deadline, index); in the order of their deadlines
    poll = select.epoll()

    def finish(index, text):
        nonlocal count, failed
        failed += text[0] == "!"
        if mode == "tally" and failed >= give_up:
            count = 0
        if mode == "tally":
            # Without the client's port, which differs each time.
            text = text if text[0] == "!" else text.rsplit(" ", 1)[0]
            tally[text] = tally.get(text, 0) + 1
        else:
            results[index] = text

    def start(index):
        try:
            sock = open_flow(protocol, address, port, froms[index % len(froms)] if froms else "", source_port)
        except OSError as error:
            finish(index, kind_of(error.errno))
            return
        poll.register(sock, select.EPOLLIN)
        running[sock.fileno()] = (sock, time.monotonic() + timeout, index)

    begun = 0
    if mode != "tally":
        results = [""] * count
    while begun < count or running:
        while begun < count and len(running) < concurrency:
            start(begun)
            begun += 1
        if not running:
            continue
        first_deadline = next(iter(running.values()))[1]
        for fd, _ in poll.poll(max(0, first_deadline - time.monotonic()) + 0.001):
            sock, _, index = running.pop(fd)
            finish(index, outcome_of(sock))
            sock.close()
        now = time.monotonic()
        while running:
            fd, (sock, deadline, index) = next(iter(running.items()))
            if deadline > now:
                break
            finish(index, "! timeout")
            del running[fd]
            sock.close()
    if mode == "tally":
        results = ["%d %s" % (number, text) for text, number in tally.items()]
    sys.stdout.write("".join(text + "\n" for text in results))


main()
