import * as v from 'valibot';
import { canonicalAddress, familyOf } from '../ip.ts';
import { list, ObjectName } from './schema.ts';

/** A Node (core/v1), slimmed to the fields in use. */
export interface Node {
  readonly kind: 'Node';
  readonly name: string;
  /** status.addresses that are IPs: InternalIP first, then ExternalIP, as kube-proxy ranks them. */
  readonly addresses: readonly string[];
}

/** Reads what an API server or a manifest says of a Node, and keeps what we use. */
export const NodeSchema = v.pipe(
  v.object({
    metadata: v.object({ name: ObjectName }),
    status: v.nullish(v.object({ addresses: list(v.object({ type: v.string(), address: v.string() })) }), {
      addresses: [],
    }),
  }),
  v.transform(({ metadata, status }): Node => {
    const ofType = (type: string) =>
      status.addresses.filter((entry) => entry.type === type && familyOf(entry.address) !== undefined);
    return {
      kind: 'Node',
      name: metadata.name,
      addresses: [...ofType('InternalIP'), ...ofType('ExternalIP')].map(({ address }) => canonicalAddress(address)),
    };
  }),
);
