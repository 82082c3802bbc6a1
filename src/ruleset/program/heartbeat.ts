import type { Family } from '../../ip.ts';
import { concat, type Element, parts } from '../elements/element.ts';
import type { Program } from './program.ts';
import { BY_ADDRESS, endpointsMap } from './sets-and-maps.ts';

/**
 * Where heartbeats go: a frontend of our own, whose only endpoint is a socket of the daemon. For IPv4, this is a loopback
 * address that nobody else uses: a program that gets the port after the daemon has died receives no heartbeats. IPv6 has
 * only one loopback address.
 */
export const HEARTBEAT_ADDRESS: Readonly<Record<Family, string>> = { ip: '127.107.112.110', ip6: '::1' };

/** The UDP ports of a family's heartbeat: the port it is sent to, and the port our rules lead it to. */
export interface HeartbeatPorts {
  readonly front: number;
  readonly back: number;
}

/** The comment of its elements. No Service can have this name, because it would contain a slash. */
const COMMENT = 'kube-proxy-nft heartbeat';

/** The elements that lead a heartbeat on, each after its target: it passes dispatch, a verdict and a pick chain. */
export function heartbeatElements({ family, setsAndMaps, picks }: Program, ports: HeartbeatPorts): readonly Element[] {
  const address = HEARTBEAT_ADDRESS[family];
  const pick = picks.chainFor(BY_ADDRESS.pick, 'udp', 1);
  const element = (name: string, key: string, value: string): Element => {
    const setOrMap = setsAndMaps.find((known) => known.name === name);
    if (setOrMap === undefined) throw new Error(`the program has no set ${name}`);
    return { setOrMap, key, value, comment: COMMENT };
  };
  return [
    pick.element,
    element(ENDPOINTS, concat(address, ports.front, 0), concat(address, ports.back)),
    element(BY_ADDRESS.dispatch, concat(address, 'udp', ports.front), pick.verdict),
  ];
}

/** True for an element that serves a heartbeat and not a Service, by its comment. It is not shown to people. */
export function isHeartbeat({ comment }: Pick<Element, 'comment'>): boolean {
  return comment === COMMENT;
}

/** The ports with which the elements found in a kernel lead a heartbeat; undefined if there are none. */
export function heartbeatPortsIn(found: readonly Element[]): HeartbeatPorts | undefined {
  const slot = found.find((element) => isHeartbeat(element) && element.setOrMap.name === ENDPOINTS);
  if (slot === undefined) return undefined;
  const [front, back] = [parts(slot.key)[1], parts(slot.value)[1]].map(Number);
  return front && back ? { front, back } : undefined;
}

const ENDPOINTS = endpointsMap(BY_ADDRESS.endpoints, 'udp');
