import type { EndpointSlice } from '../objects/endpoint-slice.ts';

/** Of an endpoint whose slice has no annotation, where another of its Service has Cilium's. */
const CILIUM_DEFAULT = 100;

/**
 * A Service's slices with the weights that Cilium's annotation gives them. Where one of them has ours, Cilium's count for
 * nothing: the scales differ.
 */
export function withCiliumWeights(slices: readonly EndpointSlice[]): readonly EndpointSlice[] {
  const isCilium = slices.some(({ options }) => options?.ciliumWeight !== undefined);
  if (!isCilium || slices.some(({ options }) => options?.weight !== undefined)) return slices;
  return slices.map((slice) => {
    const { ciliumWeight: weight = CILIUM_DEFAULT } = slice.options ?? {};
    return { ...slice, options: { ...slice.options, weight } };
  });
}
