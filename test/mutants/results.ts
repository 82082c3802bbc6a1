import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf } from './coverage.ts';
import { type Mutant, mutantId } from './mutants.ts';
import { CACHE } from './run-tests.ts';

/** `timeout`: a test did not end, which is a kill as well. `not run`: no test runs the code. */
type Fate = 'killed' | 'timeout' | 'survived' | 'not run';

/** What became of a mutant. */
export interface Result {
  readonly key: string;
  readonly fate: Fate;
  /** The test that killed it. */
  readonly by?: string;
  /** Tests that run the code and were left out, since they take too long. */
  readonly leftOut: number;
}

const FILE = join(CACHE, 'results.jsonl');

/** The same as long as the module's text is the same. */
export function resultKey(mutant: Mutant, text: string): string {
  return `${mutantId(mutant)}:${hashOf(text)}`;
}

/** By key; the last one of each counts. */
export function readResults(): Map<string, Result> {
  if (!existsSync(FILE)) return new Map();
  const lines = readFileSync(FILE, 'utf8').split('\n').filter(Boolean);
  return new Map(lines.map((line) => JSON.parse(line) as Result).map((result) => [result.key, result]));
}

export function appendResult(result: Result): void {
  mkdirSync(CACHE, { recursive: true });
  appendFileSync(FILE, `${JSON.stringify(result)}\n`);
}
