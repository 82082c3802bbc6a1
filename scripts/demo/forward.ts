import { connect, createServer, type ListenOptions, type NetConnectOpts, type Server } from 'node:net';

/** More than a browser opens to one server. */
const MAX_CONNECTIONS = 32;

/**
 * Passes each connection on to another address, byte by byte. Resolves when it listens, and rejects when it cannot.
 * Either end's failure ends both: who connected sees a closed connection, as without a forwarder.
 */
export function forward(from: ListenOptions, to: NetConnectOpts): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ ...to, allowHalfOpen: true });
    near.once('close', () => far.destroy()).on('error', () => far.destroy());
    far.once('close', () => near.destroy()).on('error', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  server.maxConnections = MAX_CONNECTIONS;
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(from, () => resolve(server));
  });
}
