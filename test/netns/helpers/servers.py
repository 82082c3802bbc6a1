"""TCP and UDP servers, any number of them in one process, each answering who it is and whom it saw.

stdin: a line "tcp|udp ADDRESS|*|** PORT" per server ("*": every IPv4 address, "**": every IPv6 address), then "go".
Prints "ready" when all of them listen. Ends at the end of stdin, so it never outlives the program that started it.
A TCP connection gets the answer at once and again for everything it sends, until the client closes it.
"""
import select
import socket
import struct
import sys

from answer import IP_PKTINFO, answer, family_of


def listen_tcp(address, port):
    server = socket.socket(family_of(address), socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in address:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind((address, port))
    server.listen(65535)
    server.setblocking(False)
    return server


def listen_udp(address, port):
    server = socket.socket(family_of(address), socket.SOCK_DGRAM)
    if ":" in address:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        server.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    server.bind((address, port))
    server.setblocking(False)
    return server


def serve_datagrams(server):
    """Answers from the address a datagram was sent to, also on a wildcard socket."""
    for _ in range(64):
        try:
            _, control, _, peer = server.recvmsg(65535, 256)
        except BlockingIOError:
            return
        except OSError:
            continue  # An ICMP error for an earlier answer: the client is gone.
        level, kind, data = control[0]
        if server.family == socket.AF_INET6:
            local = socket.inet_ntop(socket.AF_INET6, data[:16])
            reply = [(level, kind, data[:16] + struct.pack("@I", 0))]
        else:
            local = socket.inet_ntoa(data[8:12])
            reply = [(level, kind, struct.pack("@I4s4s", 0, data[8:12], b"\0" * 4))]
        text = answer(local, server.getsockname()[1], peer[0], peer[1])
        try:
            server.sendmsg([text], reply, 0, peer)
        except OSError:
            pass  # As above: the client waits for the answer and reports that none came.


def main():
    poll = select.epoll()
    sockets, connections = {}, {}
    for line in iter(sys.stdin.readline, "go\n"):
        protocol, address, port = line.split()
        address = {"*": "0.0.0.0", "**": "::"}.get(address, address)
        server = (listen_tcp if protocol == "tcp" else listen_udp)(address, int(port))
        sockets[server.fileno()] = server
        poll.register(server, select.EPOLLIN)
    poll.register(0, select.EPOLLIN | select.EPOLLHUP)
    print("ready", flush=True)
    while True:
        for fd, _ in poll.poll():
            if fd == 0:
                if not sys.stdin.buffer.raw.read(4096):
                    return
            elif fd in connections:
                connection, text = connections[fd]
                try:
                    if connection.recv(65536):
                        connection.send(text)
                        continue
                except BlockingIOError:
                    continue
                except OSError:
                    pass  # Reset by the client, which is how the clients close.
                del connections[fd]
                connection.close()
            elif sockets[fd].type == socket.SOCK_DGRAM:
                serve_datagrams(sockets[fd])
            else:
                for _ in range(64):
                    try:
                        connection, peer = sockets[fd].accept()
                    except BlockingIOError:
                        break
                    connection.setblocking(False)
                    local = connection.getsockname()
                    text = answer(local[0], local[1], peer[0], peer[1])
                    try:
                        connection.send(text)
                    except OSError:
                        connection.close()
                        continue
                    connections[connection.fileno()] = (connection, text)
                    poll.register(connection, select.EPOLLIN)


main()
