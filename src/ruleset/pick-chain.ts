import type { Family } from '../ip.ts';
import {
  BY_ADDRESS,
  BY_NODE_PORT,
  destinationAddress,
  destinationPort,
  endpointsMap,
  PROTOCOLS,
  randomSlot,
  transportProtocol,
} from './container.ts';
import type { Statement } from './nft-json.ts';

/** Slots per frontend that a pick chain can serve: powers of two up to the most ports an EndpointSlice world can hold. */
export const CAPACITIES: readonly number[] = Array.from({ length: 17 }, (_, power) => 2 ** power);

/** How often a pick chain draws among all its slots before it settles for the lower half, which is always full. */
const DRAWS = 8;

/** The chain that picks among the slots of frontends with at most `capacity` endpoints, and more than half of that. */
export function pickChain(prefix: string, protocol: string, capacity: number): string {
  return `${prefix}-${protocol}-${capacity}`;
}

/** The capacity of the pick chain that a verdict goes to; 0 if it goes elsewhere. */
export function capacityOf(verdict: string): number {
  return Number(/^goto pick-[a-z-]+-(\d+)$/.exec(verdict)?.[1] ?? 0);
}

/** How many slots the last draw of a pick chain chooses from. It is the last chance, so they must all be full. */
export function lastDraw(capacity: number): number {
  return capacity === 1 ? 1 : capacity / 2;
}

/** Every pick chain of a family's program: name and rules. */
export function pickChains(
  family: Family,
): readonly { readonly name: string; readonly rules: readonly Statement[][] }[] {
  return [BY_ADDRESS, BY_NODE_PORT].flatMap((entrance) =>
    [[entrance.pick, entrance.endpoints] as const, [entrance.localPick, entrance.localEndpoints] as const].flatMap(
      ([pick, endpoints]) =>
        PROTOCOLS.flatMap((protocol) =>
          CAPACITIES.map((capacity) => ({
            name: pickChain(pick, protocol, capacity),
            rules: drawRules(family, protocol, endpointsMap(endpoints, protocol), entrance === BY_ADDRESS, capacity),
          })),
        ),
    ),
  );
}

/**
 * Draws a slot; a draw that hits an empty slot does not match and the next rule draws again. The last rule draws from
 * the lower half, which is always full, so no packet leaves without an endpoint.
 */
function drawRules(
  family: Family,
  protocol: string,
  map: string,
  withAddress: boolean,
  capacity: number,
): readonly Statement[][] {
  const draw = (slots: number): Statement[] => {
    const frontend = [...(withAddress ? [destinationAddress(family)] : []), destinationPort(protocol)];
    return [
      { match: { op: '==', left: transportProtocol, right: protocol } },
      { dnat: { family, addr: { map: { key: { concat: [...frontend, randomSlot(slots)] }, data: `@${map}` } } } },
    ];
  };
  // With capacity 1 and 2 all slots are full but for the moment between losing an endpoint and the new verdict.
  const draws = new Array<Statement[]>(capacity <= 2 ? 1 : DRAWS).fill(draw(capacity));
  return capacity === 1 ? draws : [...draws, draw(lastDraw(capacity))];
}
