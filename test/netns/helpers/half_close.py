"""One end of a TCP connection that the client has finished with and the server has not: it stays in CLOSE_WAIT.

Arguments: "serve" ADDRESS PORT, or "connect" ADDRESS PORT. The server listens and never takes the connection, let alone
closes it: the kernel acknowledges all. The client ends its direction at once. Prints "ready"; ends at the end of stdin.
"""
import socket
import sys

from answer import family_of


def main():
    mode, address, port = sys.argv[1:]
    with socket.socket(family_of(address), socket.SOCK_STREAM) as sock:
        if mode == "serve":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, int(port)))
            sock.listen(8)
        else:
            sock.settimeout(10)
            sock.connect((address, int(port)))
            sock.shutdown(socket.SHUT_WR)
        print("ready", flush=True)
        while sys.stdin.buffer.raw.read(4096):
            pass


main()
