import { FAMILY_NAMES, type Family } from '../ip.ts';
import type { EndpointSlice, SliceEndpoint } from '../objects/endpoint-slice.ts';
import type { Service, ServicePortSpec } from '../objects/service.ts';
import { count, listed } from './words.ts';

/** A reason, and what can be done about it. */
export interface Reason {
  readonly reason: string;
  readonly remedy?: string | undefined;
}

/** Why no endpoint of a Service's port can be used, according to its EndpointSlices. */
export function noEndpoint(
  { namespace, name }: Service,
  port: ServicePortSpec,
  { family, slices }: { readonly family: Family; readonly slices: readonly EndpointSlice[] },
): Reason {
  const isOfFamily = isOf(family);
  const look = `kubectl -n ${namespace} get endpointslices -l kubernetes.io/service-name=${name}`;
  if (slices.length === 0) return { reason: 'it has no EndpointSlice', remedy: `does its selector match? ${look}` };
  const filled = slices.filter(({ endpoints }) => endpoints.some(isOfFamily));
  if (filled.length === 0) {
    const others = slices.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
    return others === 0
      ? { reason: 'its EndpointSlices have no endpoint', remedy: `do Pods match its selector? ${look}` }
      : { reason: `none of its ${count(others, 'endpoint')} has an ${FAMILY_NAMES[family]} address` };
  }
  const having = filled.filter(({ ports }) => ports.some((one) => isSame(one, port)));
  if (having.length === 0) {
    const [slice] = filled;
    const remedy = 'ports match by name and protocol: use the same in both';
    return { reason: otherPorts(slice?.name ?? '', slice?.ports ?? [], port), remedy };
  }
  const endpoints = having.flatMap((slice) => slice.endpoints).filter(isOfFamily);
  const none =
    endpoints.length === 1 ? 'its endpoint is not ready' : `none of its ${endpoints.length} endpoints is ready`;
  return { reason: none, remedy: `are its Pods ready? ${look}` };
}

/** "slice zz-1 names its port htp, but the Service names it http". */
function otherPorts(slice: string, has: readonly Pick<ServicePortSpec, 'name' | 'protocol'>[], port: ServicePortSpec) {
  const [only] = has;
  if (only === undefined) return `slice ${slice} has no port with a number`;
  if (has.length > 1) {
    const names = has.map(({ name, protocol }) => `${named(name)}/${protocol}`);
    return `slice ${slice} has the ports ${listed(names)}, but the Service has ${named(port.name)}/${port.protocol}`;
  }
  return only.protocol === port.protocol
    ? `slice ${slice} names its port ${named(only.name)}, but the Service names it ${named(port.name)}`
    : `slice ${slice} has protocol ${only.protocol} for its port, but the Service has ${port.protocol}`;
}

function named(name: string): string {
  return name === '' ? '"" (no name)' : name;
}

function isSame(one: Pick<ServicePortSpec, 'name' | 'protocol'>, other: ServicePortSpec): boolean {
  return one.name === other.name && one.protocol === other.protocol;
}

/** "its 2 endpoints are on node other": where the usable endpoints of a port are. */
export function whereElse(port: ServicePortSpec, family: Family, slices: readonly EndpointSlice[]): string {
  const nodes = new Set<string>();
  const addresses = new Set<string>();
  const isOfFamily = isOf(family);
  for (const { ports, endpoints } of slices) {
    if (!ports.some((one) => isSame(one, port))) continue;
    for (const endpoint of endpoints) {
      if (!isOfFamily(endpoint) || !isUsable(endpoint)) continue;
      addresses.add(endpoint.address);
      nodes.add(endpoint.nodeName);
    }
  }
  nodes.delete('');
  const whose = addresses.size === 1 ? 'its only endpoint is' : `its ${addresses.size} endpoints are`;
  if (nodes.size === 0) return `${whose} not known to be on this node`;
  return `${whose} on ${nodes.size === 1 ? 'node' : 'nodes'} ${listed([...nodes].toSorted())}`;
}

/** For canonical addresses a colon is enough to tell the family, which matters with 40,000 of them. */
function isOf(family: Family): (endpoint: Pick<SliceEndpoint, 'address'>) => boolean {
  return ({ address }) => address.includes(':') === (family === 'ip6');
}

function isUsable({ ready, serving, terminating }: SliceEndpoint): boolean {
  return ready || (serving && terminating);
}
