import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { rawNode } from '../builders/raw-objects.ts';
import { NODE } from '../netns/topology.ts';
import type { World } from '../netns/world.ts';
import type { Daemon } from './daemon.ts';
import { beforeEachFreshDaemon } from './fresh-daemon.ts';
import { serviceObjects } from './manifests.ts';

const TABLE = 'kube-proxy-nft';
const NODE_OBJECT = rawNode('node-a', NODE.ip4, NODE.ip6);
const service = (n: number) =>
  serviceObjects({
    name: `s${n}`,
    clusterIps: { ip4: `10.96.0.${n}`, ip6: `fd00:96::${n}` },
    ports: [{ name: '', protocol: 'TCP', port: 80, to: 8080 }],
    endpoints: [{ ip4: '10.32.0.21', ip6: 'fd00:32::21' }],
  });
const OBJECTS = [NODE_OBJECT, ...service(1)];

/** The grace is two sync periods, a minute by default. Two seconds here: whoever waits for it does so within a few. */
const FLAGS = ['--hostname-override', 'node-a', '--iptables-sync-period=1s', '-v=2'];
/** Milliseconds: several times the grace, and a few looks at the rules. */
const LONG = 12_000;

/** Probes for so many seconds, from outside; prints each answer that differs from the one before. */
const PROBE = `
import http.client, sys, time
host, path, end = sys.argv[1], sys.argv[2], time.monotonic() + float(sys.argv[3])
last, count = None, 0
while time.monotonic() < end:
    connection = http.client.HTTPConnection(host, 10256, timeout=30)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    count += 1
    if status != last: print(status)
    last = status
    time.sleep(0.1)
assert count > 3
`;

describe('health tells the truth', () => {
  let world: World;
  let daemon: Daemon;

  beforeEachFreshDaemon(OBJECTS, (fresh) => {
    ({ world, daemon } = fresh);
  });

  /** The answers of a path while time passes: each that differs from the one before. */
  async function answers(path: 'healthz' | 'livez', ms = LONG): Promise<readonly string[]> {
    const { stdout } = await world.exec('client', ['python3', '-c', PROBE, NODE.ip4, `/${path}`, `${ms / 1000}`]);
    return stdout.trim().split('\n');
  }

  async function assertWell(ms?: number): Promise<void> {
    const [healthz, livez] = await Promise.all([answers('healthz', ms), answers('livez', ms)]);
    assert.deepEqual([healthz, livez], [['200'], ['200']], daemon.log);
  }

  /** Probes until /healthz says so. */
  async function untilHealthz(status: string): Promise<void> {
    let last: string | undefined;
    for (let tries = 0; tries < 60; tries++) {
      last = (await answers('healthz', 1000)).at(-1);
      if (last === status) return;
    }
    assert.fail(`/healthz says ${last}: ${daemon.log}`);
  }

  /** An nft of the daemon's own, before the real one: `when` says for which arguments it fails while `file` is there. */
  async function startWithNft(script: string): Promise<string> {
    const bin = `${daemon.directory}/bin`;
    const file = `${bin}/fails`;
    world.execSync('node', ['mkdir', '-p', bin]);
    // Without sessions, so that each document is its own process.
    const wrapper = `#!/bin/sh\ncase "$*" in *" -i "* | "-i "*) exit 1;; esac\nif [ -e ${file} ]; then\n${script}\nfi\nexec /usr/sbin/nft "$@"\n`;
    writeFileSync(`${bin}/nft`, wrapper, { mode: 0o755 });
    await daemon.start(FLAGS, { ...process.env, PATH: `${bin}:${process.env['PATH']}` });
    return file;
  }

  describe('a silent heartbeat alone is 200 throughout', () => {
    for (const [what, rules] of [
      [
        'another table drops UDP on loopback as it arrives',
        `nft add chain inet stranger c '{ type filter hook input priority 0; }'
         nft add rule inet stranger c iif lo meta l4proto udp drop`,
      ],
      [
        // A full table drops the first packet of a new flow where conntrack looks it up (priority -200), with EPERM to its
        // sender. Its limit is one for all of the machine, so a rule plays it, for UDP, right after conntrack.
        'the conntrack table is full, as a rule plays it',
        `nft add chain inet stranger c '{ type filter hook output priority -199; }'
         nft add rule inet stranger c meta l4proto udp ct state new drop`,
      ],
      [
        'another table leads loopback past conntrack',
        `nft add chain inet stranger c '{ type filter hook output priority raw; }'
         nft add rule inet stranger c oif lo notrack`,
      ],
    ] as const) {
      it(what, async () => {
        await daemon.start(FLAGS);
        world.nodeShell(`nft add table inet stranger\n${rules}`);
        await daemon.untilLog(/looking at the kernel family="ip" reason="a heartbeat/);
        await assertWell();
        assert.doesNotMatch(daemon.log, /building it anew|somebody changed our rules/);
      });
    }

    it('the daemon is stopped for ten seconds, and the cluster changes meanwhile', async () => {
      await daemon.start(FLAGS);
      const probing = assertWell(16_000);
      await sleep(1000);
      process.kill(daemon.pid, 'SIGSTOP');
      daemon.write([...OBJECTS, ...service(2)]);
      await sleep(10_000);
      process.kill(daemon.pid, 'SIGCONT');
      await probing;
      assert.doesNotMatch(daemon.log, /^W|a heartbeat/m);
    });

    it('the machine is loaded', async () => {
      await daemon.start(FLAGS);
      const busy = Array.from({ length: 6 }, () =>
        world.spawn('node', ['timeout', '13', 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' }),
      );
      await assertWell();
      for (const process of busy) process.kill();
    });
  });

  it('a Service that nft refuses is no fault of the node', async () => {
    const file = await startWithNft(
      'if grep -qs "10.96.0.2\\"" /proc/self/fd/0; then echo "Error: no" >&2; exit 1; fi',
    );
    writeFileSync(file, '');
    daemon.write([...OBJECTS, ...service(2)]);
    await daemon.untilLog(/nft refused/);
    await daemon.untilLog(/s2 .*quarantined|quarantined.*s2|default\/s2/);
    await sleep(6000);
    await assertWell();
  });

  it('a table that is lost and cannot be built is 503 after the grace, and 200 when it is', async () => {
    const file = await startWithNft('case "$*" in *list*) ;; *) echo "Error: Out of memory" >&2; exit 1;; esac');
    assert.deepEqual(await answers('healthz', 2000), ['200']);
    writeFileSync(file, '');
    world.nodeShell(`nft delete table ip ${TABLE}`);
    await untilHealthz('503');
    assert.deepEqual(await answers('livez', 3000), ['200'], 'a restart would be refused, too');
    rmSync(file);
    await untilHealthz('200');
    assert.match(daemon.log, /building it anew/);
  });

  it('a rule that all Services need, and that somebody changes again and again, is 503 after the grace', async () => {
    await daemon.start(FLAGS);
    const vandal = `while :; do nft flush chain ip ${TABLE} dispatch 2>/dev/null; sleep 0.1; done`;
    const process = world.spawn('node', ['timeout', '120', 'sh', '-c', vandal], { stdio: 'ignore' });
    await untilHealthz('503');
    assert.deepEqual(await answers('livez', 3000), ['200']);
    process.kill();
    await daemon.untilLog(/somebody keeps undoing/);
    // What is undone again and again is repaired later and later: by hand here.
    await daemon.stop();
    await daemon.start(FLAGS);
    await assertWell(3000);
  });
});
