import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { suite, type TestContext, test } from 'node:test';
import { rawService, rawSlice } from '../../../builders/raw-objects.ts';
import { Place } from '../../../cli/program.ts';

/** A place whose kernel has the rules for Service default/web with three endpoints, and default/sticky with affinity. */
async function withRules(context: TestContext, daemonFlags?: readonly string[]) {
  const place = new Place(context);
  const items = [
    rawService('web', '10.96.0.11', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] }),
    rawSlice('web', ['10.0.1.3', '10.0.1.1', '10.0.1.2']),
    rawService('sticky', '10.96.0.12', { sessionAffinity: 'ClientIP' }),
    rawSlice('sticky', ['10.0.2.1']),
  ];
  const source = ['--manifests', place.file('objects.json')];
  writeFileSync(place.file('objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const daemon = await place.startDaemon([...source, ...(daemonFlags ?? [])]);
  if (daemonFlags === undefined) await daemon.stop();
  const flags = daemonFlags === undefined ? source : [];
  return {
    place,
    trace: (to: string, from = 'outside') => place.run(['trace', to, '--from', from, '--live', ...flags]),
  };
}

suite('trace --live', () => {
  test('says that the kernel is as it should be, with what the daemon left', async (context) => {
    const { trace } = await withRules(context);
    for (const [to, from] of [
      ['default/web', 'outside'],
      ['default/sticky', 'node'],
      ['10.96.0.11:81', 'node'],
      ['198.18.0.1:80', 'outside'],
    ] as const) {
      const { stdout, stderr } = await trace(to, from);
      assert.match(
        stdout,
        /\n {2}kernel: as it should be; \d+ chains? and \d+ elements? on the way compared\n/,
        stderr,
      );
      assert.doesNotMatch(stdout, /differs|not compared/);
    }
  });

  test('names each thing on the way that somebody broke', async (context) => {
    const { place, trace } = await withRules(context);
    const table = 'ip kube-proxy-nft';
    for (const [breaking, differs] of [
      [`delete element ${table} endpoints-tcp { 10.96.0.11 . 80 . 1 }`, /its endpoint was deleted/],
      [
        `add element ${table} endpoints-tcp { 10.96.0.11 . 80 . 1 : 192.0.2.66 . 8080 }`,
        /its endpoint was changed to "192\.0\.2\.66 \. 8080"/,
      ],
      [`delete element ${table} services { 10.96.0.11 . tcp . 80 }`, /its verdict was deleted/],
      [`add element ${table} services { 10.96.0.11 . tcp . 80 : drop }`, /its verdict was changed to "drop"/],
      [
        `insert rule ${table} dispatch ip saddr 198.51.100.0/24 accept`,
        /chain dispatch .*: a rule was added: "ip saddr/,
      ],
      [`flush chain ${table} pick-tcp-4`, /chain pick-tcp-4 .*: a rule was deleted/],
      [`flush chain ${table} nat-postrouting`, /chain nat-postrouting .*: a rule was deleted/],
      [`add chain ${table} mine { type filter hook forward priority 0 ; }`, /a chain that is not ours was added.*mine/],
      [`delete table ${table}`, /the kernel has no table ip kube-proxy-nft/],
    ] as const) {
      place.nft(breaking);
      const { stdout, exitCode } = await trace('10.96.0.11:80');
      assert.equal(exitCode, 53, `${breaking}\n${stdout}`);
      assert.match(stdout, /^default\/web: NOT AS IN THE KERNEL \(see below\): served by one of 3 endpoints/);
      assert.match(stdout, new RegExp(`\n {4}differs: .*${differs.source}`), breaking);
    }
  });

  test('sees what was added where there should be nothing', async (context) => {
    const { place, trace } = await withRules(context);
    const table = 'ip kube-proxy-nft';
    place.nft(`add element ${table} services { 198.18.0.1 . tcp . 80 : drop }`);
    const { stdout, exitCode } = await trace('198.18.0.1:80');
    assert.equal(exitCode, 53);
    assert.match(stdout, /NOT AS IN THE KERNEL .*untouched: no Service has 198\.18\.0\.1\n/);
    assert.match(stdout, /differs: 198\.18\.0\.1:80\/tcp: a verdict that is not ours was added/);
    // Not on the way of others.
    assert.equal((await trace('10.96.0.11:80')).exitCode, 0);
    place.nft(`add element ${table} services { * : drop }`);
    assert.match(
      (await trace('198.18.0.2:80')).stdout,
      /differs: .*a verdict that is not ours was added .*\{ \* : drop \}/,
    );
  });

  test('sends a request to a daemon, which compares with its own model', async (context) => {
    const { place, trace } = await withRules(context, ['--no-watch', '--heartbeat=false']);
    assert.equal((await trace('default/sticky', 'node')).exitCode, 0);
    place.nft('delete element ip kube-proxy-nft endpoints-tcp { 10.96.0.11 . 80 . 2 }');
    const { stdout, exitCode } = await trace('default/web');
    assert.equal(exitCode, 53);
    assert.match(stdout, /differs: default\/web 10\.96\.0\.11:80\/tcp: its endpoint was deleted/);
    assert.match(stdout, /the running daemon/);
  });
});
