import { canonicalAddress } from '../ip.ts';
import { listeningSockets, TCP_SOCKETS } from './listening-sockets.ts';
import { descriptorsOf, nameOf, processIds, readProc } from './proc.ts';

/** A TCP socket that listens in this network namespace. */
export interface Listener {
  /** Canonical. */
  readonly host: string;
  readonly port: number;
  readonly user: number;
  /** The process that owns it, if we can see it. */
  readonly pid: number | undefined;
  /** The name of that process; controlled by others. */
  readonly name: string | undefined;
}

/** The maximum number of processes examined to find the owners of sockets. */
const MOST_PROCESSES = 20_000;

/** The sockets that listen on one of these TCP ports, which everyone can read. Only root can see the processes. */
export function listenersOnPorts(ports: readonly number[]): readonly Listener[] {
  const sockets = TCP_SOCKETS.flatMap((file) => listeningSockets(readProc(file) ?? '', ports));
  const owners =
    sockets.length === 0 ? new Map<string, number>() : ownersOf(new Set(sockets.map(({ inode }) => inode)));
  return sockets.map(({ address, inode, ...socket }) => {
    const pid = owners.get(inode);
    return {
      host: addressOf(address),
      ...socket,
      pid,
      name: pid === undefined ? undefined : nameOf(pid),
    };
  });
}

/** The address that /proc/net/tcp writes in words of the machine's byte order. */
function addressOf(hex: string): string {
  const bytes = [...Buffer.from(hex, 'hex')];
  const words = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.slice(4 * i, 4 * i + 4));
  const isLittle = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
  const ordered = words.flatMap((word) => (isLittle ? word.toReversed() : word));
  if (ordered.length === 4) return ordered.join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((ordered[2 * i] ?? 0) << 8) | (ordered[2 * i + 1] ?? 0)).toString(16),
  );
  return canonicalAddress(groups.join(':'));
}

function ownersOf(inodes: ReadonlySet<string>): ReadonlyMap<string, number> {
  const owners = new Map<string, number>();
  for (const pid of processIds().slice(0, MOST_PROCESSES)) {
    for (const link of descriptorsOf(pid)) {
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
      if (inode !== undefined && inodes.has(inode) && !owners.has(inode)) owners.set(inode, Number(pid));
    }
  }
  return owners;
}
