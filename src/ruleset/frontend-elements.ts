import type { Endpoint } from '../service/endpoints.ts';
import type { Frontend } from '../service/frontend.ts';
import type { Container } from './container.ts';
import { endpointsMap } from './container.ts';
import { commentOf, concat, type Element } from './element.ts';
import { pickChain, REFUSE_CHAIN } from './program.ts';
import { assignSlots, capacityFor, MAX_ENDPOINTS } from './slots.ts';

/** The containers of a program by name. */
export type Containers = ReadonlyMap<string, Container>;

/** What an endpoint map holds for a key at the moment, or undefined. */
export type CurrentValue = (container: Container, key: string) => string | undefined;

/**
 * The elements by which the fixed program serves a frontend. `current` tells the slots in use, which stay as they are
 * where they can. Endpoints beyond MAX_ENDPOINTS get no connections.
 */
export function frontendElements(frontend: Frontend, containers: Containers, current: CurrentValue): Element[] {
  const { address, protocol } = frontend;
  const comment = commentOf(frontend.servicePort);
  const element = (name: string, key: string, value = '', text = comment): Element => {
    const container = containers.get(name);
    if (container === undefined) throw new Error(`the program has no set ${name}`);
    return { container, key, value, comment: text };
  };
  const key = frontendElementKey(frontend);
  // Shared by several frontends, as hairpin elements are: a comment would depend on who came last.
  const clusterIp = element('cluster-ips', address, '', '');
  const endpoints = frontend.endpoints.slice(0, MAX_ENDPOINTS);
  if (endpoints.length === 0) return [clusterIp, element('no-endpoints', key, `goto ${REFUSE_CHAIN}`)];

  const map = endpointsMap(protocol);
  const slots = assignSlots(
    currentSlots(frontend, containers.get(map), current),
    endpoints.map((endpoint) => concat(endpoint.address, endpoint.port)),
  );
  const hairpin = (endpoint: Endpoint) => element('hairpin', concat(endpoint.address, endpoint.address), '', '');
  return [
    clusterIp,
    ...slots.map((endpoint, slot) => element(map, slotKey(frontend, slot), endpoint)),
    ...endpoints.filter(({ maybeLocal }) => maybeLocal).map(hairpin),
    element('services', key, `goto ${pickChain(protocol, capacityFor(slots.length))}`),
  ];
}

/** The key of a frontend in the dispatch maps. */
export function frontendElementKey({
  address,
  protocol,
  port,
}: Pick<Frontend, 'address' | 'protocol' | 'port'>): string {
  return concat(address, protocol, port);
}

/** The key of a frontend's slot in its protocol's endpoint map. */
export function slotKey({ address, port }: Pick<Frontend, 'address' | 'port'>, slot: number): string {
  return concat(address, port, slot);
}

function currentSlots(frontend: Frontend, container: Container | undefined, current: CurrentValue): string[] {
  const slots: string[] = [];
  for (let slot = 0; container !== undefined; slot++) {
    const value = current(container, slotKey(frontend, slot));
    if (value === undefined) break;
    slots.push(value);
  }
  return slots;
}
