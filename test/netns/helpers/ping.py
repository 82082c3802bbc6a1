"""Sends one ICMP echo request and prints what it brings back.

Arguments: ADDRESS TIMEOUT_SECONDS. Prints "reply", "unreachable TYPE CODE" for an ICMP error about our request,
"prohibited" where the kernel refuses to send it, or "nothing".
"""
import os
import select
import socket
import struct
import sys
import time

from answer import family_of
from checksum import checksum

# Of ICMP and ICMPv6: protocol, echo request, echo reply, destination unreachable.
ICMP = {socket.AF_INET: (1, 8, 0, 3), socket.AF_INET6: (58, 128, 129, 1)}


def icmp_part(packet, family):
    """What follows the IP header, which a raw socket hands over for IPv4 only."""
    return packet[(packet[0] & 15) * 4 :] if family == socket.AF_INET else packet


def main():
    address, timeout = sys.argv[1:]
    family = family_of(address)
    protocol, request, reply, unreachable = ICMP[family]
    sock = socket.socket(family, socket.SOCK_RAW, protocol)
    identity = struct.pack("!HH", os.getpid() & 0xFFFF, 1)
    header = struct.pack("!BBH", request, 0, 0) + identity
    if family == socket.AF_INET:
        header = struct.pack("!BBH", request, 0, checksum(header)) + identity
    end = time.monotonic() + float(timeout)
    try:
        sock.sendto(header, (address, 0))
    except PermissionError:
        print("prohibited")
        return
    while select.select([sock], [], [], max(0, end - time.monotonic()))[0]:
        message = icmp_part(sock.recv(2048), family)
        if message[0] == reply and message[4:8] == identity:
            print("reply")
            return
        # The error's own header, then the packet it is about: an IP header without options, and our request.
        inner = message[8 + (20 if family == socket.AF_INET else 40) :]
        if message[0] == unreachable and inner[4:8] == identity:
            print("unreachable", message[0], message[1])
            return
    print("nothing")


main()
