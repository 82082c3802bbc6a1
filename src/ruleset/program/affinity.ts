import type { Family } from '../../ip.ts';
import type { Endpoint } from '../../service/endpoints.ts';
import type { Frontend } from '../../service/frontend.ts';
import type { Chain } from '../elements/chain.ts';
import { chainElement } from '../elements/chain-element.ts';
import type { Element } from '../elements/element.ts';
import { nameOf } from '../elements/object-name.ts';
import { randomSlot, sourceAddress, transportProtocol } from '../elements/packet-fields.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import type { Expression, Statement } from '../elements/statement.ts';
import { fullEndpoint } from './limits.ts';

/**
 * Session affinity is the one thing that is not data of the fixed program: a Service with session affinity gets its own
 * chains, in kube-proxy's form, and a set of clients for each endpoint. (A map from client to endpoint would be data, but
 * nft 1.0.6 aborts on its IPv6 form.) The model treats each such object as an element of one of these three, which it
 * claims, compares, adopts and deletes like any other.
 */
export const AFFINITY_PICKS = objects('chains that pick an endpoint for Services with session affinity');
export const AFFINITY_ENDPOINTS = objects('chains of the endpoints of these Services');
export const AFFINITY_SETS = objects('clients of these endpoints');

function objects(comment: string): SetOrMap {
  return { name: comment, key: [], comment };
}

/** Which of a ServicePort's endpoints a chain picks from: those of policy Cluster, or those on this node. */
export type PickScope = 'service' | 'local';

/** kube-proxy's name prefixes, which operators know. */
const PREFIXES = { endpoint: 'endpoint-', set: 'affinity-', service: 'service-', local: 'local-' } as const;

/** The kind of a chain, by its name; undefined for all others. */
export function affinityKindOf(chain: string): SetOrMap | undefined {
  // The fixed chains have no slash in their names. Every name here contains namespace, name, protocol and port.
  if (!chain.includes('/')) return undefined;
  if (chain.startsWith(PREFIXES.endpoint)) return AFFINITY_ENDPOINTS;
  return chain.startsWith(PREFIXES.service) || chain.startsWith(PREFIXES.local) ? AFFINITY_PICKS : undefined;
}

/** True for the name of a set of clients. */
export function isAffinitySet(name: string): boolean {
  return name.startsWith(PREFIXES.set);
}

/** Whether a frontend has its own chains, with one for each endpoint. */
export function hasOwnChains({ affinitySeconds, affinityByHash, maxConnections }: Frontend): boolean {
  return (affinitySeconds !== undefined && affinityByHash !== true) || maxConnections !== undefined;
}

/**
 * The elements that serve `endpoints` (sorted, at least one) with session affinity, and the name of the chain to go to.
 * Clients in the set of an endpoint go there again. All others go to a random endpoint, which adds them to its set. Without
 * affinity, but with a limit of open connections for each endpoint, there are no such sets.
 */
export function affinityElements(
  frontend: Frontend,
  scope: PickScope,
  endpoints: readonly Endpoint[],
): { readonly chain: string; readonly elements: readonly Element[] } {
  const { family, servicePort, protocol, affinitySeconds: seconds, maxConnections } = frontend;
  const full = maxConnections === undefined ? undefined : fullEndpoint(frontend, maxConnections);
  const owner = `${servicePort.replace(':', '/')}/${protocol}`;
  const members = endpoints.map((endpoint) => {
    const id = `${owner}__${endpoint.address.replaceAll(':', '.')}/${endpoint.port}`;
    return { endpoint, chain: nameOf(PREFIXES.endpoint, id), set: nameOf(PREFIXES.set, id) };
  });
  const goTo = (target: string): Statement => ({ goto: { target } });
  let left = members.reduce((sum, { endpoint: { weight = 1 } }) => sum + weight, 0);
  const pick: Chain = {
    name: nameOf(PREFIXES[scope], owner),
    rules: [
      ...(seconds === undefined ? [] : members).map(({ chain, set }): Statement[] => [
        { match: { op: '==', left: sourceAddress(family), right: `@${set}` } },
        goTo(chain),
      ]),
      // One in n, then one in n-1 of the rest, …, or as many as the endpoint's weight. There is no anonymous map, because
      // nft 1.0.6 cannot read one that nft 1.1 wrote.
      ...members.map(({ chain, endpoint: { weight = 1 } }, i): Statement[] => {
        if (i === members.length - 1) return [goTo(chain)];
        const drawn = randomSlot(left);
        left -= weight;
        const match = weight === 1 ? ({ op: '==', left: drawn, right: 0 } as const) : lessThan(drawn, weight);
        return [{ match }, goTo(chain)];
      }),
    ],
  };
  return {
    chain: pick.name,
    elements: [
      ...(full === undefined ? [] : [full.counter]),
      ...members.flatMap(({ endpoint, chain, set }) => [
        ...(seconds === undefined ? [] : [setElement(set)]),
        chainElement(AFFINITY_ENDPOINTS, {
          name: chain,
          rules: [
            ...(full === undefined ? [] : [full.rule]),
            ...endpointRules(family, protocol, set, seconds, endpoint),
          ],
        }),
      ]),
      chainElement(AFFINITY_PICKS, pick),
    ],
  };
}

function lessThan(left: Expression, right: number): Extract<Statement, { match: object }>['match'] {
  return { op: '<', left, right };
}

/** A full set (65,535 clients) only ends its own rule. The connection is still translated. */
function endpointRules(
  family: Family,
  protocol: string,
  set: string,
  seconds: number | undefined,
  { address, port }: Endpoint,
): readonly Statement[][] {
  return [
    ...(seconds === undefined
      ? []
      : [
          [
            {
              set: {
                op: 'update' as const,
                elem: { elem: { val: sourceAddress(family), timeout: seconds } },
                set: `@${set}`,
              },
            },
          ],
        ]),
    [{ match: { op: '==', left: transportProtocol, right: protocol } }, { dnat: { family, addr: address, port } }],
  ];
}

/** A set as the model holds it. Packets add and remove its clients. */
export function setElement(name: string): Element {
  return { setOrMap: AFFINITY_SETS, key: name, value: '', comment: '' };
}

/** How many clients a set remembers: nft's own limit for sets that packets fill. */
export const MAX_CLIENTS = 65_535;

/** A set of clients as text. For JSON see nft/json/set-json.ts. */
export function setText(family: Family, name: string): string {
  return [
    `\tset ${name} {`,
    `\t\ttypeof ${family} saddr`,
    `\t\tsize ${MAX_CLIENTS}`,
    '\t\tflags dynamic,timeout',
    '\t}',
  ].join('\n');
}
