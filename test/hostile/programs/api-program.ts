import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Kind } from '../../../src/objects/decode.ts';
import { startApiServer } from '../../doubles/api-server.ts';
import type { RawObject } from '../../doubles/api-server-store.ts';
import { now } from '../clock.ts';

/** What the API server double is told to do, a line of JSON each. */
export type ApiCommand =
  | { readonly put: readonly RawObject[] }
  | { readonly remove: readonly [Kind, string] }
  /** Text into the open watches as it is. */
  | { readonly write: readonly [Kind, string] }
  | { readonly error: readonly [Kind, number] }
  | { readonly end: readonly [Kind, 'properly' | 'reset'] }
  /** Says when it came to this command: "NOTE MILLISECONDS". */
  | { readonly note: number };

/** A program: `api-program.ts KUBECONFIG PORT`. Writes the kubeconfig, says "ready", and obeys its stdin to its end. */
const [kubeconfig = '', port = '0'] = process.argv.slice(2);
const api = await startApiServer(undefined, Number(port));
for await (const line of lines()) obey(JSON.parse(line));
await api.stop();

function obey(command: ApiCommand): void {
  if ('put' in command) for (const object of command.put) api.put(object);
  else if ('remove' in command) api.remove(...command.remove);
  else if ('write' in command) api.write(...command.write);
  else if ('error' in command) api.sendError(...command.error);
  else if ('end' in command) api.end(...command.end);
  else process.stdout.write(`${command.note} ${now()}\n`);
}

function lines(): AsyncIterable<string> {
  api.kubeconfig(kubeconfig);
  const input = createInterface({ input: process.stdin });
  process.stdout.write('ready\n');
  return input;
}
