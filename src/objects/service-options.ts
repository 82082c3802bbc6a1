import type { Fields } from './fields.ts';

/**
 * What a Service requests with our own annotations, beyond what Kubernetes offers; see docs/beyond-kube-proxy.md. A Service
 * without any is served like by kube-proxy.
 */
export interface ServiceOptions {
  /** reset-gone-endpoints: whether TCP connections end when their endpoint is gone. Overrides the daemon's flag. */
  readonly resetGoneEndpoints?: boolean;
  /**
   * Whether spec.loadBalancerSourceRanges also apply to its node ports; absent: according to --source-ranges-on-node-ports.
   */
  readonly sourceRangesOnNodePorts?: boolean;
  /** Seconds in which an endpoint that becomes ready reaches its full share of new connections (slow-start). */
  readonly slowStartSeconds?: number;
  /** lb-algorithm: how a new connection gets its endpoint; absent without the annotation. */
  readonly lbAlgorithm?: LbAlgorithm;
  /** Cilium's equivalent annotation. It applies only if that is switched on and ours is absent. */
  readonly ciliumLbAlgorithm?: CiliumLbAlgorithm;
  /**
   * zone-spill-over, in percent of the ready endpoints: if there are so many in the node's own zone, only these are used;
   * otherwise others are added. It replaces topology hints.
   */
  readonly zoneSpillOver?: number;
  /** limit: new connections that a client may have in a second. */
  readonly limitPerSecond?: number;
  /** max-connections: connections that an endpoint may have open. */
  readonly maxConnections?: number;
  /** Why annotations have no effect: "kube-proxy-nft/lb-algorithm: must be …", for its Event; absent if there are none. */
  readonly problems?: readonly string[];
  /** Why Cilium's annotation has no effect. It matters only where a valid one would apply. */
  readonly ciliumProblem?: string;
}

/** At random; by a hash of the client's address; by one of the connection's addresses and source port. */
export const LB_ALGORITHMS = ['random', 'client-hash', 'connection-hash'] as const;
export type LbAlgorithm = (typeof LB_ALGORITHMS)[number];

/** Cilium's (service.cilium.io/lb-algorithm): maglev hashes addresses, ports and protocol. */
const CILIUM_LB_ALGORITHMS = ['random', 'maglev'] as const;
type CiliumLbAlgorithm = (typeof CILIUM_LB_ALGORITHMS)[number];

/** Prefix of our annotations. */
export const ANNOTATION_PREFIX = 'kube-proxy-nft/';

/** An invalid value of an annotation; `message`: "must be …". */
export class AnnotationError extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'AnnotationError';
  }
}

/** One of our annotations: how its value is read, and how it is written for the saved state. */
interface Annotation {
  /** Without the prefix. */
  readonly name: string;
  /** True if it has one of a few values, so that Services are also counted by value. */
  readonly isChoice?: true;
  /** @throws AnnotationError */
  read(value: string): Omit<ServiceOptions, 'problems' | 'ciliumProblem'>;
  /** Undefined if the options do not have it. */
  write(options: ServiceOptions): string | undefined;
}

const RESET_GONE_ENDPOINTS: Annotation = {
  name: 'reset-gone-endpoints',
  isChoice: true,
  read: (value) => ({ resetGoneEndpoints: readBoolean(value) }),
  write: ({ resetGoneEndpoints }) => resetGoneEndpoints?.toString(),
};

const SOURCE_RANGES_ON_NODE_PORTS: Annotation = {
  name: 'source-ranges-on-node-ports',
  isChoice: true,
  read: (value) => ({ sourceRangesOnNodePorts: readBoolean(value) }),
  write: ({ sourceRangesOnNodePorts }) => sourceRangesOnNodePorts?.toString(),
};

/** Limits of the kernel's token bucket, and of its list of connections. */
const MOST_PER_SECOND = 100_000;
const MOST_CONNECTIONS = 1_000;

