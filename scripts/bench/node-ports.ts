import { FAMILIES, FAMILY_NAMES, type Family } from '../../src/ip.ts';
import type { KubeObject } from '../../src/objects/decode.ts';
import { ready, service, slice, slicePort } from '../../test/builders/objects.ts';
import { inNamespace, runSync } from '../../test/netns/namespaces.ts';
import {
  clientAddresses,
  ENDPOINT_PORT,
  type FlowsPlan,
  load,
  newFlowCosts,
  ownNetworks,
  tableOf,
} from './new-flows.ts';
import type { Report } from './report.ts';
import type { Workspace } from './workspace.ts';

/** What is measured of source ranges for node ports. */
export interface NodePortsPlan extends FlowsPlan {
  /** Numbers of Services with source ranges, and of as many without. */
  readonly services: readonly number[];
}

const ENDPOINTS = [1, 2, 3, 4];
const CLIENTS = 256;
const FIRST_PORT = 30_000;

/** Five networks; clients are in one of them. */
const RANGES = {
  ip: ['100.64.0.0/10', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '10.77.0.0/16'],
  ip6: [...[1, 2, 3, 4].map((n) => `2001:db8:${n}::/48`), 'fd00:77::/32'],
} as const;
const CLIENT_NETWORK = { ip: '10.77.0.0/16', ip6: 'fd00:77::/32' } as const;
const POD_NETWORK = { ip: '10.32.0.0/16', ip6: 'fd00:32::/32' } as const;

/** A node's address (end 1) and that of the clients on the same link. */
const linkAddress = (family: Family, node: number, end: number) =>
  family === 'ip' ? `192.168.${node}.${end}` : `fd01:${node}::${end}`;
const linkNetwork = { ip: '192.168.0.0/16', ip6: 'fd01::/16' } as const;

/** The nodes, without and with --node-port-source-ranges. */
const NODES = [
  { name: '', closed: false },
  { name: ', list', closed: true },
] as const;

/** CPU time of the first packet of a UDP flow from outside to a node port, without and with source ranges. */
export async function measureNodePorts(report: Report, workspace: Workspace, plan: NodePortsPlan): Promise<void> {
  for (const family of FAMILIES) {
    for (const services of plan.services) {
      const { clients, nodes } = makeLinks(workspace, family);
      for (const [i, { closed }] of NODES.entries()) {
        load(workspace, nodes[i] ?? '', nodeTable(family, services, closed));
      }
      const kinds = NODES.flatMap((_, node) =>
        // Service 0, and the first one with ranges.
        [0, services].map((n) => ({
          protocol: 'udp' as const,
          address: linkAddress(family, node, 1),
          port: FIRST_PORT + n,
        })),
      );
      const costs = await newFlowCosts(clients, nodes, clientAddresses(family, CLIENTS), kinds, plan);
      const names = NODES.flatMap(({ name }) => [name, `${name}, annotation`]);
      for (const [i, name] of names.entries()) {
        const size = `${FAMILY_NAMES[family]}, ${services}`;
        report.add(`CPU of a first packet to a node port${name}`, size, costs[i] ?? Number.NaN, 'µs', costs[0]);
      }
      workspace.clear();
    }
  }
}

/** A namespace of clients, and one for each node, which has all endpoints. */
function makeLinks(
  workspace: Workspace,
  family: Family,
): { readonly clients: string; readonly nodes: readonly string[] } {
  const clients = workspace.namespace('clients');
  const nodes = NODES.map((_, i) => workspace.namespace(`node-${i}`));
  const ip = (namespace: string, ...argv: string[]) => runSync(['ip', '-n', namespace, ...argv]);
  for (const [i, node] of nodes.entries()) {
    ip(clients, 'link', 'add', `n${i}`, 'type', 'veth', 'peer', 'name', 'clients', 'netns', node);
    for (const [namespace, device, end] of [
      [clients, `n${i}`, 2],
      [node, 'clients', 1],
    ] as const) {
      runSync(inNamespace(namespace, ['sysctl', '-qw', ...NO_FILTER, `net.ipv4.conf.${device}.rp_filter=0`]));
      const address = `${linkAddress(family, i, end)}/${family === 'ip' ? 24 : 64}`;
      ip(namespace, 'address', 'add', address, 'dev', device, ...(family === 'ip6' ? ['nodad'] : []));
      ip(namespace, 'link', 'set', device, 'up');
    }
    ownNetworks(node, [POD_NETWORK[family]]);
    ip(node, 'route', 'add', CLIENT_NETWORK[family], 'via', linkAddress(family, i, 2));
  }
  ownNetworks(clients, [CLIENT_NETWORK[family]]);
  return { clients, nodes };
}

const NO_FILTER = ['net.ipv4.conf.all.rp_filter=0'];

/** The table of a node that has as many Services without ranges as with them. */
function nodeTable(family: Family, services: number, closed: boolean): string {
  const objects = Array.from({ length: 2 * services }, (_, n) => objectsOf(family, n, n >= services));
  return tableOf(objects.flat(), {
    family,
    program: { connectionCounters: true, nodePortClients: closed },
    closesNodePorts: closed,
    networks: { 'node-port-networks': [linkNetwork[family]], ...(closed && { 'node-port-clients': RANGES[family] }) },
  });
}

/** The nth Service and its slice; `restricted`: with source ranges, also on its node port. */
function objectsOf(family: Family, n: number, restricted: boolean): readonly KubeObject[] {
  const name = `web-${n}`;
  const places = ENDPOINTS.map((i) => ready(family === 'ip' ? `10.32.0.${i}` : `fd00:32::${i}`));
  return [
    service({
      name,
      type: 'LoadBalancer',
      clusterIps: [family === 'ip' ? `10.96.${n >> 8}.${n & 255}` : `fd00:96::${n.toString(16)}`],
      ports: [{ name: 'dns', protocol: 'udp', port: 80, nodePort: FIRST_PORT + n }],
      ...(restricted && { sourceRanges: RANGES[family], options: { sourceRangesOnNodePorts: true } }),
    }),
    slice(places, {
      name: `${name}-1`,
      serviceName: name,
      ports: [slicePort({ name: 'dns', protocol: 'udp', port: ENDPOINT_PORT })],
    }),
  ];
}
