import type { Endpoint } from '../../service/endpoints.ts';
import type { Frontend } from '../../service/frontend.ts';
import type { HashBy, HashTable } from '../../service/hash-table.ts';
import type { Chain } from '../elements/chain.ts';
import { concat, type Element, parts } from '../elements/element.ts';
import { PROTOCOLS } from '../elements/set-or-map.ts';
import { chainOf } from '../elements/verdict.ts';
import { affinityEndpoints, limitOf } from '../program/found-affinity.ts';
import { isHeartbeat } from '../program/heartbeat.ts';
import { behindLimit } from '../program/limits.ts';
import { hashedBy } from '../program/pick-chain.ts';
import {
  ADMITTED,
  ADMITTED_NODE_PORTS,
  BY_ADDRESS,
  BY_NODE_PORT,
  DROP_CHAIN,
  endpointsMap,
  type FrontendMaps,
  NODE_PORT_RANGES,
  REFUSE_CHAIN,
  SOURCE_RANGES_CHAIN,
} from '../program/sets-and-maps.ts';
import type { Ruleset } from './ruleset.ts';

/**
 * The frontends that a table serves, from its elements alone. They lack what is not in a table. An address that is not a
 * ClusterIP counts as an external IP, or as a load balancer's if it has source ranges. A ClusterIP has policy Cluster.
 * Endpoints that are not used here are unknown. `ruleset`: what was found in the kernel.
 */
export function foundFrontends(ruleset: Ruleset): readonly Frontend[] {
  const chains = new Map([...ruleset.dynamicChains()].map((chain) => [chain.name, chain]));
  const ranges = sourceRanges(ruleset);
  const table: Found = { ruleset, chains, ranges };
  return [BY_ADDRESS, BY_NODE_PORT].flatMap((frontendMaps) => {
    const setOrMap = ruleset.program.setsAndMaps.find(({ name }) => name === frontendMaps.dispatch);
    if (setOrMap === undefined) return [];
    return [...ruleset.elementsOf(setOrMap)].flatMap((element) => frontendOf(element, frontendMaps, table) ?? []);
  });
}

/** What is found in a table. */
interface Found {
  readonly ruleset: Ruleset;
  /** Chains of Services with session affinity, and pick chains. */
  readonly chains: ReadonlyMap<string, Chain>;
  /** Who may connect, by the key of the frontend. */
  readonly ranges: ReadonlyMap<string, readonly string[]>;
}

function frontendOf(element: Element, frontendMaps: FrontendMaps, table: Found): Frontend | undefined {
  const { ruleset, ranges, chains } = table;
  const { key, comment } = element;
  const [port, protocolName, address = ''] = parts(key).toReversed();
  const protocol = PROTOCOLS.find((known) => known === protocolName);
  if (protocol === undefined || isHeartbeat(element)) return undefined;
  const valueIn = (setOrMap: string) => ruleset.lookUp(setOrMap, key)?.value;
  const admitted = new Map([
    [`goto ${SOURCE_RANGES_CHAIN}`, ADMITTED],
    [ruleset.program.rangeCheck.verdict, ADMITTED_NODE_PORTS],
  ]).get(element.value);
  const hasRanges = admitted !== undefined;
  const first = admitted === undefined ? element.value : (valueIn(admitted) ?? 'drop');
  const verdict = behindLimit(first);
  const limitPerSecond = first === verdict ? undefined : limitOf(chainOf(first), chains);
  const isLocal = verdict === `goto ${frontendMaps.localPolicy}`;
  const place = { address, protocol, port: Number(port) };
  const all = poolOf(isLocal ? valueIn(frontendMaps.cluster) : verdict, frontendMaps.endpoints, place, table);
  const here = isLocal ? poolOf(valueIn(frontendMaps.local), frontendMaps.localEndpoints, place, table) : NO_POOL;
  const by = all.by ?? here.by;
  const isClusterIp = address !== '' && ruleset.lookUp('cluster-ips', address) !== undefined;
  return {
    ...place,
    family: ruleset.program.family,
    kind: address === '' ? 'node-port' : isClusterIp ? 'cluster-ip' : hasRanges ? 'load-balancer-ip' : 'external-ip',
    servicePort: comment,
    policy: isLocal ? 'local' : 'cluster',
    endpoints: all.endpoints,
    localEndpoints: here.endpoints,
    hasUsableEndpoints: verdict !== `goto ${REFUSE_CHAIN}`,
    sourceRanges: hasRanges ? (ranges.get(key) ?? []) : [],
    ...(all.seconds !== undefined && { affinitySeconds: all.seconds }),
    ...(limitPerSecond !== undefined && { limitPerSecond }),
    ...(all.maxConnections !== undefined && { maxConnections: all.maxConnections }),
    ...(by !== undefined && { hashing: { by, table: all.table ?? NO_TABLE, localTable: here.table ?? NO_TABLE } }),
  };
}

