"""UDP senders that read nothing, as syslog and statsd clients are.

stdin: a line "ADDRESS PORT ID" per sender, then "go"; prints "ready". Each sends a datagram every 20 ms from a socket of
its own, with ID (4 bytes) as payload. For each further line on stdin it prints, in the order of the senders,
"SENT REFUSED PROHIBITED" so far, separated by ";". Ends at the end of stdin.
"""
import select
import socket
import struct
import sys
import time

from answer import family_of

INTERVAL = 0.02


class Sender:
    def __init__(self, address, port, number):
        self.payload = struct.pack("!I", int(number))
        self.sock = socket.socket(family_of(address), socket.SOCK_DGRAM)
        self.sock.connect((address, int(port)))
        self.sent = self.refused = self.prohibited = 0

    def send(self):
        try:
            self.sock.send(self.payload)
            self.sent += 1
        except ConnectionRefusedError:
            # The error is that of the datagram before; this one was not sent.
            self.refused += 1
        except PermissionError:
            self.prohibited += 1


def main():
    senders = []
    for line in sys.stdin:
        if line == "go\n":
            break
        senders.append(Sender(*line.split()))
    print("ready", flush=True)
    due = time.monotonic()
    while True:
        for sender in senders:
            sender.send()
        due += INTERVAL
        while select.select([0], [], [], max(0, due - time.monotonic()))[0]:
            # One line at a time: no text may wait in a buffer that select does not see.
            if sys.stdin.readline() == "":
                return
            print(";".join("%d %d %d" % (s.sent, s.refused, s.prohibited) for s in senders), flush=True)


main()
