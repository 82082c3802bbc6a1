import type { EndpointSlice } from '../objects/endpoint-slice.ts';

/** The weight of an endpoint whose slice has no annotation, if another one of its Service has Cilium's. */
const CILIUM_DEFAULT = 100;

/**
 * A Service's slices with the weights from Cilium's annotation. If one of them has our annotation, Cilium's are ignored,
 * because the scales differ.
 */
export function withCiliumWeights(slices: readonly EndpointSlice[]): readonly EndpointSlice[] {
  const isCilium = slices.some(({ options }) => options?.ciliumWeight !== undefined);
  if (!isCilium || hasOwnWeights(slices)) return slices;
  return slices.map((slice) => {
    const { ciliumWeight: weight = CILIUM_DEFAULT } = slice.options ?? {};
    return { ...slice, options: { ...slice.options, weight } };
  });
}

/** Whether a slice of a Service has our annotation, so that Cilium's do not apply. */
export function hasOwnWeights(slices: readonly Pick<EndpointSlice, 'options'>[]): boolean {
  return slices.some(({ options }) => options?.weight !== undefined);
}
