import { formatCidr, isInCidr, LOOPBACK_ADDRESS, parseCidr } from '../ip.ts';
import { FieldError, fieldsOf, listOf, type Parts } from './fields.ts';
import { objectNameOf } from './names.ts';

/**
 * A ServiceCIDR (networking.k8s.io/v1, KEP-1880), slimmed: where ClusterIPs come from. It applies until it is gone, even
 * while it is being deleted.
 */
export interface ServiceCidr {
  readonly kind: 'ServiceCIDR';
  readonly name: string;
  /** spec.cidrs, as "address/prefix". The API allows one or two, of different families. */
  readonly cidrs: readonly string[];
}

/** Reads a ServiceCIDR from an API server or a manifest, and keeps what we use. @throws FieldError */
export function* readServiceCidr(raw: unknown): Parts<ServiceCidr> {
  const object = fieldsOf(raw, '');
  const metadata = fieldsOf(object['metadata'], 'metadata');
  const name = objectNameOf(metadata['name'], 'metadata.name');
  const spec = fieldsOf(object['spec'], 'spec');
  const cidrs = yield* listOf(spec['cidrs'], 'spec.cidrs', readCidr);
  return { kind: 'ServiceCIDR', name, cidrs };
}

function readCidr(value: unknown): string {
  const cidr = typeof value === 'string' ? parseCidr(value) : undefined;
  if (cidr === undefined) throw new FieldError('', 'must be a CIDR such as 10.96.0.0/12');
  // Connections to all other addresses in it are dropped. 0.0.0.0/0 would cut off the node, even from itself.
  if (isInCidr(LOOPBACK_ADDRESS[cidr.family], cidr)) throw new FieldError('', 'must not contain the loopback address');
  return formatCidr(cidr);
}
