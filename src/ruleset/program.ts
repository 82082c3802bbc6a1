import { createHash } from 'node:crypto';
import type { Family } from '../ip.ts';
import {
  type Container,
  containersOf,
  destinationAddress,
  destinationPort,
  endpointsMap,
  PROTOCOLS,
  randomSlot,
  sourceAddress,
  transportProtocol,
} from './container.ts';
import { printExpression, printRule, type Statement } from './nft-json.ts';

/** Which new connections to a ClusterIP get the node's address as source. */
export type Masquerade = 'always' | 'outside-pod-cidrs' | 'never';

/** A chain of the fixed program. */
export interface Chain {
  readonly name: string;
  readonly comment?: string;
  /** Present on base chains: where the kernel calls them. */
  readonly hook?: { readonly type: 'nat' | 'filter'; readonly hook: string; readonly priority: number };
  readonly rules: readonly (readonly Statement[])[];
}

/** Everything of a family's table but its elements: the same for every cluster. */
export interface Program {
  readonly family: Family;
  readonly containers: readonly Container[];
  /** In the order a packet meets them: base chains, what they jump to, the chains that pick an endpoint. */
  readonly chains: readonly Chain[];
  /**
   * Name of an empty chain whose suffix is the hash of all the rest. By it a later start tells a table that holds
   * just this program from one of another version or with other options.
   */
  readonly marker: string;
}

/** Prefix of the marker chain's name. */
export const MARKER_PREFIX = 'program-';

/** Chain that refuses a connection. "reject" itself is a reserved word. */
export const REFUSE_CHAIN = 'refuse';

/** Slots per frontend that a pick chain can serve: powers of two up to the most ports an EndpointSlice world can hold. */
export const CAPACITIES: readonly number[] = Array.from({ length: 17 }, (_, power) => 2 ** power);

/** How often a pick chain draws among all its slots before it settles for the lower half, which is always full. */
const DRAWS = 8;

/** The chain that picks among the slots of frontends with at most `capacity` endpoints, and more than half of that. */
export function pickChain(protocol: string, capacity: number): string {
  return `pick-${protocol}-${capacity}`;
}

/** The capacity of the pick chain that a verdict goes to; 0 if it goes elsewhere. */
export function capacityOf(verdict: string): number {
  return Number(/^goto pick-[a-z]+-(\d+)$/.exec(verdict)?.[1] ?? 0);
}

/** How many slots the last draw of a pick chain chooses from. It is the last chance, so they must all be full. */
export function lastDraw(capacity: number): number {
  return capacity === 1 ? 1 : capacity / 2;
}

/** The fixed program of a family. */
export function buildProgram(family: Family, masquerade: Masquerade): Program {
  const containers = containersOf(family);
  const chains = [
    ...BASE_CHAINS,
    ...regularChains(family, masquerade),
    ...PROTOCOLS.flatMap((protocol) => CAPACITIES.map((capacity) => pick(family, protocol, capacity))),
  ];
  return { family, containers, chains, marker: `${MARKER_PREFIX}${hashOf(family, containers, chains)}` };
}

function regularChains(family: Family, masquerade: Masquerade): readonly Chain[] {
  const destination = destinationAddress(family);
  const frontend = { concat: [destination, transportProtocol, destinationPort('th')] };
  const unreachable = family === 'ip' ? 'icmp' : 'icmpv6';
  return [
    {
      name: 'dispatch',
      comment: 'new connections to a Service go on to pick an endpoint',
      rules: [[{ vmap: { key: frontend, data: '@services' } }]],
    },
    {
      name: 'no-endpoints-check',
      rules: [[{ vmap: { key: frontend, data: '@no-endpoints' } }]],
    },
    {
      name: 'cluster-ips-check',
      comment: 'still addressed to a ClusterIP: a port no Service has',
      rules: [[{ match: { op: '==', left: destination, right: '@cluster-ips' } }, { goto: { target: REFUSE_CHAIN } }]],
    },
    {
      name: REFUSE_CHAIN,
      // A reset is not rate-limited by the kernel, an ICMP error is: clients would hang instead of failing at once.
      comment: 'TCP by reset, which the kernel does not rate-limit as it does ICMP',
      rules: [
        [{ match: { op: '==', left: transportProtocol, right: 'tcp' } }, { reject: { type: 'tcp reset' } }],
        [{ reject: { type: unreachable, expr: 'port-unreachable' } }],
      ],
    },
    {
      name: 'source-nat',
      comment: 'translated connections whose replies must come back through this node',
      rules: [
        [
          { match: { op: '==', left: { concat: [sourceAddress(family), destination] }, right: '@hairpin' } },
          MASQUERADE,
        ],
        ...masqueradeRules(family, masquerade),
      ],
    },
  ];
}

