import { listeningSockets, TCP_SOCKETS } from './listening-sockets.ts';
import { readProc } from './proc.ts';

/** The user id of root. */
export const ROOT = 0;

/**
 * The user IDs of a process: real, effective, saved, and file system. All of them matter: while `su` asks for a password,
 * its effective one is root. Empty if the process has ended or is not visible.
 */
export function usersOf(pid: string): readonly number[] {
  const status = readProc(`${pid}/status`) ?? '';
  return (/^Uid:\s+(.*)$/m.exec(status)?.[1] ?? '').split(/\s+/).filter(Boolean).map(Number);
}

/** How /proc/net/tcp and tcp6 write addresses that answer on 127.0.0.1, on machines of either byte order. */
const ANSWERING_ON_LOOPBACK = [
  '00000000',
  '0100007F',
  '7F000001',
  '0'.repeat(32),
  `${'0'.repeat(16)}0000FFFF0100007F`,
  `${'0'.repeat(16)}0000FFFF7F000001`,
];

/** The user IDs of those who listen on a TCP port of 127.0.0.1 in this network namespace, which everyone can read. */
export function listenersOn(port: number): readonly number[] {
  const users = new Set<number>();
  for (const file of TCP_SOCKETS) {
    for (const { address, user } of listeningSockets(readProc(file) ?? '', [port])) {
      if (ANSWERING_ON_LOOPBACK.includes(address)) users.add(user);
    }
  }
  return [...users];
}
