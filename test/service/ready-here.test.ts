import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { EndpointSlice } from '../../src/objects/endpoint-slice.ts';
import { candidateSteps, sourceSteps } from '../../src/service/candidates.ts';
import { readyHereSteps } from '../../src/service/ready-here.ts';
import { atOnce } from '../../src/service/steps.ts';
import { NODE_NAME, notReady, ready, slice, slicePort } from '../builders/objects.ts';

const HERE = { nodeName: NODE_NAME };
const FIRST = slicePort();
const PORTS = [
  FIRST,
  slicePort({ port: 9090 }),
  slicePort({ name: 'https', port: 8443 }),
  slicePort({ name: 'dns', port: 53 }),
];

function readyHere(slices: readonly EndpointSlice[]): readonly string[] {
  return [...atOnce(readyHereSteps(slices, NODE_NAME, 'ip'))].sort();
}

/** The same by the entries that apply on each port, one port after the other. */
function byPorts(slices: readonly EndpointSlice[]): readonly string[] {
  const found = new Set<string>();
  for (const sources of atOnce(sourceSteps(slices)).values()) {
    for (const { entry } of atOnce(candidateSteps(sources, 'ip')))
      if (entry.ready && entry.nodeName === NODE_NAME) found.add(entry.address);
  }
  return [...found].sort();
}

/** A terminating entry, which every other comes before, and one on the port that each slice has. */
const ending = { ...ready('10.0.0.1', HERE), terminating: true };
const others = (count: number) =>
  Array.from({ length: count }, (_, n) =>
    slice([notReady('10.0.0.1')], { name: `other-${n}`, ports: [slicePort({ port: 10_000 + n })] }),
  );

suite('the addresses that are ready on this node', () => {
  test('are those for which such an entry applies on some port', () => {
    const entry = fc.record({
      address: fc.constantFrom('10.0.0.1', '10.0.0.2', 'fd00::1'),
      ready: fc.boolean(),
      terminating: fc.boolean(),
      nodeName: fc.constantFrom(NODE_NAME, 'node-b', ''),
    });
    const slices = fc.array(
      fc.record({
        entries: fc.array(entry, { maxLength: 4 }),
        ports: fc.subarray(PORTS),
        weight: fc.constantFrom(1, 2),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(slices, (drawn) => {
        const made = drawn.map(({ entries, ports, weight }, n) =>
          slice(
            entries.map(({ address, ...rest }) => ready(address, rest)),
            { name: `s${n}`, ports, options: { weight } },
          ),
        );
        assert.deepEqual(readyHere(made), byPorts(made));
      }),
      { numRuns: 500 },
    );
  });

  test('of 16 entries, are found port by port', () => {
    assert.deepEqual(readyHere([slice([ending]), ...others(15)]), ['10.0.0.1']);
  });

  test('of more entries, only if the first of them is ready here', () => {
    assert.deepEqual(readyHere([slice([ending]), ...others(16)]), []);
    assert.deepEqual(readyHere([slice([ready('10.0.0.1', HERE)]), ...others(16)]), ['10.0.0.1']);
  });

  test('of more ports than are compared, only if the first entry is ready here', () => {
    const many = Array.from({ length: 60_000 }, (_, n) => slicePort({ name: `p${n}`, port: 1 + n }));
    const rival = slice([notReady('10.0.0.1')], { name: 'rival', ports: many });
    assert.deepEqual(readyHere([slice([ending], { ports: [...many, slicePort()] }), rival]), []);
    assert.deepEqual(readyHere([slice([ready('10.0.0.1', HERE)], { ports: many }), rival]), ['10.0.0.1']);
  });
});
