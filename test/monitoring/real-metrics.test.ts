import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalNft } from '../hostile/nft-processes.ts';
import { runSync } from '../netns/namespaces.ts';
import { BROKEN_NFT, replaceNft } from '../netns/replace-nft.ts';
import { PODS } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { node, type Objects, ready, service, slices } from '../scenarios/runner/objects.ts';
import { ApiServerProcess, asServed } from '../traffic/api-server-process.ts';
import { Daemon } from '../traffic/daemon.ts';
import { type RawObject, serviceObjects } from '../traffic/manifests.ts';
import { assertAnswered, assertFiring, assertTrue } from './alert-rules.ts';
import { filledIn, readQueries } from './dashboard.ts';
import { Scrapes } from './scrapes.ts';

const FLAGS = ['--hostname-override=node-a', '--cluster-cidr=10.32.0.0/16,fd00:32::/64'];

/** The Service web, with so many endpoints. */
const web = (endpoints: number, name = 'web', number = 80) =>
  serviceObjects({
    name,
    clusterIps: { ip4: `10.96.0.${number}`, ip6: `fd00:96::${number}` },
    ports: [{ name: 'http', protocol: 'TCP', port: 80, to: 8080 }],
    endpoints: Array.from({ length: endpoints }, (_, i) => ({ ip4: `10.32.0.${i + 1}`, ip6: `fd00:32::${i + 1}` })),
  });

/** Fails unless just these alerts fire, in time, if things go on as they were scraped. */
function assertWouldFire(scrapes: Scrapes, ...firing: readonly string[]): void {
  assertFiring('1s', scrapes.series, [{ at: scrapes.after(40), firing }]);
}

describe('the alerts on the metrics of a daemon with an API server', () => {
  let world: World;
  let apiServer: ApiServerProcess;
  let daemon: Daemon;
  let scrapes: Scrapes;
  const stateDir = mkdtempSync(join(tmpdir(), 'kpn-state-'));
  const flags = [...FLAGS, '--state-dir', stateDir];
  const objects = (...pods: Parameters<typeof ready>[0][]): Objects => [
    node({ podCidrs: [PODS.ip4, PODS.ip6] }),
    service('web', { loadBalancerIps: ['lb-ip'], spec: { externalTrafficPolicy: 'Local' } }),
    slices(
      'web',
      pods.map((name) => ready(name)),
    ),
  ];

  before(async () => {
    world = createWorld();
    scrapes = new Scrapes(world);
    apiServer = new ApiServerProcess(world);
    await apiServer.start(asServed(objects('there')));
    daemon = new Daemon(world, ['--kubeconfig', apiServer.kubeconfig]);
  });

  after(() => {
    daemon[Symbol.dispose]();
    apiServer[Symbol.dispose]();
    world.remove();
    rmSync(stateDir, { recursive: true });
  });

  it('are silent at a start, while endpoints roll, when it is replaced, and after', async () => {
    daemon.launch(flags);
    await scrapes.take(3);
    for (const pod of ['here', 'here-2', 'there'] as const) {
      apiServer.put(asServed(objects(pod)));
      await scrapes.take(1);
    }
    assert.equal(await daemon.stop(), 0);
    await scrapes.take(1);
    await daemon.start(flags);
    await scrapes.take(7);
    assertTrue('1s', scrapes.series, { at: scrapes.after(0), firing: [] });
    const moments = Array.from({ length: 21 }, (_, i) => ({ at: scrapes.after(2 * i), firing: [] }));
    assertFiring('1s', scrapes.series, moments);
  });

  it('and the dashboard has something to show in every panel, but for what others do', () => {
    const queries = readQueries().flatMap(({ title, expr }) => (title === 'Drift found' ? [] : [filledIn(expr)]));
    assertAnswered('1s', scrapes.seriesFor(queries), queries, scrapes.after(0));
    const nobodyHas = ['kubeproxy_nft_elements{ip_family="IPv5"}'];
    assert.throws(() => assertAnswered('1s', scrapes.seriesFor(nobodyHas), nobodyHas, scrapes.after(0)), /got: nil/);
  });

  it('say that the API server is gone', async () => {
    await apiServer.kill();
    scrapes.begin();
    await daemon.untilLog(/E_API_UNREACHABLE/);
    await scrapes.take(3);
    assertWouldFire(scrapes, 'ApiServerUnreachable');
    assertFiring('1s', scrapes.series, [{ at: scrapes.after(2), firing: [] }]);
  });

  it('say that a saved state is served', async () => {
    await daemon.stop();
    world.nodeShell('nft flush ruleset');
    daemon.launch(flags);
    await daemon.untilLog(/the Services of the saved state are programmed/);
    scrapes.begin();
    await scrapes.take(3);
    assertWouldFire(scrapes, 'ApiServerUnreachable', 'ServesSavedState');
  });

  it('say that it is down', async () => {
    await daemon.stop('SIGKILL');
    scrapes.begin();
    await scrapes.take(2);
    assertWouldFire(scrapes, 'Down');
  });

  it('are silent again when it is back', async () => {
    await apiServer.start(asServed(objects('here')));
    await daemon.start(flags);
    scrapes.begin();
    await scrapes.take(6);
    assertWouldFire(scrapes);
  });
});

