import type { Service } from '../objects/service.ts';
import { hasOwnWeights } from './cilium-weights.ts';
import type { Cluster } from './cluster.ts';
import type { Frontend } from './frontend.ts';
import { hashByOf } from './lb-algorithm.ts';
import { type ResetFlags, resetsClients } from './reset-option.ts';

/** How many slices are named: a Service may have thousands. */
const MAX_SLICES = 3;

/** What of a frontend matters for whether annotations have an effect. */
type Served = Pick<Frontend, 'zoneShare' | 'kind' | 'protocol'>;

/**
 * Why annotations of a Service and its slices have no effect; undefined if all have. That this node's zone is unknown is not
 * included: it is a problem of the node, and would be reported for each Service.
 */
export function annotationProblems(
  cluster: Cluster,
  serviceKey: string,
  frontends: readonly Served[],
  resets: Pick<ResetFlags, 'resetsLackRules'> = {},
): string | undefined {
  const service = cluster.service(serviceKey);
  const own = service?.options === undefined ? [] : problemsOf(service, cluster.readsCilium, frontends, resets);
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

/** The node itself answers only at its own addresses. */
const HANGS =
  'kube-proxy-nft/reset-gone-endpoints: has an effect only at node ports, as net.netfilter.nf_conntrack_tcp_loose was 0 at ' +
  'the start; start with --reset-gone-endpoints, or set the sysctl to 1 first';

/** Invalid values, and annotations that do not work together. */
function problemsOf(
  service: Service,
  readsCilium: boolean,
  frontends: readonly Served[],
  resets: Pick<ResetFlags, 'resetsLackRules'>,
): readonly string[] {
  const {
    problems = [],
    ciliumProblem,
    maxConnections,
    lbAlgorithm,
    resetGoneEndpoints = false,
  } = service.options ?? {};
  const by = hashByOf(service, readsCilium);
  const lackZones = frontends.some(
    ({ zoneShare: share }) => share && 'unknown' in share && share.unknown === 'endpoints',
  );
  const hangs = ({ kind, protocol }: Served) => protocol === 'tcp' && !resetsClients({ kind, protocol }, resets);
  return [
    ...problems,
    ...(readsCilium && ciliumProblem !== undefined && lbAlgorithm === undefined ? [ciliumProblem] : []),
    ...(resetGoneEndpoints && frontends.some(hangs) ? [HANGS] : []),
    ...(maxConnections !== undefined && by !== undefined
      ? ['kube-proxy-nft/max-connections: has no effect with consistent hashing']
      : []),
    ...(lbAlgorithm === 'connection-hash' && by === undefined
      ? ['kube-proxy-nft/lb-algorithm: "connection-hash" has no effect with sessionAffinity ClientIP']
      : []),
    ...(lackZones ? ['kube-proxy-nft/zone-spill-over: has no effect, as none of its ready endpoints has a zone'] : []),
  ];
}
