import type { Frontend } from './frontend.ts';

/**
 * Default for how many endpoints of one Service and family may have a list of clients. With this many, nft takes about half
 * a second at most (nft 1.0.6, kernel 6.18: 0.07 s for 128, 0.5 s for 256, 1.2 s for 512, 2.6 s for 1,000).
 */
export const DEFAULT_AFFINITY_ENDPOINTS = 256;

/** All Services together may have this many times what one may have: each list costs more if there are more of them. */
export const AFFINITY_SERVICES = 16;

/** How many endpoints of a Service's ports need their own chains; 0 if none does. */
export function affinityEndpoints(frontends: readonly Frontend[]): number {
  const byPort = new Map<string, number>();
  for (const { affinitySeconds, maxConnections, servicePort, protocol, endpoints, localEndpoints } of frontends) {
    if (affinitySeconds === undefined && maxConnections === undefined) continue;
    const key = `${servicePort} ${protocol}`;
    byPort.set(key, Math.max(byPort.get(key) ?? 0, endpoints.length, localEndpoints.length));
  }
  let sum = 0;
  for (const count of byPort.values()) sum += count;
  return sum;
}
