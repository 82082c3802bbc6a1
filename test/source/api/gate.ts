import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server on loopback that can be closed: the network between, or a load balancer. */
export interface Gate {
  /** Where the server is reached through it, by https. */
  readonly url: string;
  /** Resets all connections, and refuses new ones. */
  close(): void;
  /** Lets connections through again. */
  open(): Promise<void>;
}

/** Opens a gate to `port` on loopback. */
export async function openGate(port: number): Promise<Gate> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
      // What went wrong on one side ends the other.
      socket.on('error', () => {});
    }
    near.pipe(far).pipe(near);
  });
  const listen = async (at: number) => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const own = await listen(0);
  return {
    url: `https://127.0.0.1:${own}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.resetAndDestroy();
    },
    open: async () => {
      await listen(own);
    },
  };
}
