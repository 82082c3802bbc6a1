import type { Client } from './runner/cast.ts';
import { ranges, ready, service, slices } from './runner/objects.ts';
import { CLUSTER_CIDRS, describeScenarios, scenario } from './runner/scenario.ts';

const ANNOTATION = 'kube-proxy-nft/source-ranges-on-node-ports';

/** A Service with a load balancer's address and a node port; `hold`: what the annotation says, if it is there. */
const web = (admitted: readonly Client[], hold?: boolean, policy = 'Cluster') =>
  service('web', {
    loadBalancerIps: ['lb-ip'],
    nodePort: 30080,
    spec: { externalTrafficPolicy: policy, loadBalancerSourceRanges: ranges(admitted) },
    ...(hold !== undefined && { annotations: { [ANNOTATION]: String(hold) } }),
  });

const BOTH = slices('web', [ready('here'), ready('there')]);
const THERE = slices('web', [ready('there')]);
const NONE = slices('web', []);

const list = (networks: string) => [...CLUSTER_CIDRS, '--node-port-source-ranges', networks];
const OUTSIDE = '192.0.2.0/24,2001:db8:2::/64';

describeScenarios('source ranges for node ports', [
  scenario('hold there where the annotation says so, for others than the node itself', {
    objects: [web(['outside'], true), BOTH],
    expect: [
      'outside → node:30080 → here or there, masqueraded',
      'outside → node:30080/sctp → here or there, masqueraded',
      'stranger → node:30080 → dropped',
      'stranger → node:30080/sctp → dropped',
      'pod → node:30080 → dropped',
      'node → node:30080 → here or there, masqueraded',
      'outside → lb-ip:80 → here or there, masqueraded',
      'stranger → lb-ip:80 → dropped',
      'node → lb-ip:80 → dropped',
      'stranger → cluster-ip:80 → here or there, masqueraded',
      'stranger → node:30081 → untouched',
    ],
    next: [
      {
        when: 'others are admitted',
        objects: [web(['pod', 'stranger'], true)],
        expect: [
          'outside → node:30080 → dropped',
          'stranger → node:30080 → here or there, masqueraded',
          'pod → node:30080 → here or there, masqueraded',
          'node → node:30080 → here or there, masqueraded',
        ],
      },
      {
        when: 'policy Local',
        objects: [web(['pod', 'stranger'], true, 'Local')],
        expect: [
          'outside → node:30080 → dropped',
          'stranger → node:30080 → here, source kept',
          'pod → node:30080 → here or there, source kept',
          'node → node:30080 → here or there, masqueraded',
        ],
      },
      {
        when: 'policy Local without an endpoint here',
        objects: [THERE],
        expect: [
          'outside → node:30080 → dropped',
          'stranger → node:30080 → dropped',
          'pod → node:30080 → there, source kept',
        ],
      },
      {
        when: 'no endpoint at all',
        objects: [NONE],
        expect: ['outside → node:30080 → dropped', 'stranger → node:30080 → rejected', 'node → node:30080 → rejected'],
      },
      {
        when: 'the annotation goes',
        objects: [web(['pod', 'stranger']), BOTH],
        expect: ['outside → node:30080 → here or there, masqueraded', 'outside → lb-ip:80 → dropped'],
      },
    ],
  }),
  scenario('hold there for all Services with the flag, unless the annotation says otherwise', {
    flags: [...CLUSTER_CIDRS, '--source-ranges-on-node-ports'],
    objects: [web(['outside']), BOTH],
    expect: [
      'outside → node:30080 → here or there, masqueraded',
      'stranger → node:30080 → dropped',
      'pod → node:30080 → dropped',
    ],
    next: [
      {
        when: 'the annotation says otherwise',
        objects: [web(['outside'], false)],
        expect: ['stranger → node:30080 → here or there, masqueraded', 'stranger → lb-ip:80 → dropped'],
      },
      {
        when: 'there are no ranges',
        objects: [web([])],
        expect: ['stranger → node:30080 → here or there, masqueraded'],
      },
      {
        when: 'there are ranges of one family',
        objects: [service('web', { nodePort: 30080, spec: { loadBalancerSourceRanges: ['192.0.2.0/24'] } })],
        expect: [
          'stranger → node:30080/tcp/ipv4 → dropped',
          'stranger → node:30080/udp/ipv4 → dropped',
          'stranger → node:30080/tcp/ipv6 → here or there, masqueraded',
        ],
      },
    ],
  }),
  scenario('with session affinity', {
    objects: [
      service('web', {
        nodePort: 30080,
        spec: { sessionAffinity: 'ClientIP', loadBalancerSourceRanges: ranges(['outside']) },
        annotations: { [ANNOTATION]: 'true' },
      }),
      BOTH,
    ],
    expect: ['outside → node:30080 → one of here or there, masqueraded', 'stranger → node:30080 → dropped'],
  }),
  scenario('a list of networks closes all node ports to others than these and the node', {
    flags: list(OUTSIDE),
    objects: [service('web', { nodePort: 30080, externalIps: ['external-ip'] }), BOTH],
    expect: [
      'outside → node:30080 → here or there, masqueraded',
      'stranger → node:30080 → dropped',
      'stranger → node:30080/sctp → dropped',
      'pod → node:30080 → dropped',
      'node → node:30080 → here or there, masqueraded',
      'stranger → external-ip:80 → here or there, masqueraded',
      'stranger → cluster-ip:80 → here or there, masqueraded',
      // No node port of a Service.
      'stranger → node:30081 → untouched',
    ],
    next: [
      {
        when: 'no endpoint is left',
        objects: [NONE],
        expect: ['outside → node:30080 → rejected', 'stranger → node:30080 → dropped'],
      },
      {
        when: 'the Service has ranges, too, which hold there',
        objects: [web(['stranger', 'pod'], true), BOTH],
        expect: [
          'outside → node:30080 → dropped',
          'stranger → node:30080 → dropped',
          'node → node:30080 → here or there, masqueraded',
          'stranger → lb-ip:80 → here or there, masqueraded',
        ],
      },
      {
        when: 'the Service goes',
        without: ['Service/web'],
        expect: ['stranger → node:30080 → untouched', 'outside → node:30080 → untouched'],
      },
    ],
  }),
  scenario('a list of one family closes the other to all but the node; without counters, too', {
    flags: [...list('0.0.0.0/0'), '--connection-counters=false'],
    objects: [service('web', { nodePort: 30080 }), BOTH],
    expect: [
      'stranger → node:30080/tcp/ipv4 → here or there, masqueraded',
      'stranger → node:30080/udp/ipv4 → here or there, masqueraded',
      'stranger → node:30080/tcp/ipv6 → dropped',
      'stranger → node:30080/udp/ipv6 → dropped',
      'node → node:30080 → here or there, masqueraded',
    ],
  }),
]);
