import type { Chain } from '../elements/chain.ts';
import type { Expression, Statement } from '../elements/statement.ts';
import { BY_ADDRESS } from './sets-and-maps.ts';

/** The chain that refuses packets in the middle of connections that the kernel does not know. */
const CHAIN = 'unknown-connections';

/** A packet in any other state meets only this one comparison. */
const INVALID: Statement = { match: { op: 'in', left: { ct: { key: 'state' } }, right: 'invalid' } };

/** The base chains that lead there. */
export const UNKNOWN_CONNECTIONS_HOOKS: readonly Chain[] = ['prerouting', 'output'].map((hook) => ({
  name: `filter-${hook}-unknown`,
  hook: { type: 'filter', hook, priority: -90 },
  rules: [[INVALID, { jump: { target: CHAIN } }]],
}));

/**
 * If nf_conntrack_tcp_loose is 0, a packet in the middle of a connection that conntrack does not know is INVALID. nat chains
 * do not see it, so it would leave the node with a Service's address as its destination. This chain answers it with a reset
 * instead. Node ports do not need that, because the node itself does not know the connection. `destination`, `frontend`: a
 * packet's address, and its address, protocol and port.
 */
export function unknownConnectionsChain(destination: Expression, frontend: Expression): Chain {
  const tcp: Statement = { match: { op: '==', left: { meta: { key: 'l4proto' } }, right: 'tcp' } };
  const among = (left: Expression, set: string): Statement => ({ match: { op: '==', left, right: `@${set}` } });
  const notLocal: Statement = {
    match: { op: '!=', left: { fib: { result: 'type', flags: ['daddr'] } }, right: 'local' },
  };
  const reset: Statement = { reject: { type: 'tcp reset' } };
  return {
    name: CHAIN,
    comment: 'TCP packets within connections that conntrack does not know',
    rules: [
      // What is bound on the node itself is not ours to refuse.
      [tcp, among(destination, 'cluster-ips'), notLocal, reset],
      // Every frontend except ClusterIPs is in one of these.
      ...[BY_ADDRESS.snat, BY_ADDRESS.snatFromNode].map((set) => [tcp, among(frontend, set), reset]),
    ],
  };
}
