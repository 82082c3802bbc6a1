import { dirname } from 'node:path';
import { type Coverage, covers } from './coverage.ts';
import { type Mutant, mutate } from './mutants.ts';
import type { Result } from './results.ts';
import { runTests } from './run-tests.ts';

/** Milliseconds of tests in one process: a mutant that the first of them kill is done with sooner. */
const GROUP_MS = 5000;
/** A busy machine, and the start of Node. */
const SLACK_MS = 15_000;
const SLACK_FACTOR = 5;

/**
 * Runs the tests that run the mutant's code until one fails: the one that mirrors its module first, then those of its
 * folder, then the others, and fast ones before slow ones. Together they take no more than `budgetMs` without a mutant.
 */
export async function judge(
  mutant: Mutant,
  text: string,
  tests: readonly Coverage[],
  budgetMs: number,
): Promise<Omit<Result, 'key'>> {
  const affected = tests.filter((test) => test.passed && covers(test, mutant.path, text, mutant.site ?? mutant.start));
  const { groups, leftOut } = grouped(mutant.path, affected, budgetMs);
  for (const group of groups) {
    const usual = group.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const { outcome, failure } = await runTests(
      group.map(({ test }) => test),
      { limitMs: usual * SLACK_FACTOR + SLACK_MS, substitute: { path: mutant.path, text: mutate(text, mutant) } },
    );
    if (outcome === 'passed') continue;
    return { fate: outcome === 'timeout' ? 'timeout' : 'killed', by: failure ?? '', leftOut: 0 };
  }
  return { fate: affected.length === 0 ? 'not run' : 'survived', leftOut };
}

function grouped(path: string, tests: readonly Coverage[], budgetMs: number) {
  const mirror = path.replace(/^src\//, 'test/').replace(/\.ts$/, '');
  const isMirror = ({ test }: Coverage) => test.startsWith(`${mirror}.`);
  const folder = `${dirname(mirror)}/`;
  const isElsewhere = ({ test }: Coverage) => Number(!test.startsWith(folder));
  const others = tests
    .filter((test) => !isMirror(test))
    .sort((a, b) => isElsewhere(a) - isElsewhere(b) || a.milliseconds - b.milliseconds);
  const groups: Coverage[][] = [tests.filter(isMirror)];
  let total = 0;
  let inGroup = 0;
  let leftOut = 0;
  for (const test of others) {
    total += test.milliseconds;
    if (total > budgetMs) {
      leftOut += 1;
      continue;
    }
    if (groups.length === 1 || inGroup + test.milliseconds > GROUP_MS) {
      groups.push([]);
      inGroup = 0;
    }
    groups.at(-1)?.push(test);
    inGroup += test.milliseconds;
  }
  return { groups: groups.filter((group) => group.length > 0), leftOut };
}
