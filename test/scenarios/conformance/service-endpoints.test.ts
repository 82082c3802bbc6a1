import {
  ended,
  published,
  ready,
  type ServiceOptions,
  service,
  slices,
  terminating,
  unready,
} from '../runner/objects.ts';
import { describeScenarios, scenario } from '../runner/scenario.ts';

/**
 * The e2e specs about pods that are not ready, traffic policies and session affinity, seen by one node. What a client on
 * another node meets, whose proxy goes by the same rules, is what a client here meets with the endpoint elsewhere.
 */

const web = (options: ServiceOptions = {}) => service('web', { nodePort: 30080, ...options });
const PUBLISHED = { spec: { publishNotReadyAddresses: true } };
const INSIDE = { spec: { internalTrafficPolicy: 'Local' } };
const LOCAL = { spec: { externalTrafficPolicy: 'Local' } };

describeScenarios('Services: pods that are not ready', [
  scenario('should create endpoints for unready pods', {
    // The control plane marks them ready for a Service with publishNotReadyAddresses.
    objects: [web(PUBLISHED), slices('web', [ready('here')])],
    expect: ['pod → cluster-ip:80 → here, source kept'],
    next: [
      {
        when: 'the Service does not want them any more; the pod ends',
        objects: [web(), slices('web', [ended('here')])],
        expect: ['pod → cluster-ip:80 → rejected'],
      },
      {
        when: 'it wants them again: the ending pod is served',
        objects: [web(PUBLISHED), slices('web', [published('here')])],
        expect: ['pod → cluster-ip:80 → here, source kept'],
      },
      { when: 'the pod is gone', objects: [slices('web', [])], expect: ['pod → cluster-ip:80 → rejected'] },
    ],
  }),
  scenario('should be able to connect to terminating and unready endpoints if PublishNotReadyAddresses is true', {
    objects: [web(PUBLISHED), slices('web', [ready('here')])],
    expect: ['remote-pod → node:30080 → here, masqueraded'],
    next: [
      {
        when: 'the only pod ends and is not ready',
        objects: [slices('web', [published('here')])],
        expect: [
          'pod → cluster-ip:80 → here, source kept',
          'pod → node:30080 → here, masqueraded',
          'remote-pod → node:30080 → here, masqueraded',
        ],
      },
    ],
  }),
  scenario('should not be able to connect to terminating and unready endpoints if PublishNotReadyAddresses is false', {
    objects: [web(), slices('web', [ready('here')])],
    expect: ['remote-pod → node:30080 → here, masqueraded'],
    next: [
      {
        when: 'the only pod ends and is not ready',
        objects: [slices('web', [ended('here')])],
        expect: ['pod → cluster-ip:80 → rejected', 'pod → node:30080 → rejected', 'remote-pod → node:30080 → rejected'],
      },
    ],
  }),
  scenario('should be rejected when no endpoints exist', {
    objects: [web(), slices('web', [])],
    expect: ['pod → cluster-ip:80 → rejected', 'node → cluster-ip:80 → rejected', 'outside → node:30080 → rejected'],
  }),
  scenario('should be rejected for evicted pods (no endpoints exist)', {
    objects: [web(PUBLISHED), slices('web', [ready('here')])],
    expect: ['pod → cluster-ip:80 → here, source kept'],
    next: [
      {
        when: 'the kubelet evicts the pod: it serves no more',
        objects: [slices('web', [unready('here')])],
        expect: ['pod → cluster-ip:80 → rejected', 'node → cluster-ip:80 → rejected'],
      },
      {
        when: 'the control plane takes it out, although it publishes what is not ready',
        objects: [slices('web', [])],
        expect: [
          'pod → cluster-ip:80 → rejected',
          'node → cluster-ip:80 → rejected',
          'outside → node:30080 → rejected',
        ],
      },
    ],
  }),
]);

