import type { Service } from '../objects/service.ts';
import type { Endpoint } from '../service/endpoints.ts';
import type { Frontend, FrontendKind } from '../service/frontend.ts';
import { resetsGone } from '../service/reset-option.ts';
import type { LimitCounts } from '../sync/limits-watch.ts';
import type { ConnectionResult, Connections } from './connections.ts';
import { type EndpointWeight, endpointWeights } from './endpoint-weights.ts';
import { limitCountsText } from './limit-counts-text.ts';
import { count } from './words.ts';
import { zoneShareText } from './zone-share-text.ts';

/** A frontend of a Service, and what becomes of connections to it. */
export interface ServiceRow {
  readonly namespace: string;
  readonly name: string;
  /** The port's name; empty for the unnamed one. */
  readonly port: string;
  readonly kind: FrontendKind;
  /** "10.96.0.80:80/tcp", "[fd00::1]:80/tcp"; ":30080/tcp" for a node port. */
  readonly address: string;
  /** What policy Cluster draws from, as "address:port". */
  readonly endpoints: readonly string[];
  /** Of policy Local: those on this node that clients from outside are sent to; absent under policy Cluster. */
  readonly localEndpoints?: readonly string[];
  /** For how much each endpoint of these counts, by "address:port"; absent where all count for the same. */
  readonly weights?: Readonly<Record<string, EndpointWeight>>;
  readonly localWeights?: Readonly<Record<string, EndpointWeight>>;
  /** "ClientIP 3h": the Service's session affinity; absent without. */
  readonly affinity?: string;
  /** "client-hash": how its endpoints are chosen; absent where it is as kube-proxy does. */
  readonly algorithm?: string;
  /** "100/s for each client, 50 open at each endpoint": what annotations allow; absent without. */
  readonly limits?: string;
  /** What limits have done with new connections to this Service, over all its frontends; absent without, and where nobody asked. */
  readonly limitCounts?: LimitCounts;
  /** Networks that may connect; empty: all. */
  readonly sourceRanges: readonly string[];
  /** Endpoints on nodes that are not Ready, used only where there are no others, and the node of each; absent if there are none. */
  readonly unreachable?: readonly { readonly endpoint: string; readonly node: string }[];
  /** True if TCP connections to an endpoint end once that is gone (reset-gone-endpoints); absent if they do not. */
  readonly resetsGone?: true;
  /** "30s": in what time a new endpoint comes to its full share (slow-start); absent where it has that at once. */
  readonly slowStart?: string;
  /** "served", or what else, and why. */
  readonly fate: string;
  /** New connections so far, by what became of them; absent where they are not counted, or nobody asked. */
  readonly connections?: Readonly<Record<ConnectionResult, number>>;
}

/** The same rows with what the kernel has counted. */
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

/** What a Service asks for that none of its rules shows. */
export type BesideRules = Pick<ServiceRow, 'resetsGone' | 'slowStart'>;

/** What of that a Service asks for; undefined: it is not known. `resetsAll`: --reset-gone-endpoints. */
export function besideRules(service: Pick<Service, 'options'> | undefined, resetsAll: boolean): BesideRules {
  const seconds = service?.options?.slowStartSeconds;
  return {
    ...(resetsGone(service, resetsAll) && { resetsGone: true }),
    ...(seconds !== undefined && { slowStart: `${seconds}s` }),
  };
}

/** The row of a frontend. `asked`: what its Service asks for beside it. */
export function serviceRow(frontend: Frontend, asked: BesideRules = {}): ServiceRow {
  const { servicePort, kind, address, protocol, port, endpoints, localEndpoints, policy } = frontend;
  const { affinitySeconds, affinityByHash = false, sourceRanges, unreachable } = frontend;
  const [service = '', portName = ''] = splitOnce(servicePort, ':');
  const [namespace = '', name = ''] = splitOnce(service, '/');
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
    ...frontendOptions(frontend, asked),
    sourceRanges,
    ...(unreachable && { unreachable: unreachable.map((one) => ({ endpoint: endpointText(one), node: one.node })) }),
    fate: fateOf(frontend),
  };
}

/** Of docs/beyond-kube-proxy.md, what a frontend has beside its endpoints. */
export type FrontendOptions = Pick<ServiceRow, 'algorithm' | 'limits'> & BesideRules;

export function frontendOptions(frontend: Frontend, { resetsGone, slowStart }: BesideRules): FrontendOptions {
  const { hashing, protocol } = frontend;
  const limits = limitsText(frontend);
  return {
    ...(hashing !== undefined && { algorithm: `${hashing.by}-hash` }),
    ...(limits !== '' && { limits }),
    ...(resetsGone && protocol === 'tcp' && { resetsGone }),
    ...(slowStart !== undefined && { slowStart }),
  };
}

/** The same in words, with what limits have done where that is known, and whether some of its endpoints count for more than others. */
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

/** What a client and an endpoint may have; empty for any number. */
export function limitsText({ limitPerSecond, maxConnections }: Frontend): string {
  return [
    ...(limitPerSecond === undefined ? [] : [`${limitPerSecond}/s for each client`]),
    ...(maxConnections === undefined ? [] : [`${maxConnections} open at each endpoint`]),
  ].join(', ');
}

/** What becomes of new connections, and why. */
export function fateOf(frontend: Frontend): string {
  const { kind, policy, endpoints, localEndpoints, hasUsableEndpoints, sourceRanges, zoneShare } = frontend;
  if (!hasUsableEndpoints) return 'refused: no endpoint is ready';
  const ranges = sourceRanges.length === 0 ? '' : `; from ${count(sourceRanges.length, 'source range')} only`;
  // Under policy Local it is about clients of this node alone.
  const zones = zoneShare === undefined || policy === 'local' ? '' : `; ${zoneShareText(zoneShare)}`;
  const limits = `${zones}${ranges}`;
  const elsewhere = 'its ready endpoints are on other nodes';
  if (kind === 'cluster-ip') {
    if (endpoints.length > 0) return `served${zones}`;
    return policy === 'local' ? `dropped: internalTrafficPolicy Local, and ${elsewhere}` : `dropped: ${elsewhere}`;
  }
  if (policy === 'local' && localEndpoints.length === 0) {
    return `from outside dropped: externalTrafficPolicy Local, and ${elsewhere}${limits}`;
  }
  return endpoints.length > 0 ? `served${limits}` : `from pods dropped: ${elsewhere}${limits}`;
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
