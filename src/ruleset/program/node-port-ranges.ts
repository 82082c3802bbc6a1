import type { Family } from '../../ip.ts';
import type { Chain } from '../elements/chain.ts';
import { chainElement } from '../elements/chain-element.ts';
import type { Element } from '../elements/element.ts';
import { destinationPort, sourceAddress, transportProtocol } from '../elements/packet-fields.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import type { Expression } from '../elements/statement.ts';
import { dropOf } from './counting.ts';
import { ADMITTED_NODE_PORTS, NODE_PORT_RANGES, NODE_PORT_RANGES_CHAIN } from './sets-and-maps.ts';

/*
 * Source ranges of node ports. Few clusters have them, and an annotation may add them at any time. So the set, the map and
 * the chain are not part of the program. They are created with the first node port that has ranges, and stay, like pick
 * chains.
 */

/** Sets and maps that are created with their first element, as elements of the model. The key is the name. */
export const LATER_SETS = objects('sets and maps that are added with their first element');

/** The chains that look them up. */
export const RANGE_CHECKS = objects('chains that check the source ranges of node ports');

function objects(comment: string): SetOrMap {
  return { name: comment, key: [], stays: true, comment };
}

/** How clients in a node port's source ranges reach its verdict. */
export interface RangeCheck {
  /** "goto node-port-ranges-check" */
  readonly verdict: string;
  /** Everything that is needed for it, as the model holds it. */
  readonly elements: readonly Element[];
  /** The chain among the elements. */
  readonly chain: Element;
}

/** The chain of a family. `counts`: dropped connections are counted. */
export function rangeCheckChain(family: Family, counts: boolean): Chain {
  const nodePort: Expression = { concat: [transportProtocol, destinationPort('th')] };
  const allowed: Expression = { concat: [destinationPort('th'), transportProtocol, sourceAddress(family)] };
  return {
    name: NODE_PORT_RANGES_CHAIN,
    rules: [
      [
        { match: { op: '!=', left: allowed, right: `@${NODE_PORT_RANGES}` } },
        // A process on this node may always connect: it could as well connect to the endpoints.
        { match: { op: '!=', left: { fib: { result: 'type', flags: ['saddr'] } }, right: 'local' } },
        dropOf(counts),
      ],
      [{ vmap: { key: nodePort, data: `@${ADMITTED_NODE_PORTS}` } }],
    ],
  };
}

/** The same with what it looks up, as the model holds it. */
export function rangeCheckOf(rules: Chain): RangeCheck {
  const chain = chainElement(RANGE_CHECKS, rules);
  const sets = [NODE_PORT_RANGES, ADMITTED_NODE_PORTS].map(laterSet);
  return { verdict: `goto ${chain.key}`, elements: [...sets, chain], chain };
}

/** True for the name of such a chain. */
export function isRangeCheck(name: string): boolean {
  return name === NODE_PORT_RANGES_CHAIN;
}

/** A set or map found in the kernel, as the model holds it; undefined for one that is declared from the beginning. */
export function foundLaterSet(name: string): Element | undefined {
  return name === NODE_PORT_RANGES || name === ADMITTED_NODE_PORTS ? laterSet(name) : undefined;
}

function laterSet(key: string): Element {
  return { setOrMap: LATER_SETS, key, value: '', comment: '' };
}
