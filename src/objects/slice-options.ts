import { ANNOTATION_PREFIX, AnnotationError, annotationProblem } from './service-options.ts';

/** What an EndpointSlice requests with our own annotations; see docs/beyond-kube-proxy.md. */
export interface SliceOptions {
  /** The weight of each of its endpoints in a draw, 0 to MAX_WEIGHT; absent: 1. */
  readonly weight?: number;
  /** The value of Cilium's annotation (cilium-weights.ts); absent without it. */
  readonly ciliumWeight?: number;
  /** Why an annotation of ours has no effect (the first one); absent if there is none. */
  readonly problem?: string;
  /** Why Cilium's annotation has no effect; absent if it has one, or is absent. It matters only where Cilium's apply. */
  readonly ciliumProblem?: string;
}

/** On an EndpointSlice. On a Service it would be useless, because all of its endpoints would have the same weight. */
const WEIGHT_ANNOTATION = `${ANNOTATION_PREFIX}weight`;

const MAX_WEIGHT = 100;

/** Cilium's, from 0 to 65535. */
const CILIUM_WEIGHT_ANNOTATION = 'service.cilium.io/weight';
const MAX_CILIUM_WEIGHT = 65_535;

/** The weight of an endpoint whose slice has no annotation. */
export const DEFAULT_WEIGHT = 1;

/**
 * What the annotations of a slice request; undefined if none of them is ours or Cilium's weight. A wrong value has no
 * effect.
 */
export function readSliceOptions(annotations: Readonly<Record<string, string>>): SliceOptions | undefined {
  let options = readCiliumWeight(annotations[CILIUM_WEIGHT_ANNOTATION]);
  for (const key in annotations) {
    if (!key.startsWith(ANNOTATION_PREFIX)) continue;
    const value = annotations[key] ?? '';
    try {
      if (key !== WEIGHT_ANNOTATION) throw new AnnotationError('EndpointSlices have no such annotation');
      // Also the default one: if a slice of the Service has ours, Cilium's do not apply.
      options = { ...options, weight: readWeight(value, MAX_WEIGHT) };
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

function readCiliumWeight(value: string | undefined): SliceOptions | undefined {
  if (value === undefined) return undefined;
  try {
    return { ciliumWeight: readWeight(value, MAX_CILIUM_WEIGHT) };
  } catch (error) {
    if (!(error instanceof AnnotationError)) throw error;
    return { ciliumProblem: annotationProblem(CILIUM_WEIGHT_ANNOTATION, value, error) };
  }
}

/** @throws AnnotationError */
function readWeight(value: string, most: number): number {
  const weight = /^\d{1,5}$/.test(value) ? Number(value) : Number.POSITIVE_INFINITY;
  if (weight > most) throw new AnnotationError(`must be a whole number from 0 to ${most}`);
  return weight;
}
