import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import process from 'node:process';

/**
 * A program: a process of user nobody that looks like a kube-proxy, and has what a daemon might look for: the abstract
 * socket of the lock, an answer on kube-proxy's metrics port, and arguments (here unused) like those of an nft of ours.
 */
const NOBODY = 65_534;
process.setgroups?.([]);
process.setgid?.(NOBODY);
process.setuid?.(NOBODY);
const lock = createServer((socket) => socket.on('error', () => undefined)).listen('\0kube-proxy-nft');
const metrics = createHttpServer((_, response) => response.end('nftables')).listen(10_249, '127.0.0.1');
let listening = 0;
for (const server of [lock, metrics]) {
  server.once('listening', () => {
    listening++;
    if (listening === 2) process.stdout.write('ready\n');
  });
}
process.stdin.resume().on('end', () => process.exit());
