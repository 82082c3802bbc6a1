"""Sends SCTP INIT packets and prints the ICMP error, if any, that each brings back.

Arguments: SOURCE|- DESTINATION PORT SOURCE_PORT COUNT WAIT_SECONDS
COUNT packets, from SOURCE_PORT on; prints one line for each: "- SOURCE PORT" when nothing came back in WAIT_SECONDS,
or "TYPE CODE SENDER PORT ERRNO" of the ICMP error.
"""
import errno
import select
import socket
import sys

from answer import family_of
from icmp_errors import expect_errors, read_error
from sctp import SCTP, init_packet


def main():
    source, destination, port, source_port, count, wait = sys.argv[1:]
    port, source_port, count, wait = int(port), int(source_port), int(count), float(wait)
    family = family_of(destination)
    sock = socket.socket(family, socket.SOCK_RAW, SCTP)
    sock.setblocking(False)
    expect_errors(sock)
    if source != "-":
        sock.bind((source, 0))
    sock.connect((destination, 0))
    poll = select.poll()
    poll.register(sock, select.POLLERR)
    for offset in range(count):
        own = source_port + offset
        packet = init_packet(own, port, own << 8 | 1)
        while True:
            try:
                sock.send(packet)
                break
            except OSError as error:
                # The pending error of an earlier packet; its details are in the error queue and nobody reads them any more.
                if read_error(sock) is None:
                    raise error
        line = "- %s %d" % (sock.getsockname()[0], own)
        while poll.poll(wait * 1000):
            error = read_error(sock)
            if error is not None and error[3] == own:
                line = "%d %d %s %d %s" % (*error[:4], errno.errorcode.get(error[4], str(error[4])))
                break
        print(line)


main()
