import * as v from 'valibot';
import { familyOf } from '../ip.ts';
import { packed, sharedName } from './compact.ts';
import { IpAddress, list, Namespace, ObjectName, PortName, type Protocol, ProtocolName, StringMap } from './schema.ts';

/** Label that names the Service a slice belongs to. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/** Annotation with the time (RFC 3339) of the Pod's or Service's change that made the controller write the slice. */
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
  /** When what it tells of happened, in ms since 1970, as its controller noted; absent if unknown. */
  readonly triggeredAt?: number;
  /** Which endpoints were left out, and why, for the log: "endpoints[1].addresses[0] must …"; absent if none was. */
  readonly leftOut?: string;
}

/** One entry of ports; those without a number mean "all ports", which no proxy supports, and are left out. */
export interface SlicePort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** One entry of endpoints. Nil conditions have the meaning the API gives them: ready, serving, not terminating. */
export interface SliceEndpoint {
  /** addresses[0], canonical. The API defines no meaning for further ones. */
  readonly address: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Empty if unknown. */
  readonly nodeName: string;
  /** hints.forZones and hints.forNodes (KEP-2433, KEP-3015): where its traffic should come from. Absent if there are none. */
  readonly zoneHints?: readonly string[];
  readonly nodeHints?: readonly string[];
}

const Condition = v.nullish(v.boolean());

const Name = v.pipe(v.string(), v.transform(sharedName));

const Hints = list(v.object({ name: Name }));

const HintLists = v.object({ forZones: Hints, forNodes: Hints });

const Endpoint = v.object({
  // Checked one by one: a bad one is no reason to do without the others.
  addresses: list(v.unknown()),
  conditions: v.nullish(v.object({ ready: Condition, serving: Condition, terminating: Condition }), {}),
  nodeName: v.nullish(Name, ''),
  hints: v.nullish(HintLists),
});

/**
 * Canonical addresses that an API server refuses for endpoints, and more multicast ones (CVE-2021-25737): through them a
 * Service would lead to what listens on the node's loopback, or to a metadata service. Manifests and older objects may
 * have them. IPv4-mapped ones are IPv4 to Kubernetes.
 */
const NO_ENDPOINT_ADDRESS =
  /^(127\.|169\.254\.|0\.0\.0\.0$|22[4-9]\.|23\d\.|::1?$|fe[89ab][0-9a-f]:|ff[0-9a-f]{2}:|::ffff:[0-9a-f]{1,4}:[0-9a-f]{1,4}$)/;

const Port = v.object({
  name: PortName,
  protocol: ProtocolName,
  port: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65535)), 0),
});

const Slice = v.object({
  metadata: v.object({
    name: ObjectName,
    namespace: Namespace,
    annotations: StringMap,
    labels: v.pipe(
      StringMap,
      v.check((labels) => SERVICE_NAME_LABEL in labels, `must have the label ${SERVICE_NAME_LABEL}`),
    ),
  }),
  addressType: v.picklist(['IPv4', 'IPv6', 'FQDN']),
  endpoints: list(Endpoint),
  ports: list(Port),
});

/** Reads what an API server or a manifest says of an EndpointSlice, and keeps what we use. */
export const EndpointSliceSchema = v.pipe(
  Slice,
  v.transform(({ metadata, addressType, endpoints, ports }): EndpointSlice => {
    const ignored = addressType === 'FQDN' || HEADLESS_LABEL in metadata.labels;
    const kept: SliceEndpoint[] = [];
    let leftOut = '';
    for (const [index, endpoint] of ignored ? [] : endpoints.entries()) {
      const address = v.safeParse(IpAddress, endpoint.addresses[0]);
      const problem = problemOf(address.success ? address.output : undefined, addressType);
      if (!address.success || problem !== undefined) {
        leftOut ||= `endpoints[${index}].addresses[0] ${problem}`;
        continue;
      }
      const { ready, serving, terminating } = endpoint.conditions;
      const plain: SliceEndpoint = {
        address: address.output,
        ready: ready ?? true,
        serving: serving ?? true,
        terminating: terminating ?? false,
        nodeName: endpoint.nodeName,
      };
      kept.push(endpoint.hints ? { ...plain, ...hintsOf(endpoint.hints) } : plain);
    }
    const triggeredAt = Date.parse(metadata.annotations[TRIGGER_TIME_ANNOTATION] ?? '');
    return {
      kind: 'EndpointSlice',
      namespace: metadata.namespace,
      name: metadata.name,
      serviceName: metadata.labels[SERVICE_NAME_LABEL] ?? '',
      ports: packed(ports.filter(({ port }) => port !== 0)),
      endpoints: packed(kept),
      ...(Number.isFinite(triggeredAt) && { triggeredAt }),
      ...(leftOut !== '' && {
        leftOut: `${leftOut}; ${endpoints.length - kept.length} of ${endpoints.length} endpoints left out`,
      }),
    };
  }),
);

/** Why an endpoint cannot have this canonical address; undefined if it can. */
function problemOf(address: string | undefined, addressType: string): string | undefined {
  const family = addressType === 'IPv4' ? 'ip' : 'ip6';
  if (address === undefined || familyOf(address) !== family) return `must be an ${addressType} address`;
  if (!NO_ENDPOINT_ADDRESS.test(address)) return undefined;
  return 'must not be a loopback, link-local, unspecified, multicast or IPv4-mapped address';
}

function hintsOf({
  forZones,
  forNodes,
}: v.InferOutput<typeof HintLists>): Pick<SliceEndpoint, 'zoneHints' | 'nodeHints'> {
  return {
    ...(forZones.length > 0 && { zoneHints: forZones.map(({ name }) => name) }),
    ...(forNodes.length > 0 && { nodeHints: forNodes.map(({ name }) => name) }),
  };
}
