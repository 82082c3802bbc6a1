"""New TCP connections or UDP exchanges, many at a time, and what came of each.

Arguments: tcp|udp ADDRESS PORT COUNT CONCURRENCY TIMEOUT_SECONDS SOURCE|- SOURCES SOURCE_PORT|0 list|tally GIVE_UP
Each is a new flow: a new socket, with the next of SOURCES addresses from SOURCE on, and a source port of the kernel's
choice (or SOURCE_PORT). Prints per flow, or with "tally" per distinct outcome and with its count first (and begins no
more flows after GIVE_UP failures): the server's answer, or "! KIND" with KIND refused, reset, timeout, unreachable, prohibited, closed or an errno name.
"""
import errno
import select
import socket
import struct
import sys
import time

from answer import IP_BIND_ADDRESS_NO_PORT, family_of

KINDS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EACCES: "prohibited",
    errno.EPERM: "prohibited",
}
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def kind_of(code):
    return "! " + KINDS.get(code, errno.errorcode.get(code, str(code)))


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
    tcp = protocol == "tcp"
    family = family_of(address)
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
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
        sock = socket.socket(family, kind)
        sock.setblocking(False)
        try:
            if tcp:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            if froms or source_port:
                if source_port:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                elif tcp:
                    sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                local = froms[index % len(froms)] if froms else ("::" if family == socket.AF_INET6 else "0.0.0.0")
                sock.bind((local, source_port))
            try:
                sock.connect((address, port))
            except BlockingIOError:
                pass
            if not tcp:
                sock.send(b"?")
        except OSError as error:
            finish(index, kind_of(error.errno))
            sock.close()
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
            try:
                text = sock.recv(512).decode().strip() or "! closed"
            except OSError as error:
                text = kind_of(error.errno)
            finish(index, text)
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