interface Node {
  readonly world: World;
  readonly daemon: Daemon;
  readonly scrapes: Scrapes;
}

// They wait most of the time.
describe('the alerts on the metrics of a daemon', { concurrency: 4 }, () => {
  /** On a node of its own, with a daemon that has the Service web and is not started. */
  function test(name: string, body: (node: Node) => Promise<void>): void {
    it(name, async () => {
      using world = createWorld();
      using daemon = new Daemon(world);
      daemon.write(web(2));
      await body({ world, daemon, scrapes: new Scrapes(world) });
      await daemon.stop('SIGKILL');
    });
  }

  test('say that nft is gone', async ({ world, daemon, scrapes }) => {
    await daemon.start(FLAGS);
    const restore = replaceNft(daemon.pid, BROKEN_NFT.missing);
    try {
      await signalNft(world, 'SIGKILL');
      daemon.write(web(3));
      await daemon.untilLog(/nft cannot be run/);
      await scrapes.take(4);
      assertWouldFire(scrapes, 'ChangesNotInForce');
    } finally {
      restore();
    }
  });

  test('say that a rule is not as it should be, and that the kernel does not take it back', async ({
    world,
    daemon,
    scrapes,
  }) => {
    await daemon.start(FLAGS);
    // Reads go on: whatever is written fails, as where the kernel has no memory.
    const restore = replaceNft(
      daemon.pid,
      '#!/bin/sh\ncase "$*" in *list*) exec REAL_NFT "$@";; esac\necho "Error: Out of memory" >&2\nexit 1\n',
    );
    try {
      await signalNft(world, 'SIGKILL');
      world.nodeShell('nft insert rule ip kube-proxy-nft dispatch counter');
      await daemon.untilLog(/somebody changed our rules/);
      await daemon.untilLog(/Out of memory/);
      await scrapes.take(8);
      assertTrue('1s', scrapes.series, { at: scrapes.after(0), firing: ['RulesNotRepaired'] });
      assertWouldFire(scrapes, 'ChangesNotInForce', 'RulesNotRepaired');
    } finally {
      restore();
    }
  });

  test('say that somebody changed a rule once, and no more', async ({ world, daemon, scrapes }) => {
    await daemon.start(FLAGS);
    await scrapes.take(1);
    world.nodeShell('nft add rule ip kube-proxy-nft nat-prerouting counter');
    await daemon.untilLog(/somebody changed our rules/);
    await sleep(2000);
    await scrapes.take(3);
    assertTrue('1s', scrapes.series, { at: scrapes.after(0), firing: ['ChangedByOthers'] });
  });

  test('say that somebody changes rules again and again', async ({ world, daemon, scrapes }) => {
    await daemon.start(FLAGS);
    await scrapes.take(1);
    // Not where heartbeats pass.
    const vandal = 'while :; do nft flush chain ip kube-proxy-nft nat-prerouting; sleep 0.05; done';
    const child = world.spawn('node', ['timeout', '120', 'sh', '-c', vandal], { stdio: 'ignore' });
    await daemon.untilLog(/somebody keeps undoing/);
    await scrapes.take(3);
    // A look right after they were repaired finds them well.
    await scrapes.takeUntil(/^kubeproxy_nft_rule_differences\{ip_family="IPv4"\} [1-9]/m);
    child.kill();
    assertWouldFire(scrapes, 'ChangedByOthers', 'Fight', 'RulesNotRepaired');
  });

  test('say that nft refuses a Service', async ({ world, daemon, scrapes }) => {
    await daemon.start(FLAGS);
    const restore = replaceNft(
      daemon.pid,
      `#!/bin/sh
case "$*" in *" -i "* | "-i "*) exit 1;; esac
if grep -qs '10.96.0.81"' /proc/self/fd/0; then echo "Error: no" >&2; exit 1; fi
exec REAL_NFT "$@"
`,
    );
    try {
      await signalNft(world, 'SIGKILL');
      daemon.write([...web(2), ...web(2, 'refused', 81)]);
      await daemon.untilLog(/quarantined/);
      await scrapes.take(5);
      assertWouldFire(scrapes, 'Quarantine');
    } finally {
      restore();
    }
  });

  test('say that budgets are exceeded, addresses are not usable, and nobody is here', async ({ daemon, scrapes }) => {
    const elsewhere = web(1, 'elsewhere', 90).map((object) => {
      const spec = { ...(object['spec'] as object), internalTrafficPolicy: 'Local', externalIPs: ['127.0.0.5'] };
      if (object['kind'] === 'Service') return { ...object, spec };
      const [endpoint = {}] = object['endpoints'] as readonly RawObject[];
      return { ...object, endpoints: [{ ...endpoint, nodeName: 'node-b' }] };
    });
    daemon.write([...web(40), ...web(15, 'more', 81), ...web(15, 'most', 82), ...elsewhere]);
    await daemon.start([...FLAGS, '--max-elements-per-service=50', '--max-elements=160']);
    await scrapes.take(3);
    assertWouldFire(scrapes, 'NoLocalEndpoints', 'NotServedAsSpecified', 'OutOfBudget', 'ServiceOverBudget');
  });

  test('say that conntrack is nearly full', async ({ daemon, scrapes }) => {
    await daemon.start(FLAGS);
    // The limit is one for all of the machine, so the daemon gets another file to read; the entries are there.
    const limit = join(daemon.directory, 'limit');
    writeFileSync(limit, '3\n');
    const inItsMounts = ['nsenter', '--mount', '--net', '--target', `${daemon.pid}`];
    runSync([...inItsMounts, 'mount', '--bind', limit, '/proc/sys/net/netfilter/nf_conntrack_max']);
    await sleep(2000);
    await scrapes.take(3);
    assertWouldFire(scrapes, 'ConntrackFull');
  });

  test('say that heartbeats do not come through', async ({ world, daemon, scrapes }) => {
    await daemon.start(FLAGS);
    world.nodeShell(`
      nft add table inet stranger
      nft add chain inet stranger c '{ type filter hook input priority 0; }'
      nft add rule inet stranger c iif lo meta l4proto udp drop`);
    await sleep(1000);
    await scrapes.take(5);
    assertWouldFire(scrapes, 'HeartbeatLost');
  });

  test('say that changes are slow', async ({ world, daemon, scrapes }) => {
    await daemon.start(FLAGS);
    const restore = replaceNft(
      daemon.pid,
      '#!/bin/sh\ncase "$*" in *" -i "* | "-i "*) exit 1;; *list*) ;; *) sleep 4;; esac\nexec REAL_NFT "$@"\n',
    );
    try {
      const triggered = new Date(Date.now() + 1000).toISOString();
      await sleep(10_000);
      await signalNft(world, 'SIGKILL');
      await scrapes.take(1);
      const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': triggered };
      daemon.write(
        web(3).map((object) => ({ ...object, metadata: { ...(object['metadata'] as object), annotations } })),
      );
      await scrapes.take(12);
      assertWouldFire(scrapes, 'ChangesSlow', 'TransactionsSlow');
    } finally {
      restore();
    }
  });

  test('say that it is started again and again', async ({ daemon, scrapes }) => {
    for (let n = 0; n < 5; n++) {
      await daemon.start(FLAGS);
      await scrapes.take(1);
      await daemon.stop();
    }
    assertTrue('1s', scrapes.series, { at: scrapes.after(0), firing: ['Restarts'] });
  });
});
