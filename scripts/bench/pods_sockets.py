"""The sockets of all pods, made in the pods' network namespace by a process that then goes on in the client's: client
and pod are one process, so that no round trip waits for another one to be scheduled."""

import os
import socket
import sys

PORT = 8080
IP_PKTINFO = 8  # <linux/in.h>; not in every Python's socket module


def enter_client(namespace):
    """Runs this program again in NAMESPACE, as `ip netns` knows it, with the sockets made here. Returns them there."""
    if "KPN_BENCH_SOCKETS" in os.environ:
        tcp, udp = (socket.socket(fileno=int(fd)) for fd in os.environ["KPN_BENCH_SOCKETS"].split())
        return tcp, udp
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp.bind(("0.0.0.0", PORT))
    tcp.listen(128)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    udp.bind(("0.0.0.0", PORT))
    for sock in (tcp, udp):
        sock.set_inheritable(True)
    os.environ["KPN_BENCH_SOCKETS"] = f"{tcp.fileno()} {udp.fileno()}"
    os.execvp("ip", ["ip", "netns", "exec", namespace, sys.executable, "-S", "-E", "-B", *sys.argv])


def client_socket(kind, device):
    """A new socket of the client whose packets leave by DEVICE."""
    sock = socket.socket(socket.AF_INET, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    sock.settimeout(5)
    return sock
