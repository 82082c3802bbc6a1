import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { decodeObject, KINDS, type KubeObject } from '../src/objects/decode.ts';
import { frontendSteps, frontendsOf } from '../src/service/frontend.ts';
import { DEFAULT_SERVICE_BUDGET } from '../src/service/service-budget.ts';
import { SLOW_START_STEPS } from '../src/service/slow-start.ts';
import { atOnce } from '../src/service/steps.ts';
import type { SlowStarts } from '../src/service/weights.ts';
import { parseManifest } from '../src/source/manifests/parse.ts';
import { endpointWeights } from '../src/status/endpoint-weights.ts';
import { endpointText } from '../src/status/service-rows.ts';
import { HERE, HTTP, ready, service, slice } from './builders/objects.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../docs/beyond-kube-proxy.md'), 'utf8');

/** The objects of the example in a section, read as an API server's; its Services with an address that it gave them. */
function exampleOf(title: string): readonly KubeObject[] {
  const [, section = ''] = PAGE.split(`\n## ${title}\n`);
  const [, yaml = ''] = /^```yaml\n(.*?)^```/ms.exec(section.split('\n## ')[0] ?? '') ?? [];
  return parseManifest(yaml, title).map(({ kind, raw }) => {
    const known = KINDS.find((one) => one === kind) ?? assert.fail(kind);
    const decoded = decodeObject(known, raw);
    assert.ok(decoded.object !== undefined && decoded.remark === undefined, `${title}: ${kind}`);
    const { object } = decoded;
    return object.kind === 'Service' ? { ...object, clusterIps: ['10.96.0.80'] } : object;
  });
}

suite('the examples of beyond-kube-proxy.md', () => {
  test('Weights: one connection in ten goes to the canary', () => {
    const objects = exampleOf('Weights');
    const [web] = objects.filter((object) => object.kind === 'Service');
    const slices = objects.filter((object) => object.kind === 'EndpointSlice');
    assert.ok(web !== undefined && slices.length === 2);
    const [frontend] = frontendsOf(web, slices, 'ip', HERE);
    assert.deepEqual(endpointWeights(frontend?.endpoints ?? [], endpointText), {
      '10.32.0.21:8080': { weight: 9, share: 0.9 },
      '10.32.0.22:8080': { weight: 1, share: 0.1 },
    });
  });

  test('Slow start: what it is of the budgets, at most', () => {
    const frontends = [
      service(),
      service({
        ...{ type: 'LoadBalancer', loadBalancerIps: ['192.0.2.1'] },
        ports: [{ ...HTTP, nodePort: 30_080 }],
      }),
    ];
    const rows = [2, 10, 100, 1000, 5000].map((count) => {
      const addresses = Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
      const slices = [slice(addresses.map((address) => ready(address)))];
      const cells = frontends.flatMap((one) => {
        const elements = (starts: SlowStarts) =>
          atOnce(frontendSteps(one, slices, 'ip', HERE, DEFAULT_SERVICE_BUDGET, starts)).elements;
        const [first = ''] = addresses;
        const steps = Array.from({ length: SLOW_START_STEPS - 1 }, (_, i) => elements(new Map([[first, i + 1]])));
        return [elements(new Map()), Math.max(...steps)];
      });
      return `| ${[count, ...cells].map((number) => number.toLocaleString('en')).join(' | ')} |`;
    });
    assert.ok(PAGE.includes(`\n${rows.join('\n')}\n`), rows.join('\n'));
  });

  test('Slow start: 30 seconds', () => {
    const [web] = exampleOf('Slow start');
    assert.ok(web?.kind === 'Service');
    assert.deepEqual(web.options, { slowStartSeconds: 30 });
  });
});
