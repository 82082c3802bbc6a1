"""SCTP packets (RFC 9260) made and checked by hand: kernels without SCTP sockets exist."""
import socket
import struct

SCTP = 132
INIT = 1


def _crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _crc32c_table()


def crc32c(data):
    """The Castagnoli CRC of RFC 9260, appendix A."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def init_packet(source_port, destination_port, tag):
    """A whole SCTP packet with one INIT chunk: verification tag 0, one stream each way."""
    chunk = struct.pack("!BBHIIHHI", INIT, 0, 20, tag, 65536, 1, 1, tag)
    # The checksum goes least significant byte first.
    header = struct.pack("!HHI", source_port, destination_port, 0)
    return header + struct.pack("<I", crc32c(header + b"\0\0\0\0" + chunk)) + chunk


def parse_ip(packet):
    """(source, destination, SCTP packet) of an IPv4 or IPv6 packet that carries SCTP, else None."""
    if packet[0] >> 4 == 4:
        if packet[9] != SCTP:
            return None
        end = struct.unpack_from("!H", packet, 2)[0]
        return (
            socket.inet_ntoa(packet[12:16]),
            socket.inet_ntoa(packet[16:20]),
            packet[(packet[0] & 15) * 4 : end],
        )
    if packet[6] != SCTP:
        return None
    end = 40 + struct.unpack_from("!H", packet, 4)[0]
    return (
        socket.inet_ntop(socket.AF_INET6, packet[8:24]),
        socket.inet_ntop(socket.AF_INET6, packet[24:40]),
        packet[40:end],
    )
