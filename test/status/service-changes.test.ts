import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { changeLines, counted } from '../../src/status/changes-text.ts';
import { serviceChanges } from '../../src/status/service-changes.ts';
import type { ServiceRow } from '../../src/status/service-rows.ts';

const row = (changes: Partial<ServiceRow> = {}): ServiceRow => ({
  ...{ namespace: 'default', name: 'web', port: 'http', kind: 'cluster-ip', address: '10.96.0.80:80/tcp' },
  ...{ endpoints: ['10.0.0.1:80', '10.0.0.2:80'], sourceRanges: [], fate: 'served' },
  ...changes,
});
const nodePort = (changes: Partial<ServiceRow> = {}) => row({ kind: 'node-port', address: ':30080/tcp', ...changes });

/** The lines of what changes. */
function lines(before: readonly ServiceRow[], after: readonly ServiceRow[]): readonly string[] {
  return changeLines(serviceChanges(before, after)).map(([sign, text]) => `${sign} ${text}`);
}

suite('what changes of Services', () => {
  test('is nothing where the rows are equal, in whatever order', () => {
    assert.deepEqual(lines([row(), nodePort()], [nodePort(), row({ endpoints: ['10.0.0.2:80', '10.0.0.1:80'] })]), []);
  });

  test('is a Service that comes or goes, with its endpoints', () => {
    assert.deepEqual(lines([], [row()]), [
      '+ default/web',
      '+   10.96.0.80:80/tcp  (http; 2 endpoints)',
      '+     10.0.0.1:80',
      '+     10.0.0.2:80',
    ]);
    assert.deepEqual(lines([row({ endpoints: [], port: '' })], []), [
      '- default/web',
      '-   10.96.0.80:80/tcp  (0 endpoints)',
    ]);
  });

  test('is a frontend that comes to a Service that stays', () => {
    assert.deepEqual(lines([row()], [row(), nodePort({ endpoints: [] })]), [
      '~ default/web',
      '+   :30080/tcp  (http; 0 endpoints)',
    ]);
  });

  test('is said once for frontends that change alike', () => {
    const endpoints = ['10.0.0.2:80', '10.0.0.3:80', '10.0.0.4:80'];
    assert.deepEqual(lines([row(), nodePort()], [row({ endpoints }), nodePort({ endpoints })]), [
      '~ default/web',
      '~   10.96.0.80:80/tcp, :30080/tcp  (http; 2 → 3 endpoints)',
      '-     10.0.0.1:80',
      '+     10.0.0.3:80',
      '+     10.0.0.4:80',
    ]);
  });

  test('is what the endpoints that stay come to weigh', () => {
    const weights = { '10.0.0.1:80': { weight: 9, share: 0.9 }, '10.0.0.2:80': { weight: 1, share: 0.1 } };
    assert.deepEqual(lines([row()], [row({ weights })]), [
      '~ default/web',
      '~   10.96.0.80:80/tcp  (http; 2 endpoints; weight of 10.0.0.1:80 1 → 9)',
    ]);
    assert.deepEqual(lines([row({ weights })], [row({ weights })]), []);
  });

  test('is what becomes of connections, affinity, policy and source ranges', () => {
    const after = row({
      ...{ endpoints: [], fate: 'refused: no endpoint is ready', affinity: 'ClientIP 3h', localEndpoints: [] },
      sourceRanges: ['192.0.2.0/24'],
    });
    assert.deepEqual(lines([row({ endpoints: [] })], [after]), [
      '~ default/web',
      '~   10.96.0.80:80/tcp  (http; 0 endpoints; served → refused: no endpoint is ready; session affinity none → ClientIP 3h; source ranges all → 192.0.2.0/24; policy Cluster → Local)',
    ]);
  });

  test('is which endpoints clients from outside are sent to', () => {
    const before = nodePort({ localEndpoints: ['10.0.0.1:80'] });
    assert.deepEqual(lines([before], [nodePort({ localEndpoints: ['10.0.0.2:80'] })]), [
      '~ default/web',
      '~   :30080/tcp  (http; 2 endpoints)',
      '-     10.0.0.1:80 for clients from outside',
      '+     10.0.0.2:80 for clients from outside',
    ]);
  });

  test('lists twenty endpoints, and how many there are more', () => {
    const endpoints = Array.from({ length: 25 }, (_, i) => `10.0.1.${i}:80`);
    const found = lines([row({ endpoints: [] })], [row({ endpoints })]);
    assert.equal(found.length, 23);
    assert.equal(found.at(-1), '+     and 5 others');
    assert.equal(counted(1, 'other'), '1 other');
  });
});
