import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { suite, test } from 'node:test';
import { ProxyError } from '../../../src/errors.ts';
import { canonicalAddress } from '../../../src/ip.ts';
import { createManifestSource } from '../../../src/source/manifests/manifest-source.ts';
import { NODE_NAME } from '../../builders/objects.ts';
import { rawNode, rawService, rawSlice } from '../../builders/raw-objects.ts';
import { RecordingListener } from '../../builders/recording-listener.ts';
import { recordingLog } from '../../builders/recording-log.ts';
import { follow, ManifestFolder } from './follow.ts';

const WEB = rawService('web', '10.96.0.10');
const DB = rawService('db', '10.96.0.12');

suite('the manifests are', () => {
  test('a file with several documents', async (context) => {
    const folder = new ManifestFolder(context);
    const { news } = await follow(context, folder.write('all.yaml', [WEB, rawSlice('web', ['10.0.0.1'])]));
    assert.deepEqual(news(), ['+ Service default/web', '+ EndpointSlice default/web-1', 'synced']);
  });

  test('the YAML and JSON files of a folder, no others and none below', async (context) => {
    const folder = new ManifestFolder(context);
    folder.write('a.yaml', [WEB]);
    folder.write('b.yml', [DB]);
    folder.write('c.json', [rawService('c', '10.96.0.13')]);
    folder.write('d.txt', [rawService('d', '10.96.0.14')]);
    folder.write('e.yaml~', [rawService('e', '10.96.0.15')]);
    folder.write('.f.yaml', 'half an edit: [');
    mkdirSync(folder.file('below'));
    folder.write('below/g.yaml', [rawService('g', '10.96.0.16')]);
    const { news } = await follow(context, folder.path);
    assert.deepEqual(news(), ['+ Service default/web', '+ Service default/db', '+ Service default/c', 'synced']);
  });

  test('objects of other kinds, too, which are passed over in silence', async (context) => {
    const folder = new ManifestFolder(context);
    folder.write('all.yaml', [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } }, WEB]);
    const { news, log } = await follow(context, folder.path);
    assert.deepEqual(news(), ['+ Service default/web', 'synced']);
    assert.deepEqual(log, []);
  });

  test('an empty folder, which may fill later', async (context) => {
    const folder = new ManifestFolder(context);
    const { news, until, listener } = await follow(context, folder.path);
    assert.deepEqual(news(), ['synced']);
    folder.write('a.yaml', [WEB]);
    await until(() => listener.objects.has('Service default/web'));
  });
});

suite('a change of the manifests', () => {
  test('is passed on: what is added, what is different, what is gone, and nothing else', async (context) => {
    const folder = new ManifestFolder(context);
    const path = folder.write('all.yaml', [WEB, DB, rawSlice('web', ['10.0.0.1'])]);
    const { news, until, listener } = await follow(context, path);
    news();
    folder.write('all.yaml', [WEB, rawSlice('web', ['10.0.0.1', '10.0.0.2']), rawService('api', '10.96.0.13')]);
    await until(() => listener.calls.length >= 7);
    assert.deepEqual(
      [...news()].sort(),
      ['+ EndpointSlice default/web-1', '+ Service default/api', '- Service default/db'].sort(),
    );
  });

  test('may be a file that comes or goes', async (context) => {
    const folder = new ManifestFolder(context);
    folder.write('a.yaml', [WEB]);
    const { until, listener } = await follow(context, folder.path);
    folder.write('b.yaml', [DB]);
    await until(() => listener.objects.has('Service default/db'));
    rmSync(folder.file('a.yaml'));
    await until(() => !listener.objects.has('Service default/web'));
  });

  test('may be the file replaced by another, as editors do it', async (context) => {
    const folder = new ManifestFolder(context);
    const path = folder.write('all.yaml', [WEB]);
    const { until, listener } = await follow(context, path);
    for (const service of [DB, WEB, DB]) {
      folder.write('.all.yaml.swp', [service]);
      renameSync(folder.file('.all.yaml.swp'), path);
      await until(() => listener.objects.has(`Service default/${service.metadata.name}`));
    }
    assert.ok(!listener.objects.has('Service default/web'));
  });

  test('may be a link that is turned to another folder, as Kubernetes mounts ConfigMaps', async (context) => {
    const folder = new ManifestFolder(context);
    for (const [version, service] of [
      ['v1', WEB],
      ['v2', DB],
    ] as const) {
      mkdirSync(folder.file(version));
      folder.write(`${version}/services.yaml`, [service]);
    }
    symlinkSync('v1', folder.file('data'));
    symlinkSync('data/services.yaml', folder.file('services.yaml'));
    const { until, listener } = await follow(context, folder.path);
    assert.ok(listener.objects.has('Service default/web'));
    symlinkSync('v2', folder.file('data-new'));
    renameSync(folder.file('data-new'), folder.file('data'));
    await until(() => listener.objects.has('Service default/db') && !listener.objects.has('Service default/web'));
  });

  test('that moves an object to another file is none', async (context) => {
    const folder = new ManifestFolder(context);
    folder.write('a.yaml', [WEB]);
    folder.write('b.yaml', []);
    const { news, until, listener } = await follow(context, folder.path);
    news();
    folder.write('.b.yaml', [WEB]);
    renameSync(folder.file('.b.yaml'), folder.file('b.yaml'));
    rmSync(folder.file('a.yaml'));
    folder.write('c.yaml', [DB]);
    await until(() => listener.objects.has('Service default/db'));
    assert.deepEqual(news(), ['+ Service default/db']);
  });
});

