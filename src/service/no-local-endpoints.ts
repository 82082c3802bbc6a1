import type { Frontend } from './frontend.ts';

/** How many ServicePorts have policy Local and no endpoint on this node, although there are some elsewhere. */
export interface NoLocalEndpointsCount {
  /** By internalTrafficPolicy. */
  readonly internal: number;
  /** By externalTrafficPolicy. */
  readonly external: number;
}

const NONE_LACKING: NoLocalEndpointsCount = { internal: 0, external: 0 };

/**
 * Counts them among the frontends of one Service in one family, each ServicePort once for each policy, however many
 * addresses it has (kube-proxy's metric sync_proxy_rules_no_local_endpoints_total). A ServicePort without endpoints anywhere
 * does not count.
 */
export function noLocalEndpointsOf(frontends: readonly Frontend[]): NoLocalEndpointsCount {
  const lacking = frontends.filter(
    ({ policy, localEndpoints, hasUsableEndpoints }) =>
      policy === 'local' && localEndpoints.length === 0 && hasUsableEndpoints,
  );
  if (lacking.length === 0) return NONE_LACKING;
  const ports = (internal: boolean) =>
    new Set(lacking.filter(({ kind }) => (kind === 'cluster-ip') === internal).map(({ servicePort }) => servicePort))
      .size;
  return { internal: ports(true), external: ports(false) };
}
