import { again, type HostileCase } from '../case.ts';
import { clusterIp, large, podAddresses, portList, service, slice, slices } from '../objects.ts';

const TWO = podAddresses(2);

/** Objects that change all the time. */
export const CHURN: readonly HostileCase[] = [
  {
    name: 'service-flaps',
    attack: 'a Service is created or deleted every millisecond',
    during: (stage, signal) => {
      stage.put(slice('flap-0', 'flap', TWO));
      return again(signal, 1, (round) => {
        if (round % 2 === 0) stage.put(service('flap', clusterIp(1)));
        else stage.api.remove('Service', 'default/flap');
      });
    },
  },
  {
    name: 'services-come-and-go',
    attack: '10 times a second, 20 Services with 10 ports and 20 endpoints are created, and 20 are deleted',
    during: (stage, signal) =>
      again(signal, 100, (round) => {
        for (let i = 0; i < stage.many(20); i++) {
          stage.put(
            ...large(`c-${round}-${i}`, clusterIp(256 + ((round * 100 + i) % 50_000)), { ports: 10, endpoints: 20 }),
          );
          if (round === 0) continue;
          stage.api.remove('Service', `default/c-${round - 1}-${i}`);
          stage.api.remove('EndpointSlice', `default/c-${round - 1}-${i}-0`);
        }
      }),
  },
  {
    name: 'endpoints-flap',
    attack: '1,000 endpoints with 10 ports change between ready, serving and terminating every 20 ms',
    during: (stage, signal) => {
      const ports = portList(10);
      stage.put(service('moods', clusterIp(1), { ports }));
      const addresses = podAddresses(stage.many(1000));
      return again(signal, 20, (round) => {
        const endpoints = addresses.map((address, i) => {
          const mood = (i + round) % 3;
          return { addresses: [address], conditions: { ready: mood === 0, serving: mood < 2, terminating: mood > 0 } };
        });
        stage.put(slice('moods-0', 'moods', [], ports, { endpoints }));
      });
    },
  },
  {
    name: 'grows-and-shrinks',
    attack: 'each second, a Service with 10 ports gains 5,000 endpoints and loses them again',
    during: (stage, signal) => {
      const ports = portList(10);
      const [many, few] = [slices('breath', podAddresses(stage.many(5000)), ports), slices('breath', TWO, ports)];
      stage.put(service('breath', clusterIp(1), { ports }));
      return again(signal, 500, (round) => {
        if (round % 2 === 0) stage.put(...many);
        else for (const [i, object] of many.entries()) stage.put(few[i] ?? { ...object, endpoints: [] });
      });
    },
  },
  {
    name: 'affinity-timeout-changes',
    attack: 'a Service with 4 ports × 200 endpoints changes its session affinity timeout every 20 ms',
    during: (stage, signal) => {
      const ports = portList(4);
      stage.put(...slices('timeout', podAddresses(stage.many(200)), ports));
      return again(signal, 20, (round) => {
        const sessionAffinityConfig = { clientIP: { timeoutSeconds: 1 + (round % 86_400) } };
        stage.put(service('timeout', clusterIp(1), { ports, sessionAffinity: 'ClientIP', sessionAffinityConfig }));
      });
    },
  },
  {
    name: 'affinity-flips',
    attack: 'a Service with 4 ports × 200 endpoints turns session affinity on or off every 50 ms',
    during: (stage, signal) => {
      const ports = portList(4);
      stage.put(...slices('sometimes', podAddresses(stage.many(200)), ports));
      return again(signal, 50, (round) => {
        const sessionAffinity = round % 2 === 0 ? 'ClientIP' : 'None';
        stage.put(service('sometimes', clusterIp(1), { ports, sessionAffinity }));
      });
    },
  },
  {
    name: 'policy-flips',
    attack: 'a load balancer with 20 ports × 500 endpoints changes both traffic policies every 20 ms',
    during: (stage, signal) => {
      const ports = portList(20).map((port, i) => ({ ...port, nodePort: 31_000 + i }));
      const status = { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } };
      stage.put(...slices('flips', podAddresses(stage.many(500)), ports));
      return again(signal, 20, (round) => {
        const policy = round % 2 === 0 ? 'Local' : 'Cluster';
        const spec = { type: 'LoadBalancer', ports, externalTrafficPolicy: policy, internalTrafficPolicy: policy };
        stage.put(service('flips', clusterIp(1), spec, { status }));
      });
    },
  },
  {
    name: 'protocol-flips',
    attack: 'a Service with 100 ports × 50 endpoints changes between TCP, UDP and SCTP every 50 ms',
    during: (stage, signal) =>
      again(signal, 50, (round) => {
        const ports = portList(stage.many(100), ['TCP', 'UDP', 'SCTP'][round % 3]);
        stage.put(service('protocols', clusterIp(1), { ports }), ...slices('protocols', podAddresses(50), ports));
      }),
  },
  {
    name: 'cluster-ip-moves',
    attack: 'a Service with 50 ports × 50 endpoints changes its ClusterIP every 20 ms',
    during: (stage, signal) => {
      const ports = portList(50);
      stage.put(...slices('mover', podAddresses(50), ports));
      return again(signal, 20, (round) => stage.put(service('mover', clusterIp(1 + (round % 60_000)), { ports })));
    },
  },
  {
    name: 'node-port-moves',
    attack: 'a Service changes its 50 node ports every 20 ms',
    during: (stage, signal) => {
      stage.put(...slices('np', TWO, portList(50)));
      return again(signal, 20, (round) => {
        const ports = portList(50).map((port, i) => ({ ...port, nodePort: 30_000 + ((round * 50 + i) % 2700) }));
        stage.put(service('np', clusterIp(1), { type: 'NodePort', ports }));
      });
    },
  },
  {
    name: 'source-ranges-change',
    attack: 'a load balancer with 5 ports replaces its 200 source ranges every 50 ms',
    during: (stage, signal) => {
      const ports = portList(5);
      stage.put(...slices('walls', TWO, ports));
      return again(signal, 50, (round) => {
        const loadBalancerSourceRanges = Array.from(
          { length: stage.many(200) },
          (_, i) => `172.${round & 255}.${i}.0/25`,
        );
        const spec = { type: 'LoadBalancer', ports, loadBalancerSourceRanges };
        stage.put(
          service('walls', clusterIp(1), spec, { status: { loadBalancer: { ingress: [{ ip: '203.0.113.5' }] } } }),
        );
      });
    },
  },
  {
    name: 'udp-endpoints-flap',
    attack: '500 UDP Services lose or regain their endpoints every 100 ms, so that the daemon reads conntrack',
    during: (stage, signal) => {
      const ports = [{ name: 'dns', protocol: 'UDP', port: 53 }];
      const names = Array.from({ length: stage.many(500) }, (_, i) => `dns-${i}`);
      stage.put(...names.map((name, i) => service(name, clusterIp(1 + i), { ports })));
      return again(signal, 100, (round) =>
        stage.put(
          ...names.map((name, i) => slice(`${name}-0`, name, round % 2 === 0 ? podAddresses(1, i) : [], ports)),
        ),
      );
    },
  },
];