suite('what cannot be read', () => {
  test('leaves the last state in force and is said once, with file and line', async (context) => {
    const folder = new ManifestFolder(context);
    folder.write('a.yaml', [WEB]);
    folder.write('b.yaml', [DB]);
    const { until, listener, log } = await follow(context, folder.path);
    folder.write('a.yaml', `kind: Service\nmetadata:\n  name: web\n  labels: {a: [\n`);
    await until(() => log.length > 0);
    assert.match(log[0] ?? '', /^W .*a\.yaml, line \d+: .*; the last valid manifests stay in force$/);
    // A second source is woken by the same changes: when it has seen several, the first has looked again.
    const witness = await follow(context, folder.file('b.yaml'));
    for (const address of ['10.96.0.21', '10.96.0.22', '10.96.0.23']) {
      folder.write('b.yaml', [rawService('db', address)]);
      await witness.until(() => {
        const db = witness.listener.objects.get('Service default/db');
        return db?.kind === 'Service' && db.clusterIps[0] === address;
      });
    }
    assert.equal(log.length, 1);
    assert.deepEqual([...listener.objects.keys()].sort(), [
      `Node ${NODE_NAME}`,
      'Service default/db',
      'Service default/web',
    ]);
    folder.write('a.yaml', [WEB, rawService('api', '10.96.0.13')]);
    await until(() => listener.objects.has('Service default/api'));
    assert.deepEqual(log.slice(1), ['I the manifests are valid again']);
    assert.ok(!listener.calls.some((call) => call.startsWith('-')), 'nothing went away meanwhile');
  });

  test('is said again when it happens again', async (context) => {
    const folder = new ManifestFolder(context);
    const path = folder.write('all.yaml', [WEB]);
    const { until, listener, log } = await follow(context, path);
    const broken = 'kind: [';
    folder.write('all.yaml', broken);
    await until(() => log.length === 1);
    folder.write('all.yaml', [DB]);
    await until(() => listener.objects.has('Service default/db'));
    folder.write('all.yaml', broken);
    await until(() => log.length === 3);
    assert.equal(log[0], log[2]);
    assert.equal(log[1], 'I the manifests are valid again');
  });

  test('may be a file that is gone: the last state stays until it is back', async (context) => {
    const folder = new ManifestFolder(context);
    const path = folder.write('all.yaml', [WEB]);
    const { until, listener, log } = await follow(context, path);
    rmSync(path);
    await until(() => log.length > 0);
    assert.match(log[0] ?? '', /^W manifests .*all\.yaml: does not exist; the last valid manifests stay in force$/);
    assert.ok(listener.objects.has('Service default/web'));
    folder.write('all.yaml', [DB]);
    await until(() => listener.objects.has('Service default/db'));
    assert.ok(!listener.objects.has('Service default/web'));
  });
});