interface Pool {
  readonly endpoints: readonly Endpoint[];
  readonly seconds?: number | undefined;
  readonly maxConnections?: number | undefined;
  /** If a hash selects the endpoint: what is hashed, and the table. */
  readonly by?: HashBy | undefined;
  readonly table?: HashTable;
}

const NO_POOL: Pool = { endpoints: [] };
const NO_TABLE: HashTable = new Uint16Array(0);

/** What a verdict draws from. */
function poolOf(
  verdict: string | undefined,
  prefix: string,
  { address, protocol, port }: Pick<Frontend, 'address' | 'protocol' | 'port'>,
  { ruleset, chains }: Found,
): Pool {
  const [, target] = /^goto (.+)$/.exec(verdict ?? '') ?? [];
  if (target === undefined || target === REFUSE_CHAIN || target === DROP_CHAIN) return NO_POOL;
  const endpoint = (at: string, on: number, weight: number): Endpoint => {
    const one = { address: at, port: on, maybeLocal: true };
    return weight === 1 ? one : { ...one, weight };
  };
  const chain = ruleset.program.picks.byName(target);
  if (chain === undefined) {
    const { endpoints, ...rest } = affinityEndpoints(target, chains);
    return { endpoints: endpoints.map((one) => endpoint(...one)), ...rest };
  }
  const before = address === '' ? `${port}` : `${address} . ${port}`;
  const by = hashedBy(chain);
  const most = by === undefined ? Number.POSITIVE_INFINITY : chain.capacity;
  const counts = new Map<string, number>();
  const values: string[] = [];
  for (let slot = 0; slot < most; slot++) {
    const value = ruleset.lookUp(endpointsMap(prefix, protocol), `${before} . ${slot}`)?.value;
    if (value === undefined) break;
    counts.set(value, (counts.get(value) ?? 0) + 1);
    values.push(value);
  }
  const endpoints = [...counts].map(([value, count]) => {
    const [at = '', on] = parts(value);
    // The number of slots in a table is not the weight of an endpoint.
    return endpoint(at, Number(on), by === undefined ? count : 1);
  });
  if (by === undefined) return { endpoints };
  const places = new Map([...counts.keys()].map((value, place) => [value, place]));
  return { endpoints, by, table: Uint16Array.from(values, (value) => places.get(value) ?? 0) };
}

/** Who may connect, by the key of the frontend. The keys of node ports' ranges begin with the port. */
function sourceRanges(ruleset: Ruleset): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const setOrMap of ruleset.program.setsAndMaps) {
    const isOfNodePorts = setOrMap.name === NODE_PORT_RANGES;
    if (setOrMap.name !== 'source-ranges' && !isOfNodePorts) continue;
    for (const { key } of ruleset.elementsOf(setOrMap)) {
      const fields = [...parts(key)];
      const range = fields.pop() ?? '';
      const frontend = concat(...(isOfNodePorts ? fields.toReversed() : fields));
      const known = found.get(frontend);
      if (known === undefined) found.set(frontend, [range]);
      else known.push(range);
    }
  }
  return found;
}
