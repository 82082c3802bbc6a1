import { ANNOTATION_PREFIX, AnnotationError, annotationProblem } from './service-options.ts';

/** What an EndpointSlice asks of us by annotations of our own; docs/beyond-kube-proxy.md. */
export interface SliceOptions {
  /** For how much each of its endpoints counts where one is drawn, 0 to MAX_WEIGHT; absent: 1. */
  readonly weight?: number;
  /** What Cilium's annotation says (cilium-weights.ts); absent without it. */
  readonly ciliumWeight?: number;
  /** Why an annotation of ours counts for nothing, the first of them; absent if none does. */
  readonly problem?: string;
}

/** On an EndpointSlice. On a Service it would say nothing: all of its endpoints would have the same. */
const WEIGHT_ANNOTATION = `${ANNOTATION_PREFIX}weight`;

const MAX_WEIGHT = 100;

/** Cilium's, from 0 to 65535. A value that is wrong is Cilium's to tell. */
const CILIUM_WEIGHT_ANNOTATION = 'service.cilium.io/weight';
const MAX_CILIUM_WEIGHT = 65_535;

/** The weight of an endpoint whose slice gives none. */
export const DEFAULT_WEIGHT = 1;

/**
 * What annotations of a slice ask for; undefined if none of them is ours, or Cilium's weight. A value that is wrong counts
 * for nothing.
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
      // Where Cilium says something, it matters that ours says the usual.
      const isUsual = weight === DEFAULT_WEIGHT && ciliumWeight === undefined;
      options = isUsual ? options : { ...options, weight };
    } catch (error) {
      if (!(error instanceof AnnotationError)) throw error;
      options = { problem: annotationProblem(key, value, error), ...options };
    }
  }
  return options;
}

/** The annotations that readSliceOptions makes these options of, but for what counted for nothing. */
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
