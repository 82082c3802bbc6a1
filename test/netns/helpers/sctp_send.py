"""Sends SCTP INIT packets and prints the ICMP error, if any, that each brings back.

Arguments: SOURCE|- DESTINATION PORT SOURCE_PORT COUNT WAIT_SECONDS
COUNT packets, from SOURCE_PORT on; prints one line for each: "- SOURCE PORT" when nothing came back in WAIT_SECONDS,
or "TYPE CODE SENDER PORT ERRNO" of the ICMP error.
"""
import errno
import select
import socket
import struct
import sys

from answer import family_of
from sctp import SCTP, init_packet

IP_RECVERR, IPV6_RECVERR = 11, 25


def read_error(sock):
    """(type, code, sender, source port of our packet, errno name) of the next ICMP error, None without one."""
    try:
        data, control, _, _ = sock.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
    except BlockingIOError:
        return None
    for _, _, body in control:
        # struct sock_extended_err, then the address of the ICMP's sender.
        code, _, kind, number = struct.unpack_from("@IBBB", body)
        family = struct.unpack_from("@H", body, 16)[0]
        if family == socket.AF_INET6:
            sender = socket.inet_ntop(family, body[24:40])
        elif family == socket.AF_INET:
            sender = socket.inet_ntop(family, body[20:24])
        else:
            continue
        # IPv4 hands over what the ICMP error quotes from the IP header on, or from SCTP on.
        if sock.family == socket.AF_INET and len(data) >= 24 and data[0] >> 4 == 4:
            data = data[(data[0] & 15) * 4 :]
        return kind, number, sender, struct.unpack_from("!H", data)[0], errno.errorcode.get(code, str(code))
    return None


def main():
    source, destination, port, source_port, count, wait = sys.argv[1:]
    port, source_port, count, wait = int(port), int(source_port), int(count), float(wait)
    family = family_of(destination)
    sock = socket.socket(family, socket.SOCK_RAW, SCTP)
    sock.setblocking(False)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
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
                # The pending error of an earlier packet; its details are in the error queue and are no longer asked for.
                if read_error(sock) is None:
                    raise error
        line = "- %s %d" % (sock.getsockname()[0], own)
        while poll.poll(wait * 1000):
            error = read_error(sock)
            if error is not None and error[3] == own:
                line = "%d %d %s %d %s" % error
                break
        print(line)


main()
