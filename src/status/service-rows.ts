import type { Service } from '../objects/service.ts';
import type { Endpoint } from '../service/endpoints.ts';
import type { Frontend, FrontendKind } from '../service/frontend.ts';
import { type ResetFlags, resetsClients, resetsGone } from '../service/reset-option.ts';
import type { LimitCounts } from '../sync/limits-watch.ts';
import type { ConnectionResult, Connections } from './connections.ts';
import { type EndpointWeight, endpointWeights } from './endpoint-weights.ts';
import { limitCountsText } from './limit-counts-text.ts';
import { nodePortClientsText } from './node-port-clients.ts';
import { count } from './words.ts';
import { zoneShareText } from './zone-share-text.ts';

/** A frontend of a Service, and what happens to connections to it. */
export interface ServiceRow {
  readonly namespace: string;
  readonly name: string;
  /** The port's name; empty for the unnamed one. */
  readonly port: string;
  readonly kind: FrontendKind;
  /** "10.96.0.80:80/tcp", "[fd00::1]:80/tcp"; ":30080/tcp" for a node port. */
  readonly address: string;
  /** The endpoints for policy Cluster, as "address:port". */
  readonly endpoints: readonly string[];
  /** Under policy Local: the endpoints on this node for clients from outside; absent under policy Cluster. */
  readonly localEndpoints?: readonly string[];
  /** The weight of each of these endpoints, by "address:port"; absent if all are equal. */
  readonly weights?: Readonly<Record<string, EndpointWeight>>;
  readonly localWeights?: Readonly<Record<string, EndpointWeight>>;
  /** "ClientIP 3h": the Service's session affinity; absent without. */
  readonly affinity?: string;
  /** "client-hash": how its endpoints are selected; absent if like in kube-proxy. */
  readonly algorithm?: string;
  /** "100/s for each client, 50 open at each endpoint": limits from annotations; absent without. */
  readonly limits?: string;
  /**
   * The effects of limits on new connections to this Service, over all its frontends; absent without limits, or if not
   * requested.
   */
  readonly limitCounts?: LimitCounts;
  /** Networks that may connect; empty: all. */
  readonly sourceRanges: readonly string[];
  /**
   * Of a node port: the networks that may connect besides this node (--node-port-source-ranges). They and sourceRanges both
   * apply. Absent without this flag, or if everybody may.
   */
  readonly nodePortClients?: readonly string[];
  /**
   * Endpoints on nodes that are not Ready, which are used only if there are no others, with their nodes; absent if there are
   * none.
   */
  readonly unreachable?: readonly { readonly endpoint: string; readonly node: string }[];
  /** True if TCP connections to an endpoint end once it is gone (reset-gone-endpoints); otherwise absent. */
  readonly resetsGone?: true;
  /** "30s": how long a new endpoint takes to reach its full share (slow-start); absent if it has it at once. */
  readonly slowStart?: string;
  /** "served", or another fate and its reason. */
  readonly fate: string;
  /** New connections so far, by result; absent if they are not counted, or not requested. */
  readonly connections?: Readonly<Record<ConnectionResult, number>>;
}

/** The same rows with the kernel's counts. */
export function withConnections(
  rows: readonly ServiceRow[],
  { counted, frontends = [], limited = [] }: Connections,
): readonly ServiceRow[] {
  const limits = new Map(limited.map(({ namespace, service, ...counts }) => [`${namespace}/${service}`, counts]));
  const told = limits.size === 0 ? rows : rows.map((row) => withLimitCounts(row, limits));
  if (!counted) return told;
  const idOf = (service: string, { namespace, port, address }: Pick<ServiceRow, 'namespace' | 'port' | 'address'>) =>
    [namespace, service, port, address].join(' ');
  const found = new Map(
    frontends.map((one) => {
      const { served, refused, dropped } = one;
      return [idOf(one.service, one), { served, refused, dropped }];
    }),
  );
  return told.map((row) => ({ ...row, connections: found.get(idOf(row.name, row)) ?? NONE }));
}

function withLimitCounts(row: ServiceRow, limits: ReadonlyMap<string, LimitCounts>): ServiceRow {
  const limitCounts = row.limits === undefined ? undefined : limits.get(`${row.namespace}/${row.name}`);
  return limitCounts === undefined ? row : { ...row, limitCounts };
}

const NONE = { served: 0, refused: 0, dropped: 0 };

/** What a Service requests that none of its rules shows. */
export interface BesideRules extends Pick<ServiceRow, 'slowStart'> {
  /** Present if its connections end when their endpoint is gone: for which frontends clients get a reset. */
  readonly resets?: Pick<ResetFlags, 'resetsLackRules'>;
}

/** What a Service requests of that; undefined: unknown. */
export function besideRules(service: Pick<Service, 'options'> | undefined, flags: ResetFlags): BesideRules {
  const seconds = service?.options?.slowStartSeconds;
  return {
    ...(resetsGone(service, flags.resetGoneEndpoints) && { resets: flags }),
    ...(seconds !== undefined && { slowStart: `${seconds}s` }),
  };
}

/**
 * The row of a frontend. `beside`: what its Service requests in addition. `nodePortClients`: the networks that may use node
 * ports of its family; undefined: everybody may.
 */
