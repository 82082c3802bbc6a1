"""A UDP server that answers when it is told to, and then sees whether an ICMP error comes back.

Arguments: ADDRESS PORT. Prints "ready". After each line on stdin it answers the last datagram, waits up to five seconds
for an ICMP error, and prints "refused" or "nothing". Ends at the end of stdin.
"""
import select
import socket
import sys

from answer import answer, family_of

SECONDS = 5


def main():
    address, port = sys.argv[1], int(sys.argv[2])
    print("ready", flush=True)
    for _ in sys.stdin:
        sock = socket.socket(family_of(address), socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.settimeout(SECONDS)
        print("listening", flush=True)
        peer = sock.recvfrom(512)[1]
        sys.stdin.readline()
        # Only a connected socket is told of errors.
        sock.connect(peer)
        sock.send(answer(address, port, peer[0], peer[1]))
        came = select.select([sock], [], [], SECONDS)[0]
        try:
            came and sock.recv(512)
            print("nothing", flush=True)
        except ConnectionRefusedError:
            print("refused", flush=True)
        sock.close()


main()
