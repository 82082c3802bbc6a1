import * as v from 'valibot';
import { canonicalAddress, familyOf } from '../ip.ts';
import { sharedName } from './compact.ts';

/** Pieces shared by the schemas of the Kubernetes objects we read. */

/** metadata.name and metadata.namespace: RFC 1123 subdomains. Strict because names end up in nft comments. */
export const ObjectName = v.pipe(
  v.string(),
  v.maxLength(253),
  v.regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'must be a DNS subdomain name (RFC 1123)'),
);

/** metadata.namespace. */
export const Namespace = v.pipe(v.nullish(ObjectName, 'default'), v.transform(sharedName));

/** A port's name: an RFC 1123 label, or empty for the single unnamed port. API servers send null for none. */
export const PortName = v.pipe(
  v.nullish(v.string(), ''),
  v.regex(/^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$/, 'must be a DNS label (RFC 1123) or empty'),
);

/** Transport protocols a Service can have; absent means TCP (Service v1, spec.ports[].protocol). */
export const ProtocolName = v.pipe(
  v.nullish(v.picklist(['TCP', 'UDP', 'SCTP']), 'TCP'),
  v.transform((name): Protocol => PROTOCOLS[name]),
);

/** A transport protocol by its nft name. */
export type Protocol = 'tcp' | 'udp' | 'sctp';

const PROTOCOLS = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' } as const;

/** 1 to 65535. */
export const PortNumber = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1, 'must be between 1 and 65535'),
  v.maxValue(65535, 'must be between 1 and 65535'),
);

/** An IPv4 or IPv6 address, made canonical. */
export const IpAddress = v.pipe(
  v.string(),
  v.check((text) => familyOf(text) !== undefined, 'must be an IPv4 or IPv6 address without leading zeros or zone'),
  v.transform(canonicalAddress),
);

/** A list that API servers may send as null. */
export function list<const Schema extends v.GenericSchema>(item: Schema) {
  return v.nullish(v.array(item), []);
}

/** Labels or annotations, which API servers may leave out. */
export const StringMap = v.nullish(v.record(v.string(), v.string()), {});

/** "spec.ports[0].port: must be …" for the first problem found. */
export function describeIssue(issue: v.BaseIssue<unknown>): string {
  const path = (issue.path ?? [])
    .map((item) => (typeof item.key === 'number' ? `[${item.key}]` : `.${String(item.key)}`))
    .join('')
    .replace(/^\./, '');
  return `${path === '' ? 'the object' : path}: ${issue.message}`;
}
