"""What the server and client programs share."""
import socket

# Linux numbers that the socket module has no name for.
IP_BIND_ADDRESS_NO_PORT = 24
IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def endpoint(address, port):
    """"10.32.0.15:80", "[fd00:32::15]:80"."""
    return "[%s]:%d" % (address, port) if ":" in address else "%s:%d" % (address, port)


def answer(local_address, local_port, client_address, client_port):
    """The line a server answers with: which endpoint it is, and the client it saw."""
    return ("%s %s %d\n" % (endpoint(local_address, local_port), client_address, client_port)).encode()
