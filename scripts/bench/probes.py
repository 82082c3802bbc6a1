"""probes.py CLIENT_NAMESPACE, run in the pods' namespace, whose device to the node is p0: when does traffic arrive where?

Requests are lines of JSON on stdin, at any time: {"id": 1, "service": ["10.97.0.1", 80], "pods": ["10.128.0.9"], "burst": 4,
"interval": 1} sends SYNs to the Service from the client's device c0, `burst` of them every `interval` ms, until one
arrives at one of these pods; {"id": 1} ends that. The answer on stdout: {"id": 1, "at": N}, ns of CLOCK_MONOTONIC.

A probe is one bare SYN with a source port of its own. Where it reaches a pod, nobody listens there: the reset that
answers makes the node forget the connection at once. So no probe meets another one's conntrack entry, and a proxy that
reads conntrack entries finds none. All of that takes at most a fifth of the time, however much is requested: the CPU is
for those who are measured.
"""

import json
import os
import select
import socket
import struct
import sys
from time import monotonic_ns, sleep

ETH_P_IP = 0x0800
SHARE = 5
MILLISECOND = 1_000_000  # ns
CLIENT = "10.200.0.2"
TCP_SYN = 0x02
FIRST_PORT, LAST_PORT = 1024, 65535


def enter_client(namespace):
    """Runs this program again in NAMESPACE with a socket that sees what arrives at the pods; returns that there."""
    if "KPN_BENCH_ARRIVALS" in os.environ:
        return socket.socket(fileno=int(os.environ["KPN_BENCH_ARRIVALS"]))
    # The protocol of a packet socket is in network byte order; only of what comes in, not of the resets that go out.
    arrivals = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
    arrivals.bind(("p0", ETH_P_IP))
    arrivals.set_inheritable(True)
    os.environ["KPN_BENCH_ARRIVALS"] = str(arrivals.fileno())
    os.execvp("ip", ["ip", "netns", "exec", namespace, sys.executable, "-S", "-E", "-B", *sys.argv])


def sum_words(data):
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


class Probe:
    """SYNs to one Service: all of a TCP header but the port is made once."""

    def __init__(self, request):
        self.id = request["id"]
        address, port = request["service"]
        self.target = (address, 0)
        self.pods = {socket.inet_aton(pod) for pod in request["pods"]}
        self.burst = request["burst"]
        self.interval = request["interval"] * MILLISECOND
        self.due = 0
        self.rest = struct.pack("!HIIBBH", port, 1, 0, 5 << 4, TCP_SYN, 65535)
        pseudo = socket.inet_aton(CLIENT) + socket.inet_aton(address) + struct.pack("!HH", socket.IPPROTO_TCP, 20)
        self.sum = sum_words(pseudo + self.rest)

    def segment(self, source_port):
        total = self.sum + source_port
        while total > 0xFFFF:
            total = (total & 0xFFFF) + (total >> 16)
        return struct.pack("!H", source_port) + self.rest + struct.pack("!HH", ~total & 0xFFFF, 0)


class Prober:
    def __init__(self, arrivals):
        self.arrivals = arrivals
        self.arrivals.setblocking(False)
        # Raw sockets of this kind are given nothing to read.
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"c0")
        self.port = FIRST_PORT
        self.probes = {}
        self.wanted = {}
        self.unread = b""

    def take_requests(self, wait):
        """Reads requests; waits for them if there is nothing else to do. False at the end of stdin."""
        if not wait and not select.select([0], [], [], 0)[0]:
            return True
        data = os.read(0, 1 << 20)
        *lines, self.unread = (self.unread + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if "service" in request:
                probe = Probe(request)
                self.probes[probe.id] = probe
                for pod in probe.pods:
                    self.wanted[pod] = probe
            elif request["id"] in self.probes:
                self.forget(self.probes[request["id"]])
        return data != b""

    def forget(self, probe):
        del self.probes[probe.id]
        for pod in probe.pods:
            del self.wanted[pod]

    def send(self, probe):
        header = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0x4000, 64, socket.IPPROTO_TCP, 0,
            socket.inet_aton(CLIENT), socket.inet_aton(probe.target[0]),
        )
        for _ in range(probe.burst):
            self.port = self.port + 1 if self.port < LAST_PORT else FIRST_PORT
            self.sender.sendto(header + probe.segment(self.port), probe.target)

    def take_arrivals(self):
        while True:
            try:
                packet = self.arrivals.recv(64)
            except BlockingIOError:
                return
            probe = self.wanted.get(packet[16:20])
            # Only a SYN: what a pod of before answers late has other flags.
            if probe is None or packet[9] != socket.IPPROTO_TCP or packet[33] != TCP_SYN:
                continue
            at = monotonic_ns()
            self.forget(probe)
            sys.stdout.write(json.dumps({"id": probe.id, "at": at}) + "\n")
            sys.stdout.flush()

    def run(self):
        while self.take_requests(wait=not self.probes):
            started = monotonic_ns()
            for probe in [probe for probe in self.probes.values() if probe.due <= started]:
                if probe.id in self.probes:
                    probe.due = started + probe.interval
                    self.send(probe)
                    self.take_arrivals()
            took = monotonic_ns() - started
            if self.probes:
                due = min(probe.due for probe in self.probes.values())
                sleep(max(due - monotonic_ns(), (SHARE - 1) * took) / 1e9)


Prober(enter_client(sys.argv[1])).run()
