"""One TCP connection that says how it ends.

Arguments: ADDRESS PORT [KEEPALIVE_SECONDS]. Prints "ready" with the first answer, and at its end "! KIND" (see flow.py),
"! closed" where the other side has closed it. stdin: a line "send" sends a byte, "fin" ends the sending side, "ping"
prints "pong N": how many answers have come. With KEEPALIVE_SECONDS the kernel probes after as long a silence, and as often.
"""
import select
import socket
import sys

from answer import family_of
from flow import kind_of


def main():
    address, port, *keepalive = sys.argv[1:]
    sock = socket.socket(family_of(address), socket.SOCK_STREAM)
    sock.settimeout(10)
    sock.connect((address, int(port)))
    if keepalive:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, int(keepalive[0]))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, int(keepalive[0]))
    answers = sock.recv(4096).count(b"\n")
    sock.setblocking(False)
    print("ready", flush=True)
    poll = select.poll()
    poll.register(0, select.POLLIN | select.POLLHUP)
    poll.register(sock, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            try:
                if fd != 0:
                    data = sock.recv(4096)
                    answers += data.count(b"\n")
                    if data:
                        continue
                    print("! closed", flush=True)
                    return
                command = sys.stdin.readline().strip()
                if command == "send":
                    sock.send(b"?")
                elif command == "fin":
                    sock.shutdown(socket.SHUT_WR)
                elif command == "ping":
                    print("pong", answers, flush=True)
                else:
                    return
            except OSError as error:
                print(kind_of(error.errno), flush=True)
                return


main()
