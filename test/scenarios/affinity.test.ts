import { ready, type ServiceOptions, service, slices, terminating } from './runner/objects.ts';
import { CLUSTER_CIDRS, describeScenarios, scenario } from './runner/scenario.ts';

const STICKY = { sessionAffinity: 'ClientIP' };
const web = (spec: ServiceOptions['spec'] = STICKY) =>
  service('web', { externalIps: ['external-ip'], loadBalancerIps: ['lb-ip'], nodePort: 30080, spec });
const BOTH = slices('web', [ready('here'), ready('there')]);

describeScenarios('session affinity ClientIP', [
  scenario('a client stays with its endpoint, whichever address of the Service it uses', {
    objects: [web(), BOTH],
    expect: [
      'pod → cluster-ip:80 → one of here or there, source kept',
      'pod → node:30080 → one of here or there, masqueraded',
      'pod → lb-ip:80 → one of here or there, masqueraded',
      'outside → cluster-ip:80 → one of here or there, masqueraded',
      'outside → external-ip:80 → one of here or there, masqueraded',
      'outside → node:30080 → one of here or there, masqueraded',
      'stranger → lb-ip:80 → one of here or there, masqueraded',
      'node → external-ip:80 → one of here or there, masqueraded',
      'pod → cluster-ip:81 → rejected',
    ],
    next: [
      {
        when: 'another Service changes',
        objects: [service('more', { clusterIp: 'cluster-ip-2' }), slices('more', [ready('here')])],
        expect: [
          'pod → cluster-ip:80 → one of here or there, source kept',
          'outside → node:30080 → one of here or there, masqueraded',
        ],
      },
      {
        when: 'it is switched off',
        objects: [web({})],
        expect: [
          'pod → cluster-ip:80 → here or there, source kept',
          'outside → node:30080 → here or there, masqueraded',
        ],
      },
      {
        when: 'it is switched on again',
        objects: [web()],
        expect: [
          'pod → cluster-ip:80 → one of here or there, source kept',
          'outside → lb-ip:80 → one of here or there, masqueraded',
        ],
      },
      {
        when: 'an endpoint goes: its clients go to the other at once',
        objects: [slices('web', [ready('there')])],
        expect: ['pod → cluster-ip:80 → one of there, source kept', 'outside → node:30080 → one of there, masqueraded'],
      },
      {
        when: 'none is left',
        objects: [slices('web', [])],
        expect: ['pod → cluster-ip:80 → rejected', 'outside → node:30080 → rejected'],
      },
      {
        when: 'two others come',
        objects: [slices('web', [ready('here-2'), ready('there-2')])],
        expect: [
          'pod → cluster-ip:80 → one of here-2 or there-2, source kept',
          'outside → node:30080 → one of here-2 or there-2, masqueraded',
        ],
      },
    ],
  }),
  scenario('with externalTrafficPolicy Local: endpoints here for those outside, all for pods and the node', {
    objects: [
      web({ ...STICKY, externalTrafficPolicy: 'Local' }),
      slices('web', [ready('here'), ready('here-2'), ready('there')]),
    ],
    expect: [
      'outside → node:30080 → one of here or here-2, source kept',
      'outside → lb-ip:80 → one of here or here-2, source kept',
      'pod → node:30080 → one of here or here-2 or there, source kept',
      'pod → cluster-ip:80 → one of here or here-2 or there, source kept',
      'node → node:30080 → one of here or here-2 or there, masqueraded',
    ],
    next: [
      {
        when: 'none here: dropped',
        objects: [slices('web', [ready('there')])],
        expect: ['outside → node:30080 → dropped', 'pod → node:30080 → one of there, source kept'],
      },
      {
        when: 'those here terminate',
        objects: [slices('web', [terminating('here'), terminating('here-2'), ready('there')])],
        expect: [
          'outside → node:30080 → one of here or here-2, source kept',
          'pod → node:30080 → one of there, source kept',
        ],
      },
    ],
  }),
  scenario('with internalTrafficPolicy Local', {
    objects: [
      web({ ...STICKY, internalTrafficPolicy: 'Local' }),
      slices('web', [ready('here'), ready('here-2'), ready('there')]),
    ],
    expect: [
      'pod → cluster-ip:80 → one of here or here-2, source kept',
      'outside → node:30080 → one of here or here-2 or there, masqueraded',
    ],
  }),
  scenario('a pod that is its own endpoint gets the node’s address', {
    objects: [web(), slices('web', [ready('pod')])],
    expect: ['pod → cluster-ip:80 → one of pod, masqueraded', 'neighbour → cluster-ip:80 → one of pod, source kept'],
  }),
  scenario('with loadBalancerSourceRanges', {
    objects: [web({ ...STICKY, loadBalancerSourceRanges: ['192.0.2.100/32', '2001:db8:2::100/128'] }), BOTH],
    expect: [
      'outside → lb-ip:80 → one of here or there, masqueraded',
      'outside → node:30080 → one of here or there, masqueraded',
      'stranger → lb-ip:80 → dropped',
    ],
  }),
  // With several endpoints the tracer knows which one it is: test/traffic/affinity-by-hash.test.ts.
  scenario('by the client’s address, with more endpoints than may have lists of clients', {
    flags: [...CLUSTER_CIDRS, '--max-affinity-endpoints=0'],
    objects: [web(), slices('web', [ready('there')])],
    expect: [
      'pod → cluster-ip:80 → one of there, source kept',
      'pod → node:30080 → one of there, masqueraded',
      'outside → external-ip:80 → one of there, masqueraded',
      'outside → node:30080 → one of there, masqueraded',
      'stranger → lb-ip:80 → one of there, masqueraded',
      'node → cluster-ip:80 → one of there, masqueraded',
      'pod → cluster-ip:81 → rejected',
    ],
    next: [
      {
        when: 'externalTrafficPolicy is Local, and there is one here, too',
        objects: [web({ ...STICKY, externalTrafficPolicy: 'Local' }), BOTH],
        expect: [
          'outside → external-ip:80 → one of here, source kept',
          'outside → lb-ip:80 → one of here, source kept',
          'outside → node:30080 → one of here, source kept',
        ],
      },
      {
        when: 'it is switched off',
        objects: [web({})],
        expect: ['pod → cluster-ip:80 → here or there, source kept'],
      },
      {
        when: 'it is switched on again, and none is left',
        objects: [web(), slices('web', [])],
        expect: ['pod → cluster-ip:80 → rejected', 'outside → node:30080 → rejected'],
      },
    ],
  }),
]);
