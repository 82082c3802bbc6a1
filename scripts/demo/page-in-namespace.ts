import { forward } from './forward.ts';

/** In the network namespace of the daemon: from the socket file of the first argument to the daemon's page. */
const [path = ''] = process.argv.slice(2);
await forward({ path }, { host: '127.0.0.1', port: 10249 });
process.stdout.write('listening\n');
