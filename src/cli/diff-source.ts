import { isDeepStrictEqual } from 'node:util';
import { elementChanges } from '../audit/element-changes.ts';
import type { Arguments } from '../config/arguments.ts';
import { Conntrack, ConntrackError } from '../conntrack/conntrack.ts';
import { flowsThrough, type Way } from '../conntrack/flows-through.ts';
import { requestDaemon } from '../control/control-socket.ts';
import { allElements, type DaemonModel, elementsIn } from '../daemon/answers/model-answer.ts';
import { createModels } from '../daemon/models.ts';
import { readCluster } from '../daemon/read-cluster.ts';
import { settle } from '../daemon/settle.ts';
import { FAMILIES, FAMILY_NAMES, type Family } from '../ip.ts';
import type { Log } from '../log.ts';
import type { Element } from '../ruleset/elements/element.ts';
import { elementText } from '../ruleset/elements/element-text.ts';
import { isHeartbeat } from '../ruleset/program/heartbeat.ts';
import { OBJECTS } from '../ruleset/program/objects.ts';
import type { Cluster } from '../service/cluster.ts';
import { SHORTFALL_REASONS } from '../service/shortfall.ts';
import { interfaceNode } from '../source/manifests/interface-node.ts';
import { changeLines, counted, type SignedLine } from '../status/changes-text.ts';
import { nodePortClientsIn } from '../status/node-port-clients.ts';
import { type ServiceChange, serviceChanges } from '../status/service-changes.ts';
import { besideRules, serviceRow } from '../status/service-rows.ts';
import { rowsOf } from './get.ts';

/** How another source would change a node. */
export interface SourceDifferences {
  /** The daemon's source, and the other one. */
  readonly from: string;
  readonly to: string;
  readonly services: readonly ServiceChange[];
  /** The number of Services now, and with the other source. */
  readonly count: readonly [before: number, after: number];
  /** Elements, chains and sets to write and delete, as "map endpoints-tcp: KEY : VALUE". Changed ones are in both. */
  readonly families: readonly {
    readonly family: Family;
    readonly added: readonly string[];
    readonly removed: readonly string[];
  }[];
  /** The number of objects that would not be served as specified, by reason. */
  readonly shortfalls: Readonly<Record<string, number>>;
  /** Open connections to removed endpoints, by protocol; null if they could not be counted. */
  readonly connections: Readonly<Record<string, number>> | null;
}

/** The command line, with the daemon's flags for everything that affects what it programs for a cluster. */
export function argumentsOf(args: Arguments, { arguments: theirs }: DaemonModel): Arguments {
  return { ...args, ...theirs, podCidrs: new Map(theirs.podCidrs) };
}

/**
 * What would change if the daemon had the source that `args` name. It simulates a restart of the daemon with that source on
 * top of what is programmed.
 * @throws ProxyError for what is wrong with the source
 */
export async function sourceDifferences(daemon: DaemonModel, args: Arguments, log: Log): Promise<SourceDifferences> {
  const theirs = argumentsOf(args, daemon);
  const rows = await rowsOf({}, async (path) => (await requestDaemon(args.runDir, path)) ?? '{"rows":[]}');
  const { cluster, shortfalls, description } = await readCluster(theirs, log, (read) => complete(read, daemon));
  const families = daemon.families.map(({ family }) => family);
  const models = createModels(cluster, families, theirs, log, undefined, shortfalls);
  const changed = models.map((model) => {
    const table = daemon.families.find(({ family }) => family === model.family);
    const before = table === undefined ? [] : elementsIn(table, model).filter((element) => !isHeartbeat(element));
    settle(model, before);
    const { added, removed } = elementChanges(before, allElements(model));
    return { family: model.family, added: added.map(textOf), removed: removed.map(textOf) };
  });
  const clients = models.map(nodePortClientsIn);
  const after = [...cluster.serviceKeys()].flatMap((key) => {
    const beside = besideRules(cluster.service(key), theirs);
    return models.flatMap((model, i) =>
      model.frontendsOf(key).map((frontend) => serviceRow(frontend, beside, clients[i])),
    );
  });
  const services = serviceChanges(rows, after);
  const counts = SHORTFALL_REASONS.map((reason) => [reason, shortfalls.count(reason)] as const);
  return {
    from: daemon.source,
    to: description,
    services,
    count: [servicesIn(rows), servicesIn(after)],
    families: changed,
    shortfalls: Object.fromEntries(counts.filter(([, count]) => count > 0)),
    connections: await connectionsOf(services, log),
  };
}

