import { createHash } from 'node:crypto';
import type { Family } from '../../ip.ts';
import type { Chain } from '../elements/chain.ts';
import { destinationAddress, destinationPort, sourceAddress, transportProtocol } from '../elements/packet-fields.ts';
import { PROTOCOLS, type SetOrMap } from '../elements/set-or-map.ts';
import { type Expression, type Operand, printExpression, printRule, type Statement } from '../elements/statement.ts';
import { countingChains, dispatchChains, dropOf, SEND_REFUSAL_CHAIN } from './counting.ts';
import { type Hops, hopsOf } from './hops.ts';
import { type RangeCheck, rangeCheckChain, rangeCheckOf } from './node-port-ranges.ts';
import { createPickChains, type PickChains } from './pick-chain.ts';
import {
  ADMITTED,
  BY_ADDRESS,
  BY_NODE_PORT,
  declaredAtOnce,
  type FrontendMaps,
  NODE_PORT_CLIENTS,
  REFUSE_CHAIN,
  SOURCE_RANGES_CHAIN,
  setsAndMapsOf,
} from './sets-and-maps.ts';
import { UNKNOWN_CONNECTIONS_HOOKS, unknownConnectionsChain } from './unknown-connections.ts';

/** How a connection from a pod of this cluster (or node) is recognised: by its source, or by its interface. */
export type LocalPods =
  /** `comeLater`: there may be no networks of this family, now or ever. Until there are, nobody is outside of them. */
  { readonly by: 'pod-cidrs'; readonly comeLater?: boolean } | { readonly by: 'interface'; readonly pattern: string };

/** The parts of a node's configuration that are in the program rather than in its data. */
export interface ProgramOptions {
  /** Every connection to a ClusterIP gets the node's address as its source. */
  readonly masqueradeAll?: boolean;
  /** Absent: nobody can be recognised as outside. */
  readonly localPods?: LocalPods | undefined;
  /**
   * Node ports are also served on loopback: over TCP, by a listener of this daemon (KEP-6032). Other protocols are refused.
   */
  readonly localhostNodePorts?: boolean;
  /** New connections are counted for each frontend (see counting.ts). */
  readonly connectionCounters?: boolean;
  /** Only clients in some networks (see NODE_PORT_CLIENTS), and this node, may connect to node ports. */
  readonly nodePortClients?: boolean;
  /** Packets in the middle of connections that conntrack does not know are refused (see unknown-connections.ts). */
  readonly resetUnknown?: boolean;
}

/** Everything in a family's table except its elements. It is the same for every cluster. */
export interface Program {
  readonly family: Family;
  readonly setsAndMaps: readonly SetOrMap[];
  /** In the order in which a packet meets them: base chains, then what they jump to. */
  readonly chains: readonly Chain[];
  /** The chains that pick an endpoint. The kernel has those that an element has ever led to. */
  readonly picks: PickChains;
  /** Checks the source ranges of node ports. It is in the kernel once an element leads to it. */
  readonly rangeCheck: RangeCheck;
  readonly hops: Hops;
  /**
   * The name of an empty chain that ends with a hash of everything else. By this name, a later start recognises a table with
   * exactly this program. Other versions and other options have other names.
   */
  readonly marker: string;
}

/** The chain that refuses and counts what listeners cannot serve, with a rule for each protocol in LOCALHOST_REFUSED. */
export const LOCALHOST_CHAIN = 'localhost-node-ports-check';

/** Protocols whose node ports are refused on loopback. */
export const LOCALHOST_REFUSED = ['udp', 'sctp'] as const;

/** Prefix of the marker chain's name. */
export const MARKER_PREFIX = 'program-';

/** The fixed program of a family. */
export function buildProgram(family: Family, options: ProgramOptions): Program {
  const setsAndMaps = setsAndMapsOf(family, options);
  const chains = [...baseChains(options), ...regularChains(family, options)];
  const check = rangeCheckChain(family, options.connectionCounters === true);
  return {
    family,
    setsAndMaps,
    chains,
    picks: createPickChains(family),
    rangeCheck: rangeCheckOf(check),
    hops: hopsOf([...chains, check], setsAndMaps),
    marker: `${MARKER_PREFIX}${hashOf(family, setsAndMaps, chains)}`,
  };
}

const STATE_NEW: Statement = { match: { op: 'in', left: { ct: { key: 'state' } }, right: 'new' } };
const jumpTo = (target: string): Statement => ({ jump: { target } });
const equal = (left: Expression, right: Operand): Statement => ({ match: { op: '==', left, right } });
const unequal = (left: Expression, right: Operand): Statement => ({ match: { op: '!=', left, right } });
const lookUp = (key: Expression, map: string): Statement => ({ vmap: { key, data: `@${map}` } });
const typeOf = (which: 'saddr' | 'daddr'): Expression => ({ fib: { result: 'type', flags: [which] } });
/** Our own reset belongs to the connection that it refuses, and passes output. The client's port may equal a node port. */
const FROM_CLIENT: Statement = equal({ ct: { key: 'direction' } }, 'original');
const MASQUERADE: Statement = { masquerade: { flags: 'fully-random' } };

