import type { Family } from '../../src/ip.ts';
import type { Service } from '../../src/objects/service.ts';
import type { Cluster } from '../../src/service/cluster.ts';
import { clusterWith } from '../builders/models.ts';
import { NODE_NAME, ready, service, slice } from '../builders/objects.ts';

export const POD_CIDRS: Readonly<Record<Family, readonly string[]>> = {
  ip: ['10.32.0.0/16', '10.40.1.0/24'],
  ip6: ['fd00:32::/64', 'fd00:40:0:1::/64'],
};

/** Its comments are cut to the 128 characters nft can read. */
export const LONG_NAME: Pick<Service, 'namespace' | 'name'> = { namespace: 'n'.repeat(63), name: 's'.repeat(63) };

export const WEB_PORTS = [
  { name: 'http', protocol: 'tcp', port: 80 },
  { name: 'dns', protocol: 'udp', port: 53 },
  { name: 'sig', protocol: 'sctp', port: 2905 },
] as const;

/** One of each kind of element in both families: every protocol, no endpoints, an endpoint of this node, long names. */
export function exampleCluster(): Cluster {
  const cluster = clusterWith();
  cluster.set(service({ clusterIps: ['10.96.0.10', 'fd00:96::10'], ports: WEB_PORTS }));
  setEndpoints(cluster, 5);
  cluster.set(service({ name: 'empty', clusterIps: ['10.96.0.99', 'fd00:96::99'] }));
  const port = { name: 'p'.repeat(15), protocol: 'tcp', port: 443 } as const;
  cluster.set(service({ ...LONG_NAME, clusterIps: ['10.96.0.11', 'fd00:96::11'], ports: [port] }));
  cluster.set(
    slice(
      [1, 2].flatMap((n) => endpoints(n)),
      { namespace: LONG_NAME.namespace, serviceName: LONG_NAME.name, ports: [{ ...port, port: 8443 }] },
    ),
  );
  for (const [name, externalLocal, n] of [
    ['outside', false, 20],
    ['outside-local', true, 30],
  ] as const) {
    cluster.set(
      service({
        name,
        clusterIps: [`10.96.0.${n}`, `fd00:96::${n}`],
        ports: WEB_PORTS.map((spec, i) => ({ ...spec, nodePort: 30000 + n + i })),
        externalIps: [`203.0.113.${n}`, `2001:db8::${n}`],
        loadBalancerIps: [`203.0.113.${n + 1}`, `2001:db8::${n + 1}`],
        sourceRanges: ['10.0.0.0/8', '192.0.2.1/32', '2001:db8::/32', 'fd00::1/128'],
        externalLocal,
      }),
    );
    cluster.set(
      slice(
        [1, 2, 3].flatMap((i) => endpoints(i)),
        { name: `${name}-1`, serviceName: name, ports: WEB_PORTS.map((spec) => ({ ...spec, port: spec.port + 8000 })) },
      ),
    );
  }
  const sticky = { externalLocal: true, affinitySeconds: 300, externalIps: ['203.0.113.40', '2001:db8::40'] };
  cluster.set(service({ name: STICKY, clusterIps: ['10.96.0.40', 'fd00:96::40'], ports: WEB_PORTS, ...sticky }));
  setEndpoints(cluster, 3, STICKY);
  return cluster;
}

/** The Service with session affinity. */
export const STICKY = 'sticky';

/** Gives Service default/web, or another one, that many endpoints in each family; returns the Services concerned. */
export function setEndpoints(cluster: Cluster, count: number, name = 'web'): readonly string[] {
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  const ports = WEB_PORTS.map((port) => ({ ...port, port: port.port + 8000 }));
  return cluster.set(slice(numbers.flatMap(endpoints), { name: `${name}-1`, serviceName: name, ports }));
}

/** Adds Services with two endpoints each; returns the Services concerned. */
export function addServices(cluster: Cluster, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => {
    const name = `many-${i}`;
    const [high, low] = [i >> 8, i & 255];
    const own = [1, 2].flatMap((n) => [ready(`10.33.${high}.${low}`), ready(`fd00:33::${n}:${i.toString(16)}`)]);
    return [
      ...cluster.set(service({ name, clusterIps: [`10.97.${high}.${low}`, `fd00:97::${(i + 1).toString(16)}`] })),
      ...cluster.set(slice(own, { name, serviceName: name })),
    ];
  }).flat();
}

/** The n-th pod's addresses; the first pod is on this node. */
export function endpoints(n: number) {
  const place = n === 1 ? { nodeName: NODE_NAME } : {};
  return [ready(`10.32.0.${n}`, place), ready(`fd00:32::${n.toString(16)}`, place)];
}
