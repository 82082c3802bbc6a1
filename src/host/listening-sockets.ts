/** Where /proc lists the TCP sockets of this network namespace. There is no tcp6 on a kernel without IPv6. */
export const TCP_SOCKETS = ['self/net/tcp', 'self/net/tcp6'];

const LISTENING = '0A';

/** A TCP socket that listens, as /proc/net/tcp and tcp6 have it. */
export interface ListeningSocket {
  /** In hex, in words in the machine's byte order. */
  readonly address: string;
  readonly port: number;
  readonly user: number;
  readonly inode: string;
}

/** The sockets in a file of TCP_SOCKETS that listen on one of these ports. */
export function listeningSockets(text: string, ports: readonly number[]): readonly ListeningSocket[] {
  return text.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , user, , inode = ''] = line.trim().split(/\s+/);
    if (state !== LISTENING) return [];
    const [address = '', itsPort = ''] = local.split(':');
    const port = Number.parseInt(itsPort, 16);
    return ports.includes(port) ? [{ address, port, user: Number(user), inode }] : [];
  });
}