function servicesIn(rows: readonly { readonly namespace: string; readonly name: string }[]): number {
  return new Set(rows.map(({ namespace, name }) => `${namespace}/${name}`)).size;
}

/** Manifests usually have neither the Node nor ServiceCIDRs. In this case, those that the daemon knows are used. */
function complete(cluster: Cluster, { node, serviceCidrs }: DaemonModel): void {
  const { nodeName } = cluster;
  const isKnown = cluster.node !== undefined && !isDeepStrictEqual(cluster.node, interfaceNode(nodeName));
  if (!isKnown && node !== null) cluster.set(node);
  if (cluster.serviceCidrsByName.size === 0) for (const cidr of serviceCidrs) cluster.set(cidr);
}

function textOf(element: Element): string {
  const { setOrMap, key } = element;
  if (OBJECTS.includes(setOrMap)) return key;
  return `${setOrMap.value === undefined ? 'set' : 'map'} ${setOrMap.name}: ${elementText(element)}`;
}

/** Counts open connections through the frontends and endpoints that would be removed. */
async function connectionsOf(services: readonly ServiceChange[], log: Log): Promise<SourceDifferences['connections']> {
  const ways = services.flatMap(({ frontends }) => frontends.flatMap(waysOf));
  const counts: Record<string, number> = {};
  const conntrack = new Conntrack(log);
  // The pauses between conntrack commands do not keep the process alive, and nothing else does here.
  const alive = setInterval(() => undefined, 60_000);
  try {
    for (const family of FAMILIES) {
      const own = ways.filter(({ endpoint }) => endpoint.startsWith('[') === (family === 'ip6'));
      for (const [protocol, count] of await flowsThrough(conntrack, family, own)) {
        counts[protocol] = (counts[protocol] ?? 0) + count;
      }
    }
    return counts;
  } catch (error) {
    // It is logged. The rest of the output does not need it.
    if (error instanceof ConntrackError) return null;
    throw error;
  } finally {
    clearInterval(alive);
    conntrack.stop();
  }
}

function waysOf({
  address,
  endpointsRemoved,
  localEndpointsRemoved,
}: ServiceChange['frontends'][number]): readonly Way[] {
  const [, bracketed, plain, port = '', protocol = ''] = /^(?:\[(.+)\]|([\d.]*)):(\d+)\/(\w+)$/.exec(address) ?? [];
  const destination = bracketed ?? (plain || undefined);
  const endpoints = new Set([...endpointsRemoved, ...localEndpointsRemoved]);
  return [...endpoints].map((endpoint) => ({ protocol, destination, port: Number(port), endpoint }));
}

/** The text output: Services, then elements by family, then connections. `isWide`: with all elements. */
export function sourceLines(found: SourceDifferences, isWide: boolean): readonly SignedLine[] {
  const { from, to, services, count, families, shortfalls } = found;
  const [added, removed] = (['added', 'removed'] as const).map(
    (action) => services.filter((service) => service.action === action).length,
  );
  const changed = services.length - (added ?? 0) - (removed ?? 0);
  const notServed = Object.entries(shortfalls).map(([reason, number]) => `${reason} ${number}`);
  return [
    [' ', `from: ${from}`],
    [' ', `to:   ${to}`],
    ...changeLines(services),
    [
      ' ',
      `Services: ${added} added, ${removed} removed, ${changed} changed, ${count[0] - (removed ?? 0) - changed} unchanged`,
    ],
    ...(notServed.length === 0 ? [] : [[' ', `not served as specified: ${notServed.join(', ')}`] as const]),
    ...families.flatMap(({ family, added, removed }): readonly SignedLine[] => [
      [' ', `${FAMILY_NAMES[family]}: ${counted(added.length, 'element')} written, ${removed.length} deleted`],
      ...(isWide ? removed.map((text): SignedLine => ['-', `  ${text}`]) : []),
      ...(isWide ? added.map((text): SignedLine => ['+', `  ${text}`]) : []),
    ]),
    [' ', `open connections: ${connectionsText(found.connections)}`],
  ];
}

function connectionsText(connections: SourceDifferences['connections']): string {
  if (connections === null) return 'not counted (conntrack does not work)';
  const { udp = 0, ...others } = connections;
  const staying = Object.entries(others).flatMap(([protocol, count]) =>
    count === 0 ? [] : [`${count} ${protocol.toUpperCase()}`],
  );
  const ends =
    udp === 0 ? 'none end' : `${counted(udp, 'UDP flow')} to removed endpoints ${udp === 1 ? 'ends' : 'end'}`;
  if (staying.length === 0) return ends;
  return `${ends}; ${staying.join(' and ')} to removed endpoints stay until they are closed`;
}
