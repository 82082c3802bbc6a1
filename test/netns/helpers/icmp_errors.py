"""The ICMP errors that packets of a socket bring back."""
import socket
import struct

IP_RECVERR, IPV6_RECVERR = 11, 25


def expect_errors(sock):
    """Lets a socket keep the errors for read_error."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)


def read_error(sock):
    """(type, code, sender, source port of our packet, errno) of the next ICMP error, None without one.

    The port is None where the error does not quote the packet so far.
    """
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
        port = struct.unpack_from("!H", data)[0] if len(data) >= 2 else None
        return kind, number, sender, port, code
    return None
