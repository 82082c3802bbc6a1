import { joined } from '../objects/compact.ts';
import type { Endpoint } from '../service/endpoints.ts';
import type { Frontend } from '../service/frontend.ts';
import type { UdpAddress } from '../service/udp-frontends.ts';
import { affinityElements, type PickScope } from './affinity.ts';
import { BY_ADDRESS, BY_NODE_PORT, type Container, type Entrance, endpointsMap } from './container.ts';
import { commentOf, concat, type Element, parts } from './element.ts';
import { capacityOf, pickChain } from './pick-chain.ts';
import { LOCALHOST_REFUSED, REFUSE_CHAIN } from './program.ts';
import { assignSlots, capacityFor, MAX_ENDPOINTS } from './slots.ts';

/** The containers of a program by name. */
export type Containers = ReadonlyMap<string, Container>;

/** What an endpoint map holds for a key at the moment, or undefined. */
export type CurrentValue = (container: Container, key: string) => string | undefined;

/** The slots that a frontend draws an endpoint from, and what leads to them. */
export interface Pool {
  /** The endpoint map, and the slots' common part of its keys: slot n has the key `prefix n`. */
  readonly slots: string;
  readonly prefix: string;
  readonly pick: string;
  readonly endpoints: readonly Endpoint[];
  /** The verdict map whose element sends packets here, and the others that may have done so until now. */
  readonly verdicts: readonly string[];
  readonly scope: PickScope;
  readonly frontend: Frontend;
}

/** The pools a frontend needs; none without endpoints. */
export function poolsOf(frontend: Frontend): readonly Pool[] {
  const { kind, endpoints, localEndpoints, protocol } = frontend;
  const entrance = entranceOf(frontend);
  const prefix = `${kind === 'node-port' ? frontend.port : concat(frontend.address, frontend.port)} .`;
  const twins = hasTwins(frontend);
  const common = { prefix, frontend };
  const all: Pool = {
    ...common,
    slots: endpointsMap(entrance.endpoints, protocol),
    pick: entrance.pick,
    endpoints: endpoints.slice(0, MAX_ENDPOINTS),
    verdicts: twins ? [entrance.cluster, entrance.dispatch] : [entrance.dispatch, entrance.cluster],
    scope: kind === 'cluster-ip' && frontend.policy === 'local' ? 'local' : 'service',
  };
  const local: Pool = {
    ...common,
    slots: endpointsMap(entrance.localEndpoints, protocol),
    pick: entrance.localPick,
    endpoints: localEndpoints.slice(0, MAX_ENDPOINTS),
    verdicts: [entrance.local],
    scope: 'local',
  };
  return (twins ? [all, local] : [all]).filter((pool) => pool.endpoints.length > 0);
}

/**
 * The elements by which the fixed program serves a frontend. `current` tells the slots in use, which stay as they are
 * where they can. Endpoints beyond MAX_ENDPOINTS get no connections.
 */
export function frontendElements(frontend: Frontend, containers: Containers, current: CurrentValue): Element[] {
  const comment = commentOf(frontend.servicePort);
  const element = (name: string, key: string, value = '', text = comment): Element => {
    const container = containers.get(name);
    if (container === undefined) throw new Error(`the program has no set ${name}`);
    return { container, key, value, comment: text };
  };
  const pools = poolsOf(frontend);
  const entrance = entranceOf(frontend);
  const key = frontendElementKey(frontend);
  const verdict = withoutEndpoints(frontend);
  const twins = hasTwins(frontend) && frontend.anywhere;
  return [
    // Shared by several frontends, as hairpin elements are: a comment would depend on who came last.
    ...(frontend.kind === 'cluster-ip' ? [element('cluster-ips', frontend.address, '', '')] : []),
    ...(isRefusedOnLoopback(frontend) ? [element('localhost-node-ports', key)] : []),
    ...pools.flatMap((pool) => poolElements(pool, key, element, containers, current)),
    ...(twins ? [element(entrance.dispatch, key, `goto ${entrance.localPolicy}`)] : []),
    ...(verdict === undefined ? [] : [element(entrance.noEndpoints, key, verdict)]),
    ...snatKeys(frontend, key).map((snatKey) => element(twins ? entrance.snatFromNode : entrance.snat, snatKey)),
    ...(frontend.sourceRanges.length > 0 ? [element('firewalled', key)] : []),
    ...frontend.sourceRanges.map((range) => element('source-ranges', concat(key, range))),
  ];
}

function isRefusedOnLoopback({ kind, protocol }: Frontend): boolean {
  return kind === 'node-port' && LOCALHOST_REFUSED.some((refused) => refused === protocol);
}

type MakeElement = (name: string, key: string, value?: string, comment?: string) => Element;

