import { readFileSync, statSync } from 'node:fs';
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import process from 'node:process';

// A process of its own, since the test waits for install.sh: `node redirecting-server.ts FOLDER`. Serves FOLDER/release/
// over https (with FOLDER/server.crt and .key) and over http, and tells both ports. /to/WAY/FILE leads elsewhere first.
const [folder = ''] = process.argv.slice(2);

function answer(request: IncomingMessage, response: ServerResponse): void {
  const [, first = '', way = '', ...rest] = (request.url ?? '').split('/');
  if (first === 'to') {
    const file = `release/${rest.join('/')}`;
    const locations: Readonly<Record<string, string>> = {
      http: `http://127.0.0.1:${port(plain)}/${file}`,
      https: `https://127.0.0.1:${port(secure)}/${file}`,
      path: `/to/https/${rest.join('/')}`,
      host: `//127.0.0.1:${port(secure)}/${file}`,
      later: `/to/http/${rest.join('/')}`,
      circle: request.url ?? '',
      file: 'file:///etc/passwd',
    };
    response.writeHead(302, { location: locations[way] }).end();
    return;
  }
  const path = join(folder, first, way, ...rest);
  if (!path.startsWith(join(folder, 'release')) || !statSync(path, { throwIfNoEntry: false })?.isFile()) {
    response.writeHead(404).end();
    return;
  }
  response.end(readFileSync(path));
}

const port = (server: { address(): unknown }): number => (server.address() as { port: number }).port;
const files = { cert: readFileSync(join(folder, 'server.crt')), key: readFileSync(join(folder, 'server.key')) };
const secure = createServer(files, answer);
const plain = createPlainServer(answer);
secure.listen(0, '127.0.0.1', () =>
  plain.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ secure: port(secure), plain: port(plain) }))),
);
