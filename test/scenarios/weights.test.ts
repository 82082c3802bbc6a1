import type { EndpointName } from './runner/cast.ts';
import { node, ready, service, slices, terminating } from './runner/objects.ts';
import { CLUSTER_CIDRS, describeScenarios, scenario } from './runner/scenario.ts';

/** Slices with a weight; undefined: without. */
const weighing = (weight: string | undefined, name: string, ...endpoints: readonly EndpointName[]) =>
  slices(
    'web',
    endpoints.map((one) => ready(one)),
    {
      name: `web-${name}`,
      ...(weight !== undefined && { annotations: { 'kube-proxy-nft/weight': weight } }),
    },
  );
/** Those here for zone-a, and those of the other node for zone-b. */
const hinted = (name: string, weight: string, endpoints: readonly EndpointName[]) =>
  slices(
    'web',
    endpoints.map((one) => ready(one, { zones: [one.startsWith('here') ? 'zone-a' : 'zone-b'] })),
    { name: `web-${name}`, annotations: { 'kube-proxy-nft/weight': weight } },
  );
const stable = (weight?: string) => weighing(weight, 'stable', 'here');
const canary = (weight?: string) => weighing(weight, 'canary', 'there');
const web = (spec: Readonly<Record<string, unknown>> = {}) =>
  service('web', { externalIps: ['external-ip'], nodePort: 30080, spec });

describeScenarios('weights', [
  scenario('are shares of new connections', {
    objects: [web(), stable('9'), canary()],
    expect: [
      'pod → cluster-ip:80 → here 9/10 or there 1/10, source kept',
      'outside → cluster-ip:80 → here 9/10 or there 1/10, masqueraded',
      'outside → external-ip:80 → here 9/10 or there 1/10, masqueraded',
      'outside → node:30080 → here 9/10 or there 1/10, masqueraded',
      'node → node:30080 → here 9/10 or there 1/10, masqueraded',
    ],
    next: [
      {
        when: 'one grows',
        objects: [canary('3')],
        expect: ['pod → cluster-ip:80 → here 9/12 or there 3/12, source kept'],
      },
      {
        when: 'both have the same: as without',
        objects: [canary('9')],
        expect: ['pod → cluster-ip:80 → here 1/2 or there 1/2, source kept'],
      },
      {
        when: 'each endpoint of a slice has its weight',
        objects: [weighing('3', 'stable', 'here', 'here-2'), canary('1')],
        expect: ['pod → cluster-ip:80 → here 3/7 or here-2 3/7 or there 1/7, source kept'],
      },
      {
        when: 'an endpoint is in two slices: its largest weight counts',
        objects: [weighing('1', 'more', 'here')],
        expect: ['pod → cluster-ip:80 → here 3/7 or here-2 3/7 or there 1/7, source kept'],
      },
      {
        when: 'a value has no meaning: as without, 1',
        without: ['EndpointSlice/web-more-ip4', 'EndpointSlice/web-more-ip6'],
        objects: [stable('3'), canary('much')],
        expect: ['pod → cluster-ip:80 → here 3/4 or there 1/4, source kept'],
      },
      {
        when: 'another daemon finds what this one has left',
        restart: true,
        expect: ['pod → cluster-ip:80 → here 3/4 or there 1/4, source kept'],
      },
    ],
  }),
  scenario('0 drains', {
    objects: [web(), stable('1'), canary('0')],
    expect: [
      'pod → cluster-ip:80 → here, source kept',
      'outside → external-ip:80 → here, masqueraded',
      'outside → node:30080 → here, masqueraded',
    ],
    next: [
      {
        when: 'all are drained: as without weights',
        objects: [stable('0')],
        expect: ['pod → cluster-ip:80 → here 1/2 or there 1/2, source kept'],
      },
      {
        when: 'one is taken into use again',
        objects: [canary('2')],
        expect: ['pod → cluster-ip:80 → there, source kept'],
      },
      {
        when: 'that one terminates: a ready one comes first, drained as it is',
        objects: [
          slices('web', [terminating('there')], {
            name: 'web-canary',
            annotations: { 'kube-proxy-nft/weight': '2' },
          }),
        ],
        expect: ['pod → cluster-ip:80 → here, source kept'],
      },
    ],
  }),
  scenario('policy Local: the shares are those among the endpoints here', {
    objects: [
      web({ externalTrafficPolicy: 'Local' }),
      weighing('3', 'stable', 'here', 'there'),
      weighing('1', 'canary', 'here-2'),
    ],
    expect: [
      'outside → node:30080 → here 3/4 or here-2 1/4, source kept',
      'pod → cluster-ip:80 → here 3/7 or there 3/7 or here-2 1/7, source kept',
    ],
    next: [
      {
        when: 'all that are here are drained: they are used',
        objects: [weighing('0', 'stable', 'here'), weighing('0', 'canary', 'here-2'), weighing('1', 'more', 'there')],
        expect: [
          'outside → node:30080 → here 1/2 or here-2 1/2, source kept',
          'pod → cluster-ip:80 → there, source kept',
        ],
      },
    ],
  }),
  scenario('session affinity: a client stays where it was drawn, until that is drained', {
    objects: [web({ sessionAffinity: 'ClientIP' }), stable('9'), canary('1')],
    expect: [
      'pod → cluster-ip:80 → one of here or there, source kept',
      'outside → node:30080 → one of here or there, masqueraded',
    ],
    next: [
      {
        when: 'one is drained',
        objects: [stable('0')],
        expect: ['pod → cluster-ip:80 → one of there, source kept', 'outside → node:30080 → one of there, masqueraded'],
      },
    ],
  }),
  scenario('hints come first, and 0 before these', {
    objects: [
      node({ zone: 'zone-a' }),
      web(),
      hinted('stable', '3', ['here', 'there']),
      hinted('canary', '1', ['here-2']),
    ],
    expect: ['pod → cluster-ip:80 → here 3/4 or here-2 1/4, source kept'],
    next: [
      {
        when: 'all in the zone are drained: the other zone’s are used',
        objects: [hinted('stable', '0', ['here']), hinted('canary', '0', ['here-2']), hinted('more', '1', ['there'])],
        expect: ['pod → cluster-ip:80 → there, source kept'],
      },
    ],
  }),
  scenario('Cilium’s are read with a flag, where none of ours are there; without one a slice then has 100', {
    flags: [...CLUSTER_CIDRS, '--read-cilium-annotations'],
    objects: [
      web(),
      slices('web', [ready('here')], { name: 'web-stable' }),
      slices('web', [ready('there')], { name: 'web-canary', annotations: { 'service.cilium.io/weight': '25' } }),
    ],
    expect: ['pod → cluster-ip:80 → here 4/5 or there 1/5, source kept'],
    next: [
      {
        when: 'one of ours is there',
        objects: [stable('3')],
        expect: ['pod → cluster-ip:80 → here 3/4 or there 1/4, source kept'],
      },
    ],
  }),
]);
