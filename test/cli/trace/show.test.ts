import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Place } from '../program.ts';

suite('trace', () => {
  test('queries the daemon, and without one follows connections through what it would program', async (context) => {
    const place = new Place(context);
    const source = [
      '--manifests',
      join(import.meta.dirname, '..', '..', '..', 'examples'),
      '--cluster-cidr',
      '10.32.0.0/16',
    ];
    const request = ['trace', '10.96.0.80:80', '--from', '10.32.0.99', '--rules'];
    const alone = await place.run([...request, ...source]);
    assert.equal(alone.exitCode, 0, alone.stderr);
    assert.match(alone.stdout, /^default\/web:http: served by one of 3 endpoints, which see the client's address\n/);
    assert.match(alone.stdout, /\n {2}tcp 10\.32\.0\.99 → 10\.96\.0\.80:80, from a pod \(ClusterIP\)\n/);
    assert.match(alone.stdout, /to 10\.32\.0\.\d+:8080\n/);
    assert.match(alone.stdout, /dispatch: .* vmap @services → 10\.96\.0\.80 \. tcp \. 80 : goto pick-tcp-/);

    const daemon = await place.startDaemon(source);
    const answered = await place.run(request);
    const unknown = await place.run(['trace', '10.96.0.80:81/tcp']);
    const missing = await place.run(['trace', 'default/wep']);
    const json = await place.run(['trace', 'default/web', '-o', 'json']);
    await daemon.stop();
    assert.match(answered.stdout, /the running daemon/);
    assert.equal(answered.stdout.split('\n(')[0], alone.stdout.split('\n(')[0]);
    assert.equal(unknown.exitCode, 50);
    assert.match(unknown.stdout, /^10\.96\.0\.80:81\/tcp: refused: Service default\/web has no port 81\/tcp/);
    assert.equal(missing.exitCode, 2);
    assert.match(missing.stderr, /there is no Service default\/wep; did you mean default\/web\? \[E_USAGE\]\n$/);
    assert.equal(JSON.parse(json.stdout).connections[0].service.name, 'web');
  });

  test('needs a Service or an address, and its flags only go with it', async (context) => {
    const place = new Place(context);
    for (const args of [
      ['trace', 'web:80'],
      ['trace', 'fd00::80:80'],
      ['--from', '10.0.0.1'],
      ['status', '--live'],
      ['trace'],
    ]) {
      const ended = await place.run(args);
      assert.equal(ended.exitCode, 2, ended.stderr);
      assert.match(ended.stderr, /\[E_USAGE\]\n$/);
    }
  });
});
