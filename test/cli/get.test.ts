import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { load } from 'js-yaml';
import { rawNode, rawService, rawSlice } from '../builders/raw-objects.ts';
import { Place } from './program.ts';

suite('get services', () => {
  test('lists all that a daemon has, however many answers that takes', async (context) => {
    const place = new Place(context);
    const many = Array.from({ length: 1200 }, (_, i) => rawService(`s${i}`, `10.96.${i >> 8}.${i & 255}`));
    const items = [...many, rawSlice('s7', ['10.0.1.1', '10.0.1.2'])];
    writeFileSync(place.file('objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await place.startDaemon(['--manifests', place.file('objects.json')]);
    const rows = JSON.parse((await place.run(['get', 'services', '-o', 'json'])).stdout);
    assert.equal(rows.length, 1200);
    assert.equal(new Set(rows.map(({ name }: { name: string }) => name)).size, 1200);
    const { stdout } = await place.run(['get', 'svc', 'default/s7', '-o', 'wide', '--no-headers']);
    assert.match(
      stdout,
      /^default +s7 +\S+ +ClusterIP +10\.96\.0\.7:80\/tcp +2 +- +served +0 +10\.0\.1\.1:\d+,10\.0\.1\.2:\d+\n$/,
    );
    for (const [words, said] of [
      [['-n', 'nowhere'], /no Service is programmed in namespace nowhere \(headless/],
      [['nope'], /no Service nope is programmed \(/],
      [['default/nope'], /no Service default\/nope is programmed \(/],
    ] as const) {
      const { stdout: nothing, stderr } = await place.run(['get', 'services', ...words]);
      assert.equal(nothing, '');
      assert.match(stderr, said);
    }
    const refused = await place.run(['get', 'services', 's8']);
    assert.match(refused.stdout, /^default +s8 .* refused: no endpoint is ready$/m);
  });

  test('without a daemon shows what a source would make of it', async (context) => {
    const place = new Place(context);
    const items = [rawService('web', '10.96.0.11'), rawSlice('web', ['10.0.1.1'])];
    writeFileSync(place.file('objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const { stdout } = await place.run(['get', 'services', '--manifests', place.file('objects.json')]);
    assert.match(stdout, /^NAMESPACE +NAME .*\ndefault +web .* 1 +served\n$/);
    assert.equal((await place.run(['get', 'services'])).exitCode, 31);
  });
});

suite('get endpoints', () => {
  test('lists the endpoints of Services, and who sends connections there', async (context) => {
    const place = new Place(context);
    const nodePort = { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] };
    const items = [
      rawService('web', '10.96.0.11', nodePort),
      rawSlice('web', ['10.0.1.10', '10.0.1.9']),
      rawService('db', '10.96.0.12'),
      rawSlice('db', ['10.0.2.1']),
    ];
    writeFileSync(place.file('objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await place.startDaemon(['--manifests', place.file('objects.json')]);
    const get = async (...args: readonly string[]) => (await place.run(['get', ...args])).stdout;
    assert.equal(
      await get('endpoints'),
      `NAMESPACE   NAME   PORT   ENDPOINT             FRONTENDS
default     db     -      10.0.2.1:8080/tcp    1
default     web    -      10.0.1.9:8080/tcp    2
default     web    -      10.0.1.10:8080/tcp   2
`,
    );
    assert.equal(
      await get('ep', 'web', '-o', 'wide', '--no-headers'),
      `default   web   -   10.0.1.9:8080/tcp    10.96.0.11:80/tcp, :30080/tcp
default   web   -   10.0.1.10:8080/tcp   10.96.0.11:80/tcp, :30080/tcp
`,
    );
    assert.equal(
      await get('ep', '-n', 'default', '-o', 'name'),
      '10.0.2.1:8080/tcp\n10.0.1.9:8080/tcp\n10.0.1.10:8080/tcp\n',
    );
    assert.equal(await get('ep', '-n', 'nowhere', '-o', 'name'), '');
    assert.equal(await get('services', '-n', 'nowhere', '-A', '-o', 'name'), 'default/db\ndefault/web\n');
    assert.deepEqual(load(await get('ep', 'db', '-o', 'yaml')), JSON.parse(await get('ep', 'db', '-o', 'json')));
    assert.equal((load(await get('svc', '-o', 'yaml')) as unknown[]).length, 3);
    const { version } = load((await place.run(['version', '-o', 'yaml'])).stdout) as { version: string };
    assert.match(version, /^\d/);
    const status = load((await place.run(['status', '-o', 'yaml'])).stdout) as { families: unknown[] };
    assert.ok(status.families.length > 0);
  });
});

suite('with --skip-unreachable-nodes', () => {
  test('endpoints on a node that is not Ready: get, trace and status say why they are not used', async (context) => {
    const place = new Place(context);
    const item = (address: string, nodeName: string) => ({ addresses: [address], nodeName });
    const node = (name: string, status: string) => ({
      ...rawNode(name),
      status: { conditions: [{ type: 'Ready', status }] },
    });
    const items = [
      rawService('web', '10.96.0.11'),
      rawSlice('web', [], { endpoints: [item('10.0.1.1', 'one'), item('10.0.1.2', 'other')] }),
      ...[node('one', 'True'), node('other', 'Unknown')],
    ];
    const write = (list: readonly object[]) =>
      writeFileSync(place.file('objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: list }));
    write(items);
    const source = ['--manifests', place.file('objects.json'), '--skip-unreachable-nodes'];
    const alone = await place.run(['get', 'endpoints', ...source, '--no-headers']);
    await place.startDaemon(source);
    const endpoints = async () => (await place.run(['get', 'endpoints', '--no-headers'])).stdout;
    assert.match(
      await endpoints(),
      /10\.0\.1\.1:\d+\/tcp +1\n.*10\.0\.1\.2:\d+\/tcp +none: its node other is not Ready\n$/,
    );
    assert.equal(alone.stdout, await endpoints());
    const { stdout: traced } = await place.run(['trace', 'default/web']);
    assert.match(traced, /served by 10\.0\.1\.1:.*; not used: 1 endpoint on nodes that are not Ready \(other\)\n/);
    const { stdout: status } = await place.run(['status']);
    assert.match(
      status,
      /^ +nodes +1 of 3 nodes not Ready: other; their endpoints are used only if there are no others$/m,
    );
    write(items.filter((object) => !('metadata' in object) || Object(object.metadata).name !== 'other'));
    // Each look is a process: far more of them than it takes.
    let shown = '';
    for (let looks = 0; looks < 100 && !/10\.0\.1\.2:\d+\/tcp +1\n$/.test(shown); looks++) shown = await endpoints();
    assert.match(shown, /10\.0\.1\.2:\d+\/tcp +1\n$/);
  });
});
