import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import {
  iptablesOfKubeProxy,
  iptablesOfOthers,
  nftOfKubeProxy,
  type RuledService,
} from '../migration/kube-proxy-rules.ts';
import { exchangeUdp, floodTcp, tally } from '../netns/clients.ts';
import { type RunningHelper, startHelper } from '../netns/helper-program.ts';
import { startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import { serviceObjects } from './manifests.ts';

const PODS = [21, 22, 23].map((n) => ({ ip4: `10.32.0.${n}`, ip6: `fd00:32::${n}` }));
const SERVICES = [
  { name: 'web', clusterIps: { ip4: '10.96.0.80', ip6: 'fd00:96::80' }, protocol: 'tcp', port: 80, to: 8080 },
  { name: 'dns', clusterIps: { ip4: '10.96.0.10', ip6: 'fd00:96::10' }, protocol: 'udp', port: 53, to: 5353 },
] as const;
const DEAD = { name: 'dead', clusterIps: { ip4: '10.96.0.99', ip6: 'fd00:96::99' } } as const;
const [WEB, DNS] = SERVICES;
const OBJECTS = [
  ...SERVICES.flatMap(({ name, clusterIps, protocol, port, to }) =>
    serviceObjects({
      name,
      clusterIps,
      ports: [{ name: '', protocol: protocol.toUpperCase(), port, to }],
      endpoints: PODS,
    }),
  ),
  ...serviceObjects({ ...DEAD, ports: [{ name: '', protocol: 'TCP', port: 80, to: 8080 }], endpoints: [] }),
];
const FAMILIES = [
  { family: 'ip', key: 'ip4', iptables: 'iptables' },
  { family: 'ip6', key: 'ip6', iptables: 'ip6tables' },
] as const;

/** The same Services as kube-proxy has them. */
function ruled(key: 'ip4' | 'ip6'): readonly RuledService[] {
  const live = SERVICES.map(({ clusterIps, to, ...rest }) => ({
    ...rest,
    address: clusterIps[key],
    endpoints: PODS.map((pod) => ({ address: pod[key], port: to })),
  }));
  return [...live, { name: DEAD.name, protocol: 'tcp', address: DEAD.clusterIps[key], port: 80, endpoints: [] }];
}

for (const mode of ['iptables-nft', 'iptables-legacy', 'nftables'] as const) {
  describe(`a node with kube-proxy's rules of ${mode}`, () => {
    let world: World;
    let servers: RunningHelper;
    let daemon: Daemon;

    before(async () => {
      world = createWorld();
      servers = await startServers(
        world,
        'pods',
        SERVICES.flatMap(({ protocol, to }) =>
          PODS.flatMap(({ ip4, ip6 }) => [ip4, ip6]).map((address) => ({ protocol, address, port: to })),
        ),
      );
      daemon = new Daemon(world);
      daemon.write(OBJECTS);
      for (const { iptables, family } of FAMILIES) restore(iptables, iptablesOfOthers(family));
      kubeProxyWrites();
    });

    after(async () => {
      await servers.stop();
      daemon[Symbol.dispose]();
      world.remove();
    });

    /** What others than kube-proxy have is in the same backend, as kubelet's rules are. */
    function tool(iptables: string, what: 'save' | 'restore'): string {
      return `${iptables}-${mode === 'iptables-legacy' ? 'legacy' : 'nft'}-${what}`;
    }

    function restore(iptables: string, input: string): void {
      world.execSync('node', [tool(iptables, 'restore'), '--noflush'], { input });
    }

    function kubeProxyWrites(): void {
      for (const { family, key, iptables } of FAMILIES) {
        if (mode === 'nftables') world.loadNft('node', nftOfKubeProxy(family, ruled(key), CLUSTER_CIDR[key]));
        else restore(iptables, iptablesOfKubeProxy(family, ruled(key), CLUSTER_CIDR[key]));
      }
    }

    /** A process by kube-proxy's name. */
    async function startKubeProxy(): Promise<ChildProcess> {
      const child = world.spawn('node', ['bash', '-c', 'exec -a /usr/local/bin/kube-proxy sleep 600'], {
        stdio: 'ignore',
      });
      const name = () => world.execSync('node', ['cat', `/proc/${child.pid}/cmdline`]).stdout;
      await eventually(() => name().startsWith('/usr/local/bin/kube-proxy'), name);
      return child;
    }

    async function stop(child: ChildProcess): Promise<void> {
      child.kill('SIGKILL');
      await eventually(() => child.signalCode !== null, String);
    }

    function migrate(...flags: readonly string[]) {
      return daemon.run('migrate', '--run-dir', `${daemon.directory}/run`, ...flags);
    }

    /** Everything in iptables and the names of the tables of nft, without counters and times. */
    function rules(): string {
      const saved = FAMILIES.map(({ iptables }) => world.execSync('node', [tool(iptables, 'save')]).stdout);
      const tables = world.execSync('node', ['nft', 'list', 'tables']).stdout;
      return [...saved, tables]
        .join('')
        .replace(/^#.*\n/gm, '')
        .replace(/\[\d+:\d+\]/g, '');
    }

    /** Connects all the time, over TCP and UDP of both families, while `work` goes on; fails if one connection does. */
    async function underTraffic(work: () => Promise<void>): Promise<void> {
      let working = true;
      let connections = 0;
      const repeat = async (attempt: () => Promise<number>) => {
        do connections += await attempt();
        while (working);
      };
      const floods = (['ip4', 'ip6'] as const).flatMap((key) => [
        repeat(async () => {
          const result = await floodTcp(world, 'client', {
            address: WEB.clusterIps[key],
            port: 80,
            connections: 200,
            concurrency: 4,
          });
          assert.equal(result.failed, 0, JSON.stringify(result));
          return result.connections;
        }),
        repeat(async () => {
          const address = DNS.clusterIps[key];
          const outcomes = await exchangeUdp(world, 'client', { address, port: DNS.port, count: 100, concurrency: 4 });
          assert.ok(!outcomes.some((outcome) => 'error' in outcome), JSON.stringify(tally(outcomes)));
          return outcomes.length;
        }),
      ]);
      await Promise.all([work().finally(() => (working = false)), ...floods]);
      assert.ok(connections > 1000, String(connections));
    }

    it('the daemon does not start beside a live kube-proxy, and migrate changes nothing', async () => {
      const before = rules();
      const kubeProxy = await startKubeProxy();
      const { status, stderr } = await daemon.run(
        '--manifests',
        daemon.directory,
        '--run-dir',
        `${daemon.directory}/run`,
      );
      assert.equal(status, 33, stderr);
      assert.match(stderr, /kube-proxy runs in this network namespace: pid \d+ .*1\. stop it.*3\. .*migrate --apply/);
      const plan = await migrate();
      assert.equal(plan.status, 0, plan.stderr);
      assert.match(plan.stdout, /kube-proxy: {6}running, pid \d+.*Next:\n {2}stop kube-proxy/s);
      assert.equal((await migrate('--apply')).status, 33);
      await stop(kubeProxy);
      const early = await migrate('--apply');
      assert.equal(early.status, 34);
      assert.match(early.stderr, /our rules are not in force/);
      assert.equal(rules(), before);
    });

    it('is taken over, and goes back: no connection fails, and one from before survives', async () => {
      const lines: string[] = [];
      const echo = await startHelper(world, 'client', 'long_connection', [WEB.clusterIps.ip4, 80], {
        onLine: (line) => lines.push(line),
      });
      const goesOn = () => {
        const before = lines.length;
        return eventually(
          () => lines.length > before + 2,
          () => lines.join(),
        );
      };
      const others = rules();
      await underTraffic(async () => {
        await daemon.start();
        const plan = await migrate();
        assert.match(plan.stdout, /kube-proxy-nft: {2}in force/);
        const { status, stderr } = await migrate('--apply');
        assert.equal(status, 0, stderr);
        assert.match(stderr, /migration complete/);
      });
      await goesOn();
      const left = rules();
      // What is left is what there was but for kube-proxy's, in the same order.
      const kubelets = /KUBE-(?:KUBELET-CANARY|IPTABLES-HINT|FIREWALL|ROUTER-FORWARD)/;
      const expected = others.split('\n').filter((line) => {
        if (/^:KUBE|^-A KUBE| -j KUBE-\S+$/.test(line)) return kubelets.test(line);
        return line !== 'table ip kube-proxy' && line !== 'table ip6 kube-proxy';
      });
      const withOurs = left.split('\n').filter((line) => !/^table ip6? kube-proxy-nft/.test(line));
      assert.deepEqual(withOurs.toSorted(), expected.toSorted());
      assert.match(left, /not \\"kubernetes\\" -j KUBE-SERVICES/);
      assert.match((await migrate()).stdout, /Next:\n {2}nothing: the migration of this node is complete/);
      assert.equal((await migrate('--apply')).status, 0);

      await underTraffic(async () => {
        const running = await migrate('--back');
        assert.equal(running.status, 30);
        assert.match(running.stderr, /systemctl stop kube-proxy-nft/);
        await daemon.stop();
        assert.match((await migrate('--back')).stderr, /kube-proxy does not run here/);
        const kubeProxy = await startKubeProxy();
        const early = await migrate('--back');
        assert.equal(early.status, 34);
        assert.match(early.stderr, /no rules yet for 6 of the 6 ClusterIPs/);
        kubeProxyWrites();
        const { status, stderr } = await migrate('--back');
        assert.equal(status, 0, stderr);
        await stop(kubeProxy);
      });
      await goesOn();
      assert.deepEqual(rules().split('\n').toSorted(), others.split('\n').toSorted());
      await echo.stop();
      assert.equal(new Set(lines).size, 1, 'one connection to one endpoint');
    });

    it('rules of another cluster are not replaced by ours', async () => {
      daemon.write(
        serviceObjects({
          name: 'other',
          clusterIps: { ip4: '10.97.0.1', ip6: 'fd00:97::1' },
          ports: [{ name: '', protocol: 'TCP', port: 80, to: 8080 }],
          endpoints: PODS,
        }),
      );
      await daemon.start();
      const { status, stderr } = await migrate('--apply');
      assert.equal(status, 34);
      assert.match(stderr, /none of the 6 addresses in kube-proxy's rules/);
      await daemon.stop();
    });
  });
}