const LIMIT: Annotation = {
  name: 'limit',
  read: (value) => {
    const [, number = ''] = /^(\d{1,6})\/s$/.exec(value) ?? [];
    const limitPerSecond = Number(number);
    if (limitPerSecond < 1 || limitPerSecond > MOST_PER_SECOND)
      throw new AnnotationError(`must be a number from 1 to ${MOST_PER_SECOND} and "/s", as in "100/s"`);
    return { limitPerSecond };
  },
  write: ({ limitPerSecond }) => (limitPerSecond === undefined ? undefined : `${limitPerSecond}/s`),
};

const MAX_CONNECTIONS: Annotation = {
  name: 'max-connections',
  read: (value) => {
    const maxConnections = /^\d{1,5}$/.test(value) ? Number(value) : 0;
    if (maxConnections < 1 || maxConnections > MOST_CONNECTIONS)
      throw new AnnotationError(`must be a number from 1 to ${MOST_CONNECTIONS}`);
    return { maxConnections };
  },
  write: ({ maxConnections }) => maxConnections?.toString(),
};

const SLOW_START: Annotation = {
  name: 'slow-start',
  read: (value) => ({ slowStartSeconds: readSlowStart(value) }),
  write: ({ slowStartSeconds }) => (slowStartSeconds === undefined ? undefined : `${slowStartSeconds}s`),
};

const LB_ALGORITHM: Annotation = {
  name: 'lb-algorithm',
  isChoice: true,
  read: (value) => {
    const lbAlgorithm = LB_ALGORITHMS.find((known) => known === value);
    if (lbAlgorithm === undefined) throw new AnnotationError(`must be one of ${LB_ALGORITHMS.join(', ')}`);
    return { lbAlgorithm };
  },
  write: ({ lbAlgorithm }) => lbAlgorithm,
};

const ZONE_SPILL_OVER: Annotation = {
  name: 'zone-spill-over',
  read: (value) => {
    const [, percent] = /^([1-9]\d?|100)%$/.exec(value) ?? [];
    if (percent === undefined) throw new AnnotationError('must be a percentage from "1%" to "100%"');
    return { zoneSpillOver: Number(percent) };
  },
  write: ({ zoneSpillOver }) => (zoneSpillOver === undefined ? undefined : `${zoneSpillOver}%`),
};

const ANNOTATIONS: readonly Annotation[] = [
  RESET_GONE_ENDPOINTS,
  SOURCE_RANGES_ON_NODE_PORTS,
  SLOW_START,
  ZONE_SPILL_OVER,
  LB_ALGORITHM,
  LIMIT,
  MAX_CONNECTIONS,
];

/** The annotations that a Service can have, without their prefix. */
export const ANNOTATION_NAMES: readonly string[] = ANNOTATIONS.map(({ name }) => name);

/** Known annotations of Cilium. Its others are not for us, so they are no problem. */
const CILIUM_PREFIX = 'service.cilium.io/';
const CILIUM_ANNOTATIONS: readonly Annotation[] = [
  {
    name: 'lb-algorithm',
    isChoice: true,
    read: (value) => {
      const ciliumLbAlgorithm = CILIUM_LB_ALGORITHMS.find((known) => known === value);
      if (ciliumLbAlgorithm === undefined)
        throw new AnnotationError(`must be one of ${CILIUM_LB_ALGORITHMS.join(', ')}`);
      return { ciliumLbAlgorithm };
    },
    write: ({ ciliumLbAlgorithm }) => ciliumLbAlgorithm,
  },
];

/** Longer keys and values are cut where they are named. */
const MAX_NAMED = 60;

/** How many are named: an object may have thousands. */
const MAX_PROBLEMS = 5;

/** @throws AnnotationError */
function readBoolean(value: string): boolean {
  if (value !== 'true' && value !== 'false') throw new AnnotationError('must be "true" or "false"');
  return value === 'true';
}

/**
 * The options that a Service's annotations request; undefined if none of them is ours or a known one of Cilium. A wrong
 * value has no effect.
 */
