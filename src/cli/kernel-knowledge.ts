import type { Arguments } from '../config/arguments.ts';
import type { Knowledge, ModelInTable } from '../daemon/answers/knowledge.ts';
import { kernelFamilies } from '../host/families.ts';
import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import { createNft, type Nft } from '../nft/nft.ts';
import { type FoundTable, findTables, foundElements, readTable } from '../nft/tables.ts';
import type { Service, ServicePortSpec } from '../objects/service.ts';
import { foundFrontends } from '../ruleset/model/found-frontends.ts';
import { Ruleset } from '../ruleset/model/ruleset.ts';
import { foundAffinityChains } from '../ruleset/program/found-affinity.ts';
import { type FoundProgram, foundProgram } from '../ruleset/program/found-program.ts';
import { buildProgram } from '../ruleset/program/program.ts';
import { Cluster } from '../service/cluster.ts';
import { type Frontend, serviceKeyOf } from '../service/frontend.ts';
import { Shortfalls } from '../sync/shortfalls.ts';

/** A table of ours in the kernel, as far as it can be read without the daemon that wrote it. */
export interface TableInKernel extends FoundProgram {
  readonly entry: ModelInTable;
  readonly frontends: readonly Frontend[];
}

/**
 * What is known without a daemon and without a source: what the kernel holds, with the names of Services from the comments
 * of elements. Uses the table in force of each family; undefined if there is none of this version.
 * @throws NftError
 */
export async function kernelKnowledge({ runDir, nodeName }: Arguments, log: Log): Promise<Knowledge | undefined> {
  const nft = createNft(runDir, 'request');
  const found: TableInKernel[] = [];
  for (const family of kernelFamilies()) {
    const tables = await findTables(nft, family);
    const table = tables.find(({ baseChains }) => baseChains.length > 0) ?? tables[0];
    const read = table && (await readFound(family, table, nft));
    if (read !== undefined) found.push(read);
  }
  const [first] = found;
  if (first === undefined) return undefined;
  const pattern = found.map(({ localPods }) => localPods).find((known) => known?.by === 'interface')?.pattern;
  const podCidrs = found.flatMap(({ entry: { model } }) => networksIn(model, 'pod-cidrs'));
  return {
    models: found.map(({ entry }) => entry),
    cluster: clusterOf(
      nodeName,
      podCidrs,
      found.flatMap(({ frontends }) => frontends),
    ),
    shortfalls: new Shortfalls({ log }),
    origin: `no daemon runs; this is what the kernel holds in table ${first.entry.table}`,
    inKernel: {
      podCidrs: new Map(),
      detectLocal: pattern === undefined ? { mode: 'NodeCIDR' } : { mode: 'InterfaceNamePrefix', pattern },
      // The listener has ended with the daemon.
      nodePortAddresses: [],
    },
  };
}

/**
 * What can be read from a table; undefined if it is of another version.
 * @throws NftError
 */
export async function readFound(family: Family, table: FoundTable, nft: Nft): Promise<TableInKernel | undefined> {
  // Each program of this version has these sets and maps, or a subset.
  const contents = await readTable(nft, buildProgram(family, { nodePortClients: true }), table.name);
  const found = foundProgram(family, table.marker, contents.chains);
  if (found === undefined) return undefined;
  const ruleset = new Ruleset(found.program);
  const setsAndMaps = new Map(found.program.setsAndMaps.map((setOrMap) => [setOrMap.name, setOrMap]));
  const affinity = foundAffinityChains(family, contents.chains);
  const known = new Set(affinity.map(({ key }) => key));
  const others = foundElements(contents).filter(({ key }) => !known.has(key));
  ruleset.adopt(
    others.map((element) => ({ ...element, setOrMap: setsAndMaps.get(element.setOrMap.name) ?? element.setOrMap })),
  );
  ruleset.adopt(affinity);
  const frontends = foundFrontends(ruleset);
  const byService = Map.groupBy(frontends, serviceKeyOf);
  const entry: ModelInTable = {
    model: {
      family,
      program: found.program,
      ruleset,
      frontendsOf: (key) => byService.get(key) ?? [],
      isPending: () => false,
    },
    table: table.name,
    inForce: table.baseChains.length > 0,
  };
  return { ...found, entry, frontends };
}

function networksIn({ program, ruleset }: ModelInTable['model'], name: string): readonly string[] {
  const setOrMap = program.setsAndMaps.find((one) => one.name === name);
  return setOrMap === undefined ? [] : [...ruleset.elementsOf(setOrMap)].map(({ key }) => key);
}

/** Services as far as their frontends show: addresses, and ports with their node ports. */
function clusterOf(nodeName: string, podCidrs: readonly string[], frontends: readonly Frontend[]): Cluster {
  const cluster = new Cluster(nodeName);
  cluster.set({ kind: 'Node', name: nodeName, addresses: [], zone: '', podCidrs, eligible: true });
  for (const [key, own] of Map.groupBy(frontends, serviceKeyOf)) {
    const [namespace = '', name = ''] = key.split('/');
    const addressesOf = (kind: Frontend['kind']) => [
      ...new Set(own.filter((one) => one.kind === kind).map(({ address }) => address)),
    ];
    const service: Service = {
      ...{ kind: 'Service', namespace, name, createdAt: '', otherProxy: false },
      type: own.some(({ kind }) => kind === 'node-port') ? 'NodePort' : 'ClusterIP',
      clusterIps: addressesOf('cluster-ip'),
      ports: portsOf(own),
      externalIps: addressesOf('external-ip'),
      loadBalancerIps: addressesOf('load-balancer-ip'),
      ...{ sourceRanges: [], internalLocal: false },
      externalLocal: own.some(({ policy }) => policy === 'local'),
    };
    cluster.set(service);
  }
  return cluster;
}

function portsOf(frontends: readonly Frontend[]): readonly ServicePortSpec[] {
  const ports = new Map<string, ServicePortSpec>();
  // Frontends with an address come first, because they have the Service's own port.
  for (const { servicePort, protocol, port, address } of frontends.toSorted(byAddressFirst)) {
    const id = `${servicePort} ${protocol}`;
    const name = servicePort.slice(serviceKeyOf({ servicePort }).length + 1);
    const known = ports.get(id) ?? { name, protocol, port };
    ports.set(id, address === '' ? { ...known, nodePort: port } : known);
  }
  return [...ports.values()];
}

function byAddressFirst(a: Frontend, b: Frontend): number {
  return Number(a.address === '') - Number(b.address === '');
}
