import { node, ready, service, slices } from './runner/objects.ts';
import { describeScenarios, scenario } from './runner/scenario.ts';

const web = [
  service('web', { nodePort: 30080, spec: { externalTrafficPolicy: 'Local' } }),
  slices('web', [ready('here'), ready('there')]),
];

describeScenarios('a Node that changes', [
  scenario('its first address carries the node ports, whichever it is', {
    objects: [node({ addresses: ['node', 'second-ip'] }), ...web],
    expect: ['outside → node:30080 → here, source kept', 'outside → second-ip:30080 → untouched'],
    next: [
      {
        when: 'the other is first',
        objects: [node({ addresses: ['second-ip', 'node'] })],
        expect: ['outside → node:30080 → untouched', 'outside → second-ip:30080 → here, source kept'],
      },
      {
        when: 'it has none',
        objects: [node({ addresses: [] })],
        expect: ['outside → node:30080 → untouched', 'pod → cluster-ip:80 → here or there, source kept'],
      },
      {
        when: 'there is no Node',
        without: ['Node/node-a'],
        expect: ['outside → node:30080 → untouched', 'pod → cluster-ip:80 → here or there, source kept'],
      },
      { when: 'it is there again', objects: [node()], expect: ['outside → node:30080 → here, source kept'] },
    ],
  }),
  scenario('an address it does not have (yet) carries no node ports', {
    objects: [node({ addresses: ['external-ip'] }), ...web],
    expect: ['outside → external-ip:30080 → untouched', 'outside → node:30080 → untouched'],
    next: [
      {
        when: 'it is one that the node has',
        objects: [node({ addresses: ['lb-ip-here'] })],
        expect: [
          'outside → lb-ip-here:30080 → here, source kept',
          'node → lb-ip-here:30080 → here or there, masqueraded',
        ],
      },
    ],
  }),
]);
