"""Lists and deletes lines of a file as conntrack 1.4.7 does with its table: DIRECTORY, then conntrack's arguments."""
import ipaddress
import re
import sys

directory, command, *args = sys.argv[1:]
wanted = {}
while args:
    name = args.pop(0)
    wanted[name] = None if name == "--dst-nat" else args.pop(0)
protocol = wanted.pop("-p", "udp")
assert protocol in ("tcp", "udp")
assert wanted.pop("-f", "ipv4") in ("ipv4", "ipv6")


def matches(line):
    if not line.startswith(protocol + " "):
        return False
    source, destination, _, port = re.findall(r"(?:src|dst|sport|dport)=(\S+)", line)[:4]
    answers, _, answers_port = re.findall(r"(?:src|dst|sport|dport)=(\S+)", line)[4:7]
    fields = {
        "--orig-dst": destination,
        "--orig-port-dst": port,
        "--reply-src": answers,
        "--reply-port-src": answers_port,
    }
    for name, value in wanted.items():
        if name == "--orig-src":
            if ipaddress.ip_address(source) not in ipaddress.ip_network(value):
                return False
        elif name == "--dst-nat":
            if (destination, port) == (answers, answers_port):
                return False
        elif fields[name] != value:
            return False
    return True


with open(f"{directory}/flows") as file:
    lines = file.readlines()
found = [line for line in lines if matches(line)]
sys.stdout.writelines(found)
what = "shown"
if command == "-D":
    with open(f"{directory}/flows", "w") as file:
        file.writelines(line for line in lines if line not in found)
    what = "deleted"
print(f"conntrack v1.4.7 (conntrack-tools): {len(found)} flow entries have been {what}.", file=sys.stderr)
sys.exit(0 if found or command == "-L" else 1)
