import { node, ready, service, serviceCidr, slices } from '../runner/objects.ts';
import { CLUSTER_CIDRS, describeScenarios, scenario } from '../runner/scenario.ts';

/** The e2e specs about EndpointSlices, traffic distribution and ServiceCIDRs, seen by one node. */

const TWO_PORTS = service('web', {
  ports: [
    { name: 'port80', protocol: 'TCP', port: 80 },
    { name: 'port81', protocol: 'TCP', port: 81 },
  ],
});
const custom = (name: string, pod: 'here' | 'there', portName: string, port: number) =>
  slices('web', [ready(pod)], { name, ports: [{ name: portName, protocol: 'TCP', port }] });

describeScenarios('EndpointSlice', [
  scenario('should support a Service with multiple ports specified in multiple EndpointSlices', {
    objects: [TWO_PORTS, custom('first', 'here', 'port80', 8080), custom('second', 'here', 'port81', 8081)],
    expect: ['pod → cluster-ip:80/tcp → here:8080, source kept', 'pod → cluster-ip:81/tcp → here:8081, source kept'],
  }),
  scenario('should support a Service with multiple endpoint IPs specified in multiple EndpointSlices', {
    objects: [TWO_PORTS, custom('first', 'here', 'port80', 8080), custom('second', 'there', 'port81', 8080)],
    expect: ['pod → cluster-ip:80/tcp → here, source kept', 'pod → cluster-ip:81/tcp → there, source kept'],
  }),
]);

/** A Service with trafficDistribution: its endpoints have the hints that the controller gives them, for their own zone. */
const distributed = (trafficDistribution: string) => service('web', { spec: { trafficDistribution } });
const inZone = (name: 'here' | 'here-2' | 'there' | 'there-2' | 'there-3', zone: string) =>
  ready(name, { zones: [zone] });
const onNode = (name: 'here' | 'there' | 'there-2', zone: string, nodeName: string) =>
  ready(name, { zones: [zone], nodes: [nodeName], nodeName });

type Parts = Parameters<typeof scenario>[1];

/** Clients in three zones, endpoints in the first two: the node of the test is moved from one zone to the next. */
const sameZone = (trafficDistribution: string): Parts => ({
  objects: [
    node({ zone: 'zone-1' }),
    distributed(trafficDistribution),
    slices('web', [inZone('here', 'zone-1'), inZone('there', 'zone-2')]),
  ],
  expect: ['pod → cluster-ip:80 → here, source kept', 'node → cluster-ip:80 → here, masqueraded'],
  next: [
    {
      when: 'seen from the second zone',
      objects: [node({ zone: 'zone-2' })],
      expect: ['pod → cluster-ip:80 → there, source kept'],
    },
    {
      when: 'seen from the third zone, where there is none',
      objects: [node({ zone: 'zone-3' })],
      expect: ['pod → cluster-ip:80 → here or there, source kept'],
    },
  ],
});

/** Two nodes a zone: with an endpoint on both, on the other one, on none. */
const severalNodes = (trafficDistribution: string): Parts => ({
  objects: [
    node({ zone: 'zone-1' }),
    distributed(trafficDistribution),
    slices('web', [inZone('here', 'zone-1'), inZone('there', 'zone-1'), inZone('there-2', 'zone-2')]),
  ],
  expect: ['pod → cluster-ip:80 → here or there, source kept'],
  next: [
    {
      when: 'seen from the second zone, whose endpoint is on its other node',
      objects: [node({ zone: 'zone-2' })],
      expect: ['pod → cluster-ip:80 → there-2, source kept'],
    },
    {
      when: 'seen from the third zone, where there is none',
      objects: [node({ zone: 'zone-3' })],
      expect: ['pod → cluster-ip:80 → here or there or there-2, source kept'],
    },
  ],
});

