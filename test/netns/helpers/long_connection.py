"""One TCP connection for as long as it takes: sends requests again and again, and prints the answers.

Arguments: ADDRESS PORT. Prints "ready" with the first answer. Ends at the end of stdin; with an error when the
connection does, or does not answer within 10 seconds.
"""
import select
import socket
import sys

from answer import family_of


def main():
    address, port = sys.argv[1:]
    sock = socket.socket(family_of(address), socket.SOCK_STREAM)
    sock.settimeout(10)
    sock.connect((address, int(port)))
    lines = sock.makefile("r")
    answer = lines.readline()
    print("ready", flush=True)
    while not select.select([0], [], [], 0.05)[0]:
        if not answer.endswith("\n"):
            sys.exit("the connection was closed")
        print(answer, end="", flush=True)
        sock.send(b"?")
        answer = lines.readline()


main()
