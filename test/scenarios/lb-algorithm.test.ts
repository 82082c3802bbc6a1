import { ready, service, slices } from './runner/objects.ts';
import { describeScenarios, scenario } from './runner/scenario.ts';

/** A Service with every kind of address, and what its annotation says. */
const web = (algorithm: string, spec: Readonly<Record<string, unknown>> = {}) =>
  service('web', {
    externalIps: ['external-ip'],
    loadBalancerIps: ['lb-ip'],
    nodePort: 30080,
    annotations: { 'kube-proxy-nft/lb-algorithm': algorithm },
    spec,
  });
const STICKY = { sessionAffinity: 'ClientIP' };
const three = slices('web', [ready('here'), ready('here-2'), ready('there')]);
const two = slices('web', [ready('here'), ready('there')]);

describeScenarios('lb-algorithm', [
  scenario('client-hash: a client meets the same endpoint at every address and port of the Service', {
    objects: [web('client-hash'), three],
    expect: [
      'pod → cluster-ip:80 → by hash one of here or here-2 or there, source kept',
      'pod → node:30080 → by hash one of here or here-2 or there, masqueraded',
      'pod → external-ip:80 → by hash one of here or here-2 or there, masqueraded',
      'outside → cluster-ip:80 → by hash one of here or here-2 or there, masqueraded',
      'outside → external-ip:80 → by hash one of here or here-2 or there, masqueraded',
      'outside → lb-ip:80 → by hash one of here or here-2 or there, masqueraded',
      'outside → node:30080 → by hash one of here or here-2 or there, masqueraded',
      'stranger → lb-ip:80 → by hash one of here or here-2 or there, masqueraded',
      'stranger → node:30080 → by hash one of here or here-2 or there, masqueraded',
      'node → cluster-ip:80 → by hash one of here or here-2 or there, masqueraded',
      'pod → cluster-ip:81 → rejected',
    ],
    next: [
      {
        when: 'another Service has the same endpoints: the same one there',
        objects: [
          service('more', { clusterIp: 'cluster-ip-2', annotations: { 'kube-proxy-nft/lb-algorithm': 'client-hash' } }),
          slices('more', [ready('there'), ready('here-2'), ready('here')]),
        ],
        expect: [
          'pod → cluster-ip-2:80 → by hash one of here or here-2 or there, source kept',
          'outside → cluster-ip-2:80 → by hash one of here or here-2 or there, masqueraded',
        ],
      },
      {
        when: 'an endpoint goes',
        objects: [two],
        expect: [
          'pod → cluster-ip:80 → by hash one of here or there, source kept',
          'outside → node:30080 → by hash one of here or there, masqueraded',
        ],
      },
      {
        when: 'it comes again: everybody is where they were, the daemon’s history does not matter',
        objects: [three],
        expect: [
          'pod → cluster-ip:80 → by hash one of here or here-2 or there, source kept',
          'outside → lb-ip:80 → by hash one of here or here-2 or there, masqueraded',
          'stranger → node:30080 → by hash one of here or here-2 or there, masqueraded',
        ],
      },
      {
        when: 'another daemon finds what this one has left',
        restart: true,
        expect: [
          'pod → cluster-ip:80 → by hash one of here or here-2 or there, source kept',
          'outside → external-ip:80 → by hash one of here or here-2 or there, masqueraded',
        ],
      },
      {
        when: 'none is left',
        objects: [slices('web', [])],
        expect: ['pod → cluster-ip:80 → rejected', 'outside → node:30080 → rejected'],
      },
    ],
  }),
  scenario('client-hash: the table is the same in every cluster with these endpoints, and spreads the clients', {
    objects: [web('client-hash'), two],
    expect: [
      'pod → cluster-ip:80/ipv4 → by hash one of there, source kept',
      'outside → cluster-ip:80/ipv4 → by hash one of here, masqueraded',
      'stranger → cluster-ip:80/ipv4 → by hash one of there, masqueraded',
      'node → cluster-ip:80/ipv4 → by hash one of here, masqueraded',
      'pod → cluster-ip:80/ipv6 → by hash one of here, source kept',
      'outside → cluster-ip:80/ipv6 → by hash one of here, masqueraded',
      'stranger → cluster-ip:80/ipv6 → by hash one of there, masqueraded',
      'node → cluster-ip:80/ipv6 → by hash one of there, masqueraded',
    ],
  }),
  scenario('client-hash with policy Local: for those outside a table of the endpoints here', {
    objects: [web('client-hash', { externalTrafficPolicy: 'Local' }), three],
    expect: [
      'outside → node:30080 → by hash one of here or here-2, source kept',
      'outside → lb-ip:80 → by hash one of here or here-2, source kept',
      'pod → cluster-ip:80 → by hash one of here or here-2 or there, source kept',
      'pod → node:30080 → by hash one of here or here-2 or there, source kept',
    ],
    next: [
      {
        when: 'none is here',
        objects: [slices('web', [ready('there')])],
        expect: ['outside → node:30080 → dropped', 'pod → node:30080 → by hash one of there, source kept'],
      },
    ],
  }),
  scenario('client-hash beside session affinity takes the place of the lists of clients', {
    objects: [web('client-hash', STICKY), three],
    expect: [
      'pod → cluster-ip:80 → by hash one of here or here-2 or there, source kept',
      'pod → node:30080 → by hash one of here or here-2 or there, masqueraded',
      'outside → external-ip:80 → by hash one of here or here-2 or there, masqueraded',
    ],
    next: [
      {
        when: 'the annotation says random: the lists',
        objects: [web('random', STICKY)],
        expect: [
          'pod → cluster-ip:80 → one of here or here-2 or there, source kept',
          'outside → node:30080 → one of here or here-2 or there, masqueraded',
        ],
      },
    ],
  }),
  scenario('connection-hash: the connections of a client are spread', {
    objects: [web('connection-hash'), two],
    expect: [
      'pod → cluster-ip:80 → here 1/2 or there 1/2, source kept',
      'outside → external-ip:80 → here 1/2 or there 1/2, masqueraded',
      'node → node:30080 → here 1/2 or there 1/2, masqueraded',
    ],
    next: [
      {
        when: 'session affinity is there, which this would break: as without the annotation',
        objects: [web('connection-hash', STICKY)],
        expect: [
          'pod → cluster-ip:80 → one of here or there, source kept',
          'outside → node:30080 → one of here or there, masqueraded',
        ],
      },
      {
        when: 'policy Local',
        objects: [web('connection-hash', { externalTrafficPolicy: 'Local' }), three],
        expect: [
          'outside → node:30080 → here 1/2 or here-2 1/2, source kept',
          'pod → cluster-ip:80 → here 1/3 or here-2 1/3 or there 1/3, source kept',
        ],
      },
    ],
  }),
  scenario('a value that there is not is as none, and so is random', {
    objects: [web('round-robin'), two],
    expect: [
      'pod → cluster-ip:80 → here 1/2 or there 1/2, source kept',
      'outside → node:30080 → here 1/2 or there 1/2, masqueraded',
    ],
    next: [
      {
        when: 'it is mended',
        objects: [web('client-hash')],
        expect: ['pod → cluster-ip:80 → by hash one of here or there, source kept'],
      },
      {
        when: 'it is random',
        objects: [web('random')],
        expect: ['pod → cluster-ip:80 → here 1/2 or there 1/2, source kept'],
      },
    ],
  }),
]);
