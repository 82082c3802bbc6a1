import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Service } from '../objects/service.ts';
import { optionNames } from '../objects/service-options.ts';
import { hasOwnWeights } from './cilium-weights.ts';
import type { Cluster } from './cluster.ts';

/**
 * The features of docs/beyond-kube-proxy.md that a Service and its slices request with annotations: "limit",
 * "lb-algorithm=client-hash", "weight".
 */
export function usedOptions(
  { options }: Pick<Service, 'options'>,
  slices: readonly Pick<EndpointSlice, 'options'>[],
  readsCilium: boolean,
): readonly string[] {
  const own = options === undefined ? NONE : optionNames(options, readsCilium);
  const weight = weightOption(slices, readsCilium);
  return weight === undefined ? own : [...own, weight];
}

const NONE: readonly never[] = [];

/**
 * The name of the option that gives a Service's slices their weights. Cilium's applies if no slice has ours. Undefined
 * without any.
 */
function weightOption(slices: readonly Pick<EndpointSlice, 'options'>[], readsCilium: boolean): string | undefined {
  if (hasOwnWeights(slices)) return 'weight';
  const isCilium = readsCilium && slices.some(({ options }) => options?.ciliumWeight !== undefined);
  return isCilium ? 'service.cilium.io/weight' : undefined;
}

/** How many Services request each feature, by the names of usedOptions, in alphabetical order. Undefined if none does. */
export function countOptions(cluster: Cluster): Readonly<Record<string, number>> | undefined {
  const counts = new Map<string, number>();
  for (const key of cluster.serviceKeys()) {
    const service = cluster.service(key);
    if (service === undefined) continue;
    const used = usedOptions(service, cluster.slicesOf(key), cluster.readsCilium);
    for (const option of used) counts.set(option, (counts.get(option) ?? 0) + 1);
  }
  return counts.size === 0 ? undefined : Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
