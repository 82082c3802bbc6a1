import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { exchangeUdp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { startServers } from '../netns/servers.ts';
import { type AddressPair, CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type World } from '../netns/world.ts';
import { CLIENTS, ENDPOINTS, type EndpointName, TARGETS } from '../scenarios/runner/cast.ts';
import {
  node,
  type RawObject,
  ready,
  type ServiceOptions,
  service,
  slices,
  unready,
} from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

const LIMIT_MS = 60_000;

const VERSIONS = [
  ['ip4', 'IPv4'],
  ['ip6', 'IPv6'],
] as const;

/** A client that sends from one port without end to a Service whose pod is replaced. */
interface Case {
  /** The e2e spec "should be able to preserve UDP traffic when server pod cycles for a …". */
  readonly what: string;
  readonly from: 'pod' | 'node' | 'client';
  /** Default: port 53 of the Service's own ClusterIP. */
  readonly to?: { readonly address: AddressPair; readonly port: number };
  readonly service?: ServiceOptions;
  readonly pods: readonly [first: EndpointName, second: EndpointName];
  /** What the client meets while no pod is there that may serve it. */
  readonly meanwhile: 'refused' | 'prohibited' | 'timeout';
  /** Pods that may not serve this client, and stay. */
  readonly others?: readonly EndpointName[];
}

const CASES: readonly Case[] = [
  {
    what: 'NodePort service',
    from: 'client',
    to: { address: TARGETS.node, port: 30_053 },
    service: { ports: [dnsPort(53, 30_053)] },
    pods: ['here', 'here-2'],
    meanwhile: 'refused',
  },
  { what: 'ClusterIP service', from: 'pod', pods: ['there', 'there-2'], meanwhile: 'refused' },
  {
    what: 'ClusterIP service with InternalTrafficPolicy set to Local',
    from: 'pod',
    service: { spec: { internalTrafficPolicy: 'Local' } },
    pods: ['here', 'here-2'],
    meanwhile: 'timeout',
    // Of a DaemonSet, on the other node.
    others: ['there'],
  },
  {
    what: 'ClusterIP service and client is hostNetwork',
    from: 'node',
    pods: ['there', 'there-2'],
    // What the node's own output hook rejects.
    meanwhile: 'prohibited',
  },
  {
    what: 'LoadBalancer service on different nodes',
    from: 'client',
    to: { address: TARGETS['lb-ip'], port: 53 },
    service: { loadBalancerIps: ['lb-ip'] },
    pods: ['here', 'there'],
    meanwhile: 'refused',
  },
  {
    what: 'LoadBalancer service on the same nodes',
    from: 'client',
    to: { address: TARGETS['lb-ip-2'], port: 53 },
    service: { loadBalancerIps: ['lb-ip-2'] },
    pods: ['here', 'here-2'],
    meanwhile: 'refused',
  },
];

function dnsPort(port: number, nodePort?: number) {
  return { name: 'dns', protocol: 'UDP', port, ...(nodePort !== undefined && { nodePort }) } as const;
}

const clusterIp = (n: number): AddressPair => ({ ip4: `10.96.1.${n}`, ip6: `fd00:96::1${n}` });

/** UDP Service default/dns-N at its own ClusterIPs. */
function dns(n: number, { spec, ...options }: ServiceOptions = {}): RawObject {
  const { ip4, ip6 } = clusterIp(n);
  return service(`dns-${n}`, {
    ports: [dnsPort(53)],
    ...options,
    spec: { ...spec, clusterIP: ip4, clusterIPs: [ip4, ip6] },
  });
}

const dnsSlices = (n: number, endpoints: Parameters<typeof slices>[1], port = 8080) =>
  slices(`dns-${n}`, endpoints, { ports: [dnsPort(port)] });

describe('UDP from one port of a client that never stops', () => {
  const objects = new Map<string, RawObject>();
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  const running: RunningHelper[] = [];

  before(async () => {
    // Nothing here is to go by itself.
    world = createWorld({ remote: true, icmpRateLimit: false, udpTimeoutSeconds: { unreplied: 600, replied: 600 } });
    pod = world.addPodNamespace(CLIENTS.pod.ip4, CLIENTS.pod.ip6);
    for (const where of ['pods', 'remote'] as const) {
      const names = (Object.keys(ENDPOINTS) as EndpointName[]).filter((name) => ENDPOINTS[name].place === where);
      const servers = names.flatMap((name) =>
        VERSIONS.flatMap(([version]) =>
          [8080, 8081].map((port) => ({ protocol: 'udp' as const, address: ENDPOINTS[name][version], port })),
        ),
      );
      running.push(await startServers(world, where, servers));
    }
    daemon = new Daemon(world);
    write(node());
    await daemon.start(['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`]);
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  /** Adds or replaces objects. */
  function write(...changed: readonly RawObject[]): void {
    for (const object of changed) objects.set(`${object.kind}/${object.metadata.name}`, object);
    daemon.write([...objects.values()].map((object) => ({ ...object })));
  }

  const at = (name: EndpointName, version: 'ip4' | 'ip6', port = 8080) =>
    version === 'ip4' ? `${ENDPOINTS[name].ip4}:${port}` : `[${ENDPOINTS[name].ip6}]:${port}`;

  /** A client, by its flow's place and port and where it sends to. */
  function client(from: Case['from'], address: string, port: number, sourcePort: number) {
    const send = async (timeoutMs: number) => {
      const options = { address, port, sourcePort, timeoutMs };
      return Object.keys(tally(await exchangeUdp(world, from === 'pod' ? pod : from, options)))[0] ?? '';
    };
    return {
      /** Sends until this comes of it. */
      async until(expected: string): Promise<void> {
        const met: string[] = [];
        for (const end = performance.now() + LIMIT_MS; performance.now() < end; ) {
          const outcome = await send(400);
          if (outcome === expected) return;
          if (met.at(-1) !== outcome) met.push(outcome);
        }
        assert.fail(`never ${expected}, but ${met.join(', ')}`);
      },
      /** Sends three times more. */
      async stays(expected: string): Promise<void> {
        for (let i = 0; i < 3; i++) assert.equal(await send(2000), expected);
      },
    };
  }

  for (const [v, [version, family]] of VERSIONS.entries()) {
    for (const [n, { what, from, to, pods, meanwhile, others = [], ...one }] of CASES.entries()) {
      it(`${family}: should be able to preserve UDP traffic when server pod cycles for a ${what}`, async () => {
        const [first, second] = pods;
        const { address, port } = to ?? { address: clusterIp(n), port: 53 };
        const { until, stays } = client(from, address[version], port, 12_000 + 100 * v + n);
        const serve = (...names: readonly EndpointName[]) =>
          write(
            ...dnsSlices(
              n,
              [...names, ...others].map((name) => ready(name)),
            ),
          );
        write(dns(n, one.service));
        serve();
        await until(meanwhile);
        serve(first);
        await until(at(first, version));
        serve(first, second);
        await stays(at(first, version));
        serve(second);
        await until(at(second, version));
        serve();
        await until(meanwhile);
        serve(first);
        await until(at(first, version));
        serve();
        await until(meanwhile);
      });
    }

    it(`${family}: should be able to preserve UDP traffic when initial unready endpoints get ready`, async () => {
      const n = CASES.length + v;
      const { until } = client('pod', clusterIp(n)[version], 53, 13_000);
      // As a client does that is there before its Service.
      await until('timeout');
      write(dns(n), ...dnsSlices(n, [unready('there')]));
      await until('refused');
      write(...dnsSlices(n, [ready('there')]));
      await until(at('there', version));
    });

    it(`${family}: should be able to cleanup conntrack entries when UDP service target port changes for a NodePort service`, async () => {
      const n = CASES.length + VERSIONS.length + v;
      const nodePort = 30_060 + v;
      const { until } = client('client', TARGETS.node[version], nodePort, 14_000);
      write(dns(n, { ports: [dnsPort(53, nodePort)] }), ...dnsSlices(n, [ready('here')], 8080));
      await until(at('here', version, 8080));
      write(...dnsSlices(n, [ready('here')], 8081));
      await until(at('here', version, 8081));
    });
  }
});
