"""Requests / from an HTTP server once and prints the status of its answer, "200", or "! KIND" (see flow.py).

Arguments: ADDRESS PORT.
"""
import socket
import sys

from flow import kind_of


def main():
    address, port = sys.argv[1:]
    try:
        with socket.create_connection((address, int(port)), timeout=5) as sock:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            words = sock.makefile("r").readline().split()
            print(words[1] if len(words) > 1 else "! closed")
    except OSError as error:
        print("! timeout" if isinstance(error, TimeoutError) else kind_of(error.errno))


main()
