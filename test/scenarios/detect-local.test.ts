import { node, ready, service, slices } from './runner/objects.ts';
import { describeScenarios, scenario } from './runner/scenario.ts';

const OBJECTS = [
  service('web', { nodePort: 30080, spec: { externalTrafficPolicy: 'Local' } }),
  slices('web', [ready('here'), ready('there')]),
  service('in-pod', { clusterIp: 'cluster-ip-2' }),
  slices('in-pod', [ready('pod')]),
  service('external', { clusterIp: 'cluster-ip-3', nodePort: 30083, spec: { externalTrafficPolicy: 'Local' } }),
  slices('external', [ready('pod'), ready('there')]),
];
const OWN_PODS = ['10.32.0.0/16', 'fd00:32::/64'];

describeScenarios('who counts as a pod of the cluster (--detect-local-mode)', [
  scenario('ClusterCIDR of one family: in the other nobody can be told to be outside', {
    flags: ['--cluster-cidr', '10.32.0.0/15'],
    objects: OBJECTS,
    expect: [
      'pod → cluster-ip:80 → here or there, source kept',
      'outside → cluster-ip:80/ipv4 → here or there, masqueraded',
      'outside → cluster-ip:80/ipv6 → here or there, source kept',
      'pod → node:30080/ipv4 → here or there, source kept',
      'pod → node:30080/ipv6 → here, source kept',
    ],
  }),
  scenario('NodeCIDR: the pods of this node', {
    flags: ['--detect-local-mode', 'NodeCIDR'],
    objects: [node({ podCidrs: OWN_PODS }), ...OBJECTS],
    expect: [
      'pod → cluster-ip:80 → here or there, source kept',
      'neighbour → cluster-ip-2:80 → pod, source kept',
      'remote-pod → cluster-ip-2:80 → pod, masqueraded',
      'outside → cluster-ip:80 → here or there, masqueraded',
      'node → cluster-ip:80 → here or there, masqueraded',
      'pod → node:30080 → here or there, source kept',
      'remote-pod → node:30083 → pod, source kept',
    ],
    next: [
      {
        when: 'the Node gets other pod CIDRs',
        objects: [node({ podCidrs: ['10.33.0.0/16', 'fd00:33::/64'] })],
        expect: [
          'pod → cluster-ip:80 → here or there, masqueraded',
          'remote-pod → cluster-ip-2:80 → pod, source kept',
          'pod → node:30080 → here, source kept',
        ],
      },
      {
        when: 'and its own again',
        objects: [node({ podCidrs: OWN_PODS })],
        expect: ['pod → cluster-ip:80 → here or there, source kept', 'remote-pod → cluster-ip-2:80 → pod, masqueraded'],
      },
    ],
  }),
  scenario('NodeCIDR: in a family in which the Node has no pods, nobody can be told to be outside', {
    flags: ['--detect-local-mode', 'NodeCIDR'],
    objects: [node({ podCidrs: ['10.32.0.0/16'] }), ...OBJECTS],
    expect: [
      'outside → cluster-ip:80/ipv4 → here or there, masqueraded',
      'outside → cluster-ip:80/ipv6 → here or there, source kept',
      'pod → cluster-ip:80/ipv6 → here or there, source kept',
      'pod → node:30080/ipv6 → here, source kept',
      'node → node:30080/ipv6 → here or there, masqueraded',
    ],
    next: [
      {
        when: 'it gets some',
        objects: [node({ podCidrs: OWN_PODS })],
        expect: [
          'outside → cluster-ip:80/ipv6 → here or there, masqueraded',
          'pod → cluster-ip:80/ipv6 → here or there, source kept',
          'pod → node:30080/ipv6 → here or there, source kept',
        ],
      },
      {
        when: 'and loses those of the other family',
        objects: [node({ podCidrs: ['fd00:32::/64'] })],
        expect: ['outside → cluster-ip:80/ipv4 → here or there, source kept'],
      },
    ],
  }),
  scenario('InterfaceNamePrefix: who comes in over such an interface', {
    flags: ['--detect-local-mode', 'InterfaceNamePrefix', '--pod-interface-name-prefix', 'pod'],
    objects: OBJECTS,
    expect: [
      'pod → cluster-ip:80 → here or there, source kept',
      'pod → cluster-ip:80/sctp → here or there, source kept',
      'neighbour → cluster-ip-2:80 → pod, source kept',
      'remote-pod → cluster-ip-2:80 → pod, masqueraded',
      'outside → cluster-ip:80 → here or there, masqueraded',
      'node → cluster-ip:80 → here or there, masqueraded',
      'pod → node:30080 → here or there, source kept',
      'neighbour → node:30083 → pod or there, source kept',
      'remote-pod → node:30083 → pod, source kept',
      'outside → node:30080 → here, source kept',
      'node → node:30080 → here or there, masqueraded',
      'pod → cluster-ip-2:80 → pod, masqueraded',
    ],
  }),
  scenario('BridgeInterface: who comes in over just this one', {
    flags: ['--detect-local-mode', 'BridgeInterface', '--pod-bridge-interface', 'pod0'],
    objects: OBJECTS,
    expect: [
      'pod → cluster-ip:80 → here or there, source kept',
      'neighbour → cluster-ip-2:80 → pod, masqueraded',
      'remote-pod → cluster-ip-2:80 → pod, masqueraded',
      'outside → cluster-ip:80 → here or there, masqueraded',
      'node → cluster-ip:80 → here or there, masqueraded',
      'pod → node:30080 → here or there, source kept',
      'neighbour → node:30083 → pod, source kept',
      'outside → node:30080 → here, source kept',
    ],
  }),
]);
