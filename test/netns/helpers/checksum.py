"""The checksum that IP, ICMP, TCP and UDP share."""
import struct


def checksum(data):
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
