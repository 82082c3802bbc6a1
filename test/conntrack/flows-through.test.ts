import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Conntrack, ConntrackError } from '../../src/conntrack/conntrack.ts';
import { flowsThrough } from '../../src/conntrack/flows-through.ts';
import { recordingLog } from '../builders/recording-log.ts';

const TCP = (state: string, destination: string, port: number, endpoint: string, endpointPort: number) =>
  `tcp      6 431999 ${state} src=192.0.2.7 dst=${destination} sport=4000 dport=${port} ` +
  `src=${endpoint} dst=192.0.2.7 sport=${endpointPort} dport=4000 [ASSURED] mark=0 use=1`;
const UDP =
  'udp      17 29 src=192.0.2.7 dst=10.96.0.10 sport=5 dport=53 [UNREPLIED] src=10.0.0.1 dst=192.0.2.7 sport=53 dport=5 mark=0 use=1';

/** A conntrack that lists these lines for each protocol, and notes how it is called. */
function conntrackWith(context: { after(work: () => void): void }, lines: Readonly<Record<string, readonly string[]>>) {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-flows-'));
  context.after(() => rmSync(folder, { recursive: true }));
  for (const [protocol, own] of Object.entries(lines)) writeFileSync(join(folder, protocol), `${own.join('\n')}\n`);
  // -L -f FAMILY -p PROTOCOL
  writeFileSync(join(folder, 'conntrack'), `#!/bin/sh\ncat "${folder}/$5"\n`, { mode: 0o755 });
  return new Conntrack(recordingLog().log, { command: [join(folder, 'conntrack')] });
}

suite('open connections from frontends to endpoints', () => {
  const way = (endpoint: string, destination: string | undefined = '10.96.0.10', port = 80) => ({
    protocol: 'tcp',
    ...{ destination, port, endpoint },
  });

  test('are counted if they are established, on just these ways, and on node ports whatever the address', async (context) => {
    const conntrack = conntrackWith(context, {
      tcp: [
        TCP('ESTABLISHED', '10.96.0.10', 80, '10.0.0.1', 8080),
        TCP('ESTABLISHED', '10.96.0.10', 80, '10.0.0.2', 8080),
        TCP('TIME_WAIT', '10.96.0.10', 80, '10.0.0.1', 8080),
        TCP('ESTABLISHED', '10.96.0.11', 80, '10.0.0.1', 8080),
        TCP('ESTABLISHED', '192.0.2.1', 30080, '10.0.0.1', 8080),
        TCP('ESTABLISHED', '192.0.2.2', 30080, '10.0.0.1', 8080),
      ],
      udp: [UDP],
    });
    const count = async (...ways: Parameters<typeof flowsThrough>[2]) => [
      ...(await flowsThrough(conntrack, 'ip', ways)),
    ];
    assert.deepEqual(await count(way('10.0.0.1:8080')), [['tcp', 1]]);
    assert.deepEqual(await count(way('10.0.0.1:8080'), way('10.0.0.2:8080')), [['tcp', 2]]);
    assert.deepEqual(await count({ ...way('10.0.0.1:8080'), destination: undefined, port: 30080 }), [['tcp', 2]]);
    assert.deepEqual(await count(way('10.0.0.9:8080')), [['tcp', 0]]);
    assert.deepEqual(await count({ ...way('10.0.0.1:53', '10.96.0.10', 53), protocol: 'udp' }), [['udp', 1]]);
    assert.deepEqual(await count(), []);
  });

  test('cannot be counted without conntrack', async () => {
    const conntrack = new Conntrack(recordingLog().log, { command: ['/dev/null'] });
    await assert.rejects(flowsThrough(conntrack, 'ip', [way('10.0.0.1:80')]), ConntrackError);
  });
});
