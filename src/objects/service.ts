import * as v from 'valibot';
import { canonicalAddress, familyOf } from '../ip.ts';
import { list, ObjectName, PortName, PortNumber, type Protocol, ProtocolName, StringMap } from './schema.ts';

/** Label that hands a Service to another proxy: kube-proxy, and so we, ignore the Service (any value). */
export const SERVICE_PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name';

/** A Service (core/v1), slimmed to the fields in use. */
export interface Service {
  readonly kind: 'Service';
  readonly namespace: string;
  readonly name: string;
  /** metadata.creationTimestamp (RFC 3339), or empty; decides who wins when two Services claim one address. */
  readonly createdAt: string;
  /** True if the label service.kubernetes.io/service-proxy-name hands it to another proxy. */
  readonly otherProxy: boolean;
  readonly type: string;
  /** Canonical ClusterIPs, at most one a family; empty for a headless Service. */
  readonly clusterIps: readonly string[];
  readonly ports: readonly ServicePortSpec[];
}

/** One entry of spec.ports. */
export interface ServicePortSpec {
  /** Empty for the single unnamed port. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

const ClusterIp = v.pipe(
  v.nullish(v.string(), ''),
  v.check(
    (text) => text === '' || text === 'None' || familyOf(text) !== undefined,
    'must be an IP address, "None" or empty',
  ),
);

/** Reads what an API server or a manifest says of a Service, and keeps what we use. */
export const ServiceSchema = v.pipe(
  v.object({
    metadata: v.object({
      name: ObjectName,
      namespace: v.nullish(ObjectName, 'default'),
      creationTimestamp: v.nullish(v.string(), ''),
      labels: StringMap,
    }),
    spec: v.object({
      type: v.nullish(v.string(), 'ClusterIP'),
      clusterIP: ClusterIp,
      clusterIPs: list(ClusterIp),
      ports: list(v.object({ name: PortName, protocol: ProtocolName, port: PortNumber })),
    }),
  }),
  v.transform(
    ({ metadata, spec }): Service => ({
      kind: 'Service',
      namespace: metadata.namespace,
      name: metadata.name,
      createdAt: metadata.creationTimestamp,
      otherProxy: SERVICE_PROXY_NAME_LABEL in metadata.labels,
      type: spec.type,
      clusterIps: clusterIpsOf(spec.clusterIPs, spec.clusterIP),
      ports: spec.ports,
    }),
  ),
);

/** spec.clusterIPs, or spec.clusterIP from objects older than dual-stack; the first of each family counts. */
function clusterIpsOf(clusterIps: readonly string[], clusterIp: string): readonly string[] {
  const given = clusterIps.length > 0 ? clusterIps : [clusterIp];
  const addresses = given.filter((text) => familyOf(text) !== undefined).map(canonicalAddress);
  return addresses.filter((address, i) => addresses.findIndex((other) => familyOf(other) === familyOf(address)) === i);
}