function regularChains(family: Family, options: ProgramOptions): readonly Chain[] {
  const destination = destinationAddress(family);
  const source = sourceAddress(family);
  const nodePort: Expression = { concat: [transportProtocol, destinationPort('th')] };
  const frontend: Expression = { concat: [destination, ...nodePort.concat] };
  const loopback = family === 'ip' ? { addr: '127.0.0.0', len: 8 } : { addr: '::1', len: 128 };
  const onNodePorts = [equal(destination, '@node-port-networks'), unequal(destination, { prefix: loopback })];
  const allowed: Expression = { concat: [...frontend.concat, source] };
  const { connectionCounters = false, nodePortClients = false } = options;
  const clients = [equal(source, `@${NODE_PORT_CLIENTS}`), equal(typeOf('saddr'), 'local')];
  const keys = { frontend, nodePort };
  // Refusals of packets that are not for a frontend are not counted.
  const refusal = connectionCounters ? SEND_REFUSAL_CHAIN : REFUSE_CHAIN;
  return [
    ...dispatchChains(
      keys,
      [...onNodePorts, equal(typeOf('daddr'), 'local')],
      connectionCounters,
      nodePortClients ? clients : undefined,
    ),
    {
      name: SOURCE_RANGES_CHAIN,
      comment: 'loadBalancerSourceRanges',
      rules: [[unequal(allowed, '@source-ranges'), dropOf(connectionCounters)], [lookUp(frontend, ADMITTED)]],
    },
    localPolicy(BY_ADDRESS, frontend, family, options),
    localPolicy(BY_NODE_PORT, nodePort, family, options),
    ...(options.localhostNodePorts ? [localhostCheck(destination, nodePort, loopback, refusal)] : []),
    {
      name: 'cluster-ips-check',
      // A node-local DNS cache has a ClusterIP on this node. What is bound here is not ours to refuse.
      comment: 'not translated, so no Service has this port or this address',
      rules: [
        [equal(destination, '@cluster-ips'), unequal(typeOf('daddr'), 'local'), { goto: { target: refusal } }],
        [equal(destination, '@service-cidrs'), unequal(typeOf('daddr'), 'local'), { drop: null }],
      ],
    },
    ...(connectionCounters ? countingChains(keys) : []),
    {
      name: refusal,
      // The kernel rate-limits ICMP errors, but not resets. Clients would hang instead of failing at once.
      comment: 'TCP gets a reset: the kernel limits the rate of ICMP errors, but not of resets',
      rules: [
        [equal(transportProtocol, 'tcp'), { reject: { type: 'tcp reset' } }],
        [{ reject: { type: family === 'ip' ? 'icmp' : 'icmpv6', expr: 'port-unreachable' } }],
      ],
    },
    ...sourceNat(family, options),
    ...(options.resetUnknown ? [unknownConnectionsChain(destination, frontend)] : []),
  ];
}

/** In hook input, not output: a refusal in output reaches a UDP client as EPERM instead of ECONNREFUSED. */
function localhostCheck(
  destination: Expression,
  nodePort: Expression,
  loopback: { addr: string; len: number },
  refusal: string,
): Chain {
  return {
    name: LOCALHOST_CHAIN,
    comment: 'node ports on loopback: only TCP can be served there, by listeners',
    rules: LOCALHOST_REFUSED.map((protocol) => [
      equal(destination, { prefix: loopback }),
      equal(transportProtocol, protocol),
      equal(nodePort, '@localhost-node-ports'),
      { counter: null },
      { goto: { target: refusal } },
    ]),
  };
}

/** Clients on this node reach every endpoint of a frontend with policy Local. All others reach those on this node. */
function localPolicy(
  frontendMaps: FrontendMaps,
  key: Expression,
  family: Family,
  { localPods }: ProgramOptions,
): Chain {
  const toAll = lookUp(key, frontendMaps.cluster);
  return {
    name: frontendMaps.localPolicy,
    comment: 'externalTrafficPolicy Local: clients on this node use all endpoints, others only those on this node',
    rules: [
      ...(localPods === undefined ? [] : [[fromPods(family, localPods, equal), toAll]]),
      [equal(typeOf('saddr'), 'local'), toAll],
      [lookUp(key, frontendMaps.local)],
    ],
  };
}

