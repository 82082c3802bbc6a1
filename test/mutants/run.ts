/**
 * npm run test:mutants [-- --count N --seed N --folders src/service,… --tests test/service,… --jobs N --minutes N
 *                         --budget SECONDS --again FATE,… --report]
 *
 * Puts one small fault after the other into the modules of `--folders`, and runs the tests that run this code. The seed
 * draws the mutants, the same number of each folder. What is known is kept in .cache/mutants: a run of so many minutes
 * goes on where the last one ended. `--again`: runs those once more that had this fate, or
 * (left-out) did not meet the slow tests. `--report`: runs nothing.
 */
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Draws } from '../peer/draws.ts';
import { type Coverage, knownCoverage, measureCoverage } from './coverage.ts';
import { judge } from './judge.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { report } from './report.ts';
import { appendResult, readResults, resultKey } from './results.ts';

const TESTED = ['src/service', 'src/ruleset', 'src/sync'];
const TESTS = [...TESTED.map((folder) => folder.replace('src/', '')), 'objects', 'trace', 'status', 'cli'];
/** For `--again`: those that slow tests may kill, with a larger budget. */
const LEFT_OUT = 'left-out';
/** Their networks raise limits of the machine, and put them back only if nobody ends them. */
const NEEDS_NETWORK = /netns\/(?:world|topology)\.ts'/;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    folders: { type: 'string', default: TESTED.join(',') },
    tests: { type: 'string', default: TESTS.map((folder) => `test/${folder}`).join(',') },
    jobs: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '600' },
    budget: { type: 'string', default: '20' },
    again: { type: 'string', default: '' },
    report: { type: 'boolean', default: false },
  },
});
const [count, seed, jobs, minutes, budget] = [
  values.count,
  values.seed,
  values.jobs,
  values.minutes,
  values.budget,
].map(Number) as [number, number, number, number, number];
if (![count, jobs, minutes, budget].every((number) => number > 0) || Number.isNaN(seed)) {
  process.stderr.write('mutants: --count, --seed, --jobs, --minutes and --budget take numbers\n');
  process.exit(1);
}
const folders = values.folders.split(',');
const deadline = performance.now() + minutes * 60_000;
const say = (text: string) => process.stderr.write(`${text}\n`);

const texts = new Map<string, string>();
const each = Math.round(count / folders.length);
const byFolder = folders.map((folder) => drawn(folder, each));
// One of each folder in turn: a run that ends early has been through all of them.
const mutants = Array.from({ length: each }, (_, i) => byFolder.flatMap((drawnOf) => drawnOf[i] ?? [])).flat();
const results = readResults();
const again = new Set(values.again.split(',').filter(Boolean));
const judged = new Map(mutants.map((mutant) => [resultKey(mutant, textOf(mutant)), mutant]));
const waiting = [...judged.keys()].filter((key) => {
  const result = results.get(key);
  return result === undefined || again.has(result.fate) || (result.leftOut > 0 && again.has(LEFT_OUT));
});

if (!values.report) {
  say(`${mutants.length} mutants, ${waiting.length} to run`);
  const tests = await coverageOf(files(values.tests.split(','), '.test.ts'));
  let done = 0;
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      for (let key = waiting.shift(); key !== undefined && performance.now() < deadline; key = waiting.shift()) {
        const mutant = judged.get(key);
        if (mutant === undefined) continue;
        const result = { key, ...(await judge(mutant, textOf(mutant), tests, budget * 1000)) };
        appendResult(result);
        results.set(key, result);
        done += 1;
        say(`${done} ${result.fate} ${mutant.path}:${mutant.line} ${mutant.operator} ${result.by ?? ''}`);
      }
    }),
  );
}
const all = [...judged].map(([key, mutant]) => ({ mutant, result: results.get(key) }));
process.stdout.write(`${report(all, folders)}\n`);

function drawn(folder: string, number: number): readonly Mutant[] {
  const found = files([folder], '.ts').flatMap((path) => {
    const text = readFileSync(path, 'utf8');
    texts.set(path, text);
    return mutantsOf(path, text);
  });
  return new Draws(seed).sample(found, number);
}

function textOf({ path }: Mutant): string {
  return texts.get(path) ?? '';
}

function files(below: readonly string[], ending: string): readonly string[] {
  return below.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith(ending))
      .map((name) => `${folder}/${name}`)
      .sort(),
  );
}

async function coverageOf(tests: readonly string[]): Promise<readonly Coverage[]> {
  const known = knownCoverage();
  const found: Coverage[] = [];
  for (const test of tests) {
    if (NEEDS_NETWORK.test(readFileSync(test, 'utf8'))) continue;
    const coverage = known.get(test) ?? (await measureCoverage(test, folders));
    if (!coverage.passed) say(`left out, since it fails without a mutant: ${test}`);
    found.push(coverage);
    if (performance.now() > deadline) break;
  }
  return found;
}
