import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FAMILIES } from '../../src/ip.ts';
import { HEARTBEAT_ADDRESS } from '../../src/ruleset/program/heartbeat.ts';
import { eventually } from '../builders/eventually.ts';
import type { World } from '../netns/world.ts';
import type { Daemon } from './daemon.ts';
import { beforeEachFreshDaemon } from './fresh-daemon.ts';
import { serviceObjects } from './manifests.ts';

const TABLE = 'kube-proxy-nft';
const CLUSTER_IPS = { ip4: '10.96.0.53', ip6: 'fd00:96::53' };
const OBJECTS = serviceObjects({
  name: 'dns',
  clusterIps: CLUSTER_IPS,
  ports: [{ name: 'dns', protocol: 'UDP', port: 53, to: 5353 }],
  endpoints: [{ ip4: '10.32.0.21', ip6: 'fd00:32::21' }],
});
const FLAGS = ['-v=2'];

const GET = `
import sys, urllib.request
print(urllib.request.urlopen("http://127.0.0.1:10249/metrics", timeout=5).read().decode())
`;

describe('a heartbeat on a node', () => {
  let world: World;
  let daemon: Daemon;

  beforeEachFreshDaemon(OBJECTS, (fresh) => {
    ({ world, daemon } = fresh);
  });

  /** How many beats of IPv4 ended how. */
  async function beats(): Promise<Readonly<Record<'well' | 'lost' | 'unknown', number>>> {
    const { stdout } = await world.exec('node', ['python3', '-c', GET]);
    const count = (outcome: string) =>
      Number(new RegExp(`heartbeats_total\\{ip_family="IPv4",outcome="${outcome}"\\} (\\d+)`).exec(stdout)?.[1]);
    return { well: count('well'), lost: count('lost'), unknown: count('unknown') };
  }

  /** Waits until a beat of IPv4 has ended so. */
  async function untilBeat(outcome: 'well' | 'lost' | 'unknown', more = 1) {
    const from = await beats();
    for (let tries = 0; tries < 100; tries++) {
      const now = await beats();
      if (now[outcome] >= from[outcome] + more) return now;
      await sleep(200);
    }
    throw new Error(`no beat is ${outcome}: ${JSON.stringify(await beats())} ${daemon.log}`);
  }

  it('is well while our rules are there, in both families, and reads nothing else', async () => {
    await daemon.start(FLAGS);
    const { lost, unknown } = await untilBeat('well', 5);
    assert.deepEqual({ lost, unknown }, { lost: 0, unknown: 0 });
    const { stdout } = await world.exec('node', ['python3', '-c', GET]);
    assert.match(stdout, /heartbeats_total\{ip_family="IPv6",outcome="well"\} [1-9]/);
    assert.match(stdout, /heartbeats_total\{ip_family="IPv6",outcome="lost"\} 0/);
    assert.doesNotMatch(daemon.log, /looking at the kernel|heartbeat|^[WE]/m);
  });

  for (const [what, damage, outcome] of [
    ['our table is deleted', `nft delete table ip ${TABLE}`, 'lost'],
    ['dispatch is flushed', `nft flush chain ip ${TABLE} dispatch`, 'lost'],
    ['nat-output is flushed', `nft flush chain ip ${TABLE} nat-output`, 'lost'],
    // Of UDP only, or nobody could read the metrics.
    ['a drop stands in dispatch', `nft insert rule ip ${TABLE} dispatch meta l4proto udp drop`, 'unknown'],
  ] as const) {
    const reason = { lost: 'a heartbeat met none of our rules', unknown: 'a heartbeat did not arrive' }[outcome];
    it(`notices that ${what}, and is well again once that is repaired`, async () => {
      await daemon.start(FLAGS);
      await untilBeat('well', 2);
      const noticed = new RegExp(`looking at the kernel family="ip" reason="${reason}"`);
      for (let tries = 0; tries < 5 && !noticed.test(daemon.log); tries++) {
        // The look of every five seconds comes first now and then.
        const { length } = daemon.log;
        world.nodeShell(damage);
        await eventually(
          () => noticed.test(daemon.log) || /somebody .*changed our/.test(daemon.log.slice(length)),
          () => daemon.log,
        );
        await untilBeat('well', 2);
      }
      assert.match(daemon.log, noticed);
      const now = await beats();
      assert.ok(now[outcome] >= 1, JSON.stringify(now));
      if (outcome === 'lost') assert.match(daemon.log, /W\d+ .*a heartbeat met none of our rules: checking whether/);
      assert.doesNotMatch(daemon.log, /looking at the kernel family="ip6" reason="a heartbeat/);
    });
  }

  it('is not taken for lost where another program leads loopback past conntrack: our table stays as it is', async () => {
    await daemon.start(FLAGS);
    await untilBeat('well');
    world.nodeShell(`
      nft add table ip stranger
      nft add chain ip stranger out '{ type filter hook output priority raw; }'
      nft add rule ip stranger out oif lo notrack
    `);
    await untilBeat('lost', 3);
    await daemon.untilLog(/looking at the kernel family="ip" reason="a heartbeat met none of our rules"/);
    assert.doesNotMatch(daemon.log, /building it anew|in force family="ip" table="kube-proxy-nft-b"/);
    world.nodeShell('nft delete table ip stranger');
    await daemon.untilLog(/heartbeats reach our rules again family="ip"/);
  });

  it('keeps its ports over a restart, so that nothing is written; others where somebody has them', async () => {
    await daemon.start(FLAGS);
    const elements = () => world.nodeShell(`nft list map ip ${TABLE} endpoints-udp | grep -o '127.*'`);
    const before = elements();
    assert.match(
      before,
      /^127\.107\.112\.110 \. \d+ \. 0 comment "kube-proxy-nft heartbeat" : 127\.107\.112\.110 \. \d+/,
    );
    await daemon.stop('SIGKILL');
    await daemon.start(FLAGS);
    for (const family of FAMILIES) assert.match(daemon.log, new RegExp(`up to date family="${family}" written=0`));
    assert.equal(elements(), before);
    await daemon.stop();
    const front = /\. (\d+) \. 0/.exec(before)?.[1];
    const holder = `import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.107.112.110", ${front})); print("bound", flush=True); time.sleep(600)`;
    const stranger = world.spawn('node', ['python3', '-c', holder], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => stranger.stdout?.once('data', resolve));
    await daemon.start(FLAGS);
    assert.match(daemon.log, /up to date family="ip" written=4/);
    assert.match(daemon.log, /up to date family="ip6" written=0/);
    assert.doesNotMatch(elements(), new RegExp(`\\. ${front} \\. 0`));
    await untilBeat('well', 2);
    stranger.kill();
  });

  it('is hidden from those who look at Services, and known to a whole dump', async () => {
    await daemon.start(FLAGS);
    assert.doesNotMatch(await daemon.dump(), /heartbeat|127\.107\.112\.110/);
    assert.doesNotMatch(await daemon.dump('-o', 'json'), /heartbeat|127\.107\.112\.110/);
    for (const output of ['nft', 'json'] as const) {
      const dump = await daemon.wholeDump(output);
      assert.equal([...dump.matchAll(/kube-proxy-nft heartbeat/g)].length, 4, 'two elements in each family');
    }
    const port = /127\.107\.112\.110 \. udp \. (\d+)/.exec(await daemon.wholeDump('nft'))?.[1];
    const run = `${daemon.directory}/run`;
    const trace = await daemon.run('--trace', `127.107.112.110:${port}/udp`, '--run-dir', run);
    assert.doesNotMatch(trace.stdout, /heartbeat|pick-udp/);
  });

  it('leaves one entry of conntrack for each beat, until that times out', async () => {
    await daemon.start(FLAGS);
    // The world's conntrack keeps an unanswered flow for five seconds: ten beats.
    await untilBeat('well', 20);
    const entries = world.nodeShell('conntrack -L -p udp -d 127.107.112.110 2>/dev/null').trim().split('\n');
    assert.ok(entries.length <= 14, entries.join('\n'));
    for (const entry of entries) assert.match(entry, /\[UNREPLIED\]/);
  });

  it('is not there with --heartbeat=false, and what a run before left of it goes', async () => {
    await daemon.start(FLAGS);
    await daemon.stop();
    await daemon.start([...FLAGS, '--heartbeat=false']);
    const { stdout } = await world.exec('node', ['ss', '-uan']);
    assert.doesNotMatch(stdout, new RegExp(HEARTBEAT_ADDRESS.ip.replaceAll('.', '\\.')));
    assert.doesNotMatch(world.nodeShell('nft list ruleset'), /heartbeat/);
    assert.deepEqual(await beats(), { well: 0, lost: 0, unknown: 0 });
  });

  it('is done without in a family that loopback does not have', async () => {
    const sysctl = (value: number) => world.nodeShell(`echo ${value} > /proc/sys/net/ipv6/conf/lo/disable_ipv6`);
    sysctl(1);
    try {
      await daemon.start(FLAGS);
      assert.match(
        daemon.log,
        /I\d+ .*no heartbeat through the rules: ::1 cannot be used: .*EADDRNOTAVAIL.* family="ip6"/,
      );
      assert.doesNotMatch(world.nodeShell('nft list table ip6 kube-proxy-nft'), /heartbeat/);
      await untilBeat('well', 2);
    } finally {
      sysctl(0);
    }
  });
});
