import assert from 'node:assert/strict';
import process from 'node:process';
import { suite, type TestContext, test } from 'node:test';
import { fuzzConfiguration } from './configuration.ts';
import { fuzzObjects } from './fuzz.ts';
import { apiRoute, manifestRoute, type Route } from './routes.ts';
import type { Tally } from './tally.ts';

/** Documents in all. FUZZ_RUNS=100000 is the recorded run of docs/testing.md; FUZZ_SEED draws other ones. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 4000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

/** Says what was read, and that neither half was all. */
function report(context: TestContext, tally: Tally): void {
  context.diagnostic(`${tally.valid} valid and ${tally.invalid} invalid documents (seed ${SEED})`);
  assert.ok(tally.valid > 0 && tally.invalid > 0);
}

async function through(route: Route, runs: number, context: TestContext): Promise<void> {
  context.after(() => route[Symbol.dispose]());
  const tally = { valid: 0, invalid: 0 };
  await fuzzObjects(route, runs, SEED, tally);
  report(context, tally);
}

suite('mutated documents end nothing, hold up nobody and come out visible:', { timeout: 7_200_000 }, () => {
  test('objects through the API server', (context) => through(apiRoute(), Math.ceil(RUNS * 0.5), context));

  test('objects through manifests', (context) => through(manifestRoute(), Math.ceil(RUNS * 0.25), context));

  test('configuration files', (context) => {
    const tally = { valid: 0, invalid: 0 };
    fuzzConfiguration(Math.ceil(RUNS * 0.25), SEED, tally);
    report(context, tally);
  });
});
