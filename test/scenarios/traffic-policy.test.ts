import { ended, ready, type ServiceOptions, service, slices, terminating } from './runner/objects.ts';
import { CLUSTER_CIDRS, describeScenarios, scenario } from './runner/scenario.ts';

const web = (spec: ServiceOptions['spec'] = {}) =>
  service('web', { externalIps: ['external-ip'], loadBalancerIps: ['lb-ip'], nodePort: 30080, spec });
const LOCAL = { externalTrafficPolicy: 'Local' };
const INSIDE = { internalTrafficPolicy: 'Local' };

describeScenarios('externalTrafficPolicy', [
  scenario('Cluster: all endpoints, for everybody from the node’s address', {
    objects: [web(), slices('web', [ready('here'), ready('there')])],
    expect: [
      'pod → cluster-ip:80 → here or there, source kept',
      'pod → external-ip:80 → here or there, masqueraded',
      'pod → lb-ip:80 → here or there, masqueraded',
      'pod → node:30080 → here or there, masqueraded',
      'outside → external-ip:80 → here or there, masqueraded',
      'outside → lb-ip:80 → here or there, masqueraded',
      'outside → node:30080 → here or there, masqueraded',
    ],
  }),
  scenario('Local: from outside to endpoints here, the source kept; from pods and the node to all', {
    objects: [web(LOCAL), slices('web', [ready('here'), ready('there')])],
    expect: [
      'outside → external-ip:80 → here, source kept',
      'outside → external-ip:80/sctp → here, source kept',
      'outside → lb-ip:80 → here, source kept',
      'outside → node:30080 → here, source kept',
      'outside → node:30080/sctp → here, source kept',
      'pod → external-ip:80 → here or there, source kept',
      'pod → lb-ip:80 → here or there, source kept',
      'pod → node:30080 → here or there, source kept',
      'pod → node:30080/sctp → here or there, source kept',
      'node → external-ip:80 → here or there, masqueraded',
      'node → lb-ip:80 → here or there, masqueraded',
      'node → node:30080 → here or there, masqueraded',
      'pod → cluster-ip:80 → here or there, source kept',
      'outside → cluster-ip:80 → here or there, masqueraded',
    ],
    next: [
      {
        when: 'a second one here',
        objects: [slices('web', [ready('here'), ready('here-2'), ready('there')])],
        expect: [
          'outside → node:30080 → here or here-2, source kept',
          'outside → lb-ip:80 → here or here-2, source kept',
          'node → node:30080 → here or here-2 or there, masqueraded',
          // Pods of the other node are in the cluster CIDR, too.
          'pod → node:30080 → here or here-2 or there, source kept',
        ],
      },
      {
        when: 'none here: dropped from outside; pods and the node still reach the others',
        objects: [slices('web', [ready('there')])],
        expect: [
          'outside → external-ip:80 → dropped',
          'outside → external-ip:80/sctp → dropped',
          'outside → lb-ip:80 → dropped',
          'outside → node:30080 → dropped',
          'outside → node:30080/sctp → dropped',
          'pod → external-ip:80 → there, source kept',
          'pod → node:30080 → there, source kept',
          'node → lb-ip:80 → there, masqueraded',
          'node → node:30080 → there, masqueraded',
          'outside → cluster-ip:80 → there, masqueraded',
        ],
      },
      {
        when: 'none anywhere: rejected',
        objects: [slices('web', [])],
        expect: [
          'outside → external-ip:80 → rejected',
          'outside → lb-ip:80 → rejected',
          'outside → node:30080 → rejected',
          'pod → node:30080 → rejected',
          'node → external-ip:80 → rejected',
          'node → node:30080 → rejected',
        ],
      },
      {
        when: 'one here again',
        objects: [slices('web', [ready('here')])],
        expect: ['outside → node:30080 → here, source kept', 'pod → lb-ip:80 → here, source kept'],
      },
      {
        when: 'the policy becomes Cluster',
        objects: [web(), slices('web', [ready('here'), ready('there')])],
        expect: [
          'outside → node:30080 → here or there, masqueraded',
          'outside → lb-ip:80 → here or there, masqueraded',
          'pod → external-ip:80 → here or there, masqueraded',
        ],
      },
      {
        when: 'and Local again',
        objects: [web(LOCAL)],
        expect: [
          'outside → node:30080 → here, source kept',
          'pod → lb-ip:80 → here or there, source kept',
          'node → external-ip:80 → here or there, masqueraded',
        ],
      },
    ],
  }),
  scenario('Local: pods of the other node are pods, by the cluster CIDR', {
    objects: [web(LOCAL), slices('web', [ready('here'), ready('pod')])],
    expect: ['remote-pod → node:30080 → here or pod, source kept', 'remote-pod → lb-ip:80 → here or pod, source kept'],
  }),
  scenario('Local: what the node sends from an address of the cluster CIDR keeps it, as pods do', {
    flags: [...CLUSTER_CIDRS, '--nodeport-addresses', 'all'],
    objects: [web(LOCAL), slices('web', [ready('there')])],
    expect: [
      'node → pods-gateway:30080 → there, source kept',
      'node → node:30080 → there, masqueraded',
      'node → external-ip:80 → there, masqueraded',
    ],
  }),
  scenario('Local: no pods are known without a cluster CIDR: they are as from outside', {
    flags: [],
    objects: [web(LOCAL), slices('web', [ready('here'), ready('there')])],
    expect: [
      'pod → node:30080 → here, source kept',
      'pod → lb-ip:80 → here, source kept',
      'outside → node:30080 → here, source kept',
      'node → node:30080 → here or there, masqueraded',
    ],
  }),
  scenario('Local: endpoints here that serve while they terminate, if none here is ready', {
    objects: [web(LOCAL), slices('web', [terminating('here'), ended('here-2'), ready('there')])],
    expect: [
      'outside → node:30080 → here, source kept',
      'outside → external-ip:80 → here, source kept',
      // All of the cluster has a ready one.
      'pod → node:30080 → there, source kept',
      'pod → cluster-ip:80 → there, source kept',
    ],
    next: [
      {
        when: 'one here is ready',
        objects: [slices('web', [terminating('here'), ready('here-2'), ready('there')])],
        expect: ['outside → node:30080 → here-2, source kept', 'pod → node:30080 → here-2 or there, source kept'],
      },
      {
        when: 'all terminate',
        objects: [slices('web', [terminating('here'), terminating('there')])],
        expect: [
          'outside → node:30080 → here, source kept',
          'pod → node:30080 → here or there, source kept',
          'node → lb-ip:80 → here or there, masqueraded',
        ],
      },
      {
        when: 'those that terminate are elsewhere: dropped',
        objects: [slices('web', [ended('here'), terminating('there')])],
        expect: [
          'outside → node:30080 → dropped',
          'outside → lb-ip:80 → dropped',
          'pod → lb-ip:80 → there, source kept',
        ],
      },
      {
        when: 'all have ended: rejected',
        objects: [slices('web', [ended('here'), ended('there')])],
        expect: ['outside → node:30080 → rejected', 'pod → lb-ip:80 → rejected'],
      },
    ],
  }),
  scenario('Cluster: those that serve while they terminate, if none is ready anywhere', {
    objects: [web(), slices('web', [terminating('here'), ended('here-2'), ready('there')])],
    expect: ['outside → node:30080 → there, masqueraded', 'outside → external-ip:80 → there, masqueraded'],
    next: [
      {
        when: 'all terminate',
        objects: [slices('web', [terminating('here'), ended('here-2'), terminating('there')])],
        expect: [
          'outside → node:30080 → here or there, masqueraded',
          'outside → lb-ip:80 → here or there, masqueraded',
        ],
      },
      {
        when: 'all have ended: rejected',
        objects: [slices('web', [ended('here'), ended('there')])],
        expect: ['outside → node:30080 → rejected', 'outside → lb-ip:80 → rejected'],
      },
    ],
  }),
  scenario('Local, endpoints in the node’s network namespace', {
    objects: [web(LOCAL), slices('web', [ready('host'), ready('other-host')])],
    expect: [
      'outside → node:30080 → host, source kept',
      'outside → external-ip:80 → host, source kept',
      'pod → external-ip:80 → host or other-host, source kept',
      'node → external-ip:80 → host or other-host, masqueraded',
    ],
  }),
]);

