import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import process from 'node:process';

/** A program: `file-server.ts FOLDER PORT` serves the files of a folder on 127.0.0.1, and says "listening" when it does. */
const [folder = '', port = ''] = process.argv.slice(2);

createServer((request, response) => {
  const file = createReadStream(join(folder, normalize(`/${request.url}`)));
  file.once('error', () => response.writeHead(404).end());
  file.once('open', () => file.pipe(response));
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
