"""Batches of new flows to many places at once, and what came of them. Runs until the end of stdin.

stdin: a line "tcp|udp ADDRESS PORT SOURCE|- COUNT TIMEOUT_SECONDS" per probe, then "go". Prints for each probe, by its
place in the batch, and each distinct outcome "PLACE COUNT OUTCOME", where OUTCOME is "ENDPOINT CLIENT" of the server's
answer or "! KIND" (see flow.py); then "end". Prints "ready" first.
"""
import select
import sys
import time

from flow import kind_of, open_flow, outcome_of

IN_FLIGHT = 256
# Seconds between two looks for flows whose time is up.
TICK = 0.02


def run(probes):
    """{(place, outcome): count} of a batch."""
    tally = {}
    running = {}  # file descriptor: (socket, deadline, place)
    poll = select.epoll()

    def finish(place, text):
        # Without the client's port, which differs each time.
        key = place, text if text[0] == "!" else text.rsplit(" ", 1)[0]
        tally[key] = tally.get(key, 0) + 1

    waiting = [(place, probe) for place, probe in enumerate(probes) for _ in range(probe[4])]
    waiting.reverse()
    while waiting or running:
        while waiting and len(running) < IN_FLIGHT:
            place, (protocol, address, port, source, _, timeout) = waiting.pop()
            try:
                sock = open_flow(protocol, address, port, source, patient=True)
            except OSError as error:
                finish(place, kind_of(error.errno))
                continue
            poll.register(sock, select.EPOLLIN)
            running[sock.fileno()] = (sock, time.monotonic() + timeout, place)
        for fd, _ in poll.poll(TICK):
            sock, _, place = running.pop(fd)
            finish(place, outcome_of(sock))
            sock.close()
        now = time.monotonic()
        for fd in [fd for fd, (_, deadline, _) in running.items() if deadline < now]:
            sock, _, place = running.pop(fd)
            finish(place, "! timeout")
            sock.close()
    poll.close()
    return tally


def main():
    print("ready", flush=True)
    probes = []
    for line in iter(sys.stdin.readline, ""):
        if line != "go\n":
            protocol, address, port, source, count, timeout = line.split()
            probes.append((protocol, address, int(port), source.strip("-"), int(count), float(timeout)))
            continue
        for (place, text), count in run(probes).items():
            print(place, count, text)
        print("end", flush=True)
        probes = []


main()
