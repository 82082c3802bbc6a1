import { FAMILIES, FAMILY_NAMES, type Family } from '../../src/ip.ts';
import type { KubeObject } from '../../src/objects/decode.ts';
import type { LbAlgorithm } from '../../src/objects/service-options.ts';
import { tableSize } from '../../src/service/hash-table.ts';
import { ready, service, slice, slicePort } from '../../test/builders/objects.ts';
import { loadedMemory } from './kernel-memory.ts';
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

/** What is measured of consistent hashing. */
export interface HashingPlan extends FlowsPlan {
  /** Of a Service. */
  readonly endpoints: readonly number[];
  /** So many elements are loaded at least, to see how much kernel memory they take. */
  readonly elements: number;
}

/** The first is what the others are compared with. */
const ALGORITHMS: readonly LbAlgorithm[] = ['random', 'client-hash', 'connection-hash'];
const PROTOCOLS = ['udp', 'tcp'] as const;
const PORT = 80;
const CLIENTS = 256;
/** All addresses that are used. */
const NETWORKS = { ip: '10.0.0.0/8', ip6: 'fd00::/16' } as const;

/**
 * With consistent hashing, and with a random draw in the same table: CPU time of the first packet of a flow, and kernel
 * memory of a Service.
 */
export async function measureHashing(report: Report, workspace: Workspace, plan: HashingPlan): Promise<void> {
  for (const family of FAMILIES) {
    for (const endpoints of plan.endpoints) await measureFirstPackets(report, workspace, plan, family, endpoints);
  }
  for (const family of FAMILIES) {
    for (const endpoints of plan.endpoints) await measureMemory(report, workspace, plan.elements, family, endpoints);
  }
}

async function measureFirstPackets(
  report: Report,
  workspace: Workspace,
  plan: FlowsPlan,
  family: Family,
  endpoints: number,
): Promise<void> {
  const namespace = workspace.namespace(`hash-${family}-${endpoints}`);
  ownNetworks(namespace, [NETWORKS[family]]);
  const objects = ALGORITHMS.flatMap((algorithm, n) => objectsOf(family, n, endpoints, algorithm, PROTOCOLS));
  load(workspace, namespace, tableOf(objects, { family, program: { connectionCounters: true } }));
  for (const protocol of PROTOCOLS) {
    const kinds = ALGORITHMS.map((_, n) => ({ protocol, address: addressOf(family, 'service', n), port: PORT }));
    const costs = await newFlowCosts(namespace, [namespace], clientAddresses(family, CLIENTS), kinds, plan);
    for (const [n, algorithm] of ALGORITHMS.entries()) {
      const name = `CPU of a first packet, ${protocol.toUpperCase()}, ${algorithm}`;
      report.add(name, sizeOf(family, endpoints), costs[n] ?? Number.NaN, 'µs', costs[0]);
    }
  }
  workspace.clear();
}

async function measureMemory(
  report: Report,
  workspace: Workspace,
  elements: number,
  family: Family,
  endpoints: number,
): Promise<void> {
  const memoryOf = async (algorithm: LbAlgorithm, slots: number) => {
    const table = (services: number) => {
      const all = Array.from({ length: services }, (_, n) => objectsOf(family, n, endpoints, algorithm, ['udp']));
      return tableOf(all.flat(), { family, program: { connectionCounters: true } });
    };
    return (await loadedMemory(workspace, table, Math.ceil(elements / slots))) / 1024;
  };
  const random = await memoryOf('random', endpoints);
  const hashed = await memoryOf('client-hash', tableSize(endpoints));
  report.add('kernel memory of a Service, client-hash', sizeOf(family, endpoints), hashed, 'KiB', random);
}

/** The nth Service and its slice. */
function objectsOf(
  family: Family,
  n: number,
  endpoints: number,
  lbAlgorithm: LbAlgorithm,
  protocols: readonly (typeof PROTOCOLS)[number][],
): readonly KubeObject[] {
  const name = `hashed-${n}`;
  const ports = protocols.map((protocol) => ({ name: protocol, protocol, port: PORT }));
  const clusterIps = [addressOf(family, 'service', n)];
  const places = Array.from({ length: endpoints }, (_, i) => ready(addressOf(family, 'endpoint', i)));
  const slicePorts = ports.map((port) => slicePort({ ...port, port: ENDPOINT_PORT }));
  return [
    service({ name, clusterIps, ports, ...(lbAlgorithm !== 'random' && { options: { lbAlgorithm } }) }),
    slice(places, { name: `${name}-1`, serviceName: name, ports: slicePorts }),
  ];
}

function addressOf(family: Family, kind: 'service' | 'endpoint', n: number): string {
  const [high, low] = [(n + 1) >> 8, (n + 1) & 255];
  if (family === 'ip') return `10.${kind === 'service' ? 96 : 32}.${high}.${low}`;
  return `fd00:${kind === 'service' ? 96 : 32}::${(n + 1).toString(16)}`;
}

function sizeOf(family: Family, endpoints: number): string {
  return `${FAMILY_NAMES[family]}, ${endpoints}`;
}
