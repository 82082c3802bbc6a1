import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { candidateSteps, portKey, sourceSteps } from '../../src/service/candidates.ts';
import { atOnce, type Steps } from '../../src/service/steps.ts';
import { notReady, ready, slice, slicePort } from '../builders/objects.ts';

function countSteps(steps: Steps<unknown>): number {
  let count = 1;
  while (!steps.next().done) count++;
  return count;
}

const HTTP = slicePort();
const HTTPS = slicePort({ name: 'https', port: 8443 });

suite('the sources of a port', () => {
  test('are the slices that have it; those with the same ports are one', () => {
    const slices = [
      slice([ready('10.0.0.1')], { name: 'a', ports: [HTTP, HTTPS] }),
      slice([ready('10.0.0.2')], { name: 'b', ports: [HTTP, HTTPS] }),
      slice([ready('10.0.0.3')], { name: 'c', ports: [HTTP] }),
    ];
    const sources = atOnce(sourceSteps(slices));
    const namesOf = (port: typeof HTTP) =>
      sources.get(portKey(port))?.map(({ group }) => group.slices.map(({ name }) => name).join());
    assert.deepEqual([namesOf(HTTP), namesOf(HTTPS)], [['a,b', 'c'], ['a,b']]);
  });

  test('leave out slices without endpoints', () => {
    assert.equal(atOnce(sourceSteps([slice([])])).size, 0);
  });

  test('are found in steps, however many ports slices have', () => {
    const ports = Array.from({ length: 100 }, (_, n) => slicePort({ name: `p${n}`, port: 1 + n }));
    const slices = Array.from({ length: 1000 }, (_, n) =>
      slice([ready('10.0.0.1')], { name: `s${n}`, ports: [...ports, slicePort({ port: 1 + n })] }),
    );
    assert.ok(countSteps(sourceSteps(slices)) > 40);
  });
});

suite('the candidates', () => {
  test('are one for each address and port, the ready one before others', () => {
    const slices = [
      slice([notReady('10.0.0.1')], { name: 'a' }),
      slice([ready('10.0.0.1'), ready('fd00::1')], { name: 'b' }),
      slice([notReady('10.0.0.1')], { name: 'c', ports: [slicePort({ port: 9090 })] }),
    ];
    const sources = atOnce(sourceSteps(slices)).get(portKey(HTTP)) ?? [];
    const found = atOnce(candidateSteps(sources, 'ip')).map(({ key, entry }) => [key, entry.ready]);
    assert.deepEqual(found, [
      ['10.0.0.1 8080', true],
      ['10.0.0.1 9090', false],
    ]);
  });
});
