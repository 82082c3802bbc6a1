"""Answers the next data of a TCP connection with a segment outside of the window.

Arguments: ADDRESS PORT OFFSET, the first two those of the server, in whose place it runs. It waits for a segment with
data that comes to them, sends one segment back to its sender, OFFSET after the byte that the sender expects next (or
before, if that is negative), and prints "SENDER PORT". Ends by itself.
"""
import socket
import struct
import sys

from answer import family_of
from checksum import checksum

TCP = 6
PSH_ACK = 0x18
PAYLOAD = b"boom!!!!"


def tcp_part(packet, family):
    """The TCP segment in what a raw socket received: IPv4 hands over the IP header, too."""
    return packet[(packet[0] & 15) * 4 :] if family == socket.AF_INET else packet


def segment(source, destination, family, ports, sequence, acknowledged):
    header = struct.pack("!HHIIBBHHH", *ports, sequence, acknowledged, 5 << 4, PSH_ACK, 512, 0, 0)
    length = len(header) + len(PAYLOAD)
    pseudo = b"".join(socket.inet_pton(family, address) for address in (source, destination))
    total = checksum(pseudo + struct.pack("!II", length, TCP) + header + PAYLOAD)
    return header[:16] + struct.pack("!H", total) + header[18:] + PAYLOAD


def main():
    address, port, offset = sys.argv[1:]
    family = family_of(address)
    sock = socket.socket(family, socket.SOCK_RAW, TCP)
    sock.bind((address, 0))
    sock.settimeout(10)
    while True:
        packet, peer = sock.recvfrom(65535)
        data = tcp_part(packet, family)
        sender_port, own_port, sequence, acknowledged, words = struct.unpack_from("!HHIIB", data)
        payload = len(data) - (words >> 4) * 4
        if own_port != int(port) or payload == 0:
            continue
        expected = (sequence + payload) & 0xFFFFFFFF
        outside = (acknowledged + int(offset)) & 0xFFFFFFFF
        out = segment(address, peer[0], family, (own_port, sender_port), outside, expected)
        sock.sendto(out, (peer[0], 0))
        print(peer[0], sender_port)
        return


main()
