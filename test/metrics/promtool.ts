import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where scripts/promtool.sh puts it; without that, one that is installed. */
const CACHED = join(import.meta.dirname, '../../.cache/promtool');

/** What promtool prints, and its exit code. Throws where it does not run, or is ended by a signal. */
export function runPromtool(args: readonly string[], input = ''): { readonly status: number; readonly said: string } {
  const { error, status, stdout, stderr } = spawnSync(existsSync(CACHED) ? CACHED : 'promtool', args, {
    input,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (error !== undefined) throw new Error('promtool does not run: scripts/promtool.sh gets it', { cause: error });
  if (status === null) throw new Error(`promtool was ended: ${stderr}`);
  return { status, said: `${stdout}${stderr}` };
}

/** What promtool has against a scrape: problems of form, and of names, a line each. */
export function complaintsOfPromtool(text: string): readonly string[] {
  const { status, said } = runPromtool(['check', 'metrics'], text);
  // 1: no metrics at all; 3: metrics with problems.
  if (![0, 1, 3].includes(status)) throw new Error(`promtool ended with ${status}: ${said}`);
  return said.split('\n').filter((line) => line !== '');
}
