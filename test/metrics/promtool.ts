import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where scripts/promtool.sh puts it; without that, one that is installed. */
const CACHED = join(import.meta.dirname, '../../.cache/promtool');

/** What promtool has against a scrape: problems of form, and of names, a line each. */
export function complaintsOfPromtool(text: string): readonly string[] {
  const { error, status, stderr } = spawnSync(existsSync(CACHED) ? CACHED : 'promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
    timeout: 30_000,
  });
  if (error !== undefined) throw new Error('promtool does not run: scripts/promtool.sh gets it', { cause: error });
  // 1: no metrics at all; 3: metrics with problems.
  if (![0, 1, 3].includes(status ?? -1)) throw new Error(`promtool ended with ${status}: ${stderr}`);
  return stderr.split('\n').filter((line) => line !== '');
}
