import { joined } from '../../objects/compact.ts';
import type { Endpoint } from '../../service/endpoints.ts';
import type { Frontend } from '../../service/frontend.ts';
import type { HashTable } from '../../service/hash-table.ts';
import { eachInSteps, endsStep, mapInSteps, type Steps } from '../../service/steps.ts';
import type { UdpAddress } from '../../service/udp-frontends.ts';
import { commentOf, concat, type Element, parts } from '../elements/element.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import { chainOf } from '../elements/verdict.ts';
import { affinityElements, affinityKindOf, hasOwnChains, type PickScope } from '../program/affinity.ts';
import { isHeartbeat } from '../program/heartbeat.ts';
import { behindLimit, limitElements } from '../program/limits.ts';
import { hashedBy, type PickChain } from '../program/pick-chain.ts';
import { LOCALHOST_REFUSED, type Program } from '../program/program.ts';
import {
  ADMITTED,
  ADMITTED_NODE_PORTS,
  BY_ADDRESS,
  BY_NODE_PORT,
  CLOSED_NODE_PORTS,
  DROP_CHAIN,
  endpointsMap,
  type FrontendMaps,
  NODE_PORT_RANGES,
  REFUSE_CHAIN,
  SOURCE_RANGES_CHAIN,
} from '../program/sets-and-maps.ts';
import { assignRepeated } from './repeated-slots.ts';
import { assignSlots, capacityFor, type LeavingSlot, MAX_ENDPOINTS } from './slots.ts';

/** What a plan depends on besides the frontend. */
export interface PlannedModel {
  readonly program: Program;
  /** The program's sets and maps by name. */
  readonly setsAndMaps: ReadonlyMap<string, SetOrMap>;
  /** The value of an element in the model; undefined if there is none. */
  readonly find: (setOrMap: SetOrMap, key: string) => string | undefined;
  /** The same, before the transaction that is being prepared. */
  readonly inKernel: (setOrMap: SetOrMap, key: string) => string | undefined;
  /** Whether its connections are counted, if the program can count. */
  readonly isCounted: boolean;
}

/** How to serve a frontend, starting from what the kernel holds now. It is made before anything of it is claimed. */
export interface FrontendPlan {
  /**
   * Elements for packets that are still on the way that led to its endpoints before. They are deleted once no such packet
   * is left.
   */
  readonly passing: readonly Element[];
  /** Everything that it needs. An element comes before what leads to it. */
  readonly elements: readonly Element[];
  readonly leaving: readonly LeavingSlot[];
}

/** Elements that a frontend needs and that do not exist. */
export const NOTHING_PLANNED: FrontendPlan = { passing: [], elements: [], leaving: [] };

/**
 * The elements by which the fixed program serves a frontend. Slots in use stay as they are where they can. Endpoints beyond
 * MAX_ENDPOINTS get no connections. In steps, of which a frontend with few endpoints and source ranges has one.
 * `elements`: the list to put them into (see element-origin.ts).
 */
export function planFrontend(frontend: Frontend, model: PlannedModel, elements: Element[] = []): Steps<FrontendPlan> {
  return new Planner(frontend, model, elements).plan();
}

/** The endpoints that a verdict of a frontend draws from. */
interface Pool {
  /** The names of the endpoint map and of the pick chains. */
  readonly slots: string;
  readonly pick: string;
  readonly scope: PickScope;
  readonly endpoints: readonly Endpoint[];
  /** If a hash selects the endpoint: the content of the slots. */
  readonly table: HashTable | undefined;
  /** The verdict maps that may lead here, now or before. */
  readonly verdicts: readonly string[];
}

class Planner {
  readonly #frontend: Frontend;
  readonly #model: PlannedModel;
  readonly #frontendMaps: FrontendMaps;
  /** The frontend's key in verdict maps. */
  readonly #key: string;
  readonly #comment: string;
  readonly #elements: Element[];
  readonly #leaving: LeavingSlot[] = [];
  /** The keys of its slots that were requested so far. Each is requested twice. */
  readonly #slotKeys: string[] = [];
  /** The sets in which its connections are counted: at most three. */
  readonly #counted: string[] = [];