describeScenarios('Services: traffic policies', [
  scenario('should respect internalTrafficPolicy=Local Pod to Pod', {
    objects: [web(INSIDE), slices('web', [ready('here')])],
    expect: ['pod → cluster-ip:80 → here, source kept'],
    next: [
      {
        when: 'the only pod is on another node',
        objects: [slices('web', [ready('there')])],
        expect: ['pod → cluster-ip:80 → dropped'],
      },
    ],
  }),
  scenario('should respect internalTrafficPolicy=Local Pod (hostNetwork: true) to Pod', {
    objects: [web(INSIDE), slices('web', [ready('here')])],
    expect: ['node → cluster-ip:80 → here, masqueraded'],
    next: [
      {
        when: 'the only pod is on another node',
        objects: [slices('web', [ready('there')])],
        expect: ['node → cluster-ip:80 → dropped'],
      },
    ],
  }),
  scenario('should respect internalTrafficPolicy=Local Pod and Node, to Pod (hostNetwork: true)', {
    objects: [web(INSIDE), slices('web', [ready('host')])],
    expect: ['pod → cluster-ip:80 → host, source kept', 'node → cluster-ip:80 → host, masqueraded'],
    next: [
      {
        when: 'the only pod is in the network namespace of another node',
        objects: [slices('web', [ready('other-host')])],
        expect: ['pod → cluster-ip:80 → dropped', 'node → cluster-ip:80 → dropped'],
      },
    ],
  }),
  scenario('should support externalTrafficPolicy=Local for type=NodePort', {
    objects: [web(LOCAL), slices('web', [ready('here')])],
    expect: ['outside → node:30080/tcp → here, source kept', 'outside → node:30080/udp → here, source kept'],
  }),
  scenario(
    'should fallback to terminating endpoints when there are no ready endpoints with internalTrafficPolicy=Cluster',
    {
      objects: [web(), slices('web', [terminating('here')])],
      expect: ['pod → cluster-ip:80 → here, source kept'],
      next: [
        {
          when: 'the one that ends is on another node',
          objects: [slices('web', [terminating('there')])],
          expect: ['pod → cluster-ip:80 → there, source kept'],
        },
      ],
    },
  ),
  scenario(
    'should fallback to local terminating endpoints when there are no ready endpoints with internalTrafficPolicy=Local',
    {
      objects: [web(INSIDE), slices('web', [terminating('here')])],
      expect: ['pod → cluster-ip:80 → here, source kept'],
      next: [
        {
          when: 'the one that ends is on another node',
          objects: [slices('web', [terminating('there')])],
          expect: ['pod → cluster-ip:80 → dropped'],
        },
      ],
    },
  ),
  scenario(
    'should fallback to terminating endpoints when there are no ready endpoints with externallTrafficPolicy=Cluster',
    {
      objects: [web(), slices('web', [terminating('here')])],
      expect: ['pod → node:30080 → here, masqueraded', 'remote-pod → node:30080 → here, masqueraded'],
      next: [
        {
          when: 'the one that ends is on another node',
          objects: [slices('web', [terminating('there')])],
          expect: ['outside → node:30080 → there, masqueraded'],
        },
      ],
    },
  ),
  scenario(
    'should fallback to local terminating endpoints when there are no ready endpoints with externalTrafficPolicy=Local',
    {
      objects: [web(LOCAL), slices('web', [terminating('here')])],
      expect: [
        'pod → node:30080 → here, source kept',
        'remote-pod → node:30080 → here, source kept',
        'outside → node:30080 → here, source kept',
      ],
      next: [
        {
          when: 'the one that ends is on another node',
          objects: [slices('web', [terminating('there')])],
          // A pod of this node still reaches it: the policy is for those outside.
          expect: ['outside → node:30080 → dropped', 'pod → node:30080 → there, source kept'],
        },
      ],
    },
  ),
]);

const STICKY = { sessionAffinity: 'ClientIP' };
const THREE = slices('web', [ready('here'), ready('here-2'), ready('there')]);

describeScenarios('Services: session affinity', [
  scenario('should have session affinity work for service with type clusterIP [LinuxOnly]', {
    objects: [service('web', { spec: STICKY }), THREE],
    expect: ['pod → cluster-ip:80 → one of here or here-2 or there, source kept'],
  }),
  scenario('should be able to switch session affinity for service with type clusterIP [LinuxOnly]', {
    objects: [service('web', { spec: STICKY }), THREE],
    expect: ['pod → cluster-ip:80 → one of here or here-2 or there, source kept'],
    next: [
      {
        when: 'off',
        objects: [service('web')],
        expect: ['pod → cluster-ip:80 → here or here-2 or there, source kept'],
      },
      {
        when: 'on again',
        objects: [service('web', { spec: STICKY })],
        expect: ['pod → cluster-ip:80 → one of here or here-2 or there, source kept'],
      },
    ],
  }),
  scenario('should have session affinity work for NodePort service [LinuxOnly]', {
    objects: [web({ spec: STICKY }), THREE],
    expect: [
      'pod → node:30080 → one of here or here-2 or there, masqueraded',
      'pod → cluster-ip:80 → one of here or here-2 or there, source kept',
    ],
  }),
  scenario('should be able to switch session affinity for NodePort service [LinuxOnly]', {
    objects: [web({ spec: STICKY }), THREE],
    expect: ['pod → node:30080 → one of here or here-2 or there, masqueraded'],
    next: [
      { when: 'off', objects: [web()], expect: ['pod → node:30080 → here or here-2 or there, masqueraded'] },
      {
        when: 'on again',
        objects: [web({ spec: STICKY })],
        expect: ['pod → node:30080 → one of here or here-2 or there, masqueraded'],
      },
    ],
  }),
]);
