import type { EndpointSlice, SlicePort } from '../objects/endpoint-slice.ts';
import type { Service } from '../objects/service.ts';

/**
 * A slice of a Service that has endpoints and ports, but no port in common with the Service by name and protocol, so its
 * endpoints get no traffic. Undefined if there is none, or if there is nothing to proxy for the Service.
 */
export function unmatchedSlice(service: Service, slices: readonly EndpointSlice[]): EndpointSlice | undefined {
  if (service.otherProxy || service.clusterIps.length === 0) return undefined;
  return slices.find(
    ({ ports, endpoints }) =>
      endpoints.length > 0 && ports.length > 0 && !ports.some((port) => isPortOf(service, port)),
  );
}

function isPortOf({ ports }: Service, { name, protocol }: SlicePort): boolean {
  return ports.some((port) => port.name === name && port.protocol === protocol);
}

/** A log line that says what the slice has, and what the Service has. */
export function describeUnmatched({ ports, namespace, name }: Service, slice: EndpointSlice): string {
  return (
    `EndpointSlice ${namespace}/${slice.name} has the ports ${listed(slice.ports)}, and Service ${namespace}/${name} has ` +
    `${listed(ports)}: ports are matched by name and protocol, so its ${slice.endpoints.length} endpoints get no traffic`
  );
}

/** How many ports are shown. */
const MAX_SHOWN = 5;

function listed(ports: readonly Pick<SlicePort, 'name' | 'protocol'>[]): string {
  const shown = ports.slice(0, MAX_SHOWN).map(({ name, protocol }) => `${JSON.stringify(name)}/${protocol}`);
  return `${shown.join(', ') || 'none'}${ports.length > MAX_SHOWN ? ', ...' : ''}`;
}
