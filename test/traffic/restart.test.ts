import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../builders/eventually.ts';
import { connectTcp, floodTcp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { TestKernel } from '../netns/kernel.ts';
import { startServers } from '../netns/servers.ts';
import { createWorld, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import { serviceObjects } from './manifests.ts';

const WEB = { ip4: '10.96.0.80', ip6: 'fd00:96::80' };
const PODS = [21, 22, 23].map((n) => ({ ip4: `10.32.0.${n}`, ip6: `fd00:32::${n}` }));
const OBJECTS = [
  ...serviceObjects({
    name: 'web',
    clusterIps: WEB,
    ports: [{ name: 'http', protocol: 'TCP', port: 80, to: 8080 }],
    endpoints: PODS,
  }),
  ...serviceObjects({
    name: 'dns',
    clusterIps: { ip4: '10.96.0.10', ip6: 'fd00:96::10' },
    ports: [
      { name: 'dns', protocol: 'UDP', port: 53, to: 5353 },
      { name: 'dns-tcp', protocol: 'TCP', port: 53, to: 5353 },
      { name: 'sctp', protocol: 'SCTP', port: 53, to: 5353 },
    ],
    endpoints: PODS.slice(1),
  }),
  ...serviceObjects({
    name: 'empty',
    clusterIps: { ip4: '10.96.0.99', ip6: 'fd00:96::99' },
    ports: [{ name: '', protocol: 'TCP', port: 80, to: 8080 }],
    endpoints: [],
  }),
];

describe('the executable on a node', () => {
  let world: World;
  let servers: RunningHelper;
  let daemon: Daemon;

  before(async () => {
    world = createWorld();
    servers = await startServers(
      world,
      'pods',
      PODS.flatMap(({ ip4, ip6 }) => [ip4, ip6]).map((address) => ({ protocol: 'tcp', address, port: 8080 })),
    );
    daemon = new Daemon(world);
    daemon.write(OBJECTS);
    await daemon.start();
  });

  after(async () => {
    await servers.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  /** Connects all the time while `work` goes on; fails if one connection does. */
  async function underTraffic(work: () => Promise<void>): Promise<void> {
    let working = true;
    const floods = (async () => {
      do {
        const result = await floodTcp(world, 'client', { address: WEB.ip4, port: 80, connections: 2000 });
        assert.equal(result.failed, 0, JSON.stringify(result));
      } while (working);
    })();
    await Promise.all([work().finally(() => (working = false)), floods]);
  }

  /** What nft monitor saw while `work` went on: every change of the ruleset, whoever made it. */
  async function changesDuring(work: () => Promise<void>): Promise<string> {
    const monitor = world.spawn('node', ['nft', 'monitor'], { stdio: ['ignore', 'pipe', 'ignore'] });
    let seen = '';
    monitor.stdout?.setEncoding('utf8').on('data', (text: string) => {
      seen += text;
    });
    // It says nothing when it is ready: a change of ours shows that it is.
    while (!seen.includes('kpn-probe')) {
      world.nodeShell('nft add table ip kpn-probe; nft delete table ip kpn-probe');
      await sleep(20);
    }
    await sleep(100);
    seen = '';
    await work();
    world.nodeShell('nft add table ip kpn-end; nft delete table ip kpn-end');
    while (!seen.includes('kpn-end')) await sleep(20);
    monitor.kill();
    return seen.slice(0, seen.indexOf('add table ip kpn-end'));
  }

  for (const [signal, exitCode] of [
    ['SIGTERM', 0],
    ['SIGKILL', null],
  ] as const) {
    it(`${signal} leaves the rules in force; a start over an unchanged cluster writes nothing; no connection fails`, async () => {
      const changes = await changesDuring(() =>
        underTraffic(async () => {
          assert.equal(await daemon.stop(signal), exitCode);
          await sleep(300);
          await daemon.start();
        }),
      );
      assert.equal(changes, '');
      assert.match(daemon.log, /up to date family="ip" written=0/);
      assert.match(daemon.log, /up to date family="ip6" written=0/);
    });
  }

  it('what changed while it was away is written at the next start, and nothing else', async () => {
    await daemon.stop();
    daemon.write(OBJECTS.slice(0, 6));
    const changes = await changesDuring(() => daemon.start());
    const elements = changes.split('\n').filter((line) => line.includes('element'));
    assert.ok(elements.length > 0);
    for (const line of elements) assert.match(line, /10\.96\.0\.99|fd00:96::99/);
    daemon.write(OBJECTS);
    await daemon.untilDump(/10\.96\.0\.99 \. tcp \. 80/);
  });

  it('a transaction that outlives its daemon is waited for, so that nothing of it stays unknown', async () => {
    const slow = `${daemon.directory}/bin`;
    world.execSync('node', ['mkdir', '-p', slow]);
    // nft without sessions, and with a pause before it loads: the daemon is killed in that pause.
    const wrapper =
      '#!/bin/sh\ncase "$*" in *" -i "*) exit 1;; *" -f "*) touch "$0.called"; exec 9<&-; sleep 2;; esac\nexec /usr/sbin/nft "$@"\n';
    writeFileSync(`${slow}/nft`, wrapper, { mode: 0o755 });
    await daemon.stop();
    await daemon.start(undefined, { ...process.env, PATH: `${slow}:${process.env['PATH']}` });
    const extra = serviceObjects({
      name: 'late',
      clusterIps: { ip4: '10.96.9.9', ip6: 'fd00:96::9:9' },
      ports: [{ name: '', protocol: 'TCP', port: 80, to: 8080 }],
      endpoints: PODS,
    });
    daemon.write([...OBJECTS, ...extra]);
    await eventually(
      () => existsSync(`${slow}/nft.called`),
      () => daemon.log,
    );
    await daemon.stop('SIGKILL');
    daemon.write(OBJECTS);
    await daemon.start();
    assert.match(daemon.log, /waiting for a transaction of the last run to end/);
    await sleep(300);
    assert.doesNotMatch(world.nodeShell('nft list ruleset'), /10\.96\.9\.9/);
  });

  it('other options make a new table take over from the old in one step; no connection fails', async () => {
    await underTraffic(async () => {
      await daemon.stop();
      await daemon.start(['--masquerade-all']);
      assert.match(daemon.log, /in force family="ip" table="kube-proxy-nft-b"/);
      await daemon.stop();
      await daemon.start();
      assert.match(daemon.log, /in force family="ip" table="kube-proxy-nft" /);
    });
  });

  it('its whole dump, loaded into an empty namespace, gives the ruleset the kernel holds', async () => {
    using kernel = new TestKernel();
    kernel.load(await daemon.wholeDump('nft'));
    for (const family of ['ip', 'ip6'] as const) {
      const own = world.execSync('node', ['nft', '-j', 'list', 'table', family, 'kube-proxy-nft']).stdout;
      assert.equal(kernel.listing(family, 'kube-proxy-nft'), TestKernel.normalise(own));
    }
  });

  it('its dump without what is empty can be loaded, too, and has every element but those of heartbeats and counters', async () => {
    using kernel = new TestKernel();
    kernel.load(await daemon.dump());
    const elements = (listing: string) => {
      const { nftables }: { nftables: Record<string, { name: string; elem?: unknown[] }>[] } = JSON.parse(listing);
      return nftables
        .flatMap(({ set, map }) => set ?? map ?? [])
        .filter(({ name }) => !name.includes('connections'))
        .flatMap(({ name, elem = [] }) => elem.map((one) => `${name} ${JSON.stringify(one)}`))
        .filter((line) => !line.includes('"kube-proxy-nft heartbeat"'))
        .toSorted();
    };
    for (const family of ['ip', 'ip6'] as const) {
      const own = elements(world.execSync('node', ['nft', '-j', 'list', 'table', family, 'kube-proxy-nft']).stdout);
      assert.deepEqual(elements(kernel.byHand('-j', 'list', 'table', family, 'kube-proxy-nft').stdout), own);
      assert.ok(own.length > 5);
    }
  });

  it('its whole JSON dump holds every element of the kernel', async () => {
    const commands: readonly { add: Record<string, { name?: string; elem?: unknown[] }> }[] = JSON.parse(
      await daemon.wholeDump('json'),
    ).nftables;
    const elements = commands.flatMap(({ add }) => add['element']?.elem ?? []);
    const { stdout } = world.execSync('node', ['nft', '-j', 'list', 'ruleset']);
    const listed = (JSON.parse(stdout).nftables as Record<string, { elem?: unknown[] }>[]).flatMap(
      ({ set, map }) => (set ?? map)?.elem ?? [],
    );
    assert.equal(elements.length, listed.length);
    assert.ok(elements.length > 20);
  });

  it('a second one in the same network namespace is refused, and so is --cleanup beside it', async () => {
    for (const args of [['--manifests', daemon.directory, '--run-dir', `${daemon.directory}/other`], ['--cleanup']]) {
      const { status, stderr } = await daemon.run(...args);
      assert.equal(status, 30);
      assert.match(stderr, /^kube-proxy-nft: another kube-proxy-nft \(pid \d+.*\) runs in this network namespace.*\n$/);
    }
  });

  it('--cleanup removes our tables and nothing else', async () => {
    world.loadNft('node', 'table ip kube-proxy {\n chain mine { }\n}\ntable inet firewall { }\n');
    await daemon.stop();
    assert.equal((await daemon.run('--cleanup')).status, 0);
    const { stdout } = world.execSync('node', ['nft', 'list', 'tables']);
    assert.deepEqual(stdout.trim().split('\n').sort(), ['table inet firewall', 'table ip kube-proxy']);
    const outcomes = await connectTcp(world, 'client', { address: WEB.ip4, port: 80, timeoutMs: 300 });
    assert.deepEqual(tally(outcomes), { timeout: 1 });
  });
});
