import { ended, node, ready, service, slices, terminating, unready } from './runner/objects.ts';
import { describeScenarios, scenario } from './runner/scenario.ts';

describeScenarios('the choice of endpoints', [
  scenario('ready ones; none that are not ready or no longer serve', {
    objects: [
      service('web'),
      slices('web', [ready('here'), unready('here-2'), ended('there'), terminating('there-2')]),
    ],
    expect: ['pod → cluster-ip:80 → here, source kept', 'outside → cluster-ip:80 → here, masqueraded'],
    next: [
      {
        when: 'none is ready: those that serve while they terminate',
        objects: [slices('web', [unready('here'), unready('here-2'), ended('there'), terminating('there-2')])],
        expect: ['pod → cluster-ip:80 → there-2, source kept'],
      },
      {
        when: 'that one no longer serves',
        objects: [slices('web', [unready('here'), unready('here-2'), ended('there'), ended('there-2')])],
        expect: ['pod → cluster-ip:80 → rejected', 'outside → cluster-ip:80 → rejected'],
      },
      {
        when: 'one is ready again',
        objects: [slices('web', [ready('here'), unready('here-2'), ended('there'), ended('there-2')])],
        expect: ['pod → cluster-ip:80 → here, source kept'],
      },
    ],
  }),
  scenario('publishNotReadyAddresses is for the control plane: it marks the slice’s endpoints ready', {
    objects: [service('web', { spec: { publishNotReadyAddresses: true } }), slices('web', [unready('here')])],
    expect: ['pod → cluster-ip:80 → rejected'],
    next: [
      {
        when: 'the control plane has done so',
        objects: [slices('web', [ready('here')])],
        expect: ['pod → cluster-ip:80 → here, source kept'],
      },
      {
        when: 'it no longer does',
        objects: [service('web'), slices('web', [unready('here')])],
        expect: ['pod → cluster-ip:80 → rejected'],
      },
    ],
  }),
  scenario('of several slices together, with ports of their own, each endpoint once', {
    objects: [
      service('web'),
      slices('web', [ready('here'), ready('there')], { name: 'web-1' }),
      slices('web', [ready('here'), ready('here-2')], { name: 'web-2' }),
      slices('web', [ready('here-3')], { name: 'web-3', ports: [{ name: 'tcp', protocol: 'TCP', port: 8081 }] }),
    ],
    expect: [
      'pod → cluster-ip:80/tcp → here or there or here-2 or here-3:8081, source kept',
      'pod → cluster-ip:80/udp → here or there or here-2, source kept',
    ],
    next: [
      {
        when: 'a slice goes',
        without: ['EndpointSlice/web-1-ip4', 'EndpointSlice/web-1-ip6'],
        expect: [
          'pod → cluster-ip:80/tcp → here or here-2 or here-3:8081, source kept',
          'pod → cluster-ip:80/udp → here or here-2, source kept',
        ],
      },
      {
        when: 'an endpoint moves from one to the other',
        objects: [
          slices('web', [ready('here')], { name: 'web-2' }),
          slices('web', [ready('here-2')], { name: 'web-4' }),
        ],
        expect: ['pod → cluster-ip:80/udp → here or here-2, source kept'],
      },
    ],
  }),
  scenario('of two entries for one address and port, the one that is not terminating', {
    objects: [
      service('web'),
      slices('web', [terminating('here')], { name: 'web-1' }),
      slices('web', [ready('here')], { name: 'web-2' }),
      slices('web', [terminating('here')], { name: 'web-3' }),
      slices('web', [terminating('there')], { name: 'web-4' }),
    ],
    expect: ['pod → cluster-ip:80 → here, source kept'],
  }),
  scenario('ports without a number, and of other names, are no ports', {
    objects: [
      service('web'),
      slices('web', [ready('here')], {
        ports: [
          { name: 'tcp', protocol: 'TCP', port: null },
          { name: 'other', protocol: 'UDP', port: 8080 },
        ],
      }),
    ],
    expect: ['pod → cluster-ip:80 → rejected'],
  }),
  scenario('hints for zones: the endpoints for this one, if every ready endpoint has some', {
    objects: [
      node({ zone: 'zone-a' }),
      service('web'),
      slices('web', [
        ready('here', { zones: ['zone-a'] }),
        ready('there', { zones: ['zone-b', 'zone-a'] }),
        ready('there-2', { zones: ['zone-b'] }),
        terminating('here-3'),
      ]),
    ],
    expect: [
      'pod → cluster-ip:80 → here or there, source kept',
      'outside → cluster-ip:80 → here or there, masqueraded',
    ],
    next: [
      {
        when: 'none is for this zone: all',
        objects: [slices('web', [ready('here', { zones: ['zone-c'] }), ready('there-2', { zones: ['zone-b'] })])],
        expect: ['pod → cluster-ip:80 → here or there-2, source kept'],
      },
      {
        when: 'one ready endpoint has none: all',
        objects: [slices('web', [ready('here', { zones: ['zone-a'] }), ready('there-2')])],
        expect: ['pod → cluster-ip:80 → here or there-2, source kept'],
      },
      {
        when: 'one that is not ready has none: it does not count',
        objects: [
          slices('web', [
            ready('here', { zones: ['zone-a'] }),
            ready('there-2', { zones: ['zone-b'] }),
            unready('there'),
          ]),
        ],
        expect: ['pod → cluster-ip:80 → here, source kept'],
      },
      {
        when: 'the node comes to be in another zone',
        objects: [node({ zone: 'zone-b' })],
        expect: ['pod → cluster-ip:80 → there-2, source kept'],
      },
      {
        when: 'the node has no zone: all',
        objects: [node()],
        expect: ['pod → cluster-ip:80 → here or there-2, source kept'],
      },
      {
        when: 'none is ready: terminating ones of all zones',
        objects: [
          node({ zone: 'zone-a' }),
          slices('web', [terminating('here', { zones: ['zone-a'] }), terminating('there-2', { zones: ['zone-b'] })]),
        ],
        expect: ['pod → cluster-ip:80 → here or there-2, source kept'],
      },
    ],
  }),
  scenario('hints for nodes come first, then those for zones, then all', {
    objects: [
      node({ zone: 'zone-a' }),
      service('web'),
      slices('web', [
        ready('here', { nodes: ['node-a'], zones: ['zone-a'] }),
        ready('there', { nodes: ['node-b'], zones: ['zone-a'] }),
        ready('there-2', { nodes: ['node-b'], zones: ['zone-b'] }),
      ]),
    ],
    expect: ['pod → cluster-ip:80 → here, source kept', 'node → cluster-ip:80 → here, masqueraded'],
    next: [
      {
        when: 'none is for this node: the zone’s',
        objects: [
          slices('web', [
            ready('there', { nodes: ['node-b'], zones: ['zone-a'] }),
            ready('there-2', { nodes: ['node-b'], zones: ['zone-b'] }),
          ]),
        ],
        expect: ['pod → cluster-ip:80 → there, source kept'],
      },
      {
        when: 'none is for this zone either: all',
        objects: [slices('web', [ready('there', { zones: ['zone-b'] }), ready('there-2', { zones: ['zone-b'] })])],
        expect: ['pod → cluster-ip:80 → there or there-2, source kept'],
      },
    ],
  }),
  scenario('hints do not count for traffic policy Local', {
    objects: [
      node({ zone: 'zone-a' }),
      service('web', { nodePort: 30080, spec: { internalTrafficPolicy: 'Local', externalTrafficPolicy: 'Local' } }),
      slices('web', [ready('here', { zones: ['zone-b'] }), ready('there', { zones: ['zone-a'] })]),
    ],
    expect: [
      'pod → cluster-ip:80 → here, source kept',
      'outside → node:30080 → here, source kept',
      // Pods of this node choose among all, and so by hints.
      'pod → node:30080 → there, source kept',
    ],
  }),
  scenario('as their number grows and shrinks: all of them, no others', {
    objects: [service('web'), slices('web', [ready('here')])],
    expect: ['pod → cluster-ip:80 → here, source kept'],
    next: [
      {
        when: 'five',
        objects: [slices('web', [ready('here'), ready('here-2'), ready('here-3'), ready('there'), ready('there-2')])],
        expect: ['pod → cluster-ip:80 → here or here-2 or here-3 or there or there-2, source kept'],
      },
      {
        when: 'three, without the first',
        objects: [slices('web', [ready('here-3'), ready('there'), ready('there-2')])],
        expect: ['pod → cluster-ip:80 → here-3 or there or there-2, source kept'],
      },
      {
        when: 'two others',
        objects: [slices('web', [ready('here'), ready('here-2')])],
        expect: ['pod → cluster-ip:80 → here or here-2, source kept'],
      },
      { when: 'none', objects: [slices('web', [])], expect: ['pod → cluster-ip:80 → rejected'] },
      {
        when: 'one',
        objects: [slices('web', [ready('there')])],
        expect: ['pod → cluster-ip:80 → there, source kept'],
      },
    ],
  }),
]);
