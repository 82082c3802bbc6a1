import type { Cluster } from './cluster.ts';

/** Slices whose problem is told: a Service may have thousands. */
const MAX_SLICES = 3;

/** Why annotations of a Service and its slices count for nothing; undefined if all count. */
export function annotationProblems(cluster: Cluster, serviceKey: string): string | undefined {
  const own = cluster.service(serviceKey)?.options?.problems ?? [];
  const slices: string[] = [];
  for (const { name, options } of cluster.slicesOf(serviceKey)) {
    if (options?.problem !== undefined) slices.push(`EndpointSlice ${name}: ${options.problem}`);
  }
  const all = [...own, ...slices.sort().slice(0, MAX_SLICES)];
  return all.length === 0 ? undefined : all.join(', ');
}
