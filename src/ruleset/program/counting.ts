import type { Chain } from '../elements/chain.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import type { Expression, Statement } from '../elements/statement.ts';
import { BY_ADDRESS, BY_NODE_PORT, CLOSED_NODE_PORTS, DROP_CHAIN, REFUSE_CHAIN } from './sets-and-maps.ts';

/*
 * New connections, counted by the kernel. They are counted by elements in sets of their own, which are deleted only with
 * their frontend. A counter in a verdict would start from 0 whenever the verdict is replaced, for example when a frontend
 * grows, and to read it before takes nft 1.0.6 as long as listing the table. nat chains see only the first packet of a
 * connection, so a packet is a connection. If it is refused or dropped and the client retries, that counts as another one.
 *
 * A frontend is counted once before its verdict, and again if the connection is refused or dropped. The rest was served.
 */

/** Refuses without counting, where refusals are counted. Packets that are not for a frontend go directly there. */
export const SEND_REFUSAL_CHAIN = 'send-refusal';

/** The chain for node ports, if they are counted or closed to some clients. Otherwise their rule is in `dispatch`. */
const NODE_PORTS_CHAIN = 'dispatch-node-ports';

/** The keys of connections to a frontend. */
export interface FrontendKeys {
  readonly frontend: Expression;
  readonly nodePort: Expression;
}

const isIn = (key: Expression, set: string): Statement => ({ match: { op: '==', left: key, right: `@${set}` } });
const lookUp = (key: Expression, map: string): Statement => ({ vmap: { key, data: `@${map}` } });

/**
 * The chain that every new connection reaches, and the chains that it leads all connections to. `isNodePort`: recognises
 * node ports. `clients`: who may connect to node ports, as matches of which one is enough; all others are dropped.
 * Undefined: everybody.
 */
export function dispatchChains(
  { frontend, nodePort }: FrontendKeys,
  isNodePort: readonly Statement[],
  counts: boolean,
  clients?: readonly Statement[],
): readonly Chain[] {
  const byAddress = [lookUp(frontend, BY_ADDRESS.dispatch)];
  const byNodePort = lookUp(nodePort, BY_NODE_PORT.dispatch);
  const comment = 'what happens to a new connection to a Service';
  if (!counts && clients === undefined)
    return [{ name: 'dispatch', comment, rules: [byAddress, [...isNodePort, byNodePort]] }];
  // The refusal comes last. Otherwise a node port that was just added would be open to clients that the set of closed ports
  // does not yet exclude.
  const served =
    clients === undefined
      ? [[byNodePort]]
      : [...clients.map((client) => [client, byNodePort]), [isIn(nodePort, CLOSED_NODE_PORTS), dropOf(counts)]];
  return [
    {
      name: 'dispatch',
      comment,
      rules: [
        ...(counts ? [[isIn(frontend, BY_ADDRESS.connections)]] : []),
        byAddress,
        // This check is the most expensive one for connections that are not to a node port, so it is made once.
        [...isNodePort, { goto: { target: NODE_PORTS_CHAIN } }],
      ],
    },
    {
      name: NODE_PORTS_CHAIN,
      comment: 'the same for node ports',
      rules: [...(counts ? [[isIn(nodePort, BY_NODE_PORT.connections)]] : []), ...served],
    },
  ];
}

/** The chains that count what is refused and what is dropped. */
export function countingChains({ frontend, nodePort }: FrontendKeys): readonly Chain[] {
  const refuse: Statement = { goto: { target: SEND_REFUSAL_CHAIN } };
  const drop: Statement = { drop: null };
  // A frontend's address may be the node's own, and its port a node port of another Service.
  return [
    {
      name: REFUSE_CHAIN,
      comment: 'counts and refuses a connection to a Service',
      rules: [[isIn(frontend, BY_ADDRESS.refused), refuse], [isIn(nodePort, BY_NODE_PORT.refused)], [refuse]],
    },
    {
      name: DROP_CHAIN,
      comment: 'counts and drops a connection to a Service',
      rules: [[isIn(frontend, BY_ADDRESS.dropped), drop], [isIn(nodePort, BY_NODE_PORT.dropped)], [drop]],
    },
  ];
}

/** Drops a connection to a frontend. */
export function dropOf(counts: boolean): Statement {
  return counts ? { goto: { target: DROP_CHAIN } } : { drop: null };
}

/** True for a rule that only counts. */
export function isCountingRule(rule: readonly Statement[], setsAndMaps: readonly SetOrMap[]): boolean {
  const [only, ...more] = rule;
  if (only === undefined || more.length > 0 || !('match' in only)) return false;
  const { right } = only.match;
  return setsAndMaps.some(({ name, counts }) => counts === true && right === `@${name}`);
}