describeScenarios('Traffic Distribution', [
  scenario('should route traffic to an endpoint in the same zone when using PreferClose', sameZone('PreferClose')),
  scenario(
    'should route traffic correctly between pods on multiple nodes when using PreferClose',
    severalNodes('PreferClose'),
  ),
  scenario(
    'should route traffic to an endpoint in the same zone when using PreferSameZone',
    sameZone('PreferSameZone'),
  ),
  scenario(
    'should route traffic correctly between pods on multiple nodes when using PreferSameZone',
    severalNodes('PreferSameZone'),
  ),
  scenario('should route traffic to an endpoint on the same node or fall back to same zone when using PreferSameNode', {
    objects: [
      node({ zone: 'zone-1' }),
      distributed('PreferSameNode'),
      slices('web', [
        onNode('here', 'zone-1', 'node-a'),
        onNode('there', 'zone-1', 'node-b'),
        onNode('there-2', 'zone-2', 'node-c'),
      ]),
    ],
    expect: ['pod → cluster-ip:80 → here, source kept'],
    next: [
      {
        when: 'only the other node of the zone has one',
        objects: [slices('web', [onNode('there', 'zone-1', 'node-b'), onNode('there-2', 'zone-2', 'node-c')])],
        expect: ['pod → cluster-ip:80 → there, source kept'],
      },
      {
        when: 'seen from a zone where there is none',
        objects: [node({ zone: 'zone-3' })],
        expect: ['pod → cluster-ip:80 → there or there-2, source kept'],
      },
    ],
  }),
  scenario(
    'should route traffic to an endpoint on the same node when using PreferSameNode and fall back when the endpoint becomes unavailable',
    {
      objects: [
        node({ zone: 'zone-1' }),
        distributed('PreferSameNode'),
        slices('web', [onNode('here', 'zone-1', 'node-a'), onNode('there', 'zone-1', 'node-b')]),
      ],
      expect: ['pod → cluster-ip:80 → here, source kept'],
      next: [
        {
          when: 'the endpoint here is gone',
          objects: [slices('web', [onNode('there', 'zone-1', 'node-b')])],
          expect: ['pod → cluster-ip:80 → there, source kept'],
        },
        {
          when: 'there is one here again',
          objects: [slices('web', [onNode('here', 'zone-1', 'node-a'), onNode('there', 'zone-1', 'node-b')])],
          expect: ['pod → cluster-ip:80 → here, source kept'],
        },
      ],
    },
  ),
]);

describeScenarios('Topology Hints', [
  scenario('should distribute endpoints evenly', {
    objects: [
      node({ zone: 'zone-1' }),
      service('web', { spec: { publishNotReadyAddresses: true } }),
      slices('web', [inZone('here', 'zone-1'), inZone('here-2', 'zone-1'), inZone('there-3', 'zone-2')]),
    ],
    expect: ['pod → cluster-ip:80 → here or here-2, source kept'],
    next: [
      {
        when: 'seen from the other zone',
        objects: [node({ zone: 'zone-2' })],
        expect: ['pod → cluster-ip:80 → there-3, source kept'],
      },
    ],
  }),
]);

const KUBERNETES = serviceCidr('kubernetes', ['10.96.0.0/16', 'fd00:96::/112']);

describeScenarios('Service CIDRs', [
  scenario('should create Services and serve on different Service CIDRs', {
    flags: CLUSTER_CIDRS,
    objects: [KUBERNETES, service('old'), slices('old', [ready('here-2')])],
    expect: ['pod → cluster-ip:80 → here-2, source kept', 'pod → external-ip:80 → untouched'],
    next: [
      {
        when: 'a second ServiceCIDR comes, and a Service in it',
        objects: [
          // Without addresses of the node: a ServiceCIDR that holds one is not used.
          serviceCidr('more', ['203.0.113.0/28', '2001:db8:113::/124']),
          service('web', { clusterIp: 'external-ip', nodePort: 30080 }),
          slices('web', [ready('here'), ready('there')]),
        ],
        expect: [
          'pod → external-ip:80 → here or there, source kept',
          'pod → node:30080 → here or there, masqueraded',
          'pod → cluster-ip:80 → here-2, source kept',
          'pod → external-ip:81 → rejected',
          'pod → external-ip-2:80 → dropped',
        ],
      },
    ],
  }),
]);
