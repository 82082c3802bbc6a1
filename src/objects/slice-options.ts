import { ANNOTATION_PREFIX, AnnotationError, annotationProblem } from './service-options.ts';

/** What an EndpointSlice asks of us by annotations of our own; docs/beyond-kube-proxy.md. */
export interface SliceOptions {
  /** For how much each of its endpoints counts where one is drawn, 0 to MAX_WEIGHT; absent: 1. */
  readonly weight?: number;
  /** Why an annotation of ours counts for nothing, the first of them; absent if none does. */
  readonly problem?: string;
}

/** On an EndpointSlice. On a Service it would say nothing: all of its endpoints would have the same. */
const WEIGHT_ANNOTATION = `${ANNOTATION_PREFIX}weight`;

const MAX_WEIGHT = 100;

/** The weight of an endpoint whose slice gives none. */
export const DEFAULT_WEIGHT = 1;

/** What annotations of a slice ask for; undefined if none of them is ours. A value that is wrong counts for nothing. */
export function readSliceOptions(annotations: Readonly<Record<string, string>>): SliceOptions | undefined {
  let options: SliceOptions | undefined;
  for (const key in annotations) {
    if (!key.startsWith(ANNOTATION_PREFIX)) continue;
    const value = annotations[key] ?? '';
    try {
      if (key !== WEIGHT_ANNOTATION) throw new AnnotationError('EndpointSlices have no such annotation');
      const weight = readWeight(value);
      options = weight === DEFAULT_WEIGHT ? options : { ...options, weight };
    } catch (error) {
      if (!(error instanceof AnnotationError)) throw error;
      options = { problem: annotationProblem(key, value, error), ...options };
    }
  }
  return options;
}

/** The annotations that readSliceOptions makes these options of, but for what counted for nothing. */
export function sliceAnnotationsOf({ weight }: SliceOptions): Readonly<Record<string, string>> {
  return weight === undefined ? {} : { [WEIGHT_ANNOTATION]: `${weight}` };
}

function readWeight(value: string): number {
  const weight = /^\d{1,3}$/.test(value) ? Number(value) : Number.NaN;
  if (weight <= MAX_WEIGHT) return weight;
  throw new AnnotationError(`must be a whole number from 0 to ${MAX_WEIGHT}`);
}