suite('an invalid object', () => {
  const BAD_DB = rawService('db', '10.96.0.12', { ports: [{ port: 0 }] });

  test('is left out with one warning that names file, object and field; the rest goes on', async (context) => {
    const folder = new ManifestFolder(context);
    const path = folder.write('all.yaml', [BAD_DB, WEB]);
    const { news, until, listener, log } = await follow(context, path);
    assert.deepEqual(news(), ['+ Service default/web', 'synced']);
    folder.write('all.yaml', [BAD_DB, WEB, rawService('api', '10.96.0.13')]);
    await until(() => listener.objects.has('Service default/api'));
    assert.equal(log.length, 1);
    assert.match(log[0] ?? '', /^W .*all\.yaml: Service default\/db: spec\.ports\[0\]\.port: must be .*; skipped$/);
  });

  test('has one warning where only endpoints of it are left out', async (context) => {
    const folder = new ManifestFolder(context);
    const slice = rawSlice('web', ['10.0.0.1', '169.254.169.254', '::1']);
    const path = folder.write('all.yaml', [slice, WEB]);
    const { news, until, listener, log } = await follow(context, path);
    assert.deepEqual(news(), ['+ Service default/web', '+ EndpointSlice default/web-1', 'synced']);
    folder.write('all.yaml', [slice, WEB, rawService('api', '10.96.0.13')]);
    await until(() => listener.objects.has('Service default/api'));
    assert.equal(log.length, 1);
    assert.match(
      log[0] ?? '',
      /^W .*all\.yaml: EndpointSlice default\/web-1: endpoints\[1\].*; 2 of 3 endpoints left out$/,
    );
  });

  test('that was valid stays in its last valid version', async (context) => {
    const folder = new ManifestFolder(context);
    const path = folder.write('all.yaml', [DB, WEB]);
    const { news, until, listener, log } = await follow(context, path);
    news();
    folder.write('all.yaml', [BAD_DB, rawService('web', '10.96.0.99')]);
    await until(() => log.length > 0 && listener.calls.length >= 5);
    assert.deepEqual(news(), ['+ Service default/web']);
    assert.ok(listener.objects.has('Service default/db'));
    folder.write('all.yaml', [rawService('web', '10.96.0.99')]);
    await until(() => !listener.objects.has('Service default/db'));
  });

  test('is warned of again if it was valid in between', async (context) => {
    const folder = new ManifestFolder(context);
    const path = folder.write('all.yaml', [BAD_DB]);
    const { until, listener, log } = await follow(context, path);
    folder.write('all.yaml', [DB]);
    await until(() => listener.objects.has('Service default/db'));
    folder.write('all.yaml', [BAD_DB]);
    await until(() => log.length === 2);
    assert.match(log[0] ?? '', /; skipped$/);
    assert.match(log[1] ?? '', /; its last valid version stays in force$/);
  });

  test('of a kind we do not read is none of our business', async (context) => {
    const folder = new ManifestFolder(context);
    const { log } = await follow(context, folder.write('all.yaml', [{ kind: 'Pod', metadata: 7 }]));
    assert.deepEqual(log, []);
  });
});

test('ServiceCIDRs are read and followed; an invalid one stays in its last valid version', async (context) => {
  const folder = new ManifestFolder(context);
  const cidr = (name: string, ...cidrs: readonly string[]) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name },
    spec: { cidrs },
  });
  const path = folder.write('all.yaml', [WEB, cidr('kubernetes', '10.96.0.0/12'), cidr('more', '10.200.0.0/16')]);
  const { news, until, listener, log } = await follow(context, path);
  assert.deepEqual(news(), ['+ Service default/web', '+ ServiceCIDR kubernetes', '+ ServiceCIDR more', 'synced']);
  folder.write('all.yaml', [WEB, cidr('kubernetes', 'nonsense'), cidr('third', 'fd00:96::/112')]);
  await until(() => listener.calls.includes('- ServiceCIDR more'));
  assert.deepEqual(news(), ['+ ServiceCIDR third', '- ServiceCIDR more']);
  assert.deepEqual(listener.objects.get('ServiceCIDR kubernetes'), {
    kind: 'ServiceCIDR',
    name: 'kubernetes',
    cidrs: ['10.96.0.0/12'],
  });
  assert.equal(log.length, 1);
  assert.match(
    log[0] ?? '',
    /all\.yaml: ServiceCIDR kubernetes: spec\.cidrs\[0\]: must be a CIDR .*; its last valid version stays in force$/,
  );
});