export function serviceRow(
  frontend: Frontend,
  beside: BesideRules = {},
  nodePortClients?: readonly string[],
): ServiceRow {
  const { servicePort, kind, address, protocol, port, endpoints, localEndpoints, policy } = frontend;
  const { affinitySeconds, affinityByHash = false, sourceRanges, unreachable } = frontend;
  const [service = '', portName = ''] = splitOnce(servicePort, ':');
  const [namespace = '', name = ''] = splitOnce(service, '/');
  const clients = kind === 'node-port' ? nodePortClients : undefined;
  const byHash = affinityByHash ? ' by hash' : '';
  const weights = endpointWeights(endpoints, endpointText);
  const localWeights = isExternalLocal(kind, policy) ? endpointWeights(localEndpoints, endpointText) : undefined;
  return {
    namespace,
    name,
    port: portName,
    kind,
    address: `${joined(address, port)}/${protocol}`,
    endpoints: endpoints.map(endpointText),
    ...(isExternalLocal(kind, policy) && { localEndpoints: localEndpoints.map(endpointText) }),
    ...(weights && { weights }),
    ...(localWeights && { localWeights }),
    ...(affinitySeconds !== undefined && { affinity: `ClientIP ${affinitySeconds}s${byHash}` }),
    ...frontendOptions(frontend, beside),
    sourceRanges,
    ...(clients && { nodePortClients: clients }),
    ...(unreachable && { unreachable: unreachable.map((one) => ({ endpoint: endpointText(one), node: one.node })) }),
    fate: fateOf(frontend, clients),
  };
}

/** The features of docs/beyond-kube-proxy.md that a frontend has, besides those of endpoints. */
export type FrontendOptions = Pick<ServiceRow, 'algorithm' | 'limits' | 'resetsGone' | 'slowStart'>;

export function frontendOptions(frontend: Frontend, { resets, slowStart }: BesideRules): FrontendOptions {
  const { hashing } = frontend;
  const limits = limitsText(frontend);
  return {
    ...(hashing !== undefined && { algorithm: `${hashing.by}-hash` }),
    ...(limits !== '' && { limits }),
    ...(resets !== undefined && resetsClients(frontend, resets) && { resetsGone: true }),
    ...(slowStart !== undefined && { slowStart }),
  };
}

/** The same in words, with the effects of limits if known, and whether endpoints have different weights. */
export function optionTexts(
  { algorithm, limits, limitCounts, resetsGone, slowStart }: FrontendOptions & Pick<ServiceRow, 'limitCounts'>,
  isWeighed: boolean,
): readonly string[] {
  return [
    ...(algorithm === undefined ? [] : [`lb-algorithm ${algorithm}`]),
    ...(isWeighed ? ['by weight'] : []),
    ...(limits === undefined ? [] : [`${limits}${countsText(limitCounts)}`]),
    ...(resetsGone ? ['reset when its endpoint is gone'] : []),
    ...(slowStart === undefined ? [] : [`slow start ${slowStart}`]),
  ];
}

function countsText(counts: LimitCounts | undefined): string {
  return counts === undefined ? '' : ` (of the Service: ${limitCountsText(counts)})`;
}

/** The limits for a client and for an endpoint; empty if there are none. */
export function limitsText({ limitPerSecond, maxConnections }: Frontend): string {
  return [
    ...(limitPerSecond === undefined ? [] : [`${limitPerSecond}/s for each client`]),
    ...(maxConnections === undefined ? [] : [`${maxConnections} open at each endpoint`]),
  ].join(', ');
}

/** What happens to new connections, and why. `clients`: the networks that may connect; undefined: it depends on the Service. */
export function fateOf(frontend: Frontend, clients?: readonly string[]): string {
  const { kind, policy, endpoints, localEndpoints, hasUsableEndpoints, sourceRanges, zoneShare } = frontend;
  if (!hasUsableEndpoints) return 'refused: no endpoint is ready';
  const ranges = sourceRanges.length === 0 ? '' : `; from ${count(sourceRanges.length, 'source range')} only`;
  // Under policy Local, this only concerns clients on this node.
  const zones = zoneShare === undefined || policy === 'local' ? '' : `; ${zoneShareText(zoneShare)}`;
  const networks = clients === undefined ? '' : `; ${nodePortClientsText(clients)}`;
  const limits = `${zones}${ranges}${networks}`;
  const elsewhere = 'its ready endpoints are on other nodes';
  if (kind === 'cluster-ip') {
    if (endpoints.length > 0) return `served${zones}`;
    return policy === 'local' ? `dropped: internalTrafficPolicy Local, and ${elsewhere}` : `dropped: ${elsewhere}`;
  }
  if (policy === 'local' && localEndpoints.length === 0) {
    return `dropped from outside: externalTrafficPolicy Local, and ${elsewhere}${limits}`;
  }
  return endpoints.length > 0 ? `served${limits}` : `dropped from pods: ${elsewhere}${limits}`;
}

function isExternalLocal(kind: FrontendKind, policy: Frontend['policy']): boolean {
  return kind !== 'cluster-ip' && policy === 'local';
}

/** "10.32.0.21:8080", "[fd00::1]:8080". */
export function endpointText({ address, port }: Pick<Endpoint, 'address' | 'port'>): string {
  return joined(address, port);
}

function joined(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function splitOnce(text: string, at: string): readonly string[] {
  const i = text.indexOf(at);
  return i < 0 ? [text] : [text.slice(0, i), text.slice(i + 1)];
}