describeScenarios('internalTrafficPolicy', [
  scenario('Cluster: all endpoints', {
    objects: [web({ internalTrafficPolicy: 'Cluster' }), slices('web', [ready('here'), ready('there')])],
    expect: ['pod → cluster-ip:80 → here or there, source kept'],
  }),
  scenario('Local: endpoints of the node, of which there are one, two, none', {
    objects: [web(INSIDE), slices('web', [ready('here'), ready('there'), ready('there-2')])],
    expect: [
      'pod → cluster-ip:80 → here, source kept',
      'pod → cluster-ip:80/sctp → here, source kept',
      'node → cluster-ip:80 → here, masqueraded',
      'outside → cluster-ip:80 → here, masqueraded',
      // For the ClusterIP only.
      'outside → node:30080 → here or there or there-2, masqueraded',
      'pod → external-ip:80 → here or there or there-2, masqueraded',
    ],
    next: [
      {
        when: 'two',
        objects: [slices('web', [ready('here'), ready('here-2'), ready('there')])],
        expect: [
          'pod → cluster-ip:80 → here or here-2, source kept',
          'node → cluster-ip:80 → here or here-2, masqueraded',
        ],
      },
      {
        when: 'none here: dropped',
        objects: [slices('web', [ready('there')])],
        expect: [
          'pod → cluster-ip:80 → dropped',
          'pod → cluster-ip:80/sctp → dropped',
          'node → cluster-ip:80 → dropped',
          'outside → cluster-ip:80 → dropped',
          'outside → node:30080 → there, masqueraded',
        ],
      },
      {
        when: 'none anywhere: rejected',
        objects: [slices('web', [])],
        expect: [
          'pod → cluster-ip:80 → rejected',
          'node → cluster-ip:80 → rejected',
          'outside → cluster-ip:80 → rejected',
        ],
      },
      {
        when: 'the policy becomes Cluster',
        objects: [web(), slices('web', [ready('there')])],
        expect: ['pod → cluster-ip:80 → there, source kept'],
      },
    ],
  }),
  scenario('Local: endpoints here that serve while they terminate, if none here is ready', {
    objects: [web(INSIDE), slices('web', [terminating('here'), ready('there')])],
    expect: ['pod → cluster-ip:80 → here, source kept', 'outside → node:30080 → there, masqueraded'],
    next: [
      {
        when: 'one here is ready',
        objects: [slices('web', [terminating('here'), ready('here-2'), ready('there')])],
        expect: ['pod → cluster-ip:80 → here-2, source kept'],
      },
      {
        when: 'those that terminate are elsewhere: dropped',
        objects: [slices('web', [ended('here'), terminating('there')])],
        expect: ['pod → cluster-ip:80 → dropped', 'outside → node:30080 → there, masqueraded'],
      },
      {
        when: 'all have ended: rejected',
        objects: [slices('web', [ended('here'), ended('there')])],
        expect: ['pod → cluster-ip:80 → rejected'],
      },
    ],
  }),
  scenario('Local, from pods in the node’s network namespace to pods there', {
    objects: [web(INSIDE), slices('web', [ready('host'), ready('other-host')])],
    expect: [
      'pod → cluster-ip:80 → host, source kept',
      'node → cluster-ip:80 → host, masqueraded',
      'outside → cluster-ip:80 → host, source kept',
    ],
  }),
  scenario('both policies Local', {
    flags: CLUSTER_CIDRS,
    objects: [web({ ...LOCAL, ...INSIDE }), slices('web', [ready('here'), ready('there')])],
    expect: [
      'pod → cluster-ip:80 → here, source kept',
      'outside → cluster-ip:80 → here, masqueraded',
      'outside → node:30080 → here, source kept',
      'pod → node:30080 → here or there, source kept',
    ],
    next: [
      {
        when: 'none here',
        objects: [slices('web', [ready('there')])],
        expect: [
          'pod → cluster-ip:80 → dropped',
          'outside → node:30080 → dropped',
          'pod → node:30080 → there, source kept',
          'node → external-ip:80 → there, masqueraded',
        ],
      },
    ],
  }),
]);