test('an object that is there twice counts as the last one, with a warning', async (context) => {
  const folder = new ManifestFolder(context);
  folder.write('a.yaml', [WEB]);
  folder.write('b.yaml', [rawService('web', '10.96.0.99')]);
  const { news, listener, log } = await follow(context, folder.path);
  assert.deepEqual(news(), ['+ Service default/web', 'synced']);
  const web = listener.objects.get('Service default/web');
  assert.deepEqual(web?.kind === 'Service' && web.clusterIps, ['10.96.0.99']);
  assert.equal(log.length, 1);
  assert.match(log[0] ?? '', /^W .*b\.yaml: Service default\/web is defined twice; the last one is used$/);
});

suite('the Node', () => {
  const nodeOf = (listener: RecordingListener) => {
    const node = listener.objects.get(`Node ${NODE_NAME}`);
    return node?.kind === 'Node' ? node.addresses : undefined;
  };
  const interfaceAddresses = () =>
    Object.values(networkInterfaces())
      .flatMap((entries) => entries ?? [])
      .filter(({ internal, address }) => !internal && !/^(fe80|169\.254)/.test(address))
      .map(({ address }) => canonicalAddress(address));

  test('of that name is the one among the manifests', async (context) => {
    const folder = new ManifestFolder(context);
    folder.write('all.yaml', [rawNode('node-b', '192.0.2.2'), rawNode(NODE_NAME, '192.0.2.1')]);
    const { listener } = await follow(context, folder.path);
    assert.deepEqual(nodeOf(listener), ['192.0.2.1']);
  });

  test('has else the addresses of the interfaces', async (context) => {
    const folder = new ManifestFolder(context);
    const { listener, until } = await follow(context, folder.write('all.yaml', [WEB]));
    assert.deepEqual(nodeOf(listener), interfaceAddresses());
    folder.write('all.yaml', [rawNode(NODE_NAME, '192.0.2.1')]);
    await until(() => nodeOf(listener)?.join() === '192.0.2.1');
    folder.write('all.yaml', [WEB]);
    await until(() => nodeOf(listener)?.join() === interfaceAddresses().join());
  });
});

suite('at the start', () => {
  const start = (path: string) =>
    createManifestSource({ path, nodeName: NODE_NAME, log: recordingLog().log }).run(
      new RecordingListener(),
      AbortSignal.timeout(60_000),
    );

  test('a path that does not exist is an error', async (context) => {
    const path = new ManifestFolder(context).file('none.yaml');
    const missing = (error: unknown) =>
      error instanceof ProxyError && error.code === 'E_MANIFEST_MISSING' && error.message.includes(path);
    await assert.rejects(start(path), missing);
  });

  test('a manifest that is none is an error with file and line', async (context) => {
    const folder = new ManifestFolder(context);
    const path = folder.write('all.yaml', 'kind: Service\nmetadata: {\n');
    const malformed = (error: unknown) =>
      error instanceof ProxyError &&
      error.code === 'E_MANIFEST_MALFORMED' &&
      error.message.startsWith(`${path}, line `);
    await assert.rejects(start(path), malformed);
  });

  test('nothing is said to be synced then', async (context) => {
    const listener = new RecordingListener();
    const source = createManifestSource({
      path: new ManifestFolder(context).file('none'),
      nodeName: NODE_NAME,
      log: recordingLog().log,
    });
    await assert.rejects(source.run(listener, AbortSignal.timeout(60_000)));
    assert.deepEqual(listener.calls, []);
  });
});