export function readServiceOptions(annotations: Fields): ServiceOptions | undefined {
  let options: ServiceOptions | undefined;
  const problems: string[] = [];
  for (const key in annotations) {
    if (key.startsWith(CILIUM_PREFIX)) options = withCilium(options, key, annotations[key]);
    if (!key.startsWith(ANNOTATION_PREFIX)) continue;
    options ??= {};
    const annotation = ANNOTATIONS.find(({ name }) => name === key.slice(ANNOTATION_PREFIX.length));
    const read = readAnnotation(annotation, key, annotations[key]);
    if (typeof read !== 'string') options = { ...options, ...read };
    else if (problems.length < MAX_PROBLEMS) problems.push(read);
  }
  return problems.length === 0 ? options : { ...options, problems };
}

function withCilium(options: ServiceOptions | undefined, key: string, value: unknown): ServiceOptions | undefined {
  const annotation = CILIUM_ANNOTATIONS.find(({ name }) => name === key.slice(CILIUM_PREFIX.length));
  if (annotation === undefined) return options;
  const read = readAnnotation(annotation, key, value);
  return { ...options, ...(typeof read === 'string' ? { ciliumProblem: read } : read) };
}

/** The options that an annotation requests, or why it has no effect. */
function readAnnotation(annotation: Annotation | undefined, key: string, value: unknown): ServiceOptions | string {
  try {
    if (annotation === undefined) throw new AnnotationError('there is no such annotation');
    if (typeof value !== 'string') throw new AnnotationError('must be a string');
    return annotation.read(value);
  } catch (error) {
    if (!(error instanceof AnnotationError)) throw error;
    return annotationProblem(key, value, error);
  }
}

/** Why an annotation has no effect: 'kube-proxy-nft/weight: "x": must be …'. */
export function annotationProblem(key: string, value: unknown, { message }: AnnotationError): string {
  return `${key.slice(0, MAX_NAMED)}: "${String(value).slice(0, MAX_NAMED)}": ${message}`;
}

/** The annotations from which readServiceOptions makes these options, without those that have no effect. */
export function annotationsOf(options: ServiceOptions): Readonly<Record<string, string>> {
  const written = (prefix: string, annotations: readonly Annotation[]) =>
    annotations.flatMap(({ name, write }) => {
      const value = write(options);
      return value === undefined ? [] : [[`${prefix}${name}`, value]];
    });
  return Object.fromEntries([
    ...written(CILIUM_PREFIX, CILIUM_ANNOTATIONS),
    ...written(ANNOTATION_PREFIX, ANNOTATIONS),
  ]);
}

/**
 * The names under which Services with these options are counted: "limit", or "lb-algorithm=client-hash" if there are only a
 * few values. `readsCilium`: whether annotations of Cilium apply if ours are absent.
 */
export function optionNames(options: ServiceOptions, readsCilium: boolean): readonly string[] {
  const counted = (prefix: string, annotations: readonly Annotation[]) =>
    annotations.flatMap(({ name, isChoice, write }) => {
      const value = write(options);
      if (value === undefined) return [];
      return [{ name, text: `${prefix}${name}${isChoice ? `=${value}` : ''}` }];
    });
  const own = counted('', ANNOTATIONS);
  const others = readsCilium ? counted(CILIUM_PREFIX, CILIUM_ANNOTATIONS) : [];
  return [...own, ...others.filter(({ name }) => own.every((one) => one.name !== name))].map(({ text }) => text);
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Seconds. An endpoint that needs more than an hour has another problem. */
const MAX_SLOW_START = 3600;

function readSlowStart(value: string): number {
  const [, amount, unit = ''] = /^(\d{1,5})([smh])$/.exec(value) ?? [];
  const seconds = Number(amount) * (UNITS[unit] ?? 0);
  if (seconds >= 1 && seconds <= MAX_SLOW_START) return seconds;
  throw new AnnotationError('must be a whole number of seconds, minutes or hours, from 1s to 1h, such as 30s');
}
