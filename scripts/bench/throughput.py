"""throughput.py CLIENT_NAMESPACE, run in the pods' namespace: bytes a second over one open connection of each path.

stdin, JSON: {"rounds": N, "seconds": S, "paths": [{"device": "c0", "port": 80, "address": "10.96.0.1"}, ...]}. The paths
take turns of S seconds. stdout, JSON: for each path the bytes a second of each turn.
"""

import json
import os
import select
import socket
import sys
from time import perf_counter

from pods_sockets import client_socket, enter_client

CHUNK = 1 << 20


def receive_all(sockets):
    """Takes in what comes, without copying it to anywhere, until every connection is closed."""
    poll = select.epoll()
    by_fd = {sock.fileno(): sock for sock in sockets}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    buffer = bytearray(CHUNK)
    while by_fd:
        for fd, _ in poll.poll():
            if by_fd[fd].recv_into(buffer, CHUNK, socket.MSG_TRUNC) == 0:
                poll.unregister(fd)
                del by_fd[fd]


def send_for(sock, seconds, file):
    """Bytes a second."""
    sent, started = 0, perf_counter()
    end = started + seconds
    while (now := perf_counter()) < end:
        sent += os.sendfile(sock.fileno(), file, 0, CHUNK)
    return sent / (now - started)


def main():
    tcp, _ = enter_client(sys.argv[1])
    plan = json.load(sys.stdin)
    senders, receivers = [], []
    for path in plan["paths"]:
        sock = client_socket(socket.SOCK_STREAM, path["device"])
        sock.connect((path["address"], path["port"]))
        sock.settimeout(None)
        senders.append(sock)
        receivers.append(tcp.accept()[0])
    if os.fork() == 0:
        for sock in senders:
            sock.close()
        receive_all(receivers)
        os._exit(0)
    file = os.memfd_create("zeros")
    os.ftruncate(file, CHUNK)
    results = [[] for _ in senders]
    for turn in range(plan["rounds"]):
        for step in range(len(senders)):
            index = (turn + step) % len(senders)
            results[index].append(send_for(senders[index], plan["seconds"], file))
    for sock in senders:
        sock.close()
    os.wait()
    json.dump(results, sys.stdout)


main()
