"""Prints a line for each SCTP packet that arrives in this namespace: "SOURCE PORT DESTINATION PORT CHUNK good|bad".

The last word is what the packet's CRC32c says. Prints "ready" first; ends at the end of stdin.
"""
import select
import socket
import struct
import sys

from sctp import crc32c, parse_ip

ETH_P_IP, ETH_P_IPV6, ETH_P_ALL = 0x0800, 0x86DD, 3


def main():
    # SOCK_DGRAM: without the Ethernet header.
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    poll.register(0, select.POLLIN | select.POLLHUP)
    print("ready", flush=True)
    while True:
        for fd, _ in poll.poll():
            if fd == 0:
                if not sys.stdin.buffer.raw.read(4096):
                    return
                continue
            packet, (device, protocol, kind, _, _) = sock.recvfrom(65535)
            if protocol not in (ETH_P_IP, ETH_P_IPV6) or kind != socket.PACKET_HOST or device == "lo":
                continue
            parsed = parse_ip(packet)
            if parsed is None:
                continue
            source, destination, body = parsed
            source_port, destination_port = struct.unpack_from("!HH", body)
            checksum = struct.unpack_from("<I", body, 8)[0]
            good = crc32c(body[:8] + b"\0\0\0\0" + body[12:]) == checksum
            print(source, source_port, destination, destination_port, body[12], "good" if good else "bad", flush=True)


main()
