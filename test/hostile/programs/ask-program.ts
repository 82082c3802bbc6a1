import { Agent, request } from 'node:http';
import process from 'node:process';

/**
 * A program: `ask-program.ts CLIENTS URL` has so many clients that ask the URL again as soon as they are answered.
 * "unix:SOCKET:PATH" asks on a unix socket. Says "ready" at once; ends with its stdin.
 */
const [clients = '', url = ''] = process.argv.slice(2);
/** Milliseconds after a failure. */
const PAUSE = 50;
const agent = new Agent({ keepAlive: true, maxSockets: Number(clients) });
const [, socketPath, path] = /^unix:([^:]+):(.*)$/.exec(url) ?? [];
const target = socketPath === undefined ? url : { socketPath, path };

function ask(): void {
  const again = () => setTimeout(ask, PAUSE);
  const asked = typeof target === 'string' ? request(target, { agent }) : request({ ...target, agent });
  asked
    .on('response', (response) => response.resume().on('end', ask).on('error', again))
    .on('error', again)
    .end();
}

for (let i = 0; i < Number(clients); i++) ask();
process.stdout.write('ready\n');
process.stdin.resume().on('end', () => process.exit());
