import { ended, ready, type ServiceOptions, service, slices } from './runner/objects.ts';
import { CLUSTER_CIDRS, describeScenarios, scenario } from './runner/scenario.ts';

const web = (annotations?: ServiceOptions['annotations'], spec: ServiceOptions['spec'] = {}) =>
  service('web', {
    nodePort: 30080,
    externalIps: ['external-ip'],
    spec,
    ...(annotations !== undefined && { annotations }),
  });
const request = (value: string) => ({ 'kube-proxy-nft/reset-gone-endpoints': value });

/**
 * Connections that are open end, or go on: test/traffic/gone-endpoints.test.ts and test/traffic/random-resets.test.ts hold such
 * connections, which a scenario does not: each of its connections is new. Here: for new ones nothing changes, with the rules
 * for a kernel whose nf_conntrack_tcp_loose is 0 as without; and what a client comes to that connects again after its reset.
 */
describeScenarios('new connections where those to gone endpoints are reset', [
  scenario('with the flag: a client that connects again meets an endpoint that is there', {
    flags: [...CLUSTER_CIDRS, '--reset-gone-endpoints'],
    objects: [web(), slices('web', [ready('here'), ready('there')])],
    expect: [
      'pod → cluster-ip:80 → here or there, source kept',
      'outside → external-ip:80 → here or there, masqueraded',
      'outside → node:30080 → here or there, masqueraded',
      'node → cluster-ip:80 → here or there, masqueraded',
      'pod → cluster-ip:81 → rejected',
      'outside → node:30081 → untouched',
    ],
    next: [
      {
        when: 'an endpoint is gone',
        objects: [slices('web', [ready('there')])],
        expect: [
          'pod → cluster-ip:80 → there, source kept',
          'outside → external-ip:80 → there, masqueraded',
          'outside → node:30080 → there, masqueraded',
          'node → cluster-ip:80 → there, masqueraded',
        ],
      },
      {
        when: 'the last one has ended, and is still in a slice: it is not gone',
        objects: [slices('web', [ended('there')])],
        expect: ['pod → cluster-ip:80 → rejected', 'outside → external-ip:80 → rejected'],
      },
      {
        when: 'none is left',
        objects: [slices('web', [])],
        expect: ['pod → cluster-ip:80 → rejected', 'outside → node:30080 → rejected'],
      },
      {
        when: 'policy Local, and none is here: dropped, as the next packet of an open connection is',
        objects: [web(undefined, { externalTrafficPolicy: 'Local' }), slices('web', [ready('there')])],
        expect: [
          'outside → external-ip:80 → dropped',
          'outside → node:30080 → dropped',
          'pod → cluster-ip:80 → there, source kept',
        ],
      },
      {
        when: 'the Service goes: its addresses are nobody’s',
        without: ['Service/web'],
        expect: ['outside → external-ip:80 → untouched', 'outside → node:30080 → untouched'],
      },
    ],
  }),
  scenario('with the annotation, with one that says otherwise, and with one that has no meaning: all the same', {
    objects: [web(request('true'), { sessionAffinity: 'ClientIP' }), slices('web', [ready('here')])],
    expect: [
      'pod → cluster-ip:80 → one of here, source kept',
      'outside → node:30080 → one of here, masqueraded',
      'outside → external-ip:80 → one of here, masqueraded',
    ],
    next: [
      {
        when: 'its endpoint is gone, and another one is there: nobody stays with the one that is gone',
        objects: [slices('web', [ready('there')])],
        expect: ['pod → cluster-ip:80 → one of there, source kept', 'outside → node:30080 → one of there, masqueraded'],
      },
      {
        when: 'the annotation says false',
        objects: [web(request('false'))],
        expect: ['pod → cluster-ip:80 → there, source kept', 'outside → external-ip:80 → there, masqueraded'],
      },
      {
        when: 'it has no meaning',
        objects: [web(request('yes'))],
        expect: ['pod → cluster-ip:80 → there, source kept', 'outside → node:30080 → there, masqueraded'],
      },
    ],
  }),
]);
