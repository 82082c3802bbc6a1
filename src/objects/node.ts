import { canonicalAddress, familyOf, formatCidr, parseCidr } from '../ip.ts';
import { FieldError, type Fields, fieldsOf, listOf, optionalFields, type Parts, stringsOf, textOf } from './fields.ts';
import { objectNameOf } from './names.ts';
import { fieldOf } from './raw-field.ts';

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
  /** False while it is being removed: deleted, or tainted ToBeDeletedByClusterAutoscaler. Load balancers should avoid it. */
  readonly eligible: boolean;
  /** True if its Ready condition is False or Unknown; absent if it is True or missing. */
  readonly unready?: true;
}

/** The cluster autoscaler's taint on a node that it is about to remove. */
export const TO_BE_DELETED_TAINT = 'ToBeDeletedByClusterAutoscaler';

/** Reads a Node from an API server or a manifest, and keeps what we use. @throws FieldError */
export function* readNode(raw: unknown): Parts<Node> {
  const object = fieldsOf(raw, '');
  const metadata = fieldsOf(object['metadata'], 'metadata');
  const name = objectNameOf(metadata['name'], 'metadata.name');
  const labels = yield* stringsOf(metadata['labels'], 'metadata.labels');
  const deletedAt = textOf(metadata['deletionTimestamp'], 'metadata.deletionTimestamp', '');
  const spec = optionalFields(object['spec'], 'spec');
  const podCidrs = yield* listOf(spec['podCIDRs'], 'spec.podCIDRs', readCidr);
  const taints = yield* listOf(spec['taints'], 'spec.taints', (item) => needed(fieldsOf(item, ''), 'key'));
  const status = optionalFields(object['status'], 'status');
  const addresses = yield* listOf(status['addresses'], 'status.addresses', readAddress);
  const ofType = (wanted: string) => addresses.flatMap(({ type, address }) => (type === wanted ? [address] : []));
  return {
    kind: 'Node',
    name,
    addresses: [...ofType('InternalIP'), ...ofType('ExternalIP')],
    zone: labels[ZONE_LABEL] ?? '',
    podCidrs,
    eligible: deletedAt === '' && !taints.includes(TO_BE_DELETED_TAINT),
    ...(isUnready(status['conditions']) && { unready: true }),
  };
}

/** Whether status.conditions say so. A Node is not refused for wrong conditions, because only an option uses them. */
function isUnready(conditions: unknown): boolean {
  if (!Array.isArray(conditions)) return false;
  const ready = conditions.find((condition) => fieldOf(condition, 'type') === 'Ready');
  const status = fieldOf(ready, 'status');
  return status === 'False' || status === 'Unknown';
}

/** Undefined if it is not a CIDR. */
function readCidr(value: unknown): string | undefined {
  if (typeof value !== 'string') throw new FieldError('', 'must be a string');
  return formatCidr(parseCidr(value)) || undefined;
}

/** Undefined for a name. */
function readAddress(raw: unknown): { readonly type: string; readonly address: string } | undefined {
  const entry = fieldsOf(raw, '');
  const [type, address] = [needed(entry, 'type'), needed(entry, 'address')];
  return familyOf(address) === undefined ? undefined : { type, address: canonicalAddress(address) };
}

function needed(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new FieldError(name, 'must be a string');
  return value;
}
