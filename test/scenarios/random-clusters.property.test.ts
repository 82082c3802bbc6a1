import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { lives, type Step } from './random/changes.ts';
import { NodeLife } from './random/node-life.ts';

/** So many clusters, each with a sample of connections; the last life is told to its end. */
const CASES = Number(process.env['RANDOM_CASES'] ?? 300);
/** Of them follow each other on one node by changes, in the mean. */
const STEPS = 20;

/** To have a failure again; and with RANDOM_SHRINK, minutes of search for a smaller form of it. */
const SEED = process.env['RANDOM_SEED'];
const SHRINK = Number(process.env['RANDOM_SHRINK'] ?? 0);

describe('random clusters that change at random', () => {
  let life: NodeLife;
  /** From then on everything begins anew, so that a smaller failure does not need what was before. */
  let hasFailed = false;
  let cases = 0;

  before(async () => {
    life = await NodeLife.create();
  });

  after(() => life.end());

  async function live(steps: readonly Step[]): Promise<void> {
    if (cases >= CASES && !hasFailed) return;
    try {
      await life.begin(hasFailed || cases === 0);
      for (const [i, step] of steps.entries()) {
        cases++;
        const found = await life.take(step);
        if (found.length === 0) continue;
        const last = JSON.stringify({ changes: step.changes, restart: step.restart });
        assert.fail(`after change ${i}, not agreed:\n${found.join('\n')}\nlast: ${last}\nnow: ${life.describe()}\n`);
      }
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  }

  it('have the same answer from the objects, both tracers and the kernel', async (t) => {
    await fc.assert(fc.asyncProperty(lives(STEPS), live), {
      numRuns: CASES,
      ...(SEED !== undefined && { seed: Number(SEED) }),
      ...(SHRINK > 0 ? { interruptAfterTimeLimit: SHRINK * 60_000 } : { endOnFailure: true }),
    });
    t.diagnostic(`${cases} cases`);
  });
});
