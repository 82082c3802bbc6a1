import { once } from 'node:events';
import { request } from 'node:http';
import process from 'node:process';

/**
 * A program for the tests: `hostile-probes.ts ROUNDS URL...` probes each URL so often, on a new connection each time, all
 * URLs at once, and prints one line for each probe that had no answer of 200 in time.
 */
const [rounds = '', ...urls] = process.argv.slice(2);

/** Seconds. Load balancers wait for one; a machine that runs other tests may be slower, and who is shut out waits for ever. */
const PATIENCE = Number(process.env['PROBE_PATIENCE'] ?? 10);

async function probe(url: string): Promise<void> {
  try {
    const sent = request(url, { agent: false, signal: AbortSignal.timeout(PATIENCE * 1000) }).end();
    const [response] = await once(sent, 'response');
    for await (const _ of response.resume());
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  } catch (error) {
    process.stdout.write(`${url}: ${error}\n`);
  }
}

for (let round = 0; round < Number(rounds); round++) await Promise.all(urls.map(probe));
