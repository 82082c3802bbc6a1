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
  addresses: v.pipe(v.array(v.string()), v.minLength(1, 'must hold an address')),
  conditions: v.nullish(v.object({ ready: Condition, serving: Condition, terminating: Condition }), {}),
  nodeName: v.nullish(Name, ''),
  hints: v.nullish(HintLists),
});

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
  v.rawTransform(({ dataset, addIssue, NEVER }): EndpointSlice => {
    const { metadata, addressType, endpoints, ports } = dataset.value;
    const ignored = addressType === 'FQDN' || HEADLESS_LABEL in metadata.labels;
    const family = addressType === 'IPv4' ? 'ip' : 'ip6';
    const kept: SliceEndpoint[] = [];
    for (const [index, endpoint] of ignored ? [] : endpoints.entries()) {
      const address = v.safeParse(IpAddress, endpoint.addresses[0]);
      if (!address.success || familyOf(address.output) !== family) {
        addIssue({ message: `endpoints[${index}].addresses[0] must be an ${addressType} address` });
        return NEVER;
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
    };
  }),
);

function hintsOf({
  forZones,
  forNodes,
}: v.InferOutput<typeof HintLists>): Pick<SliceEndpoint, 'zoneHints' | 'nodeHints'> {
  return {
    ...(forZones.length > 0 && { zoneHints: forZones.map(({ name }) => name) }),
    ...(forNodes.length > 0 && { nodeHints: forNodes.map(({ name }) => name) }),
  };
}
