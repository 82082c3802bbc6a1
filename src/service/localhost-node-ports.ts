import type { Family } from '../ip.ts';
import type { Endpoint } from './endpoints.ts';
import type { Frontend } from './frontend.ts';

/** A TCP node port as clients on the node's own loopback address meet it (KEP-6032). */
export interface LocalhostNodePort {
  readonly family: Family;
  readonly port: number;
  /** "namespace/name:port name", as Frontend has it. */
  readonly servicePort: string;
  /** Without duplicates; empty: connections are refused. */
  readonly endpoints: readonly Pick<Endpoint, 'address' | 'port' | 'weight'>[];
  /** Seconds a client stays with its endpoint (sessionAffinity ClientIP); absent without affinity. */
  readonly affinitySeconds?: number;
}

/**
 * The TCP node ports among a Service's frontends. Under externalTrafficPolicy Local these clients get this node's
 * endpoints only, as kube-proxy has it here, and not the cluster's, as they do at a load balancer's address.
 */
export function localhostNodePortsOf(frontends: readonly Frontend[]): readonly LocalhostNodePort[] {
  return frontends
    .filter(({ kind, protocol }) => kind === 'node-port' && protocol === 'tcp')
    .map(({ family, port, servicePort, policy, endpoints, localEndpoints, affinitySeconds }) => ({
      family,
      port,
      servicePort,
      endpoints: policy === 'local' ? localEndpoints : endpoints,
      ...(affinitySeconds !== undefined && { affinitySeconds }),
    }));
}
