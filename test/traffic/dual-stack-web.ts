import assert from 'node:assert/strict';
import { rawNode } from '../builders/raw-objects.ts';
import type { connectTcp, Outcome } from '../netns/clients.ts';
import { NODE } from '../netns/topology.ts';
import type { World } from '../netns/world.ts';
import type { RawObject } from './manifests.ts';

/**
 * Of each family: a ClusterIP, addresses for a load balancer and an external IP, the node's address, how a pod's begins, and
 * the clients' outside, numbered from 1.
 */
export const FAMILIES = [
  {
    family: 'IPv4',
    clusterIp: '10.96.0.10',
    loadBalancerIp: '203.0.113.11',
    externalIp: '203.0.113.1',
    node: NODE.ip4,
    pod: '10.32.0.',
    client: (n: number) => `198.18.0.${n}`,
  },
  {
    family: 'IPv6',
    clusterIp: 'fd00:96::10',
    loadBalancerIp: '2001:db8:113::11',
    externalIp: '2001:db8:113::1',
    node: NODE.ip6,
    pod: 'fd00:32::',
    client: (n: number) => `2001:db8:18::${n.toString(16)}`,
  },
] as const;

export type DualStackFamily = (typeof FAMILIES)[number];

/** Clients of each family. */
export const CLIENTS = 32;

/**
 * Dual-stack Service default/web: 80 of its ClusterIPs and 30080 of the node, to 8080 of the pods, by the last parts of their
 * addresses.
 */
export function dualStackWeb(
  pods: readonly number[],
  { protocols = ['TCP', 'UDP'], annotations, spec, status }: DualStackWebOptions = {},
): readonly RawObject[] {
  const ports = protocols.map((protocol) => ({ name: protocol.toLowerCase(), protocol }));
  return [
    rawNode('node-a', ...FAMILIES.map(({ node }) => node)),
    {
      kind: 'Service',
      metadata: { name: 'web', ...(annotations && { annotations }) },
      spec: {
        type: 'NodePort',
        clusterIPs: FAMILIES.map(({ clusterIp }) => clusterIp),
        ports: ports.map((port) => ({ ...port, port: 80, nodePort: 30080 })),
        ...spec,
      },
      ...(status && { status }),
    },
    ...FAMILIES.map(({ family, pod }) => ({
      kind: 'EndpointSlice',
      metadata: { name: `web-${family.toLowerCase()}`, labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: family,
      ports: ports.map((port) => ({ ...port, port: 8080 })),
      endpoints: pods.map((n) => ({ addresses: [`${pod}${n}`], conditions: { ready: true }, nodeName: 'node-a' })),
    })),
  ];
}

interface DualStackWebOptions {
  /** Default: TCP and UDP. */
  readonly protocols?: readonly ('TCP' | 'UDP' | 'SCTP')[];
  /** These: what the Service has besides. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: object;
  readonly status?: object;
}

/** The last part of a pod's address; its port is 8080. */
export function podNumber(endpoint: string): number {
  return Number(/[.:](\d+)\]?:8080$/.exec(endpoint)?.[1] ?? assert.fail(endpoint));
}

/** The last part of the address of the pod that each of the clients gets. */
export async function podsOfClients(
  world: World,
  exchange: typeof connectTcp,
  { client, clusterIp }: DualStackFamily,
  address: string = clusterIp,
  port = 80,
): Promise<readonly number[]> {
  const options = { address, port, count: CLIENTS, source: client(1), sources: CLIENTS };
  return (await exchange(world, 'client', options)).map((outcome: Outcome) =>
    podNumber('error' in outcome ? outcome.error : outcome.endpoint),
  );
}
