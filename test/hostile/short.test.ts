import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { DEFAULT_AFFINITY_ENDPOINTS } from '../../src/service/affinity-endpoints.ts';
import { DEFAULT_SERVICE_BUDGET } from '../../src/service/service-budget.ts';
import { CASES } from './cases/all.ts';
import { runCase } from './run-case.ts';
import { faults } from './shortcomings.ts';

const SCALE = 0.02;

/** How a case is made smaller. */
interface Short {
  /** SCALE by default. */
  readonly scale?: number;
  /** Flags that make a limit as much smaller. */
  readonly flags?: readonly string[];
  /** Fails if the limit that the case is about was not reached. */
  readonly reaches?: (log: string) => void;
}

/** One or two of each kind, small: `npm run test:hostile` tries all of them at full size, and looks at times. */
const SHORT: Readonly<Record<string, Short>> = {
  'many-elements': {
    // 8 ports × 100 endpoints.
    flags: ['--max-elements-per-service', String(Math.round(DEFAULT_SERVICE_BUDGET * SCALE ** 2))],
    reaches: says(/W.*Service default\/big: .* need more than the 120 elements .*\(service-budget\)/),
  },
  affinity: {
    // 10 ports × 20 endpoints.
    flags: ['--max-affinity-endpoints', String(Math.floor(DEFAULT_AFFINITY_ENDPOINTS * SCALE))],
    reaches: says(/W.*Service default\/sticky: .* 200 endpoints, .* more than 5\. .*\(affinity-by-hash\)/),
  },
  // 20 ports × 100 ranges weigh more than the 5,000 elements of a transaction.
  'source-ranges': { scale: 0.1, flags: ['-v', '2'], reaches: goesInParts },
  'many-udp-services': {},
  'service-flaps': {},
  'grows-and-shrinks': {},
  'bystander-address-claimed': {},
  'escape-sequences': {},
  // More than the 16 of one address.
  '200-silent-connections': {
    scale: 1,
    reaches: (log) => {
      says(/too many connections to the health server: those that were silent for longest were closed/)(log);
      says(/too many connections to the health checks of Services: those that were silent for longest/)(log);
    },
  },
  'impostor-at-start': {},
  'foreign-flush': {},
  'watches-reset': {},
};

function says(pattern: RegExp): (log: string) => void {
  return (log) => assert.match(log, pattern);
}

/** Four transactions or more that are larger than those of the bystander, and none with all 2,000 ranges. */
function goesInParts(log: string): void {
  const operations = [...log.matchAll(/transaction done .*operations=(\d+)/g)].map(([, count]) => Number(count));
  assert.ok(operations.filter((count) => count > 30).length >= 4, operations.join(' '));
  assert.ok(Math.max(...operations) < 1000, operations.join(' '));
}

suite('a bystander is served, /livez is answered, and the kernel is as the model says, under', () => {
  test('every name is that of one case', () => {
    const names = CASES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual(
      Object.keys(SHORT).filter((name) => !names.includes(name)),
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

  for (const hostile of CASES) {
    const short = SHORT[hostile.name];
    if (short === undefined) continue;
    const { scale = SCALE, flags = [], reaches } = short;
    test(`${hostile.name}: ${hostile.attack}, but ${scale === 1 ? 'shorter' : 'smaller'}`, async () => {
      const smaller = { ...hostile, flags: [...(hostile.flags ?? []), ...flags] };
      const result = await runCase(smaller, { scale, seconds: 1 });
      assert.deepEqual(faults(result), [], result.log.slice(-4000));
      reaches?.(result.log);
    });
  }
});
