import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { CASES } from './cases/all.ts';
import { runCase } from './run-case.ts';
import { faults } from './shortcomings.ts';

/** One or two of each kind, small: `npm run test:hostile` tries all of them at full size, and looks at times. */
const SHORT = [
  'many-elements',
  'affinity',
  'source-ranges',
  'many-udp-services',
  'service-flaps',
  'grows-and-shrinks',
  'bystander-address-claimed',
  'escape-sequences',
  '200-silent-connections',
  'impostor-at-start',
  'foreign-flush',
  'watches-reset',
];

suite('a bystander is served, /livez is answered, and the kernel is as the model says, under', () => {
  test('every name is that of one case', () => {
    const names = CASES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual(
      SHORT.filter((name) => !names.includes(name)),
      [],
    );
  });

  test('every case has its row in docs/security.md', () => {
    const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
    const rows = CASES.map(({ name, attack }) => `| ${name} | ${attack} |`);
    assert.deepEqual(
      rows.filter((row) => !page.includes(row)),
      [],
    );
  });

  for (const hostile of CASES.filter(({ name }) => SHORT.includes(name))) {
    test(`${hostile.name}: ${hostile.attack}, but smaller`, async () => {
      const result = await runCase(hostile, { scale: 0.02, seconds: 1 });
      assert.deepEqual(faults(result), [], result.log.slice(-4000));
    });
  }
});
