import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createLog } from '../../../src/log.ts';
import { atOnce } from '../../../src/service/steps.ts';
import { createApiSource } from '../../../src/source/api/api-source.ts';
import { loadConnection } from '../../../src/source/api/connection.ts';
import { KnownObjects } from '../../../src/source/api/known-objects.ts';
import { complaints, until, View, withServer, withSource } from './harness.ts';
import { service, slice } from './objects.ts';

describe('objects that are invalid', () => {
  test('the last valid version stays, one warning for each problem, and the rest goes on', async (t) => {
    const { view, log, api } = await withSource(t, {
      prepare: (server) => {
        server.put(service('good', 80, {}, '10.96.0.1'));
        server.put(service('bad', 70_000, {}, '10.96.0.2'));
      },
    });
    await until(() => view.isSynced);
    await until(() => api.watches('Service') === 1);
    assert.deepEqual(view.keys('Service'), ['default/good']);
    assert.equal(complaints(log).length, 1);
    assert.match(complaints(log)[0] ?? '', /^Service default\/bad: spec\.ports\[0\]\.port: .*; skipped$/);

    api.put(service('good', 99_999, {}, '10.96.0.1'));
    api.put(service('good', 99_999, { changed: 'elsewhere' }, '10.96.0.1'));
    api.put(service('bad', 70_000, { changed: 'elsewhere' }, '10.96.0.2'));
    api.put(service('third', 80, {}, '10.96.0.3'));
    await until(() => view.keys('Service').includes('default/third'));
    const good = view.objects.get('Service default/good');
    assert.ok(good?.kind === 'Service');
    assert.equal(good.ports[0]?.port, 80);
    assert.equal(complaints(log).length, 2, complaints(log).join('\n'));
    assert.match(complaints(log)[1] ?? '', /^Service default\/good: .*; its last valid version stays in force$/);

    // The listener never knew "bad", so it does not hear that it is gone; it knows "good".
    api.remove('Service', 'default/bad');
    api.remove('Service', 'default/good');
    await until(() => !view.keys('Service').includes('default/good'));
    assert.ok(!view.calls.some((call) => call.includes('default/bad')));
    api.put(service('bad', 80, {}, '10.96.0.2'));
    await until(() => view.keys('Service').includes('default/bad'));
  });

  test('an endpoint that is left out of a slice is one warning for the slice, until it had none', async (t) => {
    const { view, log, api } = await withSource(t, {
      prepare: (server) => server.put(slice('web', ['10.0.0.1', '127.0.0.1'])),
    });
    await until(() => view.isSynced);
    const addresses = () => {
      const found = view.objects.get('EndpointSlice default/web');
      return found?.kind === 'EndpointSlice' ? found.endpoints.map(({ address }) => address).join() : undefined;
    };
    assert.equal(addresses(), '10.0.0.1');
    assert.equal(complaints(log).length, 1, complaints(log).join('\n'));
    assert.match(
      complaints(log)[0] ?? '',
      /^EndpointSlice default\/web: endpoints\[1\]\.addresses\[0\] must not be .*; 1 of 2 endpoints left out$/,
    );
    api.put(slice('web', ['10.0.0.1', '127.0.0.1', '10.0.0.2', '127.0.0.2']));
    await until(() => addresses() === '10.0.0.1,10.0.0.2');
    assert.equal(complaints(log).length, 1);
    api.put(slice('web', ['10.0.0.1']));
    await until(() => addresses() === '10.0.0.1');
    api.put(slice('web', ['169.254.169.254']));
    await until(() => addresses() === '');
    assert.equal(complaints(log).length, 2);
  });

  test('an invalid object is not decoded again by a second list', () => {
    const view = new View();
    const log: string[] = [];
    const known = new KnownObjects(
      'EndpointSlice',
      view,
      createLog(0, (line) => log.push(line)),
    );
    const raw = { ...slice('x', []), addressType: 'none' };
    for (let i = 0; i < 3; i++) {
      known.beginList();
      atOnce(known.put({ ...raw, metadata: { ...raw.metadata, resourceVersion: '7' } }));
      atOnce(known.put({ metadata: {} }));
      known.endList();
    }
    assert.equal(log.length, 2, log.join(''));
    assert.match(log[1] ?? '', /EndpointSlice \(without a name\)/);
    assert.deepEqual(view.calls, []);
  });

  test('problems remembered are bounded', () => {
    const log: string[] = [];
    const known = new KnownObjects(
      'Service',
      new View(),
      createLog(0, (line) => log.push(line)),
    );
    const bad = (i: number, version: string) => {
      const object = service(`s-${i}`, 0);
      atOnce(known.put({ ...object, metadata: { ...object.metadata, resourceVersion: version } }));
    };
    for (let i = 0; i < 1001; i++) bad(i, '1');
    bad(1000, '2');
    assert.equal(log.length, 1001);
    bad(0, '2');
    assert.equal(log.length, 1002, 'the oldest was forgotten, and is said again');
  });
});

test('an error of the listener ends the source, with that error', async (t) => {
  const { api, directory } = await withServer(t);
  api.put(service('x', 80, {}, '10.96.0.1'));
  const kubeconfig = join(directory, 'kubeconfig');
  api.kubeconfig(kubeconfig);
  const connection = loadConnection({ kubeconfig, environment: {} });
  const source = createApiSource({ connection, nodeName: 'node-a', log: createLog(0, () => {}) });
  const listener = new View();
  listener.changed = () => {
    throw new TypeError('a bug');
  };
  await assert.rejects(source.run(listener, new AbortController().signal), new TypeError('a bug'));
});
