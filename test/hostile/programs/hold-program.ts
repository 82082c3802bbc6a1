import { connect } from 'node:net';
import process from 'node:process';

/**
 * A program: `hold-program.ts COUNT TEXT PATH` keeps so many connections to a unix socket ("@NAME" for an abstract one) and
 * says that text on each, if any. A connection that ends is made again. Says "ready" at once; ends with its stdin.
 */
const [count = '', text = '', path = ''] = process.argv.slice(2);
/** Milliseconds before a connection is made again. */
const PAUSE = 200;

function hold(): void {
  const socket = connect({ path: path.replace(/^@/, '\0') });
  socket.on('error', () => undefined);
  socket.once('connect', () => socket.write(text));
  socket.once('close', () => setTimeout(hold, PAUSE));
  socket.resume();
}

for (let i = 0; i < Number(count); i++) hold();
process.stdout.write('ready\n');
process.stdin.resume().on('end', () => process.exit());
