import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type RunningHelper, runHelper, startHelper } from '../netns/helper-program.ts';
import { CLUSTER_CIDR, PODS_LINK, REMOTE_LINK } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type Where, type World } from '../netns/world.ts';
import { CLIENTS, ENDPOINTS, type EndpointName, TARGETS } from '../scenarios/runner/cast.ts';
import { node, ready, service, slices } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

/** The e2e specs' 2,000 bytes, which no single packet takes, and what takes many. */
const SIZES = [2000, 30_000];

/** One Service for each place of an endpoint, at a ClusterIP and a node port of its own. */
const SERVICES = [
  { where: 'pod on this node', endpoint: 'here', clusterIp: 'cluster-ip', nodePort: 30_081 },
  { where: 'pod on another node', endpoint: 'there', clusterIp: 'cluster-ip-2', nodePort: 30_082 },
  { where: 'pod in the node’s network namespace', endpoint: 'host', clusterIp: 'cluster-ip-3', nodePort: 30_083 },
] as const;

const ECHO: readonly EndpointName[] = SERVICES.map(({ endpoint }) => endpoint);

describe('large requests', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld({ remote: true, icmpRateLimit: false });
    pod = world.addPodNamespace(CLIENTS.pod.ip4, CLIENTS.pod.ip6);
    for (const where of ['pods', 'remote', 'node'] as const) {
      const lines = ECHO.filter((name) => ENDPOINTS[name].place === where).flatMap((name) =>
        [ENDPOINTS[name].ip4, ENDPOINTS[name].ip6].flatMap((address) => [`tcp ${address} 8080`, `udp ${address} 8080`]),
      );
      running.push(await startHelper(world, where, 'echo', ['serve'], { input: `${[...lines, 'go'].join('\n')}\n` }));
    }
    daemon = new Daemon(world);
    const objects = SERVICES.flatMap(({ endpoint, clusterIp, nodePort }) => [
      service(endpoint, { clusterIp, nodePort }),
      ...slices(endpoint, [ready(endpoint)]),
    ]);
    daemon.write([node(), ...objects].map((object) => ({ ...object })));
    await daemon.start(['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`]);
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  /** What becomes of each size of request from these places to a Service's addresses, where it did not come back whole. */
  async function failures(
    protocol: 'tcp' | 'udp',
    { clusterIp, nodePort }: (typeof SERVICES)[number],
    places: readonly Where[] = [pod, 'node', 'client'],
  ) {
    const requests = (['ip4', 'ip6'] as const).flatMap((version) =>
      [`${TARGETS[clusterIp][version]} 80`, `${TARGETS.node[version]} ${nodePort}`].flatMap((target) =>
        SIZES.map((size) => `${protocol} ${target} ${size}`),
      ),
    );
    const found: string[] = [];
    for (const where of places) {
      const options = { input: `${requests.join('\n')}\n`, timeoutMs: 60_000 };
      const outcomes = await runHelper(world, where, 'echo', ['request'], options);
      const from = typeof where === 'string' ? where : 'pod';
      for (const [i, request] of requests.entries()) {
        if (outcomes[i] !== 'same') found.push(`${request} from ${from}: ${outcomes[i]}`);
      }
    }
    return found;
  }

  /** Limits what the node sends on towards the pods of both nodes; the pods do not know of it, as of a tunnel on the way. */
  function limitPathTo(mtu: number): void {
    const limit = (route: string) => `route replace ${route} mtu lock ${mtu}`;
    for (const version of ['ip4', 'ip6'] as const) {
      const lines = [PODS_LINK, REMOTE_LINK].map(({ anyAddressOf, far, device }) =>
        limit(`${anyAddressOf?.[version]} via ${far[version]} dev ${device}`),
      );
      world.execSync('node', ['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
    }
  }

  for (const [name, protocol] of [
    ['http', 'tcp'],
    ['udp', 'udp'],
  ] as const) {
    for (const one of SERVICES) {
      it(`should be able to handle large requests: ${name}, to a ${one.where}`, async () => {
        assert.deepEqual(await failures(protocol, one), []);
      });
    }

    for (const one of SERVICES.slice(0, 2)) {
      it(`large requests: ${name}, to a ${one.where} behind a path of a smaller MTU`, async () => {
        limitPathTo(1400);
        // Not the node itself: the kernel (6.18) stalls its first connection to its own address that is translated to
        // such a path, whoever translates it.
        assert.deepEqual(await failures(protocol, one, [pod, 'client']), []);
        for (const where of [pod, 'client'] as const) {
          for (const version of ['ip4', 'ip6'] as const) {
            // The node itself cuts IPv4 datagrams smaller.
            if (protocol === 'udp' && version === 'ip4') continue;
            const { stdout } = world.execSync(where, ['ip', 'route', 'get', TARGETS[one.clusterIp][version]]);
            // Told by an ICMP error about the pod, which came back as one about the Service.
            assert.match(stdout, / mtu 1400 /);
          }
          world.execSync(where, ['sh', '-ec', 'ip route flush cache; ip -6 route flush cache']);
        }
        limitPathTo(1500);
      });
    }
  }
});
