import type { RawObject } from '../doubles/api-server-store.ts';
import type { Api } from '../hostile/api.ts';
import { node, type Port, service, slice } from '../hostile/objects.ts';
import { NODE } from '../netns/topology.ts';
import type { Draws } from '../peer/draws.ts';
import { clusterIps, LOAD_BALANCER, passingClusterIps, pod, SOURCE_RANGES } from './addresses.ts';
import type { Target } from './traffic.ts';

export const NODE_NAME = 'node-a';
const NODE_PORT = 30_080;

const HTTP: Port = { name: 'http', protocol: 'TCP', port: 80 };
const DNS: Port = { name: 'dns', protocol: 'UDP', port: 80 };
const BOTH = [HTTP, DNS];
/** Services whose endpoints change all the time, and how many pods each has to choose from. */
const CHANGING = 3;
const PODS_TO_CHOOSE_FROM = 12;
/** Groups of pods (see addresses.ts). */
const FIRST_CHANGING_GROUP = 200;
const PASSING_GROUP = 220;
const PASSING = 8;

interface Shape {
  readonly name: string;
  readonly ips: { readonly ip4: string; readonly ip6: string };
  readonly pods: readonly { readonly ip4: string; readonly ip6: string }[];
  readonly ports?: readonly Port[];
  readonly spec?: object;
  readonly more?: object;
}

/** A Service of both families with its slices; all its pods are on the node. */
function objects({ name, ips, pods, ports = BOTH, spec = {}, more = {} }: Shape): readonly RawObject[] {
  const made = service(name, ips.ip4, { clusterIPs: [ips.ip4, ips.ip6], ports, ...spec }, more);
  return [made, ...slicesOf(name, pods, ports)];
}

function slicesOf(name: string, pods: Shape['pods'], ports: readonly Port[] = BOTH): readonly RawObject[] {
  return (['ip4', 'ip6'] as const).map((family) => {
    const endpoints = pods.map((each) => ({
      addresses: [each[family]],
      nodeName: NODE_NAME,
      conditions: { ready: true },
    }));
    const addressType = family === 'ip4' ? 'IPv4' : 'IPv6';
    return slice(`${name}-${family}`, name, [], ports, { addressType, endpoints });
  });
}

const podsOf = (group: number, count: number) => Array.from({ length: count }, (_, n) => pod(group, n));

/** Services of every kind that stay as they are, then as many small ones as there are to be in all. */
export function lastingObjects(services: number): readonly RawObject[] {
  const nodePorts = BOTH.map((port) => ({ ...port, nodePort: NODE_PORT }));
  const ingress = Object.values(LOAD_BALANCER).map((ip) => ({ ip }));
  const special = [
    objects({ name: 's-plain', ips: clusterIps(11), pods: podsOf(11, 5) }),
    objects({
      name: 's-port',
      ips: clusterIps(12),
      pods: podsOf(12, 3),
      spec: { type: 'NodePort', ports: nodePorts, externalTrafficPolicy: 'Local' },
    }),
    objects({
      name: 's-balanced',
      ips: clusterIps(13),
      pods: podsOf(13, 4),
      spec: { type: 'LoadBalancer', loadBalancerSourceRanges: SOURCE_RANGES },
      more: { status: { loadBalancer: { ingress } } },
    }),
    objects({ name: 's-affine', ips: clusterIps(14), pods: podsOf(14, 3), spec: { sessionAffinity: 'ClientIP' } }),
    objects({ name: 's-none', ips: clusterIps(15), pods: [] }),
  ];
  const rest = Math.max(0, services - special.length - CHANGING - 1);
  const small = Array.from({ length: rest }, (_, n) =>
    objects({ name: `b-${n}`, ips: clusterIps(512 + n), pods: podsOf(20 + (n % 79), 3), ports: [HTTP] }),
  );
  return [node(NODE_NAME, [NODE.ip4, NODE.ip6]), ...special.flat(), ...small.flat()];
}

/** The Services whose endpoints change, as they are at first. */
export function changingObjects(): readonly RawObject[] {
  return Array.from({ length: CHANGING }, (_, n) =>
    objects({ name: `c-${n}`, ips: clusterIps(256 + n), pods: podsOf(FIRST_CHANGING_GROUP + n, 2) }),
  ).flat();
}

/** The pod of the last Service. */
export const LAST_POD = pod(PASSING_GROUP + PASSING, 0).ip4;

/** A Service that was not there before: once it is served, all changes before it have been seen. */
export function lastObjects(): readonly RawObject[] {
  return objects({ name: 'x-last', ips: passingClusterIps(PASSING), pods: podsOf(PASSING_GROUP + PASSING, 1) });
}

/** What clients connect to, from the node and from outside; who may answer is told by the group of pods. */
export function targets(): readonly Target[] {
  const ofService = (name: string, ips: Shape['ips'], group: number, port = 80, where?: 'client'): readonly Target[] =>
    (['tcp', 'udp'] as const).flatMap((protocol) =>
      (['ip4', 'ip6'] as const).flatMap((family) =>
        (where === undefined ? (['node', 'client'] as const) : [where]).map((from) => ({
          name: `${name}/${protocol}/${family}/${from}`,
          where: from,
          protocol,
          address: ips[family],
          port,
          answeredBy: family === 'ip4' ? `10.32.${group}.` : `[fd00:32::${group}:`,
        })),
      ),
    );
  return [
    ...ofService('plain', clusterIps(11), 11),
    ...ofService('node-port', NODE, 12, NODE_PORT, 'client'),
    ...ofService('load-balancer', LOAD_BALANCER, 13, 80, 'client'),
    ...Array.from({ length: CHANGING }, (_, n) =>
      ofService(`changing-${n}`, clusterIps(256 + n), FIRST_CHANGING_GROUP + n),
    ).flat(),
  ];
}

/** Changes something of the cluster at random: endpoints, mostly; Services come, change their kind, and go. */
export function changeSomething(api: Api, draws: Draws): void {
  const n = draws.below(PASSING);
  const name = `x-${n}`;
  switch (draws.below(6)) {
    case 0:
      api.put(
        ...objects({
          name,
          ips: passingClusterIps(n),
          pods: draws.sample(podsOf(PASSING_GROUP + n, 20), draws.below(20)),
          spec: passingSpec(draws, n),
        }),
      );
      break;
    case 1:
      api.remove('Service', `default/${name}`);
      break;
    case 2:
      api.put(...slicesOf(name, draws.sample(podsOf(PASSING_GROUP + n, 20), draws.below(20))));
      break;
    default: {
      const changing = draws.below(CHANGING);
      // Never none: its clients are to be served all the time.
      const pods = draws.sample(podsOf(FIRST_CHANGING_GROUP + changing, PODS_TO_CHOOSE_FROM), draws.between(1, 12));
      api.put(...slicesOf(`c-${changing}`, pods));
    }
  }
}

function passingSpec(draws: Draws, n: number): object {
  const ports = BOTH.map((port) => ({ ...port, nodePort: 31_000 + n }));
  const policy = draws.pick(['Cluster', 'Local']);
  return draws.pick([
    {},
    { sessionAffinity: 'ClientIP' },
    { internalTrafficPolicy: policy },
    { type: 'NodePort', ports, externalTrafficPolicy: policy },
    { type: 'LoadBalancer', ports, externalTrafficPolicy: policy, loadBalancerSourceRanges: ['198.18.0.0/15'] },
  ]);
}
