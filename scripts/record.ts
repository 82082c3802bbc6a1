import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { castOf, type Shown } from './demo/cast.ts';
import { DemoNode, LAST_COMMANDS } from './demo/node.ts';

/** `npm run record`: docs/demo.cast, a recording of the commands that the demo ends with. It takes root. */

const OUTPUT = join(import.meta.dirname, '..', 'docs', 'demo.cast');
const MAX_BYTES = 60_000;
/** Until the daemon has compared rules and elements with the kernel, and says how often it does. */
const SETTLED_MS = 12_000;

async function record(): Promise<string> {
  const node = new DemoNode();
  try {
    await node.start();
    await sleep(SETTLED_MS);
    const shown: Shown[] = [];
    for (const command of LAST_COMMANDS) shown.push({ text: command.text, output: await node.print(command) });
    const cast = castOf('kube-proxy-nft: status, get services, trace', shown);
    if (cast.includes(node.folder) || cast.split(/[^\w.-]+/).includes(hostname())) {
      throw new Error(`the recording has the name of this machine (${hostname()}) or of a file of it`);
    }
    return cast;
  } finally {
    node.remove();
  }
}

const cast = await record();
if (Buffer.byteLength(cast) > MAX_BYTES) throw new Error(`the recording has more than ${MAX_BYTES} bytes`);
writeFileSync(OUTPUT, cast);
process.stdout.write(`${OUTPUT}: ${Buffer.byteLength(cast)} bytes\n`);
