"""first_packet.py CLIENT_NAMESPACE, run in the pods' namespace: round trips of the first packets of new flows.

stdin, JSON: {"rounds": N, "paths": [{"device": "c0", "port": 80, "addresses": ["10.96.0.1", ...]}, ...]}. In each round
every path is taken once with each protocol, and each time with the path's next address. stdout, JSON: for each path
{"tcp": [...], "udp": [...]}, nanoseconds: TCP until connect() returns, UDP until the answer is read.
"""

import gc
import json
import socket
import struct
import sys
from time import perf_counter_ns

from pods_sockets import IP_PKTINFO, client_socket, enter_client

LINGER_NOT = struct.pack("ii", 1, 0)  # close() resets the connection: no port waits in TIME_WAIT


def tcp_round_trip(server, device, target):
    sock = client_socket(socket.SOCK_STREAM, device)
    started = perf_counter_ns()
    sock.connect(target)
    nanoseconds = perf_counter_ns() - started
    accepted, _ = server.accept()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    sock.close()
    accepted.close()
    return nanoseconds


def udp_round_trip(server, device, target):
    sock = client_socket(socket.SOCK_DGRAM, device)
    sock.connect(target)
    started = perf_counter_ns()
    sock.send(b"?")
    data, ancillary, _, peer = server.recvmsg(16, 64)
    # The answer comes from the address the request went to.
    server.sendmsg([data], ancillary, 0, peer)
    sock.recv(16)
    nanoseconds = perf_counter_ns() - started
    sock.close()
    return nanoseconds


def main():
    tcp, udp = enter_client(sys.argv[1])
    plan = json.load(sys.stdin)
    paths = plan["paths"]
    results = [{"tcp": [], "udp": []} for _ in paths]
    udp.settimeout(5)
    gc.disable()
    for turn in range(plan["rounds"]):
        for step in range(len(paths)):
            index = (turn + step) % len(paths)
            path, result = paths[index], results[index]
            target = (path["addresses"][turn % len(path["addresses"])], path["port"])
            result["tcp"].append(tcp_round_trip(tcp, path["device"], target))
            result["udp"].append(udp_round_trip(udp, path["device"], target))
    json.dump(results, sys.stdout)


main()
