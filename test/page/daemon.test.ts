import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { suite, type TestContext, test } from 'node:test';
import { rawService, rawSlice } from '../builders/raw-objects.ts';
import { Place } from '../cli/program.ts';
import type { RawRequest } from './requests.ts';

const REQUESTS = join(import.meta.dirname, 'requests.ts');

/** An address of the node that is not loopback's. */
const ADDRESS = '192.0.2.7';

/** A daemon with metrics at all addresses. `send` sends a request in its network namespace; status 0: nobody answers. */
async function daemon(context: TestContext, flags: readonly string[] = []) {
  const place = new Place(context);
  place.command(['ip', 'link', 'set', 'lo', 'up']);
  place.command(['ip', 'address', 'add', `${ADDRESS}/32`, 'dev', 'lo']);
  const items = [rawService('web', '10.96.0.11'), rawSlice('web', ['10.0.1.1']), rawService('none', '10.96.0.12')];
  writeFileSync(place.file('objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const manifests = ['--manifests', place.file('objects.json'), '--hostname-override', 'node-1'];
  await place.startDaemon([...manifests, '--metrics-bind-address', '0.0.0.0:10249', ...flags]);
  const send = (request: RawRequest): { status: number; body: string } => {
    const code = `import { sendRaw } from '${REQUESTS}';
      const { status, body } = await sendRaw(${JSON.stringify(request)}).catch(() => ({ status: 0, body: '' }));
      console.log(JSON.stringify({ status, body }));`;
    return JSON.parse(place.command([process.execPath, '--input-type=module', '-e', code]));
  };
  const get = (path: string, host: string, name = host, port = 10249) =>
    send({ host, port, line: `GET ${path} HTTP/1.1`, headers: [`Host: ${name}:${port}`] });
  return { send, get };
}

suite('the page of a daemon whose metrics are at all addresses', () => {
  test('is answered over loopback only, and the metrics everywhere', async (context) => {
    const { send, get } = await daemon(context);
    const state = JSON.parse(get('/page/state', '127.0.0.1').body);
    assert.deepEqual([state.node, state.inSync, state.services, state.families[0].problems], ['node-1', true, 2, []]);
    assert.equal(state.changes[0].isFull, true);
    const { lines } = JSON.parse(get('/page/services', '127.0.0.1', 'localhost').body);
    assert.deepEqual(lines.map((line: readonly unknown[]) => [line[1], line[8]]).sort(), [
      ['none', 'refused: no endpoint is ready'],
      ['web', 'served'],
    ]);
    // From its own address, as from anybody's: what comes to that one is not from a user who is here for sure.
    for (const name of [ADDRESS, 'localhost', '127.0.0.1', 'node-1']) {
      assert.equal(get('/page/state', ADDRESS, name).status, 403, name);
      assert.equal(get('/page', ADDRESS, name).status, 403, name);
    }
    assert.equal(get('/page/state', '127.0.0.1', 'evil.example').status, 403);
    assert.match(get('/metrics', ADDRESS).body, /^kubeproxy_/m);
    const body = JSON.stringify({ to: 'default/web' });
    const headers = ['Host: localhost:10249', 'Content-Type: application/json', `Content-Length: ${body.length}`];
    const trace = (more: readonly string[]) =>
      send({ port: 10249, line: 'POST /page/trace HTTP/1.1', headers: [...headers, ...more], body });
    assert.equal(trace(['Origin: http://evil.example']).status, 403);
    const { connections } = JSON.parse(trace(['Origin: http://localhost:10249']).body);
    assert.deepEqual([connections[0].fate, connections[0].service], ['served', 'default/web']);
  });

  test('is not there with --page=false', async (context) => {
    const { get } = await daemon(context, ['--page=false', `--page-address=${ADDRESS}:10247`]);
    for (const path of ['/page', '/page/state', '/page/services'])
      assert.equal(get(path, '127.0.0.1').status, 404, path);
    assert.equal(get('/healthz', '127.0.0.1').body, 'ok');
    assert.equal(get('/page', ADDRESS, ADDRESS, 10247).status, 0, 'nobody listens');
  });

  test('is at --page-address, too, by address and by the node’s name', async (context) => {
    const { get } = await daemon(context, [`--page-address=${ADDRESS}`]);
    for (const name of [ADDRESS, 'node-1', 'localhost']) {
      assert.equal(JSON.parse(get('/page/state', ADDRESS, name, 10247).body).node, 'node-1', name);
    }
    assert.equal(get('/page/state', ADDRESS, 'evil.example', 10247).status, 403);
    assert.equal(get('/metrics', ADDRESS, ADDRESS, 10247).status, 404);
    assert.equal(get('/page/state', ADDRESS).status, 403, 'the metrics address is as before');
  });
});
