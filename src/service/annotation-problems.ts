import type { Service } from '../objects/service.ts';
import { hasOwnWeights } from './cilium-weights.ts';
import type { Cluster } from './cluster.ts';
import type { Frontend } from './frontend.ts';
import { hashByOf } from './lb-algorithm.ts';

/** How many slices are named: a Service may have thousands. */
const MAX_SLICES = 3;

/**
 * Why annotations of a Service and its slices have no effect; undefined if all have. That this node's zone is unknown is not
 * included: it is a problem of the node, and would be reported for each Service.
 */
export function annotationProblems(
  cluster: Cluster,
  serviceKey: string,
  frontends: readonly Pick<Frontend, 'zoneShare'>[],
): string | undefined {
  const service = cluster.service(serviceKey);
  const own = service?.options === undefined ? [] : problemsOf(service, cluster.readsCilium, frontends);
  const slices = cluster.slicesOf(serviceKey);
  const readsCilium = cluster.readsCilium && !hasOwnWeights(slices);
  const ofSlices: string[] = [];
  for (const { name, options } of slices) {
    if (options === undefined) continue;
    const { problem = readsCilium ? options.ciliumProblem : undefined } = options;
    if (problem !== undefined) ofSlices.push(`EndpointSlice ${name}: ${problem}`);
  }
  const all = [...own, ...ofSlices.sort().slice(0, MAX_SLICES)];
  return all.length === 0 ? undefined : all.join(', ');
}

/** Invalid values, and annotations that do not work together. */
function problemsOf(
  service: Service,
  readsCilium: boolean,
  frontends: readonly Pick<Frontend, 'zoneShare'>[],
): readonly string[] {
  const { problems = [], ciliumProblem, maxConnections, lbAlgorithm } = service.options ?? {};
  const by = hashByOf(service, readsCilium);
  const lackZones = frontends.some(
    ({ zoneShare: share }) => share && 'unknown' in share && share.unknown === 'endpoints',
  );
  return [
    ...problems,
    ...(readsCilium && ciliumProblem !== undefined && lbAlgorithm === undefined ? [ciliumProblem] : []),
    ...(maxConnections !== undefined && by !== undefined
      ? ['kube-proxy-nft/max-connections: has no effect with consistent hashing']
      : []),
    ...(lbAlgorithm === 'connection-hash' && by === undefined
      ? ['kube-proxy-nft/lb-algorithm: "connection-hash" has no effect with sessionAffinity ClientIP']
      : []),
    ...(lackZones ? ['kube-proxy-nft/zone-spill-over: has no effect, as none of its ready endpoints has a zone'] : []),
  ];
}
