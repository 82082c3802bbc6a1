import { again, type HostileCase } from '../case.ts';
import { clusterIp, large, podAddresses, portList, service, slice, slices } from '../objects.ts';

const AFFINITY = { sessionAffinity: 'ClientIP' };

/** Objects that are small to write and large in the kernel. */
export const SIZES: readonly HostileCase[] = [
  { name: 'nothing', attack: 'no attack, as a baseline' },
  {
    name: 'many-elements',
    attack: 'one Service with 400 ports × 5,000 endpoints: two million elements in 264 kB of objects',
    during: (stage) =>
      stage.put(...large('big', clusterIp(1), { ports: stage.many(400), endpoints: stage.many(5000) })),
  },
  {
    name: 'many-elements-at-start',
    attack: 'the same Service exists when the daemon starts',
    before: (stage) =>
      stage.put(...large('big', clusterIp(1), { ports: stage.many(400), endpoints: stage.many(5000) })),
  },
  {
    name: 'affinity',
    attack: 'session affinity with 10 ports × 1,000 endpoints',
    during: (stage) =>
      stage.put(...large('sticky', clusterIp(1), { ports: 10, endpoints: stage.many(1000) }, AFFINITY)),
  },
  {
    name: 'affinity-one-port',
    attack: 'session affinity with 1,000 endpoints',
    during: (stage) => stage.put(...large('sticky', clusterIp(1), { ports: 1, endpoints: stage.many(1000) }, AFFINITY)),
  },
  {
    name: 'affinity-256',
    attack: 'session affinity with 20 ports × 256 endpoints: a list of clients for each endpoint',
    during: (stage) =>
      stage.put(...large('sticky', clusterIp(1), { ports: stage.many(20), endpoints: stage.many(256) }, AFFINITY)),
  },
  {
    name: 'source-ranges',
    attack: 'a load balancer with 20 ports × 1,000 source ranges',
    during: (stage) => {
      const ranges = Array.from({ length: stage.many(1000) }, (_, i) => `172.16.${i >> 6}.${(i & 63) * 4}/30`);
      stage.put(
        ...large(
          'ranges',
          clusterIp(1),
          { ports: 20, endpoints: 2 },
          { type: 'LoadBalancer', loadBalancerSourceRanges: ranges },
        ).map((object) =>
          object.kind === 'Service'
            ? { ...object, status: { loadBalancer: { ingress: [{ ip: '203.0.113.7' }] } } }
            : object,
        ),
      );
    },
  },
  {
    name: 'nested-source-ranges',
    attack: 'a load balancer with 1 port × 20,000 source ranges of four prefix lengths',
    during: (stage) => {
      const ranges = Array.from(
        { length: stage.many(20_000) },
        (_, i) => `172.${i >> 12}.${(i >> 4) & 255}.${(i & 15) * 16}/${28 + (i % 4)}`,
      );
      const spec = { type: 'LoadBalancer', loadBalancerSourceRanges: ranges };
      const status = { loadBalancer: { ingress: [{ ip: '203.0.113.8' }] } };
      stage.put(service('nested', clusterIp(1), spec, { status }), ...slices('nested', podAddresses(2)));
    },
  },
  {
    name: 'many-ports',
    attack: 'one Service with 1,000 ports × 300 endpoints',
    during: (stage) =>
      stage.put(...large('ports', clusterIp(1), { ports: stage.many(1000), endpoints: stage.many(300) })),
  },
  {
    name: 'many-udp-services',
    attack: '10,000 UDP Services at once',
    during: (stage) => {
      const ports = portList(1, 'UDP');
      for (let i = 0; i < stage.many(10_000); i++) {
        stage.put(
          service(`udp-${i}`, clusterIp(256 + i), { ports }),
          slice(`udp-${i}-0`, `udp-${i}`, podAddresses(1, i), ports),
        );
      }
    },
  },
  {
    name: 'many-external-ips',
    attack: 'one Service with 10 ports and 10,000 external IPs',
    during: (stage) => {
      const externalIPs = Array.from(
        { length: stage.many(10_000) },
        (_, i) => `203.${i >> 14}.${(i >> 7) & 127}.${i & 127}`,
      );
      stage.put(...large('external', clusterIp(1), { ports: 10, endpoints: 3 }, { externalIPs }));
    },
  },
  {
    name: 'many-load-balancer-ips',
    attack: 'one Service with 10 ports × 100 endpoints, node ports and 1,000 load balancer IPs',
    during: (stage) => {
      const ports = portList(10).map((port, i) => ({ ...port, nodePort: 30_000 + i }));
      const ingress = Array.from({ length: stage.many(1000) }, (_, i) => ({
        ip: `203.0.${112 + (i >> 8)}.${i & 255}`,
      }));
      stage.put(
        service('balanced', clusterIp(1), { type: 'LoadBalancer', ports }, { status: { loadBalancer: { ingress } } }),
        ...slices('balanced', podAddresses(stage.many(100)), ports),
      );
    },
  },
  {
    name: 'many-full-services',
    attack:
      '100 Services with 10 ports × 300 endpoints at once: 300,000 elements, none beyond the limits of one Service',
    during: (stage) => {
      for (let i = 0; i < stage.many(100); i++) {
        stage.put(...large(`full-${i}`, clusterIp(1 + i), { ports: 10, endpoints: stage.many(300) }));
      }
    },
  },
  {
    name: 'many-slices',
    attack: 'one Service with 20 ports and 5,000 EndpointSlices of one endpoint each',
    during: (stage) => {
      const ports = portList(20);
      stage.put(service('slices', clusterIp(1), { ports }));
      for (const [i, address] of podAddresses(stage.many(5000)).entries()) {
        stage.put(slice(`slices-${i}`, 'slices', [address], ports));
      }
    },
  },
  {
    name: 'port-lists',
    attack:
      'a health-checked Service with 100 ports: 40 slices of 100 endpoints on this node, each with other ports; one changes every 50 ms',
    during: (stage, signal) => {
      const ports = portList(100);
      const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30_999, ports };
      const addresses = podAddresses(stage.many(100));
      const part = (n: number, ready: boolean) =>
        slice(`lists-${n}`, 'lists', [], undefined, {
          ports: ports.map(({ name, protocol }, i) => ({ name, protocol, port: i === 0 ? 2000 + n : 8080 })),
          endpoints: addresses.map((address) => ({ addresses: [address], nodeName: 'node-a', conditions: { ready } })),
        });
      stage.put(service('lists', clusterIp(1), spec), ...Array.from({ length: 40 }, (_, n) => part(n, true)));
      return again(signal, 50, (round) => stage.put(part(round % 40, round % 80 < 40)));
    },
  },
];
