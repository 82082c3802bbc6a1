"""What one place sends and receives, on request: new flows, flows that stay open, HTTP requests, SCTP packets.

Argument: a number that no other place of the world has. Runs until the end of stdin, which has a request a line, and
"go" after a batch; the requests of a batch run at the same time, each number of them by its place in the batch:

  new tcp|udp|sctp ADDRESS PORT SOURCE|- SOURCES COUNT SECONDS
      COUNT new flows, in turn from SOURCES consecutive addresses, SOURCE being the first
  open ID tcp|udp ADDRESS PORT SOURCE|- SOURCE_PORT SECONDS    a flow that stays
  probe ID SECONDS           sends something on such a flow
  close ID
  http ADDRESS PORT PATH SECONDS
  arrived                    the SCTP INITs that came here since the last time

Prints "NUMBER COUNT OUTCOME" for each distinct outcome, then "end"; "ready" first. OUTCOME is "ENDPOINT CLIENT" as the
server answered it, "! KIND" (see flow.py), the HTTP answer as JSON, "sctp TAG ! KIND" for a packet that was sent, or
"sctp TAG ENDPOINT CLIENT good|bad" for one that came, with what its checksum says.
"""
import errno
import json
import select
import socket
import struct
import sys
import time

from answer import endpoint, family_of
from flow import kind_of, open_flow, outcome_of
from icmp_errors import expect_errors, read_error
from sctp import INIT, SCTP, crc32c, init_packet

IN_FLIGHT = 512
# Seconds between two looks for flows whose time is up.
TICK = 0.01
HTTP_LIMIT = 65536
SCTP_PORTS = range(20000, 60000)


def nth_address(first, n):
    if n == 0 or first == "":
        return first
    family = family_of(first)
    packed = socket.inet_pton(family, first)
    return socket.inet_ntop(family, (int.from_bytes(packed, "big") + n).to_bytes(len(packed), "big"))


