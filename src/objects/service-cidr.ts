import * as v from 'valibot';
import { type Family, formatCidr, isInCidr, parseCidr } from '../ip.ts';
import { list, ObjectName } from './schema.ts';

/** A ServiceCIDR (networking.k8s.io/v1, KEP-1880), slimmed: where ClusterIPs come from. It counts until it is gone, also while it is being deleted. */
export interface ServiceCidr {
  readonly kind: 'ServiceCIDR';
  readonly name: string;
  /** spec.cidrs, as "address/prefix"; the API has one or two, of different families. */
  readonly cidrs: readonly string[];
}

const LOOPBACK: Readonly<Record<Family, string>> = { ip: '127.0.0.1', ip6: '::1' };

const Cidr = v.pipe(
  v.string(),
  v.check((text) => parseCidr(text) !== undefined, 'must be a CIDR such as 10.96.0.0/12'),
  // Connections to all other addresses in it are dropped: with 0.0.0.0/0 the node would be cut off, even from itself.
  v.check((text) => {
    const cidr = parseCidr(text);
    return cidr === undefined || !isInCidr(LOOPBACK[cidr.family], cidr);
  }, 'must not contain the loopback address'),
  v.transform((text) => formatCidr(parseCidr(text))),
);

/** Reads what an API server or a manifest says of a ServiceCIDR, and keeps what we use. */
export const ServiceCidrSchema = v.pipe(
  v.object({ metadata: v.object({ name: ObjectName }), spec: v.object({ cidrs: list(Cidr) }) }),
  v.transform(({ metadata, spec }): ServiceCidr => ({ kind: 'ServiceCIDR', name: metadata.name, cidrs: spec.cidrs })),
);
