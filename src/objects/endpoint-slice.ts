import { canonicalAddress, FAMILY_NAMES, type Family, familyOf } from '../ip.ts';
import { packed, sharedName } from './compact.ts';
import {
  FieldError,
  fieldsOf,
  flagOf,
  hasKey,
  listOf,
  optionalFields,
  type Parts,
  PORTS_OR_NONE,
  stringsOf,
  textOf,
  wholeNumberOf,
} from './fields.ts';
import { namespaceOf, objectNameOf, portNameOf } from './names.ts';
import { type Protocol, protocolOf } from './protocol.ts';
import { readSliceOptions, type SliceOptions } from './slice-options.ts';

/** Label that names the Service a slice belongs to. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/** Annotation with the time (RFC 3339) of the change to the Pod or Service that made the controller write the slice. */
export const TRIGGER_TIME_ANNOTATION = 'endpoints.kubernetes.io/last-change-trigger-time';

/** Label on the slices of a headless Service: nothing to proxy. */
export const HEADLESS_LABEL = 'service.kubernetes.io/headless';

/** An EndpointSlice (discovery.k8s.io/v1), slimmed to the fields in use. */
export interface EndpointSlice {
  readonly kind: 'EndpointSlice';
  readonly namespace: string;
  readonly name: string;
  /** The Service it belongs to, in the same namespace. */
  readonly serviceName: string;
  readonly ports: readonly SlicePort[];
  /** Empty for slices we ignore: address type FQDN, or the label service.kubernetes.io/headless. */
  readonly endpoints: readonly SliceEndpoint[];
  /** When the change happened, in ms since 1970, according to its controller; absent if unknown. */
  readonly triggeredAt?: number;
  /** Which endpoints were left out, and why, for the log: "endpoints[1].addresses[0] must …"; absent if there are none. */
  readonly leftOut?: string;
  /** What our annotations request; absent without any. */
  readonly options?: SliceOptions;
}

/** One entry of ports. Entries without a number mean "all ports", which no proxy supports, and are left out. */
export interface SlicePort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** One entry of endpoints. Missing conditions have the API's defaults: ready, serving, not terminating. */
export interface SliceEndpoint {
  /** addresses[0], canonical. The API does not define a meaning for further ones. */
  readonly address: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Empty if unknown. */
  readonly nodeName: string;
  /** The zone it is in; absent if unknown. */
  readonly zone?: string;
  /**
   * hints.forZones and hints.forNodes (KEP-2433, KEP-3015): where its traffic should come from. Absent if there are none.
   */
  readonly zoneHints?: readonly string[];
  readonly nodeHints?: readonly string[];
}

/**
 * Canonical addresses that an API server refuses for endpoints, and more multicast addresses (CVE-2021-25737): a Service
 * could lead to programs on the node's loopback, or to a metadata service. Manifests and older objects may contain them. For
 * Kubernetes, IPv4-mapped addresses are IPv4.
 */
const NO_ENDPOINT_ADDRESS =
  /^(127\.|169\.254\.|0\.0\.0\.0$|22[4-9]\.|23\d\.|::1?$|fe[89ab][0-9a-f]:|ff[0-9a-f]{2}:|::ffff:[0-9a-f]{1,4}:[0-9a-f]{1,4}$)/;

/** The family of each addressType; undefined: names, which we do not use. */
const FAMILY_OF_TYPE: ReadonlyMap<unknown, Family | undefined> = new Map([
  ['IPv4', 'ip'],
  ['IPv6', 'ip6'],
  ['FQDN', undefined],
]);

