import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Service } from '../objects/service.ts';
import type { Frontend } from './frontend.ts';
import { endpointKey, type UdpAddress } from './udp-frontends.ts';

/** A TCP port of an endpoint's address, and the port of the Service that leads there. */
export interface LeftPort {
  /** Name of the ServicePort. */
  readonly name: string;
  readonly port: number;
}

/** A TCP frontend of a Service, and its endpoints that are gone. Connections to them must not continue. */
export interface GoneFrontend extends UdpAddress {
  /** Key of the Service. */
  readonly service: string;
  /** The endpoints, as `address port` (canonical). */
  readonly gone: ReadonlySet<string>;
}

/**
 * The addresses that a slice no longer has, each with its TCP ports. `next` undefined: the slice was deleted. The endpoint
 * may still be in another slice of its Service.
 */
export function leftAddresses(
  previous: EndpointSlice,
  next: EndpointSlice | undefined,
): ReadonlyMap<string, readonly LeftPort[]> {
  const ports = previous.ports.flatMap(({ name, protocol, port }) => (protocol === 'tcp' ? [{ name, port }] : []));
  const stays = next?.serviceName === previous.serviceName ? next.endpoints : [];
  if (ports.length === 0) return new Map();
  const staying = new Set(stays.map(({ address }) => address));
  const left = previous.endpoints.filter(({ address }) => !staying.has(address));
  return new Map(left.map(({ address }) => [address, ports]));
}

/** True if one of the slices has an endpoint with this address, in any condition. */
export function hasAddress(slices: readonly EndpointSlice[], address: string): boolean {
  return slices.some(({ endpoints }) => endpoints.some((endpoint) => endpoint.address === address));
}

/**
 * The TCP frontends of a Service, each with those of its endpoints that are `gone` (address → ports). Frontends whose ports
 * led to none of them are left out.
 */
export function goneFrontendsOf(
  key: string,
  service: Service,
  frontends: readonly Frontend[],
  gone: ReadonlyMap<string, readonly LeftPort[]>,
): readonly GoneFrontend[] {
  // All frontends of a port share one set.
  const byName = new Map<string, Set<string>>();
  for (const [address, ports] of gone) {
    for (const { name, port } of ports) {
      const keys = byName.get(name) ?? new Set<string>();
      byName.set(name, keys.add(endpointKey(address, port)));
    }
  }
  return frontends.flatMap(({ kind, address, protocol, port }) => {
    if (protocol !== 'tcp') return [];
    const spec = service.ports.find(
      (one) => one.protocol === 'tcp' && (kind === 'node-port' ? one.nodePort : one.port) === port,
    );
    const endpoints = spec && byName.get(spec.name);
    return endpoints === undefined ? [] : [{ service: key, address, port, gone: endpoints }];
  });
}
