import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { unknownIn } from '../../../src/source/manifests/known-fields.ts';
import { parseManifest } from '../../../src/source/manifests/parse.ts';
import { rawNode, rawService, rawSlice } from '../../builders/raw-objects.ts';
import { follow, ManifestFolder } from './follow.ts';

const told = (...objects: readonly object[]) =>
  unknownIn(parseManifest(JSON.stringify({ kind: 'List', items: objects }), 'x')).map(({ text }) => text);

suite('a field that nobody knows', () => {
  const cases: readonly [title: string, object: object, text: string][] = [
    [
      'of a Service’s spec',
      rawService('web', '10.96.0.10', { prots: [] }),
      'Service default/web: there is no field spec.prots: it is ignored; did you mean spec.ports?',
    ],
    [
      'of one of its ports, whichever',
      rawService('web', '10.96.0.10', { ports: [{ port: 80 }, { port: 81, targetport: 8080 }] }),
      'Service default/web: there is no field spec.ports.targetport: it is ignored; did you mean spec.ports.targetPort?',
    ],
    [
      'beside the spec',
      { ...rawService('web', '10.96.0.10'), externalIPs: [] },
      'Service default/web: there is no field externalIPs: it is ignored',
    ],
    [
      'of an endpoint’s conditions',
      rawSlice('web', [], { endpoints: [{ addresses: ['10.0.0.1'], conditions: { raedy: true } }] }),
      'EndpointSlice default/web-1: there is no field endpoints.conditions.raedy: it is ignored; did you mean ' +
        'endpoints.conditions.ready?',
    ],
    [
      'of a Node',
      { ...rawNode('a', '192.0.2.1'), spec: { podCidrs: [] } },
      'Node a: there is no field spec.podCidrs: it is ignored; did you mean spec.podCIDRs?',
    ],
    [
      'that is long is cut',
      rawService('web', '10.96.0.10', { ['x'.repeat(5000)]: 1 }),
      `Service default/web: there is no field spec.${'x'.repeat(60)}...: it is ignored`,
    ],
  ];
  for (const [title, object, text] of cases) {
    test(title, () => assert.deepEqual(told(object), [text]));
  }

  test('is told once, however many objects have it, and only so many are told', () => {
    const twice = ['a', 'b'].map((name) => rawService(name, '10.96.0.10', { prots: [] }));
    assert.equal(told(...twice).length, 1);
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`x${i}`, 1]));
    assert.equal(told(rawService('web', '10.96.0.10', many)).length, 20);
  });

  test('may be below lists that are thousands deep', () => {
    const deep = `${'['.repeat(4000)}${']'.repeat(4000)}`;
    const text = JSON.stringify(rawService('web', '10.96.0.10', { ports: 'deep' })).replace('"deep"', deep);
    assert.deepEqual(unknownIn(parseManifest(text, 'x')), []);
  });
});

suite('nothing is said', () => {
  test('of the fields that Kubernetes has', () => {
    const service = rawService('web', '10.96.0.10', {
      trafficDistribution: 'PreferClose',
      ports: [{ name: 'http', protocol: 'TCP', appProtocol: 'x', port: 80, targetPort: 'http', nodePort: 30_000 }],
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } },
      selector: { whatever: 'x' },
    });
    const hints = { forZones: [{ name: 'a' }], forNodes: [{ name: 'a' }] };
    const slice = rawSlice('web', [], {
      endpoints: [{ addresses: ['10.0.0.1'], zone: 'a', hints, targetRef: { x: 1 } }],
    });
    const node = { ...rawNode('a', '192.0.2.1'), spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } };
    assert.deepEqual(told(service, slice, node), []);
  });

  test('of other kinds of Kubernetes, or of anybody else', () => {
    const others = ['v1 ConfigMap', 'apps/v1 Deployment', 'networking.k8s.io/v1 Ingress', 'example.org/v1 Servce'];
    assert.deepEqual(
      told(
        ...others.map((text) => {
          const [apiVersion, kind] = text.split(' ');
          return { apiVersion, kind, spec: { prots: 1 } };
        }),
      ),
      [],
    );
  });
});

test('a kind that nobody knows is told of, with what was probably meant', () => {
  assert.deepEqual(told({ apiVersion: 'v1', kind: 'Servce' }, { apiVersion: 'discovery.k8s.io/v1', kind: 'Slice' }), [
    'there is no kind "Servce": it is ignored; did you mean Service?',
    'there is no kind "Slice": it is ignored',
  ]);
});

test('another group’s kind of the same name is not ours: Knative has a Service', async (context) => {
  const folder = new ManifestFolder(context);
  const knative = {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { template: {} },
  };
  folder.write('all.yaml', [knative, rawService('db', '10.96.0.10')]);
  const { news, log } = await follow(context, folder.path);
  assert.deepEqual(news(), ['+ Service default/db', 'synced']);
  assert.deepEqual(log, []);
});

test('what nobody knows is said once, by the file’s name, and again if it comes back', async (context) => {
  const folder = new ManifestFolder(context);
  const spelt = (field: string) => [rawService('web', '10.96.0.10', { [field]: {} })];
  folder.write('a.yaml', spelt('selectr'));
  const { log, until, listener } = await follow(context, folder.path);
  assert.equal(log.length, 1);
  assert.match(log[0] ?? '', /^W .*\/a\.yaml: Service default\/web: there is no field spec\.selectr: .*selector\?$/);
  folder.write('b.yaml', [rawService('db', '10.96.0.11', { selectr: {} })]);
  await until(() => listener.objects.has('Service default/db'));
  assert.equal(log.length, 1);
  folder.write('a.yaml', []);
  folder.write('b.yaml', []);
  await until(() => !listener.objects.has('Service default/db') && !listener.objects.has('Service default/web'));
  folder.write('a.yaml', spelt('selectr'));
  await until(() => log.length === 2);
});
