import type { Family } from '../ip.ts';
import type { Endpoint } from './endpoints.ts';
import type { Frontend } from './frontend.ts';

/** A TCP node port for clients on the node's own loopback address (KEP-6032). */
export interface LocalhostNodePort {
  readonly family: Family;
  readonly port: number;
  /** "namespace/name:port name", as in Frontend. */
  readonly servicePort: string;
  /** Without duplicates; empty: connections are refused. */
  readonly endpoints: readonly Pick<Endpoint, 'address' | 'port' | 'weight'>[];
  /** Seconds a client stays with its endpoint (sessionAffinity ClientIP); absent without affinity. */
  readonly affinitySeconds?: number;
}

/**
 * The TCP node ports among a Service's frontends. Under externalTrafficPolicy Local, these clients only get endpoints on
 * this node, like in kube-proxy. At a load balancer's address they would get all.
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