/** Reads an EndpointSlice from an API server or a manifest, and keeps what we use. @throws FieldError */
export function* readEndpointSlice(raw: unknown): Parts<EndpointSlice> {
  const object = fieldsOf(raw, '');
  const metadata = fieldsOf(object['metadata'], 'metadata');
  const name = objectNameOf(metadata['name'], 'metadata.name');
  const namespace = namespaceOf(metadata['namespace'], 'metadata.namespace');
  const annotations = yield* stringsOf(metadata['annotations'], 'metadata.annotations');
  const labels = yield* stringsOf(metadata['labels'], 'metadata.labels');
  if (!hasKey(labels, SERVICE_NAME_LABEL))
    throw new FieldError('metadata.labels', `must have the label ${SERVICE_NAME_LABEL}`);
  const { addressType } = object;
  if (!FAMILY_OF_TYPE.has(addressType)) throw new FieldError('addressType', 'must be IPv4, IPv6 or FQDN');
  const family = hasKey(labels, HEADLESS_LABEL) ? undefined : FAMILY_OF_TYPE.get(addressType);
  const leftOut: LeftOut = { count: 0, first: '' };
  const endpoints = yield* listOf(object['endpoints'], 'endpoints', (item, index) => {
    const endpoint = readEndpoint(item);
    if (family === undefined) return undefined;
    const problem = problemOf(endpoint.address, family);
    if (problem === undefined) return endpoint;
    leftOut.first ||= `endpoints[${index}].addresses[0] ${problem}`;
    leftOut.count++;
    return undefined;
  });
  const ports = yield* listOf(object['ports'], 'ports', readPort);
  const serviceName = labels[SERVICE_NAME_LABEL] ?? '';
  const slice: EndpointSlice = {
    kind: 'EndpointSlice',
    namespace,
    name,
    serviceName,
    ports: packed(ports),
    endpoints: packed(endpoints),
  };
  const triggeredAt = Date.parse(annotations[TRIGGER_TIME_ANNOTATION] ?? '');
  const timed: EndpointSlice = Number.isFinite(triggeredAt) ? { ...slice, triggeredAt } : slice;
  const options = readSliceOptions(annotations);
  const weighed: EndpointSlice = options === undefined ? timed : { ...timed, options };
  if (leftOut.count === 0) return weighed;
  const all = leftOut.count + endpoints.length;
  return { ...weighed, leftOut: `${leftOut.first}; ${leftOut.count} of ${all} endpoints left out` };
}

/** How many endpoints were left out, and why the first one was. */
interface LeftOut {
  count: number;
  first: string;
}

/** Reads an entry of endpoints. Its address is empty if it is invalid, so that the other entries can still be used. */
function readEndpoint(raw: unknown): SliceEndpoint {
  const entry = fieldsOf(raw, '');
  const address = readAddress(entry['addresses']);
  const conditions = optionalFields(entry['conditions'], 'conditions');
  const ready = flagOf(conditions['ready'], 'conditions.ready', true);
  const serving = flagOf(conditions['serving'], 'conditions.serving', true);
  const terminating = flagOf(conditions['terminating'], 'conditions.terminating', false);
  const nodeName = sharedName(textOf(entry['nodeName'], 'nodeName', ''));
  const { zone } = entry;
  // A wrong value is no reason to refuse the slice, because only an option uses it.
  const hasZone = typeof zone === 'string' && zone !== '';
  const plain: SliceEndpoint = hasZone
    ? { address, ready, serving, terminating, nodeName, zone: sharedName(zone) }
    : { address, ready, serving, terminating, nodeName };
  const { hints } = entry;
  return hints === undefined || hints === null ? plain : { ...plain, ...readHints(hints) };
}

/** The first of the addresses, canonical; empty if it is invalid. */
function readAddress(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (!Array.isArray(value)) throw new FieldError('addresses', 'must be a list');
  const [first]: unknown[] = value;
  return typeof first === 'string' && familyOf(first) !== undefined ? canonicalAddress(first) : '';
}

/** Why an endpoint cannot have this canonical address; undefined if it can. */
function problemOf(address: string, family: Family): string | undefined {
  const isOfFamily = address !== '' && address.includes(':') === (family === 'ip6');
  if (!isOfFamily) return `must be an ${FAMILY_NAMES[family]} address`;
  if (!NO_ENDPOINT_ADDRESS.test(address)) return undefined;
  return 'must not be a loopback, link-local, unspecified, multicast or IPv4-mapped address';
}

function readHints(raw: unknown): Pick<SliceEndpoint, 'zoneHints' | 'nodeHints'> {
  const hints = fieldsOf(raw, 'hints');
  const zoneHints = readNames(hints['forZones'], 'hints.forZones');
  const nodeHints = readNames(hints['forNodes'], 'hints.forNodes');
  return { ...(zoneHints.length > 0 && { zoneHints }), ...(nodeHints.length > 0 && { nodeHints }) };
}

/** The API allows at most eight of them. */
function readNames(value: unknown, field: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new FieldError(field, 'must be a list');
  return value.map((item: unknown, i) => {
    const { name } = fieldsOf(item, `${field}[${i}]`);
    if (typeof name !== 'string') throw new FieldError(`${field}[${i}].name`, 'must be a string');
    return sharedName(name);
  });
}

function readPort(raw: unknown): SlicePort | undefined {
  const entry = fieldsOf(raw, '');
  const name = portNameOf(entry['name'], 'name');
  const protocol = protocolOf(entry['protocol'], 'protocol');
  const port = wholeNumberOf(entry['port'], 'port', PORTS_OR_NONE, 0);
  return port === 0 ? undefined : { name, protocol, port };
}
