"""limits_first_packet.py, run in a namespace with our rules: what the first packets of UDP flows cost their sender.

stdin, JSON: {"flows": N, "pause": seconds, "kinds": [{"addresses": ["10.96.0.1", ...], "open": N}, ...]}. In each turn
every kind has an address that nobody has used. First "open" flows to it are opened; then "flows" in a row, and as many
with a pause before each, are measured. stdout, JSON: for each kind {"burst": [...], "alone": [...]}, nanoseconds of CPU
time for one packet, a number for each turn. Everything arrives on the loopback device, at sockets that nobody reads.
"""

import gc
import json
import resource
import socket
import sys
from time import sleep, thread_time_ns

PORT = 80
SERVERS = [("10.0.0.%d" % n, 8080) for n in (1, 2, 3, 4)]


def client(address):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((address, PORT))
    return sock


def turn(address, flows, pause, count):
    # They stay open, so that no flow has the source port of another.
    others = [client(address) for _ in range(count)]
    for sock in others:
        sock.send(b"x")
    row = [client(address) for _ in range(flows)]
    begun = thread_time_ns()
    for sock in row:
        sock.send(b"x")
    burst = (thread_time_ns() - begun) / flows
    single = [client(address) for _ in range(flows)]
    spent = 0
    for sock in single:
        sleep(pause)
        begun = thread_time_ns()
        sock.send(b"x")
        spent += thread_time_ns() - begun
    for sock in others + row + single:
        sock.close()
    return burst, spent / flows


def main():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    servers = []
    for address in SERVERS:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        server.bind(address)
        servers.append(server)
    plan = json.load(sys.stdin)
    kinds = plan["kinds"]
    results = [{"burst": [], "alone": []} for _ in kinds]
    gc.disable()
    for number in range(len(kinds[0]["addresses"])):
        for step in range(len(kinds)):
            index = (number + step) % len(kinds)
            kind = kinds[index]
            burst, alone = turn(kind["addresses"][number], plan["flows"], plan["pause"], kind["open"])
            results[index]["burst"].append(burst)
            results[index]["alone"].append(alone)
    json.dump(results, sys.stdout)


main()