  constructor(frontend: Frontend, model: PlannedModel, elements: Element[]) {
    this.#elements = elements;
    this.#frontend = frontend;
    this.#model = model;
    this.#frontendMaps = frontend.kind === 'node-port' ? BY_NODE_PORT : BY_ADDRESS;
    this.#key = frontendElementKey(frontend);
    this.#comment = commentOf(frontend.servicePort);
  }

  *plan(): Steps<FrontendPlan> {
    const { address, kind, sourceRanges } = this.#frontend;
    const { dispatch, snat, snatFromNode, connections, refused, dropped } = this.#frontendMaps;
    this.#count(connections, true);
    this.#count(refused, false);
    this.#count(dropped, false);
    // Several frontends share it, as they do hairpin elements. A comment would depend on who came last.
    if (kind === 'cluster-ip') this.#add('cluster-ips', address, '', '');
    if (kind === 'node-port' && this.#model.setsAndMaps.has(CLOSED_NODE_PORTS)) {
      this.#count(dropped, true);
      this.#add(CLOSED_NODE_PORTS, this.#key);
    }
    if (isRefusedOnLoopback(this.#frontend)) this.#add('localhost-node-ports', this.#key);
    const fromNode = hasLocalAndClusterMaps(this.#frontend);
    const snatKeys = yield* this.#snatKeys();
    yield* eachInSteps(snatKeys, (key) => this.#add(fromNode ? snatFromNode : snat, key));
    const passing: Element[] = [];
    if (fromNode && this.#hadPolicyCluster())
      yield* eachInSteps(snatKeys, (key) => passing.push(this.#element(snat, key)));
    const verdict = this.#limited(yield* this.#verdict());
    if (sourceRanges.length === 0) {
      this.#add(dispatch, this.#key, verdict);
    } else {
      this.#count(this.#frontendMaps.dropped, true);
      const { ranges, key, admitted, check } = this.#rangeCheck();
      yield* eachInSteps(sourceRanges, (range) => this.#add(ranges, concat(key, range)));
      this.#add(admitted, this.#key, verdict);
      this.#add(dispatch, this.#key, check);
    }
    return { passing, elements: this.#elements, leaving: this.#leaving };
  }

  /** A verdict, with the limit before it if it serves anybody. */
  #limited(verdict: string): string {
    const { limitPerSecond, endpoints } = this.#frontend;
    if (limitPerSecond === undefined || endpoints.length === 0) return verdict;
    const limited = limitElements(this.#frontend, limitPerSecond, verdict);
    this.#count(this.#frontendMaps.refused, true);
    this.#elements.push(...limited.elements);
    return limited.verdict;
  }

  /**
   * The set of its source ranges and the beginning of their keys, the map with its verdict for clients in them, and what
   * leads there.
   */
  #rangeCheck(): Readonly<Record<'ranges' | 'key' | 'admitted' | 'check', string>> {
    if (this.#frontend.kind !== 'node-port')
      return { ranges: 'source-ranges', key: this.#key, admitted: ADMITTED, check: `goto ${SOURCE_RANGES_CHAIN}` };
    const { protocol, port } = this.#frontend;
    const { elements, verdict } = this.#model.program.rangeCheck;
    this.#elements.push(...elements);
    return { ranges: NODE_PORT_RANGES, key: concat(port, protocol), admitted: ADMITTED_NODE_PORTS, check: verdict };
  }

  /**
   * What happens to a connection that is allowed: refused if there is no endpoint anywhere, dropped if there are endpoints
   * elsewhere.
   */
  *#verdict(): Steps<string> {
    const { kind, policy, endpoints, localEndpoints, hasUsableEndpoints, hashing } = this.#frontend;
    const { dispatch, cluster, local, localPolicy, ...names } = this.#frontendMaps;
    if (!hasUsableEndpoints) {
      this.#count(this.#frontendMaps.refused, true);
      return `goto ${REFUSE_CHAIN}`;
    }
    const all = yield* this.#pick({
      slots: names.endpoints,
      pick: names.pick,
      scope: kind === 'cluster-ip' && policy === 'local' ? 'local' : 'service',
      endpoints,
      table: hashing?.table,
      verdicts: [dispatch, ADMITTED, ADMITTED_NODE_PORTS, cluster],
    });
    if (!hasLocalAndClusterMaps(this.#frontend)) return all;
    this.#add(cluster, this.#key, all);
    const here = yield* this.#pick({
      slots: names.localEndpoints,
      pick: names.localPick,
      scope: 'local',
      endpoints: localEndpoints,
      table: hashing?.localTable,
      verdicts: [local],
    });
    this.#add(local, this.#key, here);
    return `goto ${localPolicy}`;
  }

  *#pick(pool: Pool): Steps<string> {
    const endpoints = pool.endpoints.slice(0, MAX_ENDPOINTS);
    if (endpoints.length === 0) {
      this.#count(this.#frontendMaps.dropped, true);
      return this.#model.setsAndMaps.has(this.#frontendMaps.dropped) ? `goto ${DROP_CHAIN}` : 'drop';
    }
    yield* eachInSteps(endpoints, ({ address, maybeLocal }) => {
      if (maybeLocal) this.#add('hairpin', concat(address, address), '', '');
    });
    if (!hasOwnChains(this.#frontend)) return yield* this.#pickSlot(pool, endpoints);
    if (this.#frontend.maxConnections !== undefined) this.#count(this.#frontendMaps.refused, true);
    const { chain, elements } = affinityElements(this.#frontend, pool.scope, endpoints);
    this.#elements.push(...elements);
    return `goto ${chain}`;
  }

  *#pickSlot({ slots, pick, verdicts, table }: Pool, endpoints: readonly Endpoint[]): Steps<string> {
    const { protocol, affinityByHash, hashing } = this.#frontend;
    const { picks } = this.#model.program;
    const map = endpointsMap(slots, protocol);
    const current = yield* this.#currentSlots(map);
    const wanted = yield* mapInSteps(endpoints, ({ address, port }) => concat(address, port));
    const chains = this.#chainsInKernel(verdicts);
    const most = (numberOf: (chain: PickChain) => number) => Math.max(0, ...chains.map(numberOf));
    let assigned: readonly string[];
    let chain: PickChain;
    if (hashing === undefined || table === undefined) {
      const isWeighed = endpoints.some(({ weight }) => weight !== undefined);
      assigned = yield* isWeighed
        ? assignRepeated(current, new Map(wanted.map((endpoint, i) => [endpoint, endpoints[i]?.weight ?? 1])))
        : assignSlots(current, wanted);
      const capacity = most((known) => (hashedBy(known) === undefined ? known.capacity : 0));
      const by = affinityByHash ? 'client' : 'random';
      chain = picks.chainFor(pick, protocol, capacityFor(assigned.length, capacity), by);
    } else {
      assigned = yield* mapInSteps(table, (place) => wanted[place]);
      chain = picks.chainFor(pick, protocol, table.length, `${hashing.by}-hash`);
    }
    this.#elements.push(chain.element);
    let slot = 0;
    yield* eachInSteps(assigned, (endpoint) => this.#add(map, this.#slotKey(slot++), endpoint));
    // A draw that misses is repeated, but the last draw of a chain that packets may still be in must hit.
    const full = most((known) => known.full);
    for (; slot < current.length; slot++) {
      const standIn = slot < full ? assigned[slot % assigned.length] : undefined;
      this.#leaving.push({ setOrMap: this.#setOrMap(map), key: this.#slotKey(slot), ...(standIn && { standIn }) });
      if (endsStep(slot)) yield;
    }
    return chain.verdict;
  }

  /**
   * Whether packets may be on the way of policy Cluster, which leads from the first verdict to all endpoints. Their source
   * is translated by endpoint, and they may draw a new one.
   */
  #hadPolicyCluster(): boolean {
    const { setsAndMaps, inKernel, program } = this.#model;
    return [this.#frontendMaps.dispatch, ADMITTED_NODE_PORTS].some((name) => {
      const setOrMap = setsAndMaps.get(name);
      const verdict = behindLimit((setOrMap && inKernel(setOrMap, this.#key)) ?? '');
      return program.picks.byVerdict(verdict) !== undefined || affinityKindOf(chainOf(verdict)) !== undefined;
    });
  }

  /** The pick chains that packets may still be in. */
  #chainsInKernel(verdicts: readonly string[]): readonly PickChain[] {
    const { setsAndMaps, inKernel, program } = this.#model;
    return verdicts.flatMap((name) => {
      const setOrMap = setsAndMaps.get(name);
      const verdict = setOrMap && inKernel(setOrMap, this.#key);
      return verdict === undefined ? [] : (program.picks.byVerdict(behindLimit(verdict)) ?? []);
    });
  }

  /** The content of this frontend's slots. They are dense. */
  *#currentSlots(map: string): Steps<readonly string[]> {
    const setOrMap = this.#setOrMap(map);
    const slots: string[] = [];
    for (;;) {
      const value = this.#model.find(setOrMap, this.#slotKey(slots.length));
      if (value === undefined) return slots;
      slots.push(value);
      if (endsStep(slots.length)) yield;
    }
  }

  /** The keys by which source NAT knows its connections; none for a ClusterIP, which has its own rules. */
  *#snatKeys(): Steps<Iterable<string>> {
    const { kind, endpoints, protocol, port } = this.#frontend;
    if (kind === 'cluster-ip' || endpoints.length === 0) return [];
    if (kind !== 'node-port') return [this.#key];
    const keys = new Set<string>();
    yield* eachInSteps(endpoints, ({ address }) => keys.add(concat(protocol, port, address)));
    return keys;
  }

  #slotKey(slot: number): string {
    const known = this.#slotKeys[slot];
    if (known !== undefined) return known;
    const { kind, address, port } = this.#frontend;
    const key = kind === 'node-port' ? joined(' . ', port, slot) : joined(' . ', address, port, slot);
    this.#slotKeys[slot] = key;
    return key;
  }

  #setOrMap(name: string): SetOrMap {
    const setOrMap = this.#model.setsAndMaps.get(name);
    if (setOrMap === undefined) throw new Error(`the program has no set ${name}`);
    return setOrMap;
  }

  /**
   * Counts its connections in a set, if they are counted at all. `isMet`: connections come there. If they no longer do, the
   * count stays.
   */
  #count(name: string, isMet: boolean): void {
    const { setsAndMaps, isCounted, find } = this.#model;
    if (!isCounted || this.#counted.includes(name)) return;
    const setOrMap = setsAndMaps.get(name);
    if (setOrMap === undefined || (!isMet && find(setOrMap, this.#key) === undefined)) return;
    this.#counted.push(name);
    this.#add(name, this.#key);
  }

  #add(name: string, key: string, value = '', comment = this.#comment): void {
    this.#elements.push(this.#element(name, key, value, comment));
  }

  #element(name: string, key: string, value = '', comment = this.#comment): Element {
    return { setOrMap: this.#setOrMap(name), key, value, comment };
  }
}

function isRefusedOnLoopback({ kind, protocol }: Frontend): boolean {
  return kind === 'node-port' && LOCALHOST_REFUSED.some((refused) => refused === protocol);
}

/**
 * externalTrafficPolicy Local: two verdicts, for clients on this node and for all others. A ClusterIP has one policy for all
 * clients.
 */
function hasLocalAndClusterMaps({ kind, policy }: Frontend): boolean {
  return policy === 'local' && kind !== 'cluster-ip';
}

/** The key of a frontend in the dispatch maps. */
export function frontendElementKey({ kind, address, protocol, port }: Frontend): string {
  return kind === 'node-port' ? concat(protocol, port) : concat(address, protocol, port);
}

/** The UDP frontend whose verdict is the element with this key; undefined for any other element. */
export function udpFrontendOf(element: Pick<Element, 'setOrMap' | 'key' | 'comment'>): UdpAddress | undefined {
  const { setOrMap, key } = element;
  const { name } = setOrMap;
  if (isHeartbeat(element)) return undefined;
  if (name !== BY_ADDRESS.dispatch && name !== BY_NODE_PORT.dispatch) return undefined;
  const [port, protocol, address = ''] = parts(key).toReversed();
  return protocol === 'udp' ? { address, port: Number(port) } : undefined;
}
