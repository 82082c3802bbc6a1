import { NODE } from '../../netns/topology.ts';
import { BYSTANDER } from '../bystander.ts';
import { again, type HostileCase } from '../case.ts';
import { clusterIp, node, podAddresses, portList, service, serviceCidr, slice, slices } from '../objects.ts';
import { NODE_NAME } from '../stage.ts';

const ONE = podAddresses(1);

/** Services that claim what is somebody else's. */
export const CLAIMS: readonly HostileCase[] = [
  {
    name: 'one-address-claimed',
    attack: '1,000 Services with 10 ports claim the same external IP',
    during: (stage) => {
      const ports = portList(10);
      for (let i = 0; i < stage.many(1000); i++) {
        stage.put(
          service(`claim-${i}`, clusterIp(1 + i), { ports, externalIPs: ['203.0.113.80'] }),
          slice(`claim-${i}-0`, `claim-${i}`, ONE, ports),
        );
      }
    },
  },
  {
    name: 'claim-changes-hands',
    attack: '200 Services claim the same 100 frontends, and the winner is deleted or created every 10 ms',
    during: (stage, signal) => {
      const ports = portList(100);
      const claim = (i: number) => service(`heir-${i}`, clusterIp(1 + i), { ports, externalIPs: ['203.0.113.81'] });
      for (let i = 0; i < stage.many(200); i++) stage.put(claim(i), slice(`heir-${i}-0`, `heir-${i}`, ONE, ports));
      return again(signal, 10, (round) => {
        if (round % 2 === 0) stage.api.remove('Service', 'default/heir-0');
        else stage.put(claim(0));
      });
    },
  },
  {
    name: 'bystander-address-claimed',
    attack: "500 Services claim the bystander's ClusterIP and port, as ClusterIP, external IP and load balancer IP",
    during: (stage) => {
      const ports = [{ name: 'http', protocol: 'TCP', port: BYSTANDER.port }];
      const externalIPs = [BYSTANDER.address];
      const status = { loadBalancer: { ingress: [{ ip: BYSTANDER.address }] } };
      for (let i = 0; i < stage.many(500); i++) {
        const address = i % 2 === 0 ? BYSTANDER.address : clusterIp(1 + i);
        stage.put(
          service(`thief-${i}`, address, { type: 'LoadBalancer', ports, externalIPs }, { status }),
          slice(`thief-${i}-0`, `thief-${i}`, ONE, ports),
        );
      }
    },
  },
  {
    name: 'unusable-addresses',
    attack:
      'external and load balancer IPs that are unspecified, loopback, link-local, multicast or broadcast addresses, or those of the node or the API server',
    during: (stage) => {
      const addresses = [
        '0.0.0.0',
        '127.0.0.1',
        '169.254.169.254',
        '224.0.0.1',
        '255.255.255.255',
        NODE.ip4,
        '10.32.0.1',
      ];
      const ports = [10256, 6443, 80, 53].map((port) => ({ name: `p${port}`, protocol: 'TCP', port }));
      stage.put(
        service('external', clusterIp(1), { ports, externalIPs: addresses }),
        service(
          'balanced',
          clusterIp(2),
          { type: 'LoadBalancer', ports },
          { status: { loadBalancer: { ingress: addresses.map((ip) => ({ ip })) } } },
        ),
        ...slices('external', ONE, ports),
        ...slices('balanced', ONE, ports),
      );
    },
  },
  {
    name: 'node-ports-of-listeners',
    attack: 'node ports on which programs of the node listen, including the health server',
    during: (stage) => {
      const ports = [10256, 10249, 6443, 22, 8080].map((nodePort, i) => ({
        name: `p${i}`,
        protocol: 'TCP',
        port: 80 + i,
        nodePort,
      }));
      stage.put(service('ports', clusterIp(1), { type: 'NodePort', ports }), ...slices('ports', ONE, ports));
    },
  },
  {
    name: 'health-ports-clash',
    attack: '1,000 Services request healthCheckNodePorts that are in use: 10256, 10249, 6443, or those of each other',
    during: (stage) => {
      for (let i = 0; i < stage.many(1000); i++) {
        const healthCheckNodePort = [10256, 10249, 6443, 32_000 + (i % 50)][i % 4];
        const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort };
        stage.put(service(`health-${i}`, clusterIp(1 + i), spec), slice(`health-${i}-0`, `health-${i}`, ONE));
      }
    },
  },
  {
    name: 'health-port-moves',
    attack: '50 Services change their healthCheckNodePorts five times a second',
    during: (stage, signal) =>
      again(signal, 200, (round) => {
        for (let i = 0; i < stage.many(50); i++) {
          const healthCheckNodePort = 30_000 + ((round * 50 + i) % 2700);
          const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort };
          stage.put(service(`moving-${i}`, clusterIp(1 + i), spec));
        }
      }),
  },
  {
    name: 'service-networks-churn',
    attack: 'a ServiceCIDR is created or deleted every 20 ms; some contain the bystander, the node or every address',
    during: (stage, signal) => {
      const networks = ['10.100.0.0/16', '192.0.2.0/24', '0.0.0.0/0', '10.32.0.0/15', '127.0.0.0/8', '198.51.100.0/30'];
      return again(signal, 20, (round) => {
        const name = `cidr-${round % 7}`;
        if (round % 3 === 2) stage.api.remove('ServiceCIDR', name);
        else stage.put(serviceCidr(name, [networks[round % networks.length] ?? '', 'fd00:96::/112']));
      });
    },
  },
  {
    name: 'many-service-networks',
    attack: '1,000 nested ServiceCIDRs',
    during: (stage) => {
      for (let i = 0; i < stage.many(1000); i++)
        stage.put(serviceCidr(`nest-${i}`, [`10.100.${i & 255}.0/${24 + (i >> 8)}`]));
    },
  },
  {
    name: 'node-addresses',
    attack: 'the Node has 1,000 addresses, which change every 200 ms',
    during: (stage, signal) =>
      again(signal, 200, (round) => {
        const others = Array.from(
          { length: stage.many(1000) },
          (_, i) => `172.20.${(round + (i >> 8)) & 255}.${i & 255}`,
        );
        stage.put(node(NODE_NAME, [NODE.ip4, ...others]));
      }),
  },
  {
    name: 'many-nodes',
    attack: '5,000 Nodes with other names',
    during: (stage) => {
      for (let i = 0; i < stage.many(5000); i++) stage.put(node(`other-${i}`, [`172.21.${i >> 8}.${i & 255}`]));
    },
  },
];
