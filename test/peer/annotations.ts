import type { RawObject } from './api-server.ts';
import type { Draws } from './draws.ts';

const PREFIX = 'kube-proxy-nft/';

type Choices = Readonly<Record<string, readonly (string | undefined)[]>>;

/**
 * Annotations of ours that change which of its endpoints a Service's connections meet, or how often, and not which ones
 * these are; and some that change nothing here. docs/testing.md says what is left out, and why.
 */
const OF_SERVICES: Choices = {
  'lb-algorithm': [undefined, undefined, 'random', 'client-hash', 'client-hash', 'connection-hash'],
  'slow-start': [undefined, undefined, '2s', '1h'],
  limit: [undefined, undefined, '100000/s'],
  'max-connections': [undefined, undefined, '1000'],
  'reset-gone-endpoints': [undefined, undefined, 'false'],
  'source-ranges-on-node-ports': [undefined, undefined, 'false'],
};

/** With ranges, it would close node ports that kube-proxy leaves open. */
const OF_SERVICES_WITHOUT_RANGES: Choices = {
  ...OF_SERVICES,
  'source-ranges-on-node-ports': [undefined, undefined, 'false', 'true'],
};

/** None is 0: nobody else would leave out endpoints. */
const OF_SLICES: Choices = {
  weight: [undefined, undefined, '1', '2', '5'],
};

/** An object with annotations of ours, if it is a Service or a slice. */
export function annotated(object: RawObject, draws: Draws): RawObject {
  const { loadBalancerSourceRanges: ranges = [] } = (object['spec'] ?? {}) as RangesFields;
  const ofServices = ranges.length > 0 ? OF_SERVICES : OF_SERVICES_WITHOUT_RANGES;
  const ofKind = { Service: ofServices, EndpointSlice: OF_SLICES }[String(object.kind)];
  if (ofKind === undefined) return object;
  const drawn = Object.entries(ofKind).map(([name, values]) => [`${PREFIX}${name}`, draws.pick(values)] as const);
  const annotations = Object.fromEntries(drawn.filter(([, value]) => value !== undefined));
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** Whether the client's address chooses the endpoint: clients with session affinity do not stay then as they do with kube-proxy. */
export function isHashedByClient(service: string | undefined, objects: readonly RawObject[]): boolean {
  return annotationsOf(service, objects).some((one) => one[`${PREFIX}lb-algorithm`] === 'client-hash');
}

/** Whether some endpoints of a Service are met more seldom than others, or by some clients alone. */
export function isUneven(service: string | undefined, objects: readonly RawObject[]): boolean {
  const names = ['lb-algorithm', 'slow-start', 'weight'].map((name) => `${PREFIX}${name}`);
  return annotationsOf(service, objects).some((one) => names.some((name) => name in one));
}

/** Those of a Service and of its slices. */
function annotationsOf(service: string | undefined, objects: readonly RawObject[]) {
  return objects.flatMap(({ kind, metadata }) => {
    const { labels = {}, annotations = {} } = metadata as AnnotatedFields;
    const isMeant = kind === 'Service' ? metadata.name === service : labels['kubernetes.io/service-name'] === service;
    return isMeant && service !== undefined ? [annotations] : [];
  });
}

interface RangesFields {
  readonly loadBalancerSourceRanges?: readonly string[];
}

interface AnnotatedFields {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
