import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as v from 'valibot';
import { decodeInParts, decodeObject, KINDS, type Kind } from '../../src/objects/decode.ts';
import { countSteps } from '../builders/count-steps.ts';
import { rawService, rawSlice } from '../builders/raw-objects.ts';
import { drawObject } from '../hostile/fuzz/corpus.ts';
import { type Json, mutated } from '../hostile/fuzz/mutate.ts';
import { Draws } from '../peer/draws.ts';
import { fieldOfIssue, SCHEMAS } from './schemas.ts';

const DOCUMENTS = 5000;

/** One part reads no more than so many entries. */
const ENTRIES = 1000;

/** What the schemas say of a document, as far as the readers are to say the same. */
function bySchema(kind: Kind, raw: unknown) {
  const result = v.safeParse(SCHEMAS[kind], raw, { abortEarly: true });
  return result.success ? { object: result.output } : { field: fieldOfIssue(result.issues[0]) };
}

function byReader(kind: Kind, raw: unknown) {
  const { object, problem, key } = { problem: '', ...decodeObject(kind, raw) };
  if (object?.kind === 'Service') {
    // What annotations request: test/objects/service-options.test.ts.
    const { options: _, ...rest } = object;
    return { object: rest };
  }
  if (object !== undefined) return { object };
  const field = problem.slice(`${kind} ${key ?? '(without a name)'}: `.length).replace(/^the object: /, ': ');
  return { field: field.slice(0, field.indexOf(': m')) };
}

test('objects are read as schemas would have it, and the same field is said to be wrong', () => {
  let [valid, invalid] = [0, 0];
  for (let i = 0; i < DOCUMENTS; i++) {
    const draws = new Draws(7, i);
    const drawn = drawObject(draws);
    const kind = KINDS.find((known) => known === drawn.kind) ?? 'Service';
    const document: Json = JSON.parse(JSON.stringify(mutated(JSON.parse(JSON.stringify(drawn)), draws)));
    const expected = bySchema(kind, document);
    assert.deepEqual(byReader(kind, document), expected, JSON.stringify(document));
    if ('object' in expected) valid++;
    else invalid++;
  }
  assert.ok(valid > DOCUMENTS / 10 && invalid > DOCUMENTS / 10, `${valid} valid, ${invalid} invalid`);
});

suite('an object with many entries is read in parts:', () => {
  const MANY = 20_000;
  const many = <T>(item: (i: number) => T) => Array.from({ length: MANY }, (_, i) => item(i));
  const address = (i: number) => `10.1.${i >> 8}.${i & 255}`;
  const labels = Object.fromEntries(many((i) => [`label-${i}`, 'x']));
  const metadata = { name: 'web-1', labels: { ...labels, 'kubernetes.io/service-name': 'web' } };
  const web = (spec: object) => rawService('web', '10.96.0.1', spec);
  const cases: readonly [what: string, kind: Kind, raw: object][] = [
    ['endpoints', 'EndpointSlice', rawSlice('web', many(address))],
    ['endpoints without an address', 'EndpointSlice', rawSlice('web', [], { endpoints: many(() => ({})) })],
    [
      'ports of a slice',
      'EndpointSlice',
      rawSlice('web', [], { ports: many((i) => ({ name: `p${i}`, port: i + 1 })) }),
    ],
    ['labels of a slice', 'EndpointSlice', rawSlice('web', [], { metadata })],
    [
      'annotations of a slice',
      'EndpointSlice',
      rawSlice('web', [], { metadata: { ...metadata, annotations: labels } }),
    ],
    ['ports of a Service', 'Service', web({ ports: many((i) => ({ name: `p${i}`, port: i + 1 })) })],
    ['external IPs', 'Service', web({ externalIPs: many(address) })],
    ['source ranges', 'Service', web({ loadBalancerSourceRanges: many((i) => `${address(i)}/32`) })],
    [
      'load balancer IPs',
      'Service',
      { ...web({}), status: { loadBalancer: { ingress: many((i) => ({ ip: address(i) })) } } },
    ],
    [
      'addresses of a Node',
      'Node',
      { metadata: { name: 'a' }, status: { addresses: many((i) => ({ type: 'InternalIP', address: address(i) })) } },
    ],
    [
      'networks of a ServiceCIDR',
      'ServiceCIDR',
      { metadata: { name: 'a' }, spec: { cidrs: many(() => '10.0.0.0/8') } },
    ],
  ];
  for (const [what, kind, raw] of cases) {
    test(what, () => {
      const { count, result } = countSteps(decodeInParts(kind, raw));
      assert.ok(result.object !== undefined, JSON.stringify(result));
      assert.ok(count > MANY / ENTRIES, `${count} parts`);
    });
  }

  test('and a small one in one part', () => {
    assert.equal(countSteps(decodeInParts('EndpointSlice', rawSlice('web', ['10.0.0.1']))).count, 1);
    assert.equal(countSteps(decodeInParts('Service', web({}))).count, 1);
  });
});