function poolElements(
  pool: Pool,
  key: string,
  element: MakeElement,
  containers: Containers,
  current: CurrentValue,
): readonly Element[] {
  const { endpoints } = pool;
  const { affinitySeconds } = pool.frontend;
  const hairpin = (endpoint: Endpoint) => element('hairpin', concat(endpoint.address, endpoint.address), '', '');
  const picked =
    affinitySeconds === undefined
      ? slotElements(pool, key, element, containers, current)
      : withAffinity(pool, affinitySeconds);
  return [
    ...picked.elements,
    ...endpoints.filter(({ maybeLocal }) => maybeLocal).map(hairpin),
    element(pool.verdicts[0] ?? '', key, picked.verdict),
  ];
}

/** What a pool's verdict is, and what it leads to. */
interface Picked {
  readonly verdict: string;
  readonly elements: readonly Element[];
}

function withAffinity({ frontend, scope, endpoints }: Pool, seconds: number): Picked {
  const { chain, elements } = affinityElements(frontend, seconds, scope, endpoints);
  return { verdict: `goto ${chain}`, elements };
}

function slotElements(
  pool: Pool,
  key: string,
  element: MakeElement,
  containers: Containers,
  current: CurrentValue,
): Picked {
  const slots = assignSlots(
    currentSlots(pool, containers.get(pool.slots), current),
    pool.endpoints.map((endpoint) => concat(endpoint.address, endpoint.port)),
  );
  const dispatch = containers.get(pool.verdicts[0] ?? '');
  const capacity = capacityOf((dispatch && current(dispatch, key)) ?? '');
  return {
    verdict: pickVerdict(pool.pick, pool.frontend.protocol, capacityFor(slots.length, capacity)),
    elements: slots.map((endpoint, slot) => element(pool.slots, slotKey(pool, slot), endpoint)),
  };
}

/** What becomes of connections that find no endpoint: rejected if there is none anywhere, dropped if there is elsewhere. */
function withoutEndpoints(frontend: Frontend): string | undefined {
  if (!frontend.anywhere) return `goto ${REFUSE_CHAIN}`;
  const here = hasTwins(frontend) ? frontend.localEndpoints : frontend.endpoints;
  return here.length > 0 ? undefined : 'drop';
}

/** Under which keys the frontend's connections are known for source NAT; none for a ClusterIP, which has rules of its own. */
function snatKeys({ kind, endpoints, protocol, port }: Frontend, key: string): readonly string[] {
  if (kind === 'cluster-ip' || endpoints.length === 0) return [];
  if (kind !== 'node-port') return [key];
  return [...new Set(endpoints.map(({ address }) => concat(protocol, port, address)))];
}

/** externalTrafficPolicy Local: two verdicts, for clients on this node and for all others. A ClusterIP has one policy for all. */
function hasTwins({ kind, policy }: Frontend): boolean {
  return policy === 'local' && kind !== 'cluster-ip';
}

function entranceOf({ kind }: Frontend): Entrance {
  return kind === 'node-port' ? BY_NODE_PORT : BY_ADDRESS;
}

/** The key of a frontend in the dispatch maps. */
export function frontendElementKey({ kind, address, protocol, port }: Frontend): string {
  return kind === 'node-port' ? concat(protocol, port) : concat(address, protocol, port);
}

/** The UDP frontend that an element is the entrance of, by its key in the dispatch maps; undefined for any other element. */
export function udpFrontendOf({
  container: { name },
  key,
}: Pick<Element, 'container' | 'key'>): UdpAddress | undefined {
  const isEntrance = [BY_ADDRESS, BY_NODE_PORT].some((by) => name === by.dispatch || name === by.noEndpoints);
  if (!isEntrance) return undefined;
  const [port, protocol, address = ''] = parts(key).toReversed();
  return protocol === 'udp' ? { address, port: Number(port) } : undefined;
}

/** The key of a pool's slot in its endpoint map. */
export function slotKey({ prefix }: Pick<Pool, 'prefix'>, slot: number): string {
  return joined(' ', prefix, slot);
}

function currentSlots(pool: Pool, container: Container | undefined, current: CurrentValue): string[] {
  const slots: string[] = [];
  for (let slot = 0; container !== undefined; slot++) {
    const value = current(container, slotKey(pool, slot));
    if (value === undefined) break;
    slots.push(value);
  }
  return slots;
}

/** There are few of them, and nearly every frontend has one: all share its text. */
const pickVerdicts = new Map<string, string>();

function pickVerdict(prefix: string, protocol: string, capacity: number): string {
  const chain = pickChain(prefix, protocol, capacity);
  const known = pickVerdicts.get(chain);
  if (known !== undefined) return known;
  const verdict = joined(' ', 'goto', chain);
  pickVerdicts.set(chain, verdict);
  return verdict;
}
