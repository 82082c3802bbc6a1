import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSync } from './namespaces.ts';

/** One limit for every network namespace of the machine; only the initial one may write it. */
const LIMIT = '/proc/sys/net/netfilter/nf_conntrack_max';
/** Who needs the raised limit (a file per process id), and the value before the first of them. */
const HOLDERS = join(tmpdir(), 'kpn-conntrack-max');
const owners = new Set<object>();

// Both run under a lock of their own, since test files run side by side: the last holder restores the limit. Holders
// that died count no more, so what a killed process raised is put back by the next one that comes or goes.
const COMMON = `
  limit=$1 dir=$2 pid=$3
  mkdir -p "$dir"
  others() {
    for file in "$dir"/[0-9]*; do
      [ -e "$file" ] || continue
      if [ -d "/proc/\${file##*/}" ]; then echo yes; else rm "$file"; fi
    done
  }
  restore() {
    if [ -z "$(others)" ] && [ -s "$dir/original" ]; then
      cat "$dir/original" > "$limit"
      rm "$dir/original"
    fi
  }
`;
const RAISE = `${COMMON}
  restore
  [ -s "$dir/original" ] || cat "$limit" > "$dir/original"
  : > "$dir/$pid"
  [ "$(cat "$limit")" -ge "$4" ] || echo "$4" > "$limit"
`;
const RELEASE = `${COMMON}
  rm -f "$dir/$pid"
  restore
`;

/**
 * Raises the limit so that conntrack can hold `entries`, until the owner (a world) gives the room back. A full table
 * evicts old flows for new ones, but now and then finds none in time and drops a packet (one in a million here), and
 * it may evict a TCP connection in the middle of its handshake.
 * Where the limit cannot be written (a container), it stays: Losses.conntrackDropped counts what that costs.
 */
export function holdConntrackRoom(owner: object, entries: number): void {
  if (!writable(LIMIT)) return;
  owners.add(owner);
  locked(RAISE, [String(entries)]);
}

/**
 * Gives the owner's room back; the last one, of all processes, restores the limit. Not before the owner's entries are
 * gone: in a table far over its limit new flows fail.
 */
export function releaseConntrackRoom(owner: object): void {
  if (owners.delete(owner) && owners.size === 0) locked(RELEASE, []);
}

/** Restores the limit if a process that raised it was killed, and no other needs it. */
export function restoreStaleConntrackRoom(): void {
  if (owners.size === 0 && writable(LIMIT)) locked(RELEASE, []);
}

function locked(script: string, args: readonly string[]): void {
  runSync(['flock', `${HOLDERS}.lock`, 'sh', '-euc', script, 'sh', LIMIT, HOLDERS, String(process.pid), ...args]);
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'EACCES', 'EROFS'].includes(String(error.code))) {
      return false;
    }
    throw error;
  }
}
