import { ANNOTATION_PREFIX, AnnotationError, annotationProblem } from './service-options.ts';

/** What an EndpointSlice requests with our own annotations; see docs/beyond-kube-proxy.md. */
export interface SliceOptions {
  /** The weight of each of its endpoints in a draw, 0 to MAX_WEIGHT; absent: 1. */
  readonly weight?: number;
  /** The value of Cilium's annotation (cilium-weights.ts); absent without it. */
  readonly ciliumWeight?: number;
  /** Why an annotation of ours has no effect (the first one); absent if there is none. */
  readonly problem?: string;
}

/** On an EndpointSlice. On a Service it would be useless, because all of its endpoints would have the same weight. */
const WEIGHT_ANNOTATION = `${ANNOTATION_PREFIX}weight`;

const MAX_WEIGHT = 100;

/** Cilium's, from 0 to 65535. Cilium itself reports wrong values. */
const CILIUM_WEIGHT_ANNOTATION = 'service.cilium.io/weight';
const MAX_CILIUM_WEIGHT = 65_535;

/** The weight of an endpoint whose slice has no annotation. */
export const DEFAULT_WEIGHT = 1;

/**
 * What the annotations of a slice request; undefined if none of them is ours or Cilium's weight. A wrong value has no
 * effect.
 */
export function readSliceOptions(annotations: Readonly<Record<string, string>>): SliceOptions | undefined {
  const ciliumWeight = numberOf(annotations[CILIUM_WEIGHT_ANNOTATION] ?? '', MAX_CILIUM_WEIGHT);
  let options: SliceOptions | undefined = ciliumWeight === undefined ? undefined : { ciliumWeight };
  for (const key in annotations) {
    if (!key.startsWith(ANNOTATION_PREFIX)) continue;
    const value = annotations[key] ?? '';
    try {
      if (key !== WEIGHT_ANNOTATION) throw new AnnotationError('EndpointSlices have no such annotation');
      const weight = readWeight(value);
      // If Cilium's annotation is there, it matters that ours has the default value.
      const isUsual = weight === DEFAULT_WEIGHT && ciliumWeight === undefined;
      options = isUsual ? options : { ...options, weight };
    } catch (error) {
      if (!(error instanceof AnnotationError)) throw error;
      options = { problem: annotationProblem(key, value, error), ...options };
    }
  }
  return options;
}

/** The annotations from which readSliceOptions makes these options, without those that have no effect. */
export function sliceAnnotationsOf({ weight, ciliumWeight }: SliceOptions): Readonly<Record<string, string>> {
  return {
    ...(weight !== undefined && { [WEIGHT_ANNOTATION]: `${weight}` }),
    ...(ciliumWeight !== undefined && { [CILIUM_WEIGHT_ANNOTATION]: `${ciliumWeight}` }),
  };
}

function readWeight(value: string): number {
  const weight = numberOf(value, MAX_WEIGHT);
  if (weight === undefined) throw new AnnotationError(`must be a whole number from 0 to ${MAX_WEIGHT}`);
  return weight;
}

function numberOf(text: string, most: number): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= most ? Number(text) : undefined;
}
