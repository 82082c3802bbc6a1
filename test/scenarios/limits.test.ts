import { ready, service, slices } from './runner/objects.ts';
import { describeScenarios, scenario } from './runner/scenario.ts';

const annotations = (limit?: string, maxConnections?: string) => ({
  ...(limit !== undefined && { 'kube-proxy-nft/limit': limit }),
  ...(maxConnections !== undefined && { 'kube-proxy-nft/max-connections': maxConnections }),
});

// Each Service has a name of its own: the kernel knows the clients of one that goes on. TCP and UDP share a client's limit.
describeScenarios('limits for a Service', [
  scenario('limit: a client may open so many connections at once, wherever; others have a limit of their own', {
    objects: [
      service('limited', { nodePort: 30080, externalIps: ['external-ip'], annotations: annotations('3/s') }),
      slices('limited', [ready('here')]),
    ],
    expect: [
      'pod → cluster-ip:80/tcp → here, source kept; rejected beyond 3/s',
      'outside → cluster-ip:80/udp → here, masqueraded; rejected beyond 3/s',
      'stranger → node:30080/tcp → here, masqueraded; rejected beyond 3/s',
      // In IPv6 it is in one /64 with the one outside, and shares its limit.
      'node → external-ip:80/udp/ipv4 → here, masqueraded; rejected beyond 3/s',
      'pod → cluster-ip:81 → rejected',
    ],
    next: [
      {
        when: 'they come by other addresses and protocols: it is one limit',
        expect: [
          'outside → node:30080/tcp → here, masqueraded; most rejected',
          'stranger → external-ip:80/udp → here, masqueraded; most rejected',
          'pod → node:30080/udp → here, masqueraded; most rejected',
        ],
      },
      {
        when: 'the number is larger than what anybody opens',
        objects: [
          service('limited', { nodePort: 30080, externalIps: ['external-ip'], annotations: annotations('90000/s') }),
        ],
        expect: [
          'pod → cluster-ip:80 → here, source kept',
          'outside → node:30080 → here, masqueraded',
          'stranger → external-ip:80 → here, masqueraded',
        ],
      },
      {
        when: 'the value has no meaning: as without',
        objects: [service('limited', { nodePort: 30080, annotations: annotations('0/s') })],
        expect: ['pod → cluster-ip:80 → here, source kept', 'outside → node:30080 → here, masqueraded'],
      },
    ],
  }),
  scenario('limit with session affinity', {
    objects: [
      service('two', { annotations: annotations('5/s'), spec: { sessionAffinity: 'ClientIP' } }),
      slices('two', [ready('here')]),
    ],
    expect: ['outside → cluster-ip:80/tcp → here, masqueraded; rejected beyond 5/s'],
    next: [
      {
        when: 'none is left: there is nothing to limit',
        objects: [slices('two', [])],
        expect: ['outside → cluster-ip:80 → rejected'],
      },
    ],
  }),
  scenario('max-connections: an endpoint has so many open ones, whoever opened them', {
    objects: [
      service('full', { nodePort: 30080, annotations: annotations(undefined, '3') }),
      slices('full', [ready('here')]),
    ],
    // A flow of UDP is open until conntrack forgets it; a TCP connection that has ended makes room.
    expect: ['pod → cluster-ip:80/udp → here, source kept; rejected beyond 3'],
    next: [
      {
        when: 'at the node port, for others',
        expect: ['outside → node:30080/udp → here, masqueraded; rejected beyond 3'],
      },
      {
        when: 'over TCP, that ends at once',
        expect: ['outside → cluster-ip:80/tcp → here, masqueraded; some may be rejected'],
      },
      {
        when: 'there are two endpoints: so many for each',
        objects: [slices('full', [ready('here'), ready('there')])],
        expect: ['outside → cluster-ip:80/udp → here or there, masqueraded; rejected beyond 6'],
      },
      {
        when: 'the number is larger than what anybody opens',
        objects: [service('full', { nodePort: 30080, annotations: annotations(undefined, '900') })],
        expect: [
          'pod → cluster-ip:80 → here or there, source kept',
          'outside → node:30080 → here or there, masqueraded',
        ],
      },
      {
        when: 'the value has no meaning: as without',
        objects: [service('full', { nodePort: 30080, annotations: annotations(undefined, '0') })],
        expect: [
          'pod → cluster-ip:80 → here or there, source kept',
          'outside → node:30080 → here or there, masqueraded',
        ],
      },
      {
        when: 'a table of hashes leads to endpoints: it counts for nothing there',
        objects: [
          service('full', {
            annotations: { ...annotations(undefined, '1'), 'kube-proxy-nft/lb-algorithm': 'client-hash' },
          }),
        ],
        expect: ['pod → cluster-ip:80 → by hash one of here or there, source kept'],
      },
    ],
  }),
  scenario('both on one Service: whichever is reached first', {
    objects: [service('both', { annotations: annotations('90000/s', '2') }), slices('both', [ready('here')])],
    expect: ['outside → cluster-ip:80/udp → here, masqueraded; rejected beyond 2'],
    next: [
      {
        when: 'it is the limit',
        objects: [service('both', { annotations: annotations('2/s', '900') })],
        expect: ['outside → cluster-ip:80/tcp → here, masqueraded; rejected beyond 2/s'],
      },
      {
        when: 'neither is',
        objects: [service('both', { annotations: annotations('90000/s', '900') })],
        expect: ['outside → cluster-ip:80 → here, masqueraded', 'pod → cluster-ip:80 → here, source kept'],
      },
      {
        when: 'the annotations go',
        objects: [service('both')],
        expect: ['outside → cluster-ip:80 → here, masqueraded', 'pod → cluster-ip:80 → here, source kept'],
      },
    ],
  }),
]);
