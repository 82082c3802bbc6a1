import { ready, service, slices, unready } from '../runner/objects.ts';
import { describeScenarios, scenario } from '../runner/scenario.ts';

/**
 * The e2e specs "Granular Checks: Services", of the primary and the secondary family alike: every line is of both. What
 * they say of HTTP is TCP for a proxy.
 */

const web = service('web', { nodePort: 30080 });
const PODS = slices('web', [ready('here'), ready('there')]);

const PROTOCOLS = [
  ['http', 'tcp'],
  ['udp', 'udp'],
  ['sctp', 'sctp'],
] as const;

describeScenarios('Networking Granular Checks: Services', [
  ...PROTOCOLS.flatMap(([name, protocol]) => [
    scenario(`should function for pod-Service: ${name}`, {
      objects: [web, PODS],
      expect: [
        `pod → cluster-ip:80/${protocol} → here or there, source kept`,
        `pod → node:30080/${protocol} → here or there, masqueraded`,
      ],
    }),
    scenario(`should function for node-Service: ${name}`, {
      objects: [web, PODS],
      expect: [
        `node → cluster-ip:80/${protocol} → here or there, masqueraded`,
        `node → node:30080/${protocol} → here or there, masqueraded`,
      ],
    }),
    scenario(`should function for endpoint-Service: ${name}`, {
      objects: [web, slices('web', [ready('pod'), ready('here'), ready('there')])],
      expect: [
        `pod → cluster-ip:80/${protocol} → pod, masqueraded; or here or there, source kept`,
        `pod → node:30080/${protocol} → pod or here or there, masqueraded`,
      ],
    }),
  ]),
  scenario('should function for multiple endpoint-Services with same selector', {
    objects: [
      web,
      slices('web', [ready('pod'), ready('here')]),
      service('second', { clusterIp: 'cluster-ip-2', nodePort: 30082 }),
      slices('second', [ready('pod'), ready('here')]),
    ],
    expect: [
      'pod → cluster-ip:80 → pod, masqueraded; or here, source kept',
      'pod → node:30080 → pod or here, masqueraded',
      'pod → cluster-ip-2:80 → pod, masqueraded; or here, source kept',
      'pod → node:30082 → pod or here, masqueraded',
    ],
    next: [
      {
        when: 'the first Service is deleted, with its slices',
        without: ['Service/web', 'EndpointSlice/web-ip4', 'EndpointSlice/web-ip6'],
        expect: [
          'pod → cluster-ip-2:80 → pod, masqueraded; or here, source kept',
          'pod → node:30082 → pod or here, masqueraded',
          'pod → cluster-ip:80 → untouched',
        ],
      },
    ],
  }),
  ...PROTOCOLS.slice(0, 2).flatMap(([name, protocol]) => [
    scenario(`should update endpoints: ${name}`, {
      objects: [web, PODS],
      expect: [`pod → cluster-ip:80/${protocol} → here or there, source kept`],
      next: [
        {
          when: 'a pod is replaced by another',
          objects: [slices('web', [ready('here-2'), ready('there')])],
          expect: [`pod → cluster-ip:80/${protocol} → here-2 or there, source kept`],
        },
      ],
    }),
    scenario(`should update nodePort: ${name}`, {
      objects: [web, PODS],
      expect: [`node → node:30080/${protocol} → here or there, masqueraded`],
      next: [
        {
          when: 'the Service is deleted',
          without: ['Service/web'],
          expect: [`node → node:30080/${protocol} → untouched`, `outside → node:30080/${protocol} → untouched`],
        },
      ],
    }),
    scenario(`should function for client IP based session affinity: ${name} [LinuxOnly]`, {
      objects: [service('web', { spec: { sessionAffinity: 'ClientIP' } }), PODS],
      expect: [`pod → cluster-ip:80/${protocol} → one of here or there, source kept`],
    }),
  ]),
  scenario('should support basic nodePort: udp functionality', {
    objects: [web, PODS],
    expect: ['node → node:30080/udp → here or there, masqueraded'],
  }),
  scenario('should function for service endpoints using hostNetwork', {
    objects: [web, slices('web', [ready('host'), ready('other-host')])],
    expect: [
      'pod → cluster-ip:80 → host or other-host, source kept',
      // What ends on this node never leaves it, so there is no moment to masquerade it.
      'pod → node:30080 → host, source kept; or other-host, masqueraded',
      'node → cluster-ip:80 → host or other-host, masqueraded',
      'node → node:30080 → host or other-host, masqueraded',
    ],
  }),
]);

/** A Service at these ClusterIPs of 10.96.0.10 and fd00:96::10, in their order, with a node port. */
const ofFamilies = (ipFamilyPolicy: string, ...clusterIPs: readonly string[]) => [
  service('web', { nodePort: 30080, spec: { ipFamilyPolicy, clusterIP: clusterIPs[0], clusterIPs } }),
  PODS,
];
const [V4, V6] = ['10.96.0.10', 'fd00:96::10'];

describeScenarios('IPv6DualStack', [
  scenario('should create service with ipv4 cluster ip', {
    objects: ofFamilies('SingleStack', V4),
    expect: [
      'pod → cluster-ip:80/ipv4 → here or there, source kept',
      'pod → node:30080/ipv4 → here or there, masqueraded',
      'pod → cluster-ip:80/ipv6 → untouched',
      'pod → node:30080/ipv6 → untouched',
    ],
  }),
  scenario('should create service with ipv6 cluster ip', {
    objects: ofFamilies('SingleStack', V6),
    expect: [
      'pod → cluster-ip:80/ipv6 → here or there, source kept',
      'pod → node:30080/ipv6 → here or there, masqueraded',
      'pod → cluster-ip:80/ipv4 → untouched',
      'pod → node:30080/ipv4 → untouched',
    ],
  }),
  scenario('should create service with ipv4,v6 cluster ip', {
    objects: ofFamilies('RequireDualStack', V4, V6),
    expect: ['pod → cluster-ip:80 → here or there, source kept', 'pod → node:30080 → here or there, masqueraded'],
  }),
  scenario('should create service with ipv6,v4 cluster ip', {
    objects: ofFamilies('RequireDualStack', V6, V4),
    expect: ['pod → cluster-ip:80 → here or there, source kept', 'pod → node:30080 → here or there, masqueraded'],
  }),
]);

describeScenarios('Connectivity Pod Lifecycle', [
  scenario('should be able to have zero downtime on a Blue Green deployment using Services and Readiness Gates', {
    objects: [service('web'), slices('web', [ready('here')])],
    expect: ['pod → cluster-ip:80 → here, source kept'],
    next: [
      {
        when: 'green is ready, too',
        objects: [slices('web', [ready('here'), ready('there')])],
        expect: ['pod → cluster-ip:80 → here or there, source kept'],
      },
      {
        when: 'blue is not ready any more',
        objects: [slices('web', [unready('here'), ready('there')])],
        expect: ['pod → cluster-ip:80 → there, source kept'],
      },
    ],
  }),
]);