function fromPods(family: Family, localPods: LocalPods, compare: typeof equal): Statement {
  return localPods.by === 'pod-cidrs'
    ? compare(sourceAddress(family), '@pod-cidrs')
    : // Not iif: nft refuses patterns there, and interfaces that are not there yet (1.0.6).
      compare({ meta: { key: 'iifname' } }, localPods.pattern);
}

/** Without packet marks: conntrack knows the original destination of a connection. */
function sourceNat(family: Family, { masqueradeAll, localPods }: ProgramOptions): readonly Chain[] {
  const destination = destinationAddress(family);
  const wasAddress: Expression = { ct: { key: `${family} daddr`, dir: 'original' } };
  const wasPort: readonly Expression[] = [transportProtocol, { ct: { key: 'proto-dst', dir: 'original' } }];
  const wasFrontend: Expression = { concat: [wasAddress, ...wasPort] };
  const wasNodePort: Expression = { concat: [...wasPort, destination] };
  // Without it, nft does not know what the original port is ("variable sized data types").
  const hasPorts = equal(transportProtocol, { set: PROTOCOLS });
  // Addresses of the node within the pods' networks count as pods first, like in the choice of endpoints.
  const fromNode = [
    ...(localPods?.by === 'pod-cidrs' ? [fromPods(family, localPods, unequal)] : []),
    equal(typeOf('saddr'), 'local'),
    MASQUERADE,
  ];
  const isKnown =
    localPods?.by === 'pod-cidrs' && localPods.comeLater ? [equal(sourceAddress(family), '@all-sources')] : [];
  const fromOutside = localPods === undefined ? [] : [[...isKnown, fromPods(family, localPods, unequal), MASQUERADE]];
  return [
    {
      name: 'source-nat',
      comment: 'translated connections whose replies must come back through this node',
      rules: [
        [equal({ concat: [sourceAddress(family), destination] }, '@hairpin'), MASQUERADE],
        [equal(wasAddress, '@cluster-ips'), { goto: { target: 'cluster-ip-source-nat' } }],
        [hasPorts, equal(wasFrontend, `@${BY_ADDRESS.snat}`), MASQUERADE],
        [hasPorts, equal(wasFrontend, `@${BY_ADDRESS.snatFromNode}`), ...fromNode],
        [hasPorts, equal(wasNodePort, `@${BY_NODE_PORT.snat}`), MASQUERADE],
        [hasPorts, equal(wasNodePort, `@${BY_NODE_PORT.snatFromNode}`), ...fromNode],
      ],
    },
    {
      name: 'cluster-ip-source-nat',
      comment: 'pods keep their address',
      rules: masqueradeAll ? [[MASQUERADE]] : fromOutside,
    },
  ];
}

/**
 * All lookups are in nat chains, which see only the first packet of a connection, so an open connection meets no rule. The
 * chains that translate have kube-proxy's hooks and priorities, which are a public contract that other programs on a node
 * rely on. The later ones only apply if nobody has translated the connection by then, including other programs.
 */
const baseChains = ({ localhostNodePorts = false, resetUnknown = false }: ProgramOptions): readonly Chain[] => [
  ...['prerouting', 'output'].flatMap((hook): readonly Chain[] => [
    { name: `nat-${hook}`, hook: { type: 'nat', hook, priority: -100 }, rules: [[FROM_CLIENT, jumpTo('dispatch')]] },
    {
      name: `nat-${hook}-untranslated`,
      hook: { type: 'nat', hook, priority: -90 },
      rules: [[FROM_CLIENT, jumpTo('cluster-ips-check')]],
    },
  ]),
  ...(localhostNodePorts
    ? [
        {
          name: 'filter-input',
          hook: { type: 'filter' as const, hook: 'input', priority: 0 },
          rules: [[STATE_NEW, jumpTo(LOCALHOST_CHAIN)]],
        },
      ]
    : []),
  ...(resetUnknown ? UNKNOWN_CONNECTIONS_HOOKS : []),
  {
    name: 'nat-postrouting',
    hook: { type: 'nat', hook: 'postrouting', priority: 100 },
    rules: [[{ match: { op: 'in', left: { ct: { key: 'status' } }, right: 'dnat' } }, jumpTo('source-nat')]],
  },
];

function hashOf(family: Family, setsAndMaps: readonly SetOrMap[], chains: readonly Chain[]): string {
  const printed = [
    family,
    ...declaredAtOnce(setsAndMaps).map(({ name, key, value, interval, counts }) => {
      const fields = [key, value === 'verdict' ? [] : (value ?? [])].map((list) =>
        list.map((f) => printExpression(f.of)),
      );
      return JSON.stringify([name, fields, value === 'verdict', interval, ...(counts ? ['counter'] : [])]);
    }),
    ...chains.map(({ name, hook, rules }) => JSON.stringify([name, hook, rules.map(printRule)])),
  ];
  return createHash('sha256').update(printed.join('\n')).digest('hex').slice(0, 12);
}
