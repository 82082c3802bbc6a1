import { createInterface } from 'node:readline';
import type { Kind } from '../../src/objects/decode.ts';
import { startApiServer } from '../doubles/api-server.ts';
import type { RawObject } from '../doubles/api-server-store.ts';

/**
 * The API server double as a program, to be run inside a network namespace: `api-server-program.ts KUBECONFIG PORT
 * REVISION`, the last being the resourceVersion it begins after: a server that comes back knows all before as too old.
 * It writes the kubeconfig, prints "ready", and obeys a line of JSON each: {"put": object}, {"remove": [kind, key]}, {"fail":
 * status} for every request from then on, or {"heal": true}.
 */
const [kubeconfig = '', port = '0', revision = '0'] = process.argv.slice(2);
const api = await startApiServer(undefined, Number(port));
while (api.store.version < Number(revision)) api.store.compact();
for await (const line of lines()) {
  const command: {
    readonly put?: RawObject;
    readonly remove?: readonly [Kind, string];
    readonly fail?: number;
    readonly heal?: true;
  } = JSON.parse(line);
  if (command.put !== undefined) api.put(command.put);
  if (command.remove !== undefined) api.remove(...command.remove);
  if (command.fail !== undefined) api.fail({ status: command.fail, times: Number.POSITIVE_INFINITY });
  if (command.heal) api.heal();
}
await api.stop();

function lines(): AsyncIterable<string> {
  api.kubeconfig(kubeconfig);
  const input = createInterface({ input: process.stdin });
  process.stdout.write('ready\n');
  return input;
}
