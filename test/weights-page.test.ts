import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { decodeObject, KINDS, type KubeObject } from '../src/objects/decode.ts';
import { frontendsOf } from '../src/service/frontend.ts';
import { parseManifest } from '../src/source/manifests/parse.ts';
import { endpointWeights } from '../src/status/endpoint-weights.ts';
import { endpointText } from '../src/status/service-rows.ts';

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
    const [service] = objects.filter((object) => object.kind === 'Service');
    const slices = objects.filter((object) => object.kind === 'EndpointSlice');
    assert.ok(service !== undefined && slices.length === 2);
    const [frontend] = frontendsOf(service, slices, 'ip', { nodeName: 'node-a', node: undefined });
    assert.deepEqual(endpointWeights(frontend?.endpoints ?? [], endpointText), {
      '10.32.0.21:8080': { weight: 9, share: 0.9 },
      '10.32.0.22:8080': { weight: 1, share: 0.1 },
    });
  });

  test('Slow start: 30 seconds', () => {
    const [service] = exampleOf('Slow start');
    assert.ok(service?.kind === 'Service');
    assert.deepEqual(service.options, { slowStartSeconds: 30 });
  });
});