const MASQUERADE: Statement = { masquerade: { flags: 'fully-random' } };

function masqueradeRules(family: Family, masquerade: Masquerade): readonly (readonly Statement[])[] {
  if (masquerade === 'never') return [];
  const toClusterIp: Statement = {
    match: { op: '==', left: { ct: { key: `${family} daddr`, dir: 'original' } }, right: '@cluster-ips' },
  };
  if (masquerade === 'always') return [[toClusterIp, MASQUERADE]];
  const fromOutside: Statement = { match: { op: '!=', left: sourceAddress(family), right: '@pod-cidrs' } };
  return [[toClusterIp, fromOutside, MASQUERADE]];
}

/**
 * Draws a slot; a draw that hits an empty slot does not match and the next rule draws again. The last rule draws from
 * the lower half, which is always full, so no packet leaves without an endpoint.
 */
function pick(family: Family, protocol: string, capacity: number): Chain {
  const draw = (slots: number): readonly Statement[] => [
    { match: { op: '==', left: transportProtocol, right: protocol } },
    {
      dnat: {
        family,
        addr: {
          map: {
            key: { concat: [destinationAddress(family), destinationPort(protocol), randomSlot(slots)] },
            data: `@${endpointsMap(protocol)}`,
          },
        },
      },
    },
  ];
  // With capacity 1 and 2 all slots are full but for the moment between losing an endpoint and the new verdict.
  const draws = Array.from({ length: capacity <= 2 ? 1 : DRAWS }, () => draw(capacity));
  return { name: pickChain(protocol, capacity), rules: capacity === 1 ? draws : [...draws, draw(lastDraw(capacity))] };
}

const inStateNew: Statement = { match: { op: 'in', left: { ct: { key: 'state' } }, right: 'new' } };
const jumpTo = (target: string): Statement => ({ jump: { target } });

/** Hooks and priorities are kube-proxy's: a public contract that other programs on a node arrange themselves around. */
const BASE_CHAINS: readonly Chain[] = [
  {
    name: 'filter-input',
    hook: { type: 'filter', hook: 'input', priority: 0 },
    rules: [[inStateNew, jumpTo('no-endpoints-check')]],
  },
  ...['forward', 'output'].map(
    (hook): Chain => ({
      name: `filter-${hook}`,
      hook: { type: 'filter', hook, priority: 0 },
      rules: [
        [inStateNew, jumpTo('no-endpoints-check')],
        [inStateNew, jumpTo('cluster-ips-check')],
      ],
    }),
  ),
  { name: 'nat-prerouting', hook: { type: 'nat', hook: 'prerouting', priority: -100 }, rules: [[jumpTo('dispatch')]] },
  { name: 'nat-output', hook: { type: 'nat', hook: 'output', priority: -100 }, rules: [[jumpTo('dispatch')]] },
  {
    name: 'nat-postrouting',
    hook: { type: 'nat', hook: 'postrouting', priority: 100 },
    rules: [[{ match: { op: 'in', left: { ct: { key: 'status' } }, right: 'dnat' } }, jumpTo('source-nat')]],
  },
];

function hashOf(family: Family, containers: readonly Container[], chains: readonly Chain[]): string {
  const printed = [
    family,
    ...containers.map(({ name, key, value, interval }) => {
      const fields = [key, value === 'verdict' ? [] : (value ?? [])].map((list) =>
        list.map((f) => printExpression(f.of)),
      );
      return JSON.stringify([name, fields, value === 'verdict', interval]);
    }),
    ...chains.map(({ name, hook, rules }) => JSON.stringify([name, hook, rules.map(printRule)])),
  ];
  return createHash('sha256').update(printed.join('\n')).digest('hex').slice(0, 12);
}
