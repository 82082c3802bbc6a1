import { Agent, request } from 'node:http';
import process from 'node:process';

/**
 * A program: `request-program.ts CLIENTS URL` has so many clients that request the URL again as soon as they are answered.
 * "unix:SOCKET:PATH" sends requests on a unix socket. Says "ready" at once; ends with its stdin.
 */
const [clients = '', url = ''] = process.argv.slice(2);
/** Milliseconds after a failure. */
const PAUSE = 50;
const agent = new Agent({ keepAlive: true, maxSockets: Number(clients) });
const [, socketPath, path] = /^unix:([^:]+):(.*)$/.exec(url) ?? [];
const target = socketPath === undefined ? url : { socketPath, path };

function send(): void {
  const again = () => setTimeout(send, PAUSE);
  const sent = typeof target === 'string' ? request(target, { agent }) : request({ ...target, agent });
  sent
    .on('response', (response) => response.resume().on('end', send).on('error', again))
    .on('error', again)
    .end();
}

for (let i = 0; i < Number(clients); i++) send();
process.stdout.write('ready\n');
process.stdin.resume().on('end', () => process.exit());
