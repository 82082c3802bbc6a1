"""Sends UDP datagrams, each a flow of its own, from a packet socket at full rate; prints the number sent and the seconds.

Arguments: DEVICE GATEWAY_MAC SOURCE SOURCES DESTINATION PORT FIRST_FLOW FLOWS ID PACKETS_PER_SECOND|0
Flow number k has source address SOURCE + k mod SOURCES and source port 1024 + k div SOURCES, so no two are alike.
The payload is "kpnf", ID (4 bytes), then the one's complement of the source port, which keeps the UDP checksum the same
for every port: nothing is computed per packet.
"""
import errno
import socket
import struct
import sys
import time

from answer import family_of
from checksum import checksum

FIRST_PORT = 1024
MAGIC = b"kpnf"
UDP = 17
BATCH = 256


def frame(ethernet, family, source, destination, port, flood_id):
    """A whole frame with source port 0, and where in it the source port and its complement are."""
    payload = MAGIC + struct.pack("!I", flood_id) + b"\xff\xff"
    length = 8 + len(payload)
    addresses = source + destination
    pseudo = addresses + struct.pack("!II", length, UDP)
    udp = struct.pack("!HHH", 0, port, length)
    # 0 would mean "no checksum"; 0xffff is the same number.
    udp += struct.pack("!H", checksum(pseudo + udp + b"\0\0" + payload) or 0xFFFF)
    if family == socket.AF_INET6:
        header = struct.pack("!IHBB", 6 << 28, length, UDP, 64) + addresses
        ethernet += b"\x86\xdd"
    else:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, UDP, 0) + addresses
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        ethernet += b"\x08\x00"
    start = len(ethernet) + len(header)
    return bytearray(ethernet + header + udp + payload), start, start + 16


def main():
    device, mac, source, sources, destination, port, first, flows, flood_id, rate = sys.argv[1:]
    sources, port, first, flows, rate = int(sources), int(port), int(first), int(flows), int(rate)
    family = family_of(destination)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.bind((device, 0))
    ethernet = bytes.fromhex(mac.replace(":", "")) + sock.getsockname()[4]
    packed = socket.inet_pton(family, source)
    base = int.from_bytes(packed, "big")
    target = socket.inet_pton(family, destination)
    frames = []
    for i in range(sources):
        own = (base + i).to_bytes(len(packed), "big")
        data, at_port, at_complement = frame(ethernet, family, own, target, port, int(flood_id))
        frames.append(data)
    end_port, end_complement = at_port + 2, at_complement + 2
    send = sock.send
    flow, last = first, first + flows
    begun = time.monotonic()
    while flow < last:
        number, index = divmod(flow, sources)
        own_port = FIRST_PORT + number
        if own_port > 65535:
            sys.exit("no unused source port is left: use more source addresses")
        port_bytes = struct.pack("!H", own_port)
        complement = struct.pack("!H", own_port ^ 0xFFFF)
        count = min(sources - index, last - flow, BATCH)
        for data in frames[index : index + count]:
            data[at_port:end_port] = port_bytes
            data[at_complement:end_complement] = complement
            while True:
                try:
                    send(data)
                    break
                except OSError as error:
                    if error.errno != errno.ENOBUFS:
                        raise
                    time.sleep(0.001)
        flow += count
        if rate:
            early = (flow - first) / rate - (time.monotonic() - begun)
            if early > 0:
                time.sleep(early)
    print(flows, time.monotonic() - begun)


main()
