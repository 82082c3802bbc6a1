import { OTHER_NODE } from './runner/cast.ts';
import { node, otherNode, ready, service, slices, terminating } from './runner/objects.ts';
import { CLUSTER_CIDRS, describeScenarios, scenario } from './runner/scenario.ts';

const FLAGS = [...CLUSTER_CIDRS, '--skip-unreachable-nodes'];
const here = ready('here');
const there = ready('there');

describeScenarios('endpoints on nodes that are not Ready', [
  scenario('with the flag: used while there are no others', {
    flags: FLAGS,
    objects: [node(), otherNode('Unknown'), service('web', { nodePort: 30080 }), slices('web', [here, there])],
    expect: [
      'pod → cluster-ip:80 → here, source kept',
      'outside → cluster-ip:80 → here, masqueraded',
      'outside → node:30080 → here, masqueraded',
    ],
    next: [
      {
        when: 'the node is Ready again',
        objects: [otherNode('True')],
        expect: ['pod → cluster-ip:80 → here or there, source kept'],
      },
      {
        when: 'its kubelet says that it is not',
        objects: [otherNode('False')],
        expect: ['pod → cluster-ip:80 → here, source kept'],
      },
      {
        when: 'the other endpoint terminates: it still serves, on a node that is Ready',
        objects: [slices('web', [terminating('here'), there])],
        expect: ['pod → cluster-ip:80 → here, source kept'],
      },
      {
        when: 'there are no others',
        objects: [slices('web', [there])],
        expect: ['pod → cluster-ip:80 → there, source kept'],
      },
      {
        when: 'others come',
        objects: [slices('web', [here, there])],
        expect: ['pod → cluster-ip:80 → here, source kept'],
      },
      {
        when: 'most nodes are not Ready: it is the control plane that has lost them',
        objects: [otherNode('Unknown', 'node-c'), otherNode('Unknown', 'node-d')],
        expect: ['pod → cluster-ip:80 → here or there, source kept'],
      },
      {
        when: 'one of these is Ready again',
        objects: [otherNode('True', 'node-c')],
        expect: ['pod → cluster-ip:80 → here, source kept'],
      },
      {
        when: 'the Node is gone, and its endpoint is still there',
        without: [`Node/${OTHER_NODE}`],
        expect: ['pod → cluster-ip:80 → here or there, source kept'],
      },
    ],
  }),
  scenario('with the flag: policy Local minds this node alone, ready for the control plane or not', {
    flags: FLAGS,
    objects: [
      { ...node(), status: { ...Object(node()['status']), conditions: [{ type: 'Ready', status: 'Unknown' }] } },
      service('web', { nodePort: 30080, spec: { externalTrafficPolicy: 'Local' } }),
      slices('web', [here, there]),
    ],
    expect: ['outside → node:30080 → here, source kept', 'pod → cluster-ip:80 → here or there, source kept'],
  }),
  scenario('without the flag: like all others', {
    objects: [node(), otherNode('Unknown'), service('web'), slices('web', [here, there])],
    expect: ['pod → cluster-ip:80 → here or there, source kept'],
  }),
]);
