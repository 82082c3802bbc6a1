import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { endpointRows, endpointTable } from '../../src/status/endpoint-rows.ts';
import type { ServiceRow } from '../../src/status/service-rows.ts';

const row = (changes: Partial<ServiceRow>): ServiceRow => ({
  ...{ namespace: 'default', name: 'web', port: 'http', kind: 'cluster-ip', address: '10.96.0.80:80/tcp' },
  ...{ endpoints: [], sourceRanges: [], fate: 'served' },
  ...changes,
});

suite('endpoints of Services', () => {
  test('are in order, each once, and tell under policy Local whose connections they get', () => {
    const rows = endpointRows([
      row({
        kind: 'node-port',
        address: ':30080/tcp',
        endpoints: ['10.0.0.10:80', '10.0.0.9:80'],
        localEndpoints: ['10.0.0.9:80', '10.0.0.7:80'],
      }),
      row({ endpoints: ['10.0.0.10:80', '10.0.0.9:80'] }),
      row({ name: 'dns', port: '', address: '[fd00::53]:53/udp', endpoints: ['[fd00::1]:53'] }),
    ]);
    assert.equal(
      endpointTable(rows, true),
      `NAMESPACE   NAME   PORT   ENDPOINT           FRONTENDS
default     dns    -      [fd00::1]:53/udp   [fd00::53]:53/udp
default     web    http   10.0.0.7:80/tcp    :30080/tcp (from outside)
default     web    http   10.0.0.9:80/tcp    10.96.0.80:80/tcp, :30080/tcp
default     web    http   10.0.0.10:80/tcp   10.96.0.80:80/tcp, :30080/tcp (from this node)
`,
    );
    assert.match(endpointTable(rows, false, false), /^default {3}dns {3}- {6}\[fd00::1\]:53\/udp {3}1\n/);
  });

  test('have their weights beside them, where they do not all count for the same', () => {
    const rows = endpointRows([
      row({
        kind: 'node-port',
        address: ':30080/tcp',
        endpoints: ['10.0.0.1:80', '10.0.0.2:80'],
        localEndpoints: ['10.0.0.1:80'],
        weights: {
          '10.0.0.1:80': { weight: 8, share: 8 / 11 },
          '10.0.0.2:80': { weight: 3, share: 3 / 11, slowStart: '3/8' },
        },
      }),
    ]);
    assert.equal(
      endpointTable(rows, false, false),
      `default   web   http   10.0.0.1:80/tcp   1; weight 8 (73 %)
default   web   http   10.0.0.2:80/tcp   1; weight 3 (27 %), slow start 3/8
`,
    );
  });

  test('tell which are on nodes that are not Ready, used or not', () => {
    const unreachable = [{ endpoint: '10.0.0.2:80', node: 'other' }];
    const rows = (endpoints: readonly string[]) => endpointRows([row({ endpoints, unreachable })]);
    assert.equal(
      endpointTable(rows(['10.0.0.1:80']), false, false),
      `default   web   http   10.0.0.1:80/tcp   1
default   web   http   10.0.0.2:80/tcp   none: its node other is not Ready
`,
    );
    assert.equal(
      endpointTable(rows(['10.0.0.2:80']), true, false),
      'default   web   http   10.0.0.2:80/tcp   10.96.0.80:80/tcp; its node other is not Ready\n',
    );
  });
});
