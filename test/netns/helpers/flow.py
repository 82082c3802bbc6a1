"""A client's end of one flow: how it is opened, and the words for how it can fail."""
import errno
import socket
import struct

from answer import IP_BIND_ADDRESS_NO_PORT, family_of
from icmp_errors import expect_errors, read_error

KINDS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EACCES: "prohibited",
    errno.EPERM: "prohibited",
}
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def kind_of(code):
    return "! " + KINDS.get(code, errno.errorcode.get(code, str(code)))


def open_flow(protocol, address, port, source="", source_port=0, patient=False, errors=False):
    """A new socket that connects (TCP) or has sent its datagram; raises OSError where the kernel refuses at once.

    A datagram that the node's own rules stop gives EPERM, whether they drop or reject it. PATIENT ignores that: what
    comes next, an ICMP error or nothing, tells. ERRORS: an ICMP error that comes while connect() is still at work, as it
    does from a namespace of the same machine, counts at once; without it TCP tries again after a second.
    """
    tcp = protocol == "tcp"
    family = family_of(address)
    sock = socket.socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if errors:
            expect_errors(sock)
        if tcp:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        if source or source_port:
            if source_port:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            elif tcp:
                sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source or ("::" if family == socket.AF_INET6 else "0.0.0.0"), source_port))
        try:
            sock.connect((address, port))
        except BlockingIOError:
            pass
        if not source_port and sock.getsockname()[:2] == (address, port):
            # The kernel chose the very port that the flow goes to. This one is kept open, so that it chooses another.
            other = open_flow(protocol, address, port, source, 0, patient, errors)
            sock.close()
            return other
        if not tcp:
            try:
                sock.send(b"?")
            except PermissionError:
                if not patient:
                    raise
    except OSError:
        sock.close()
        raise
    return sock


def outcome_of(sock):
    """The server's answer, or "! KIND"; the socket has something to read."""
    try:
        return sock.recv(512).decode().strip() or "! closed"
    except BlockingIOError as error:
        icmp = read_error(sock)
        return kind_of(error.errno if icmp is None else icmp[4])
    except OSError as error:
        return kind_of(error.errno)
