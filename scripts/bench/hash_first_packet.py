"""Run as root by `unshare -n python3 scripts/bench/hash_first_packet.py`: what the first packet of a flow costs by a hash from
a table of 256 slots, and by a random draw from 8; nanoseconds of CPU for a UDP send over loopback, by turns in one run (the
lower quartile, and the median)."""

import socket
import statistics
import subprocess
import time

def elements(port, n, slots):
    return ",".join(f"127.9.0.1 . {port} . {i} : 127.0.0.{2+i%n} . 9" for i in range(slots))


nft=f"""table ip t {{
 map m {{
  typeof ip daddr . udp dport . numgen random mod 2 : ip daddr . udp dport
  elements = {{ {elements(80,8,8)}, {elements(81,8,256)}, {elements(82,8,256)} }}
 }}
 map v {{
  typeof ip daddr . meta l4proto . th dport : verdict
  elements = {{ 127.9.0.1 . udp . 80 : goto r, 127.9.0.1 . udp . 81 : goto h, 127.9.0.1 . udp . 82 : goto c }}
 }}
 chain r {{ 
  meta l4proto udp dnat ip to ip daddr . udp dport . numgen random mod 8 map @m
 }}
 chain h {{
  meta l4proto udp dnat ip to ip daddr . udp dport . jhash ip saddr mod 256 seed 10 map @m
 }}
 chain c {{
  meta l4proto udp dnat ip to ip daddr . udp dport . jhash @nh,96,80 mod 256 seed 10 map @m
 }}
 chain o {{
  type nat hook output priority -100
  ip daddr . meta l4proto . th dport vmap @v
 }}
}}"""
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["nft","-f","-"],input=nft,text=True,check=True)
servers = []
for i in range(8):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((f"127.0.0.{2 + i}", 9))
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    servers.append(server)
costs = {80: [], 81: [], 82: []}
for turn in range(400):
    order = [80, 81, 82]
    for port in order[turn % 3 :] + order[: turn % 3]:
        clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(100)]
        for client in clients:
            client.connect(("127.9.0.1", port))
        begun = time.process_time_ns()
        for client in clients:
            client.send(b"x")
        costs[port].append((time.process_time_ns() - begun) / len(clients))
        for client in clients:
            client.close()


def quartile(values):
    return sorted(values)[len(values) // 4]


base = quartile(costs[80])
for port, name in ((80, "random"), (81, "client-hash"), (82, "connection-hash")):
    low, median = quartile(costs[port]), statistics.median(costs[port])
    print(f"{name:16} {low:6.0f} ns, median {median:6.0f} ns, {low / base:.3f} of random")
