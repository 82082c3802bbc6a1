import * as v from 'valibot';
import { canonicalAddress, familyOf, formatCidr, parseCidr } from '../ip.ts';
import { list, ObjectName, StringMap } from './schema.ts';

/** Label that names the zone a node is in. */
export const ZONE_LABEL = 'topology.kubernetes.io/zone';

/** A Node (core/v1), slimmed to the fields in use. */
export interface Node {
  readonly kind: 'Node';
  readonly name: string;
  /** status.addresses that are IPs: InternalIP first, then ExternalIP, as kube-proxy ranks them. */
  readonly addresses: readonly string[];
  /** Label topology.kubernetes.io/zone; empty if there is none. */
  readonly zone: string;
  /** spec.podCIDRs, as "address/prefix". */
  readonly podCidrs: readonly string[];
  /** False while it is being taken away: deleted, or tainted ToBeDeletedByClusterAutoscaler. Load balancers should avoid it. */
  readonly eligible: boolean;
}

/** The cluster autoscaler's taint on a node it is about to remove. */
export const TO_BE_DELETED_TAINT = 'ToBeDeletedByClusterAutoscaler';

/** Reads what an API server or a manifest says of a Node, and keeps what we use. */
export const NodeSchema = v.pipe(
  v.object({
    metadata: v.object({ name: ObjectName, labels: StringMap, deletionTimestamp: v.nullish(v.string()) }),
    spec: v.nullish(v.object({ podCIDRs: list(v.string()), taints: list(v.object({ key: v.string() })) }), {
      podCIDRs: [],
      taints: [],
    }),
    status: v.nullish(v.object({ addresses: list(v.object({ type: v.string(), address: v.string() })) }), {
      addresses: [],
    }),
  }),
  v.transform(({ metadata, spec, status }): Node => {
    const ofType = (type: string) =>
      status.addresses.filter((entry) => entry.type === type && familyOf(entry.address) !== undefined);
    return {
      kind: 'Node',
      name: metadata.name,
      addresses: [...ofType('InternalIP'), ...ofType('ExternalIP')].map(({ address }) => canonicalAddress(address)),
      zone: metadata.labels[ZONE_LABEL] ?? '',
      podCidrs: spec.podCIDRs.map((text) => formatCidr(parseCidr(text))).filter((text) => text !== ''),
      eligible:
        (metadata.deletionTimestamp ?? '') === '' && !spec.taints.some(({ key }) => key === TO_BE_DELETED_TAINT),
    };
  }),
);
