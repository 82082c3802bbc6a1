import { createServer } from 'node:net';
import process from 'node:process';

/** A program: `pods-program.ts PORT` answers on every address of its place with that address. Says "ready"; ends with its stdin. */
const [port = '0'] = process.argv.slice(2);
createServer((socket) => {
  socket.on('error', () => undefined).end(`${socket.localAddress}\n`);
}).listen({ port: Number(port), host: '0.0.0.0', backlog: 4096 }, () => process.stdout.write('ready\n'));
process.stdin.resume().on('end', () => process.exit());
