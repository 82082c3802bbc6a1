"""Large requests: servers that send back what they get, and a client that checks it.

Arguments: "serve", with a line "tcp|udp ADDRESS PORT" per server on stdin, then "go": prints "ready", ends at the end of
stdin. Over TCP the request ends with the client's end of the connection.
Or "request", with a line "tcp|udp ADDRESS PORT SIZE" per request on stdin: sends SIZE bytes, a datagram up to five times,
since the first ones may be what a path's MTU is learnt by; prints "same", "different" or "! KIND" (see flow.py) for each.
"""
import os
import select
import socket
import sys

from answer import family_of
from flow import kind_of

SECONDS = 5
TRIES = 5


def echo_tcp(server):
    connection, _ = server.accept()
    # A child for each: it may take as long as its client does.
    if os.fork() != 0:
        connection.close()
        return
    connection.settimeout(SECONDS)
    parts = []
    while parts[-1:] != [b""]:
        parts.append(connection.recv(65536))
    connection.sendall(b"".join(parts))
    os._exit(0)


def serve():
    poll = select.poll()
    servers = {}
    for line in iter(sys.stdin.readline, "go\n"):
        protocol, address, port = line.split()
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        server = socket.socket(family_of(address), kind)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, int(port)))
        if protocol == "tcp":
            server.listen(64)
        servers[server.fileno()] = server
        poll.register(server, select.POLLIN)
    poll.register(0, select.POLLIN | select.POLLHUP)
    print("ready", flush=True)
    while True:
        for fd, _ in poll.poll():
            if fd == 0:
                if not sys.stdin.buffer.raw.read(4096):
                    return
            elif servers[fd].type == socket.SOCK_STREAM:
                echo_tcp(servers[fd])
            else:
                try:
                    data, peer = servers[fd].recvfrom(65535)
                    servers[fd].sendto(data, peer)
                except OSError:
                    pass  # What an answer met: too large for the path, or the client is gone. The client tries again.


def request_echo(protocol, address, port, size):
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    sock = socket.socket(family_of(address), kind)
    sock.settimeout(SECONDS)
    sock.connect((address, port))
    request = os.urandom(size)
    if protocol == "tcp":
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        parts = []
        while parts[-1:] != [b""]:
            parts.append(sock.recv(65536))
        return request == b"".join(parts)
    sock.settimeout(SECONDS / TRIES)
    for tries in range(TRIES):
        try:
            sock.send(request)
            return request == sock.recv(65535)
        except OSError:
            if tries == TRIES - 1:
                raise
    return False


def main():
    if sys.argv[1] == "serve":
        serve()
        return
    for line in sys.stdin:
        protocol, address, port, size = line.split()
        try:
            print("same" if request_echo(protocol, address, int(port), int(size)) else "different")
        except OSError as error:
            print("! timeout" if isinstance(error, TimeoutError) else kind_of(error.errno))


main()