class Place:
    def __init__(self, number):
        self.tag = number << 24
        self.sctp_port = 0
        self.kept = {}  # ID: socket
        self.arrivals = []
        self.poll = select.epoll()
        self.listeners = {}  # file descriptor: socket
        for family in socket.AF_INET, socket.AF_INET6:
            sock = socket.socket(family, socket.SOCK_RAW, SCTP)
            sock.setblocking(False)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            self.listeners[sock.fileno()] = sock
            self.poll.register(sock, select.EPOLLIN)

    def receive_sctp(self, sock):
        while True:
            try:
                data, control, _, peer = sock.recvmsg(65535, 256)
            except BlockingIOError:
                return
            if sock.family == socket.AF_INET:
                destination = socket.inet_ntoa(data[16:20])
                data = data[(data[0] & 15) * 4 :]
            else:
                destination = socket.inet_ntop(socket.AF_INET6, control[0][2][:16])
            if len(data) < 20 or data[12] != INIT:
                continue
            tag = struct.unpack_from("!I", data, 16)[0]
            good = crc32c(data[:8] + b"\0\0\0\0" + data[12:]) == struct.unpack_from("<I", data, 8)[0]
            port = struct.unpack_from("!H", data, 2)[0]
            self.arrivals.append(
                "sctp %d %s %s %s" % (tag, endpoint(destination, port), peer[0], "good" if good else "bad")
            )

    def send_sctp(self, address, port, source):
        """(socket, tag, source port) of an INIT that was sent; raises OSError as open_flow does."""
        self.tag += 1
        self.sctp_port += 1
        own = SCTP_PORTS[self.sctp_port % len(SCTP_PORTS)]
        sock = socket.socket(family_of(address), socket.SOCK_RAW, SCTP)
        try:
            sock.setblocking(False)
            expect_errors(sock)
            if source:
                sock.bind((source, 0))
            sock.connect((address, 0))
            try:
                sock.send(init_packet(own, port, self.tag))
            except PermissionError:
                pass  # Refused or dropped by the node's own rules: an ICMP error tells which.
        except OSError:
            sock.close()
            raise
        return sock, self.tag, own

    def run(self, requests):
        """{(number, outcome): count} of a batch."""
        tally = {}
        running = {}  # file descriptor: (socket, deadline, number, finish)

        def add(number, text):
            tally[number, text] = tally.get((number, text), 0) + 1

        def add_answer(number, text):
            # Without the client's port, which differs each time.
            add(number, text if text[0] == "!" else text.rsplit(" ", 1)[0])

        def watch(sock, seconds, number, finish, events=select.EPOLLIN):
            self.poll.register(sock, events)
            running[sock.fileno()] = (sock, time.monotonic() + seconds, number, finish)

        def end_new(sock, number, in_time):
            add_answer(number, outcome_of(sock) if in_time else "! timeout")
            sock.close()

        def end_kept(sock, number, in_time):
            add_answer(number, outcome_of(sock) if in_time else "! timeout")

        def begin_new(number, protocol, address, port, source, sources, turn, seconds):
            source = nth_address(source.strip("-"), turn % int(sources))
            try:
                if protocol != "sctp":
                    sock = open_flow(protocol, address, int(port), source, patient=True, errors=True)
                    watch(sock, float(seconds), number, end_new)
                    return
                sock, tag, own = self.send_sctp(address, int(port), source)
            except OSError as error:
                add(number, kind_of(error.errno))
                return

            def end_sctp(sock, number, in_time):
                kind = "timeout"
                while in_time:
                    error = read_error(sock)
                    if error is None:
                        # Something came, but nothing about this packet.
                        sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                        running[sock.fileno()] = (sock, time.monotonic() + float(seconds), number, end_sctp)
                        self.poll.register(sock, select.EPOLLERR)
                        return
                    if error[3] in (own, None):
                        kind = kind_of(error[4])[2:]
                        break
                add(number, "sctp %d ! %s" % (tag, kind))
                sock.close()

            watch(sock, float(seconds), number, end_sctp, select.EPOLLERR)

        def begin_open(number, name, protocol, address, port, source, source_port, seconds):
            try:
                sock = open_flow(protocol, address, int(port), source.strip("-"), int(source_port), True, errors=True)
            except OSError as error:
                add(number, kind_of(error.errno))
                return
            self.kept[name] = sock
            watch(sock, float(seconds), number, end_kept)

        def begin_probe(number, name, seconds):
            sock = self.kept[name]
            # What came too late for the last time does not count now.
            while True:
                try:
                    if not sock.recv(65536):
                        add(number, "! closed")
                        return
                except BlockingIOError:
                    break
                except OSError as error:
                    if sock.type == socket.SOCK_STREAM:
                        add(number, kind_of(error.errno))
                        return
            try:
                sock.send(b"?")
            except PermissionError:
                pass
            except OSError as error:
                add(number, kind_of(error.errno))
                return
            watch(sock, float(seconds), number, end_kept)

        def begin_http(number, address, port, path, seconds):
            seconds = float(seconds)
            try:
                sock = open_flow("tcp", address, int(port), errors=True)
            except OSError as error:
                add(number, kind_of(error.errno))
                return
            received = []

            def end_http(sock, number, in_time):
                failed = "! timeout"
                if in_time:
                    try:
                        data = sock.recv(HTTP_LIMIT)
                    except OSError as error:
                        data, failed = b"", kind_of(error.errno)
                    else:
                        failed = "! closed"
                    if data:
                        received.append(data)
                        watch(sock, seconds, number, end_http)
                        return
                add(number, http_answer(b"".join(received)) if received else failed)
                sock.close()

            def send(sock, number, in_time):
                try:
                    if not in_time:
                        raise OSError(errno.ETIMEDOUT, "")
                    icmp = read_error(sock)
                    if icmp is not None:
                        raise OSError(icmp[4], "")
                    sock.send(b"GET %s HTTP/1.0\r\nHost: node\r\nConnection: close\r\n\r\n" % path.encode())
                except OSError as error:
                    add(number, kind_of(error.errno))
                    sock.close()
                    return
                watch(sock, seconds, number, end_http)

            watch(sock, seconds, number, send, select.EPOLLOUT)

        waiting = []
        for number, line in enumerate(requests):
            words = line.split()
            verb = words[0]
            if verb == "new":
                protocol, address, port, source, sources, count, seconds = words[1:]
                waiting += [
                    (begin_new, number, protocol, address, port, source, sources, turn, seconds)
                    for turn in range(int(count))
                ]
            elif verb == "close":
                if words[1] in self.kept:
                    self.kept.pop(words[1]).close()
            elif verb == "arrived":
                for sock in self.listeners.values():
                    self.receive_sctp(sock)
                for text in self.arrivals:
                    add(number, text)
                self.arrivals = []
            else:
                waiting.append(({"open": begin_open, "probe": begin_probe, "http": begin_http}[verb], number, *words[1:]))
        waiting.reverse()
        while waiting or running:
            while waiting and len(running) < IN_FLIGHT:
                begin, *arguments = waiting.pop()
                begin(*arguments)
            for fd, _ in self.poll.poll(TICK if running else 0):
                if fd in self.listeners:
                    self.receive_sctp(self.listeners[fd])
                    continue
                sock, _, number, finish = running.pop(fd)
                self.poll.unregister(sock)
                finish(sock, number, True)
            now = time.monotonic()
            for fd in [fd for fd, (_, deadline, _, _) in running.items() if deadline < now]:
                sock, _, number, finish = running.pop(fd)
                self.poll.unregister(sock)
                finish(sock, number, False)
        return tally


def http_answer(data):
    head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
    status, *headers = head.split("\r\n")
    fields = dict(header.split(": ", 1) for header in headers if ": " in header)
    return json.dumps(
        {"status": status, "headers": {name.lower(): value for name, value in fields.items()}, "body": body}
    )


def main():
    place = Place(int(sys.argv[1]))
    print("ready", flush=True)
    requests = []
    for line in iter(sys.stdin.readline, ""):
        if line != "go\n":
            requests.append(line)
            continue
        lines = ["%d %d %s\n" % (number, count, text) for (number, text), count in place.run(requests).items()]
        sys.stdout.write("".join(lines) + "end\n")
        sys.stdout.flush()
        requests = []


main()
