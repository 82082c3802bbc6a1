import { node, otherNode, ready, service, slices, terminating } from './runner/objects.ts';
import { CLUSTER_CIDRS, describeScenarios, scenario } from './runner/scenario.ts';

const inZone = (zone: string) => ({ zone });
const spillingOver = (share: string) => service('web', { annotations: { 'kube-proxy-nft/zone-spill-over': share } });
const A = inZone('zone-a');
const B = inZone('zone-b');

/** Two of the own zone, and two of another one. */
const four = slices('web', [ready('here', A), ready('here-2', A), ready('there', B), ready('there-2', B)]);

describeScenarios('endpoints by zone', [
  scenario('those of the own zone while they are enough, then others with them', {
    objects: [node({ zone: 'zone-a' }), spillingOver('50%'), four],
    expect: [
      'pod → cluster-ip:80 → here or here-2, source kept',
      'outside → cluster-ip:80 → here or here-2, masqueraded',
    ],
    next: [
      {
        when: 'the share is larger: one other, which one is by the names of node and endpoints',
        objects: [spillingOver('75%')],
        expect: [
          'pod → cluster-ip:80/ipv4 → here or here-2 or there, source kept',
          'pod → cluster-ip:80/ipv6 → here or here-2 or there-2, source kept',
        ],
      },
      {
        when: 'the share is all of them',
        objects: [spillingOver('100%')],
        expect: ['pod → cluster-ip:80 → here or here-2 or there or there-2, source kept'],
      },
      {
        when: 'the value has no meaning: as without',
        objects: [spillingOver('0%')],
        expect: ['pod → cluster-ip:80 → here or here-2 or there or there-2, source kept'],
      },
      {
        when: 'hints count no more where the annotation is there',
        objects: [
          spillingOver('50%'),
          slices('web', [ready('here', { ...A, zones: ['zone-b'] }), ready('there', { ...B, zones: ['zone-a'] })]),
        ],
        expect: ['pod → cluster-ip:80 → here, source kept'],
      },
      {
        when: 'none is in this zone: all',
        objects: [slices('web', [ready('here', B), ready('here-2', B), ready('there', B)])],
        expect: ['pod → cluster-ip:80 → here or here-2 or there, source kept'],
      },
      {
        when: 'zones of endpoints are not known: all',
        objects: [slices('web', [ready('here'), ready('there')])],
        expect: ['pod → cluster-ip:80 → here or there, source kept'],
      },
      {
        when: 'an endpoint without a zone is elsewhere',
        objects: [slices('web', [ready('here', A), ready('there')])],
        expect: ['pod → cluster-ip:80 → here, source kept'],
      },
      {
        when: 'none is ready: those that still serve, wherever they are',
        objects: [slices('web', [terminating('here', A), terminating('there', B)])],
        expect: ['pod → cluster-ip:80 → here or there, source kept'],
      },
      {
        when: 'the zone of the node is not known: all',
        objects: [node(), four],
        expect: ['pod → cluster-ip:80 → here or here-2 or there or there-2, source kept'],
      },
      {
        when: 'it is again',
        objects: [node({ zone: 'zone-b' })],
        expect: ['pod → cluster-ip:80 → there or there-2, source kept'],
      },
    ],
  }),
  scenario('policy Local does not mind it', {
    objects: [
      node({ zone: 'zone-b' }),
      service('web', {
        nodePort: 30080,
        annotations: { 'kube-proxy-nft/zone-spill-over': '50%' },
        spec: { externalTrafficPolicy: 'Local' },
      }),
      four,
    ],
    expect: [
      'outside → node:30080 → here or here-2, source kept',
      'pod → cluster-ip:80 → there or there-2, source kept',
    ],
  }),
  scenario('endpoints on nodes that are not Ready are no part of it', {
    flags: [...CLUSTER_CIDRS, '--skip-unreachable-nodes'],
    objects: [
      node({ zone: 'zone-b' }),
      otherNode('Unknown'),
      spillingOver('50%'),
      slices('web', [ready('here', A), ready('here-2', B), ready('there', B), ready('there-2', B)]),
    ],
    expect: ['pod → cluster-ip:80 → here-2, source kept'],
    next: [
      {
        when: 'the zone has no other: then all others',
        objects: [slices('web', [ready('here', A), ready('here-2', A), ready('there', B), ready('there-2', B)])],
        expect: ['pod → cluster-ip:80 → here or here-2, source kept'],
      },
    ],
  }),
]);
