"""new_flows.py, run in the clients' namespace: what the first packets of new flows cost their sender.

stdin, JSON: {"servers": [namespace, ...], "sources": [address, ...], "turns": N, "flows": N, "kinds": [{"protocol":
"udp", "address": "10.96.0.1", "port": 80}, ...]}. Each turn has flows of each kind, from sources in turn. stdout, JSON:
for each kind nanoseconds of CPU time for one packet, a number for each turn. It includes what the kernel does with the
packet until it arrives, also in other namespaces. UDP arrives at a socket that nobody reads, in each of the servers'
namespaces; TCP at a closed port, so it is a SYN and its reset.
"""

import ctypes
import gc
import itertools
import json
import os
import resource
import select
import socket
import sys
from time import thread_time_ns

PORT = 8080
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def enter(path):
    with open(path, "rb") as namespace:
        if LIBC.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {path}")


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def server(family):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    sock.bind(("", PORT))
    return sock


def prove_that_it_arrives(kind, sources, servers):
    sock = socket.socket(family_of(kind["address"]), socket.SOCK_DGRAM)
    sock.bind((next(sources), 0))
    sock.connect((kind["address"], kind["port"]))
    sock.send(b"x")
    arrived, _, _ = select.select(servers, [], [], 5)
    if not arrived:
        raise TimeoutError(f"nothing arrives by {kind['address']}:{kind['port']}")
    arrived[0].recv(1)


def turn(kind, sources, flows):
    target = (kind["address"], kind["port"])
    is_tcp = kind["protocol"] == "tcp"
    socks = []
    for _ in range(flows):
        sock = socket.socket(family_of(kind["address"]), socket.SOCK_STREAM if is_tcp else socket.SOCK_DGRAM)
        sock.bind((next(sources), 0))
        if not is_tcp:
            sock.connect(target)
        socks.append(sock)
    begun = thread_time_ns()
    if is_tcp:
        for sock in socks:
            sock.connect_ex(target)
    else:
        for sock in socks:
            sock.send(b"x")
    spent = thread_time_ns() - begun
    for sock in socks:
        sock.close()
    return spent / flows


def main():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    plan = json.load(sys.stdin)
    kinds = plan["kinds"]
    # A CPU of its own: what another CPU takes over of a packet would not count.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with open("/proc/self/ns/net", "rb") as own:
        here = f"/proc/self/fd/{own.fileno()}"
        servers = []
        for namespace in plan["servers"]:
            enter(f"/var/run/netns/{namespace}")
            servers.append(server(family_of(kinds[0]["address"])))
        enter(here)
    sources = itertools.cycle(plan["sources"])
    for kind in kinds:
        if kind["protocol"] == "udp":
            prove_that_it_arrives(kind, sources, servers)
    results = [[] for _ in kinds]
    gc.disable()
    for number in range(plan["turns"]):
        for step in range(len(kinds)):
            index = (number + step) % len(kinds)
            results[index].append(turn(kinds[index], sources, plan["flows"]))
    json.dump(results, sys.stdout)


main()
