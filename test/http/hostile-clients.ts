import { connect } from 'node:net';
import process from 'node:process';

/**
 * A program for the tests: `hostile-clients.ts KIND COUNT HOST PORT...` keeps COUNT connections to those ports, in turn,
 * and makes a new one for each that the server closes. Says "begun" when all have been tried. KIND: "silent" sends
 * nothing, "slow" a byte of a request at a time, "half-closed" ends its own direction at once. Ends with its stdin.
 */
const [kind = '', count = '', host = '', ...ports] = process.argv.slice(2);
/** Milliseconds before a connection is made again: the clients are not to take all of a small machine. */
const PAUSE = 2000;
/** Milliseconds between two bytes, and what it takes to have tried to connect. */
const STEP = 200;
const REQUEST = `GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ${'a'.repeat(1000)}`;

function attack(port: number, tried: () => void): void {
  const socket = connect({ host, port });
  let sent = 0;
  const more = setInterval(() => {
    if (kind === 'slow' && socket.readyState === 'open') socket.write(REQUEST[sent++] ?? 'a');
  }, STEP);
  socket.on('connect', () => {
    if (kind === 'half-closed') socket.end();
    if (kind === 'slow') socket.write(REQUEST[sent++] ?? 'a');
  });
  socket.once('connect', tried).once('error', tried);
  socket.on('error', () => {});
  socket.once('close', () => {
    clearInterval(more);
    setTimeout(() => attack(port, () => {}), PAUSE);
  });
  socket.resume();
}

const all = Array.from({ length: Number(count) }, (_, i) => {
  return new Promise<void>((resolve) => {
    // What nobody answers has been tried, too.
    setTimeout(resolve, STEP);
    attack(Number(ports[i % ports.length]), resolve);
  });
});
await Promise.all(all);
process.stdout.write('begun\n');
process.stdin.resume().on('end', () => process.exit());
