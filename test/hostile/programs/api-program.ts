import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Kind } from '../../../src/objects/decode.ts';
import { type Fault, startApiServer } from '../../doubles/api-server.ts';
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
  /** Sends the open watches of a kind nothing more. */
  | { readonly silence: Kind }
  /** What goes wrong with requests from now on, without `times` until all goes well again. */
  | { readonly fail: Fault }
  /** Lines come in small pieces, or not. */
  | { readonly dribble: boolean }
  /** Forgets all history, so that no watch can go on from what it has seen. */
  | { readonly compact: true }
  /** All goes well again. */
  | { readonly heal: true }
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
  else if ('silence' in command) api.silence(command.silence);
  else if ('fail' in command) api.fail({ times: Number.POSITIVE_INFINITY, ...command.fail });
  else if ('dribble' in command) api.dribble = command.dribble;
  else if ('compact' in command) api.store.compact();
  else if ('heal' in command) {
    api.heal();
    api.dropUnanswered();
  } else process.stdout.write(`${command.note} ${now()}\n`);
}

function lines(): AsyncIterable<string> {
  api.kubeconfig(kubeconfig);
  const input = createInterface({ input: process.stdin });
  process.stdout.write('ready\n');
  return input;
}
