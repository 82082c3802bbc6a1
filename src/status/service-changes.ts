import type { ServiceRow } from './service-rows.ts';
import { inOrder } from './service-table.ts';

/** How a frontend changes. */
export interface FrontendChange {
  /** "10.96.0.80:80/tcp", "[fd00::1]:80/tcp"; ":30080/tcp" for a node port. */
  readonly address: string;
  readonly port: string;
  readonly action: 'added' | 'removed' | 'changed';
  /** Its number of endpoints before and after; null if it does not exist. */
  readonly endpoints: readonly [before: number | null, after: number | null];
  /** Endpoints that are added and removed, as "address:port". */
  readonly endpointsAdded: readonly string[];
  readonly endpointsRemoved: readonly string[];
  /** The same for endpoints of clients from outside, under policy Local. */
  readonly localEndpointsAdded: readonly string[];
  readonly localEndpointsRemoved: readonly string[];
  /** Other changes, for people: "served → refused: no endpoint is ready". */
  readonly others: readonly string[];
}

/** How a Service changes: all of its frontends that change. */
export interface ServiceChange {
  readonly namespace: string;
  readonly name: string;
  readonly action: 'added' | 'removed' | 'changed';
  readonly frontends: readonly FrontendChange[];
}

/** The Services whose frontends differ, in order, between current rows and future rows. */
export function serviceChanges(before: readonly ServiceRow[], after: readonly ServiceRow[]): readonly ServiceChange[] {
  const [old, young] = [byService(before), byService(after)];
  const services = new Map<string, ServiceRow>();
  for (const row of inOrder([...before, ...after])) services.set(keyOf(row), row);
  return [...services].flatMap(([key, { namespace, name }]): readonly ServiceChange[] => {
    const [had, has] = [old.get(key), young.get(key)];
    const addresses = new Set([...(had?.keys() ?? []), ...(has?.keys() ?? [])]);
    const frontends = [...addresses].flatMap((address) => frontendChange(had?.get(address), has?.get(address)) ?? []);
    if (frontends.length === 0) return [];
    const action = had === undefined ? 'added' : has === undefined ? 'removed' : 'changed';
    return [{ namespace, name, action, frontends }];
  });
}

function frontendChange(before: ServiceRow | undefined, after: ServiceRow | undefined): FrontendChange | undefined {
  const one = after ?? before;
  if (one === undefined) return undefined;
  const change: FrontendChange = {
    address: one.address,
    port: one.port,
    action: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed',
    endpoints: [before?.endpoints.length ?? null, after?.endpoints.length ?? null],
    endpointsAdded: without(after?.endpoints, before?.endpoints),
    endpointsRemoved: without(before?.endpoints, after?.endpoints),
    localEndpointsAdded: without(after?.localEndpoints, before?.localEndpoints),
    localEndpointsRemoved: without(before?.localEndpoints, after?.localEndpoints),
    others: before === undefined || after === undefined ? [] : othersOf(before, after),
  };
  const { endpointsAdded, endpointsRemoved, localEndpointsAdded, localEndpointsRemoved, others } = change;
  const lists = [endpointsAdded, endpointsRemoved, localEndpointsAdded, localEndpointsRemoved, others];
  return change.action === 'changed' && lists.every(({ length }) => length === 0) ? undefined : change;
}

/** The changes of a frontend besides its endpoints. */
function othersOf(before: ServiceRow, after: ServiceRow): readonly string[] {
  const texts: readonly (readonly [what: string, of: (row: ServiceRow) => string])[] = [
    ['', ({ fate }) => fate],
    ['port ', ({ port }) => port || '(unnamed)'],
    ['', ({ kind }) => kind],
    ['session affinity ', ({ affinity }) => affinity ?? 'none'],
    ['lb-algorithm ', ({ algorithm }) => algorithm ?? 'random'],
    ['limits ', ({ limits }) => limits ?? 'none'],
    ['reset when its endpoint is gone: ', ({ resetsGone }) => (resetsGone ? 'yes' : 'no')],
    ['slow start ', ({ slowStart }) => slowStart ?? 'none'],
    ['source ranges ', ({ sourceRanges }) => sourceRanges.join(', ') || 'all'],
    ['policy ', ({ localEndpoints }) => (localEndpoints === undefined ? 'Cluster' : 'Local')],
  ];
  return [
    ...texts.flatMap(([what, of]) => (of(before) === of(after) ? [] : `${what}${of(before)} → ${of(after)}`)),
    ...weightChanges('', before.endpoints, after.endpoints, before.weights, after.weights),
    ...weightChanges(
      ' for clients from outside',
      before.localEndpoints,
      after.localEndpoints,
      before.localWeights,
      after.localWeights,
    ),
  ];
}

/** How many changed weights are listed: there may be thousands. */
const MAX_WEIGHTS = 5;

/** The new weights of endpoints that stay. */
function weightChanges(
  note: string,
  before: readonly string[] = [],
  after: readonly string[] = [],
  old: ServiceRow['weights'] = {},
  young: ServiceRow['weights'] = {},
): readonly string[] {
  const known = new Set(before);
  const texts = after.flatMap((endpoint) => {
    const [was, is] = [old[endpoint]?.weight ?? 1, young[endpoint]?.weight ?? 1];
    return was === is || !known.has(endpoint) ? [] : `weight of ${endpoint}${note} ${was} → ${is}`;
  });
  const more = texts.length - MAX_WEIGHTS;
  return more <= 0 ? texts : [...texts.slice(0, MAX_WEIGHTS), `and ${more} more weights${note}`];
}

function without(some: readonly string[] = [], others: readonly string[] = []): readonly string[] {
  const known = new Set(others);
  return some.filter((text) => !known.has(text));
}

function byService(rows: readonly ServiceRow[]): ReadonlyMap<string, ReadonlyMap<string, ServiceRow>> {
  const services = new Map<string, Map<string, ServiceRow>>();
  for (const row of rows) {
    const frontends = services.get(keyOf(row)) ?? new Map<string, ServiceRow>();
    services.set(keyOf(row), frontends.set(row.address, row));
  }
  return services;
}

function keyOf({ namespace, name }: ServiceRow): string {
  return `${namespace}/${name}`;
}
